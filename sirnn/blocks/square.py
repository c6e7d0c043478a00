"""Squaring: x * x into a wider ring, with half of a multiplication's cross terms (SIRNN, section III-D).

Over the integers x = x0 + x1 - 2^m w, so modulo 2^l with l <= 2 m

    x^2 = x0^2 + x1^2 + 2 x0 x1 - 2^(m+1) w x.

The two cross terms are one and the same, so a single direction of OTs makes them; and what is doubled is needed to one
bit less. A square of m + 1 bits or fewer does not depend on the wrap at all.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb, invert_known, known, wrap, wrap_cost
from sirnn.blocks.conversion import mux, mux_cost
from sirnn.blocks.multiplication import bit_planes
from sirnn.blocks.sums import WeightedSums, in_every_field
from sirnn.cost import FREE, Cost, parallel
from sirnn.errors import LocalError
from sirnn.ot.correlated import correlated_ot_cost, stream_correlated_ot
from sirnn.ot.fields import CotField
from sirnn.party import SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Msb, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare


def square_clear(x: Clear, *, bits: int, signed: bool) -> Clear:
    """The integer square, read modulo the output's ring."""
    value = ring.to_signed(x, bits).view(np.uint64) if signed else x
    return value * value


def _halves_fields(n: int, bits: int, out_bits: int) -> list[CotField]:
    """Bit i of one half meets the other half modulo 2^(out_bits - 1 - i); where nothing is left there is no OT."""
    return [CotField(n, out_bits - 1 - bit) for bit in range(min(bits, out_bits - 1))]


def square_cost(profile: Profile, n: int, *, bits: int, out_bits: int, msb: str = "unknown") -> Cost:
    """One direction of cross terms, m COTs of l - 1 - i bits; if l > m + 1 a wrap and a MUX of l - m - 1 bits.

    16 bits into 32 in profile `paper`: 4,420 bits, against 8,876 for a multiplication.
    """
    cross = _sum_squared_cost(profile, n, bits=bits, out_bits=out_bits)
    if out_bits <= bits + 1:
        return cross
    return parallel(cross, _wrap_term_cost(profile, n, bits=bits, rest=out_bits - bits - 1, msb=msb))


def _sum_squared_cost(profile: Profile, n: int, *, bits: int, out_bits: int) -> Cost:
    fields = _halves_fields(n, bits, out_bits)
    return correlated_ot_cost(profile, fields, sender=SERVER) if fields else FREE


def _wrap_term_cost(profile: Profile, n: int, *, bits: int, rest: int, msb: str) -> Cost:
    return wrap_cost(profile, n, bits=bits, msb=msb) + mux_cost(profile, n, bits=rest)


@protocol(
    takes=(Arith("bits"), Msb()),
    gives=(Arith("out_bits"),),
    clear=square_clear,
    cost=square_cost,
    examples=[
        {"bits": bits, "out_bits": out, "signed": signed, "msb": msb}
        for bits, out in ((1, 1), (1, 2), (3, 3), (4, 6), (7, 14), (16, 32), (20, 33), (32, 64), (64, 64))
        for signed in (False, True)
        for msb in ("unknown", "zero", "shared")
    ],
)
async def square(
    party: Party, x: ArithmeticShare, msb: KnownMsb = None, *, out_bits: int, signed: bool
) -> ArithmeticShare:
    """Element-wise x * x mod 2^out_bits.

    Args:
        party: this party.
        x: m-bit share.
        msb: what is known of the top bit of x.
        out_bits: l, with m <= l <= 2 m and l <= 64.
        signed: read x in two's complement.

    Raises:
        LocalError: `out_bits` is out of range.
    """
    if not x.bits <= out_bits <= min(2 * x.bits, ring.MAX_BITS):
        raise LocalError(f"the square of {x.bits} bits in {out_bits}", remedy="need m <= l <= 2 m, and at most 64")
    if signed:
        x, msb = x + party.constant(1 << (x.bits - 1), x.bits, x.shape), invert_known(party, msb)
    if out_bits <= x.bits + 1:
        total = await _sum_squared(party, x, out_bits)
    else:
        n, rest = x.size, out_bits - x.bits - 1
        total, excess = await party.parallel(
            (
                _sum_squared_cost(party.profile, n, bits=x.bits, out_bits=out_bits),
                lambda p: _sum_squared(p, x, out_bits),
            ),
            (
                _wrap_term_cost(party.profile, n, bits=x.bits, rest=rest, msb=known(msb)),
                lambda p: _wrap_term(p, x, msb, rest),
            ),
        )
        total = total - (ring.reduce(excess.words, out_bits) << total.dtype.type(x.bits + 1))
    if signed:
        # (x' - 2^(m-1))^2 = x'^2 - 2^m x' + 2^(2m-2), and below 2^m a wrap of x' is 0 mod 2^l.
        total = total - _shifted(x.words, x.bits, out_bits)
        total = total + party.constant(_power(2 * x.bits - 2, out_bits), out_bits, x.shape).words
    return ArithmeticShare(ring.reduce(total, out_bits), out_bits)


async def _sum_squared(party: Party, x: ArithmeticShare, out_bits: int) -> Words:
    """A share of (x0 + x1)^2 mod 2^out_bits, the halves read as integers."""
    own = ring.reduce(x.words, out_bits)
    fields, flat = _halves_fields(x.size, x.bits, out_bits), x.words.reshape(-1)
    if not fields:
        return own * own
    sums = WeightedSums((x.size, 1), out_bits - 1)
    if party.is_server:
        await stream_correlated_ot(party, fields, sums.add, sender=SERVER, correlate=in_every_field(flat))
    else:
        planes = bit_planes(flat, len(fields))
        await stream_correlated_ot(party, fields, sums.add, sender=SERVER, choices=planes)
    crossed = ring.reduce(sums.reduced(), out_bits).reshape(x.shape)
    return own * own + (crossed << crossed.dtype.type(1))


async def _wrap_term(party: Party, x: ArithmeticShare, msb: KnownMsb, bits: int) -> ArithmeticShare:
    """wrap(x) x mod 2^bits."""
    return await mux(party, await wrap(party, x, msb), x.reduce(bits))


def _shifted(words: Words, places: int, bits: int) -> Words:
    """words * 2^places mod 2^bits, also if that is all of them."""
    wide = ring.reduce(words, bits)
    return wide << wide.dtype.type(places) if places < bits else np.zeros_like(wide)


def _power(exponent: int, bits: int) -> int:
    """2^exponent mod 2^bits; it is a power below the ring's top bit, or 0."""
    return 1 << exponent if exponent < bits else 0
