"""Extension: the same value in a wider ring.

x = x0 + x1 - 2^m wrap(x0, x1) over the integers, so widening is a wrap and its B2A (SIRNN, section III-B).
A signed value is shifted by half the ring first, which makes it an unsigned one.
"""

from __future__ import annotations

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb, invert_known, wrap, wrap_cost
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.cost import FREE, Cost
from sirnn.errors import LocalError
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Msb, protocol
from sirnn.shares import ArithmeticShare

EXAMPLES = [
    {"bits": narrow, "out_bits": wide, "msb": msb}
    for narrow, wide in ((1, 3), (3, 4), (4, 4), (5, 9), (8, 16), (16, 37), (33, 64))
    for msb in ("unknown", "zero", "shared")
]


def zero_extend_clear(x: Clear) -> Clear:
    """The same unsigned number."""
    return x


def sign_extend_clear(x: Clear, *, bits: int) -> Clear:
    """The same signed number."""
    return ring.to_signed(x, bits).view("uint64")


def extend_cost(profile: Profile, n: int, *, bits: int, out_bits: int, msb: str = "unknown") -> Cost:
    """A wrap of `bits` and a B2A to out_bits - bits; free if the width stays."""
    if out_bits == bits:
        return FREE
    return wrap_cost(profile, n, bits=bits, msb=msb) + b2a_cost(profile, n, bits=out_bits - bits)


@protocol(
    takes=(Arith("bits"), Msb()),
    gives=(Arith("out_bits"),),
    clear=zero_extend_clear,
    cost=extend_cost,
    examples=EXAMPLES,
)
async def zero_extend(party: Party, x: ArithmeticShare, msb: KnownMsb = None, *, out_bits: int) -> ArithmeticShare:
    """The unsigned value of x in a ring of `out_bits` bits; `msb` is what is known of its top bit.

    Raises:
        LocalError: `out_bits` is narrower than x.
    """
    if out_bits < x.bits:
        raise LocalError(f"cannot extend {x!r} to {out_bits} bits", remedy="use reduce")
    if out_bits == x.bits:
        return x
    wrapped = await b2a(party, await wrap(party, x, msb), bits=out_bits - x.bits)
    wide = ring.reduce(x.words, out_bits)
    carry = ring.reduce(wrapped.words, out_bits) << wide.dtype.type(x.bits)
    return ArithmeticShare(ring.reduce(wide - carry, out_bits), out_bits)


@protocol(
    takes=(Arith("bits"), Msb()),
    gives=(Arith("out_bits"),),
    clear=sign_extend_clear,
    cost=extend_cost,
    examples=EXAMPLES,
)
async def sign_extend(party: Party, x: ArithmeticShare, msb: KnownMsb = None, *, out_bits: int) -> ArithmeticShare:
    """The signed value of x in a ring of `out_bits` bits; `msb` is what is known of its sign."""
    if out_bits == x.bits:
        return x
    offset = 1 << (x.bits - 1)
    shifted = x + party.constant(offset, x.bits, x.shape)
    wide = await zero_extend(party, shifted, invert_known(party, msb), out_bits=out_bits)
    return wide - party.constant(offset, out_bits, x.shape)
