"""Multiplication with mixed bitwidths: m bits times n bits into l bits, exact (SIRNN, section III-D).

Over the integers x = x0 + x1 - 2^m wx and y = y0 + y1 - 2^n wy, so

    x y = x0 y0 + x1 y1 + (x0 y1 + x1 y0) - 2^m wx y - 2^n wy x   (mod 2^l).

The cross terms take one COT per bit of the narrower operand, whose bits are the choices; bit i contributes only l - i
bits. The wrap terms are a wrap and a MUX each, and fall away where 2^m or 2^n is 0 mod 2^l. All three run at once.
A signed operand is shifted by half its ring and the shift is multiplied out again.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb, invert_known, known, wrap, wrap_cost
from sirnn.blocks.conversion import mux, mux_cost
from sirnn.blocks.sums import WeightedSums, in_every_field
from sirnn.cost import FREE, Cost, parallel, remembered
from sirnn.errors import LocalError
from sirnn.ot.correlated import cot_both_ways_cost, stream_cot_both_ways
from sirnn.ot.fields import CotField
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Halves, Msb, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

# ------------------------------------------------------------ cross terms


def cross_terms_clear(x0: Clear, x1: Clear, y0: Clear, y1: Clear) -> Clear:
    """What the halves contribute across: x0 y1 + x1 y0."""
    return x0 * y1 + x1 * y0


def _cross_fields(n: int, choice_bits: int, out_bits: int) -> list[CotField]:
    return [CotField(n, out_bits - bit) for bit in range(choice_bits)]


@remembered(512)
def cross_terms_cost(profile: Profile, n: int, *, x_bits: int, y_bits: int, out_bits: int) -> Cost:
    """2 [mu (128 + l) - mu (mu - 1) / 2] bits in profile `paper`, else 1 in place of 128; mu the narrower width."""
    return cot_both_ways_cost(profile, _cross_fields(n, min(x_bits, y_bits), out_bits))


@protocol(
    takes=(Halves("x_bits"), Halves("y_bits")),
    gives=(Arith("out_bits"),),
    clear=cross_terms_clear,
    cost=cross_terms_cost,
    examples=[
        {"x_bits": x, "y_bits": y, "out_bits": out}
        for x, y, out in ((2, 2, 4), (1, 3, 4), (3, 5, 5), (8, 16, 24), (14, 14, 26), (32, 32, 64))
    ],
)
async def cross_terms(party: Party, x: ArithmeticShare, y: ArithmeticShare, *, out_bits: int) -> ArithmeticShare:
    """x0 y1 + x1 y0 mod 2^out_bits, the halves read as unsigned integers. 2 flights."""
    chooser, other = (x, y) if x.bits <= y.bits else (y, x)
    fields = _cross_fields(x.size, chooser.bits, out_bits)
    words = ring.reduce(other.words.reshape(-1), out_bits)
    choices, sums = bit_planes(chooser.words.reshape(-1), chooser.bits), WeightedSums((x.size, 1), out_bits)
    await stream_cot_both_ways(party, fields, in_every_field(words), choices, sums.add)
    return ArithmeticShare(sums.reduced().reshape(x.shape), out_bits)


def bit_planes(words: Words, bits: int) -> list[Words]:
    """The bits of each word, lowest plane first, as uint8 arrays of the words' shape."""
    return [(words >> words.dtype.type(bit)).astype(np.uint8) & np.uint8(1) for bit in range(bits)]


def weighted_sum(planes: list[Words], bits: int) -> Words:
    """Sum of 2^i planes[i], mod 2^bits."""
    dtype = ring.dtype_for(bits)
    total = np.zeros(planes[0].shape, dtype=dtype)
    for place, plane in enumerate(planes):
        total += plane.astype(dtype) << dtype.type(place)
    return ring.reduce(total, bits)


# ------------------------------------------------------------ product


def multiply_clear(x: Clear, y: Clear, *, x_bits: int, y_bits: int, x_signed: bool, y_signed: bool) -> Clear:
    """The integer product, read modulo the output's ring."""
    left = ring.to_signed(x, x_bits).view(np.uint64) if x_signed else x
    right = ring.to_signed(y, y_bits).view(np.uint64) if y_signed else y
    return left * right


@remembered(512)
def multiply_cost(
    profile: Profile,
    n: int,
    *,
    x_bits: int,
    y_bits: int,
    out_bits: int,
    msb_x: str = "unknown",
    msb_y: str = "unknown",
) -> Cost:
    """Cross terms, and for each operand narrower than the output a wrap and a MUX; all in parallel."""
    return parallel(
        cross_terms_cost(profile, n, x_bits=x_bits, y_bits=y_bits, out_bits=out_bits),
        _wrap_term_cost(profile, n, bits=x_bits, out_bits=out_bits, msb=msb_x),
        _wrap_term_cost(profile, n, bits=y_bits, out_bits=out_bits, msb=msb_y),
    )


@remembered(512)
def _wrap_term_cost(profile: Profile, n: int, *, bits: int, out_bits: int, msb: str) -> Cost:
    if out_bits == bits:
        return FREE
    return wrap_cost(profile, n, bits=bits, msb=msb) + mux_cost(profile, n, bits=out_bits - bits)


@protocol(
    takes=(Arith("x_bits"), Arith("y_bits"), Msb(of=0, param="msb_x"), Msb(of=1, param="msb_y")),
    gives=(Arith("out_bits"),),
    clear=multiply_clear,
    cost=multiply_cost,
    examples=[
        {"x_bits": x, "y_bits": y, "out_bits": out, "x_signed": xs, "y_signed": ys, "msb_x": mx, "msb_y": my}
        for x, y, out, mx, my in (
            (2, 2, 4, "unknown", "unknown"),
            (1, 3, 4, "unknown", "unknown"),
            (2, 3, 3, "shared", "zero"),
            (2, 2, 3, "zero", "shared"),
            (8, 8, 16, "unknown", "zero"),
            (8, 16, 20, "shared", "unknown"),
            (14, 14, 26, "zero", "zero"),
            (16, 16, 32, "unknown", "unknown"),
            (32, 32, 64, "shared", "unknown"),
        )
        for xs in (False, True)
        for ys in (False, True)
    ],
)
async def multiply(
    party: Party,
    x: ArithmeticShare,
    y: ArithmeticShare,
    msb_x: KnownMsb = None,
    msb_y: KnownMsb = None,
    *,
    out_bits: int,
    x_signed: bool,
    y_signed: bool,
) -> ArithmeticShare:
    """Element-wise x * y mod 2^out_bits, each operand read as signed or unsigned.

    Args:
        party: this party.
        x: m-bit share.
        y: n-bit share of the same shape.
        msb_x: what is known of the top bit of x.
        msb_y: what is known of the top bit of y.
        out_bits: l, with max(m, n) <= l <= m + n and l <= 64.
        x_signed: read x in two's complement.
        y_signed: read y in two's complement.

    Raises:
        LocalError: shapes differ, or `out_bits` is out of range.
    """
    if x.shape != y.shape:
        raise LocalError(f"factors of shapes {x.shape} and {y.shape}", remedy="broadcast first")
    if not max(x.bits, y.bits) <= out_bits <= x.bits + y.bits:
        raise LocalError(f"{x.bits} bits times {y.bits} bits into {out_bits}", remedy="need max(m, n) <= l <= m + n")
    if x_signed:
        x, msb_x = x + party.constant(1 << (x.bits - 1), x.bits, x.shape), invert_known(party, msb_x)
    if y_signed:
        y, msb_y = y + party.constant(1 << (y.bits - 1), y.bits, y.shape), invert_known(party, msb_y)
    n, profile = x.size, party.profile
    cross, (wrap_x, excess_x), (wrap_y, excess_y) = await party.parallel(
        (
            cross_terms_cost(profile, n, x_bits=x.bits, y_bits=y.bits, out_bits=out_bits),
            lambda p: cross_terms(p, x, y, out_bits=out_bits),
        ),
        (
            _wrap_term_cost(profile, n, bits=x.bits, out_bits=out_bits, msb=known(msb_x)),
            lambda p: _wrap_term(p, x, msb_x, y, out_bits),
        ),
        (
            _wrap_term_cost(profile, n, bits=y.bits, out_bits=out_bits, msb=known(msb_y)),
            lambda p: _wrap_term(p, y, msb_y, x, out_bits),
        ),
    )
    own = ring.reduce(x.words, out_bits) * ring.reduce(y.words, out_bits)
    product: ArithmeticShare = ArithmeticShare(ring.reduce(own, out_bits), out_bits) + cross - excess_x - excess_y
    # (x' - a)(y' - b) = x'y' - a y' - b x' + ab, with a and b half the ring of a signed operand.
    if x_signed:
        product = product - (_integer(y, wrap_y, out_bits) << (x.bits - 1))
    if y_signed:
        product = product - (_integer(x, wrap_x, out_bits) << (y.bits - 1))
    if x_signed and y_signed:
        product += party.constant(_power(x.bits + y.bits - 2, out_bits), out_bits, x.shape)
    return product


async def _wrap_term(
    party: Party, x: ArithmeticShare, msb: KnownMsb, y: ArithmeticShare, out_bits: int
) -> tuple[BooleanShare | None, ArithmeticShare]:
    """The wrap of x and 2^m wrap(x) y mod 2^out_bits; nothing to do if x is as wide as the output."""
    if out_bits == x.bits:
        return None, party.constant(0, out_bits, x.shape)
    wrapped = await wrap(party, x, msb)
    excess = await mux(party, wrapped, y.reduce(out_bits - x.bits))
    wide = ArithmeticShare(ring.reduce(excess.words, out_bits), out_bits)
    return wrapped, wide << x.bits


def _integer(x: ArithmeticShare, wrapped: BooleanShare | None, out_bits: int) -> ArithmeticShare:
    """x as an integer, good for use below a factor that makes 2^bits the ring's top bit or more.

    There the wrap bit's xor share is as good as an additive one, since 2 times the factor is 0.
    """
    integer = ring.reduce(x.words, out_bits)
    if wrapped is not None:
        integer = integer - (ring.reduce(wrapped.words, out_bits) << integer.dtype.type(x.bits))
    return ArithmeticShare(ring.reduce(integer, out_bits), out_bits)


def _power(exponent: int, bits: int) -> int:
    """2^exponent mod 2^bits, as a signed 64-bit integer can hold it."""
    value = (1 << exponent) % (1 << bits)
    return value - (1 << 64) if value >> 63 else value
