"""Truncation: dropping low bits, exactly.

x = u 2^s + v half by half, so floor(x / 2^s) = u0 + u1 + wrap(v0, v1): only the carry out of the low parts is missing.
In the narrower ring that is all there is to it (SIRNN, section III-C, "truncate and reduce"). Half a unit added before
makes it a rounding.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import wrap, wrap_cost
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.cost import FREE, Cost, remembered
from sirnn.errors import LocalError
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.shares import ArithmeticShare


def truncate_reduce_clear(x: Clear, *, shift: int) -> Clear:
    """floor(x / 2^shift)."""
    return x >> np.uint64(shift)


def round_reduce_clear(x: Clear, *, shift: int) -> Clear:
    """floor(x / 2^shift + 1/2)."""
    return (x + np.uint64(_half(shift))) >> np.uint64(shift)


def _half(shift: int) -> int:
    return 1 << shift >> 1


@remembered(512)
def truncate_reduce_cost(profile: Profile, n: int, *, bits: int, shift: int) -> Cost:
    """A wrap of `shift` bits and a B2A to bits - shift; free for shift 0."""
    if shift == 0:
        return FREE
    return wrap_cost(profile, n, bits=shift) + b2a_cost(profile, n, bits=bits - shift)


EXAMPLES = [
    {"bits": bits, "shift": shift}
    for bits, shift in ((3, 0), (3, 2), (5, 1), (6, 3), (7, 6), (16, 8), (26, 12), (37, 12), (64, 1), (64, 63))
]


@protocol(
    takes=(Arith("bits"),),
    gives=(Arith(lambda p: p["bits"] - p["shift"]),),
    clear=truncate_reduce_clear,
    cost=truncate_reduce_cost,
    examples=EXAMPLES,
)
async def truncate_reduce(party: Party, x: ArithmeticShare, *, shift: int) -> ArithmeticShare:
    """floor(x / 2^shift) modulo 2^(bits - shift), exactly; the result's ring is `shift` bits narrower.

    Right for signed values too: they come out in two's complement, rounded towards minus infinity.

    Raises:
        LocalError: nothing would be left.
    """
    if not 0 <= shift < x.bits:
        raise LocalError(f"cannot drop {shift} bits of {x!r}", remedy="drop at least none and fewer than it has")
    if shift == 0:
        return x
    bits = x.bits - shift
    carry = await b2a(party, await wrap(party, x.reduce(shift)), bits=bits)
    high = ring.reduce(x.words >> x.words.dtype.type(shift), bits)
    return ArithmeticShare(high, bits) + carry


@protocol(
    takes=(Arith("bits"),),
    gives=(Arith(lambda p: p["bits"] - p["shift"]),),
    clear=round_reduce_clear,
    cost=truncate_reduce_cost,
    examples=EXAMPLES,
)
async def round_reduce(party: Party, x: ArithmeticShare, *, shift: int) -> ArithmeticShare:
    """x / 2^shift rounded to the nearest, halves up, modulo 2^(bits - shift); for what `truncate_reduce` costs.

    Raises:
        LocalError: nothing would be left.
    """
    return await truncate_reduce(party, x + party.constant(_half(shift), x.bits, x.shape), shift=shift)
