"""1/v and n/v for v in [1, 2), SIRNN's way: a table of chords, then Goldschmidt's iteration if that is too coarse.

The top m fraction bits of v choose a chord c1 - c0 f of 1/v, f being the bits below. With m = (s - 2) / 2 the chord is
already good to 2.20 ULP at output scale s (8..14 and 16-bit words, `proof.py`), and no iteration is needed up to
s = 18; beyond, half the bits come from the chord and one Goldschmidt step doubles them.

Source: SIRNN (Rathee et al., IEEE S&P 2021), sections on sigmoid/tanh and on division. Bit-exact with the authors'
implementation.
"""

from __future__ import annotations

import functools
import math

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb
from sirnn.blocks.extension import extend_cost, sign_extend, zero_extend
from sirnn.blocks.lookup import WIDEST, lookup, lookup_cost
from sirnn.blocks.multiplication import multiply, multiply_cost
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.cost import FREE, Cost, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Msb, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare

LARGEST_SCALE_WITHOUT_ITERATION = 18


@attrs.frozen
class ReciprocalParameters:
    """How the reciprocal of a value of scale `scale` is found at scale `out_scale`.

    Attributes:
        scale: scale s of v, which has s + 1 bits.
        out_scale: scale of the result, which has out_scale + 2 bits, the top one always 0.
        index_bits: m, fraction bits that choose the chord.
        iterations: Goldschmidt steps after it, 0 or 1.
    """

    scale: int
    out_scale: int
    index_bits: int
    iterations: int

    @property
    def rest_bits(self) -> int:
        """Width of f, the fraction bits below the index."""
        return self.scale - self.index_bits

    @property
    def slope_bits(self) -> int:
        """Width of c0; its top bit is always 0."""
        return self.index_bits + 4

    @property
    def intercept_bits(self) -> int:
        """Width of c1; its top bit is always 0."""
        return 2 * self.index_bits + 4

    @property
    def product_bits(self) -> int:
        """Width of c0 f: the sum of its factors' widths."""
        return self.scale + 4

    @property
    def chord_bits(self) -> int:
        """Ring of c1 2^(s-m+1) - c0 f; its top bit is always 0."""
        return self.scale + self.index_bits + 5

    @property
    def chord_shift(self) -> int:
        """Truncation that takes the chord's scale s + m + 3 to out_scale; leaves out_scale + 2 bits."""
        return self.scale + self.index_bits + 3 - self.out_scale


def reciprocal_parameters(scale: int, out_scale: int) -> ReciprocalParameters:
    """The paper's choice of m and of the number of iterations.

    Raises:
        LocalError: v has no fraction bits below the index, or fewer than the result needs, or the result has too many.
    """
    iterations = 0 if out_scale <= LARGEST_SCALE_WITHOUT_ITERATION else 1
    good_bits = math.ceil(out_scale / 2) if iterations else out_scale
    parameters = ReciprocalParameters(scale, out_scale, math.ceil((good_bits - 2) / 2), iterations)
    indexed = 1 <= parameters.index_bits <= WIDEST
    if not indexed or parameters.rest_bits < 1 or parameters.chord_shift < 0:
        raise LocalError(
            f"no reciprocal of a value at scale {scale} to scale {out_scale}",
            remedy="use an output scale of 3 to 36, near the input's",
        )
    return parameters


@functools.lru_cache(maxsize=32)
def reciprocal_table(index_bits: int) -> Words:
    """The 2^m chords, each c0 2^(2m+4) + c1 in one word of 3m + 8 bits. Shared and read-only.

    With p = 1 + e/2^m and z = p (p + 2^-m): c0 = floor(2^(m+3) / z) is the slope, and
    c1 = floor(2^(2m+2) (2^-(m+1) + sqrt z) / z) the intercept of the chord raised to halve its largest error.
    """
    step = 2.0**-index_bits
    entries = []
    for e in range(1 << index_bits):
        z = (1 + e * step) * (1 + e * step + step)
        slope = int(2.0 ** (index_bits + 3) / z)
        intercept = int(2.0 ** (2 * index_bits + 2) * (step / 2 + math.sqrt(z)) / z)
        entries.append(slope << (2 * index_bits + 4) | intercept)
    table = np.array(entries, dtype=ring.dtype_for(3 * index_bits + 8))
    table.flags.writeable = False
    return table


def chord_reciprocal_clear(v: Clear, *, scale: int, out_scale: int) -> Clear:
    """The chord's approximation of 1/v, without iteration.

    Args:
        v: words of scale + 1 bits in [1, 2); only the fraction bits are read.
        scale: scale of v.
        out_scale: scale of the result.

    Returns:
        Words of out_scale + 2 bits whose top bit is 0, uint64.
    """
    p = reciprocal_parameters(scale, out_scale)
    fraction = v & np.uint64(ring.mask(scale))
    entry = reciprocal_table(p.index_bits)[fraction >> np.uint64(p.rest_bits)].astype(np.uint64)
    slope = entry >> np.uint64(p.intercept_bits)
    intercept = entry & np.uint64(ring.mask(p.intercept_bits))
    fall = slope * (fraction & np.uint64(ring.mask(p.rest_bits)))
    chord: Clear = ((intercept << np.uint64(p.rest_bits + 1)) - fall) & np.uint64(ring.mask(p.chord_bits))
    return chord >> np.uint64(p.chord_shift)


def divide_clear(nm: Clear, dn: Clear, *, num: FixedPoint, scale: int, out: FixedPoint) -> Clear:
    """nm / dn for a denominator in [1, 2).

    Args:
        nm: words of `num`.
        dn: words of scale + 1 bits in [1, 2), same shape.
        num: type of the numerator.
        scale: scale of the denominator.
        out: type of the quotient.

    Returns:
        Words of `out`, uint64: the quotient modulo 2^out.bits.
    """
    p = reciprocal_parameters(scale, out.scale)
    inverse = chord_reciprocal_clear(dn, scale=scale, out_scale=out.scale)
    quotient = (num.to_int(nm) * inverse.astype(np.int64)) >> np.int64(num.scale)
    words = ring.from_signed(quotient, out.bits).astype(np.uint64)
    return refine_clear(words, inverse, dn, scale=scale, out=out) if p.iterations else words


# ------------------------------------------------------------ secure: the chord


def chord_reciprocal_cost(profile: Profile, n: int, *, scale: int, out_scale: int) -> Cost:
    """Index, chord, slope times rest, and the truncation to out_scale."""
    p = reciprocal_parameters(scale, out_scale)
    return sequence(
        truncate_reduce_cost(profile, n, bits=scale, shift=p.rest_bits),
        lookup_cost(profile, n, bits=p.index_bits, out_bits=[p.slope_bits, p.intercept_bits]),
        multiply_cost(
            profile, n, x_bits=p.slope_bits, y_bits=p.rest_bits, out_bits=p.product_bits, msb_x="zero", msb_y="unknown"
        ),
        extend_cost(profile, n, bits=p.product_bits, out_bits=p.chord_bits, msb="zero"),
        truncate_reduce_cost(profile, n, bits=p.chord_bits, shift=p.chord_shift),
    )


@protocol(
    takes=(Arith(lambda p: p["scale"] + 1),),
    gives=(Arith(lambda p: p["out_scale"] + 2),),
    clear=chord_reciprocal_clear,
    cost=chord_reciprocal_cost,
    examples=[{"scale": 5, "out_scale": 6}, {"scale": 12, "out_scale": 12}, {"scale": 14, "out_scale": 11}],
)
async def chord_reciprocal(party: Party, v: ArithmeticShare, *, scale: int, out_scale: int) -> ArithmeticShare:
    """The chord's approximation of 1/v for v in [1, 2): a share of out_scale + 2 bits, the top one 0.

    That bit more costs far less than the wrap which a product with the result would need without it.

    Args:
        party: this party.
        v: share of at least `scale` bits; only its fraction is read.
        scale: scale of v.
        out_scale: scale of the result.
    """
    p = reciprocal_parameters(scale, out_scale)
    table = reciprocal_table(p.index_bits)
    fraction = v.reduce(scale)
    index = await truncate_reduce(party, fraction, shift=p.rest_bits)
    slopes, intercepts = table >> table.dtype.type(p.intercept_bits), ring.reduce(table, p.intercept_bits)
    slope, intercept = await lookup(
        party, index, tables=[slopes, intercepts], out_bits=[p.slope_bits, p.intercept_bits]
    )
    rest = fraction.reduce(p.rest_bits)
    fall = await multiply(party, slope, rest, 0, out_bits=p.product_bits, x_signed=False, y_signed=False)
    fall = await zero_extend(party, fall, 0, out_bits=p.chord_bits)
    # The intercept's ring times this power is the chord's ring: no extension needed.
    start = ArithmeticShare(ring.reduce(intercept.words, p.chord_bits), p.chord_bits) << (p.rest_bits + 1)
    return await truncate_reduce(party, start - fall, shift=p.chord_shift)


# ------------------------------------------------------------ secure: refinement


def refine_clear(quotient: Clear, inverse: Clear, v: Clear, *, scale: int, out: FixedPoint) -> Clear:
    """One Goldschmidt step: quotient (2 - v inverse), with the inverse's error squared.

    Args:
        quotient: words of `out`.
        inverse: the approximation of 1/v it was made with, out.scale + 2 bits whose top bit is 0.
        v: words of scale + 1 bits in [1, 2).
        scale: scale of v.
        out: type of the quotient.
    """
    estimate = (inverse * v) >> np.uint64(scale)
    correction = np.uint64(2 << out.scale) - estimate  # near 1: out.scale + 2 bits hold it
    refined = (out.to_int(quotient) * correction.astype(np.int64)) >> np.int64(out.scale)
    return ring.from_signed(refined, out.bits).astype(np.uint64)


def refine_cost(profile: Profile, n: int, *, scale: int, out: FixedPoint) -> Cost:
    """Two products, each truncated."""
    estimate, product = out.scale + scale + 2, out.bits + out.scale
    return sequence(
        multiply_cost(profile, n, x_bits=out.scale + 2, y_bits=scale + 1, out_bits=estimate, msb_x="zero", msb_y="one"),
        truncate_reduce_cost(profile, n, bits=estimate, shift=scale),
        multiply_cost(profile, n, x_bits=out.bits, y_bits=out.scale + 2, out_bits=product),
        truncate_reduce_cost(profile, n, bits=product, shift=out.scale),
    )


@protocol(
    takes=(
        Arith(lambda p: p["out"].bits),
        Arith(lambda p: p["out"].scale + 2, below=lambda p: (1 << p["out"].scale) + 1),
        Arith(lambda p: p["scale"] + 1, at_least=lambda p: 1 << p["scale"]),
    ),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=refine_clear,
    cost=refine_cost,
    examples=[{"scale": 5, "out": FixedPoint(7, 4)}, {"scale": 20, "out": FixedPoint(24, 20, signed=False)}],
)
async def refine(
    party: Party,
    quotient: ArithmeticShare,
    inverse: ArithmeticShare,
    v: ArithmeticShare,
    *,
    scale: int,
    out: FixedPoint,
) -> ArithmeticShare:
    """One Goldschmidt step on shares; see `refine_clear`."""
    product = await multiply(party, inverse, v, 0, 1, out_bits=out.scale + scale + 2, x_signed=False, y_signed=False)
    estimate = await truncate_reduce(party, product, shift=scale)
    correction = party.constant(2 << out.scale, estimate.bits, estimate.shape) - estimate
    refined = await multiply(
        party, quotient, correction, out_bits=out.bits + out.scale, x_signed=out.signed, y_signed=False
    )
    return await truncate_reduce(party, refined, shift=out.scale)


# ------------------------------------------------------------ secure: 1 / v


def reciprocal_bits(out_scale: int) -> int:
    """Width of the reciprocal as it comes out; its top bit is 0."""
    return out_scale + 2


def _reciprocal_type(out_scale: int) -> FixedPoint:
    return FixedPoint(reciprocal_bits(out_scale), out_scale, signed=False)


def reciprocal_clear(v: Clear, *, scale: int, out_scale: int) -> Clear:
    """1 / v for words of scale + 1 bits in [1, 2): words of `reciprocal_bits`, uint64."""
    one, out = FixedPoint(2, 0), _reciprocal_type(out_scale)
    return divide_clear(np.ones_like(v), v, num=one, scale=scale, out=out)


def reciprocal_cost(profile: Profile, n: int, *, scale: int, out_scale: int) -> Cost:
    """The chord, and what the iteration takes."""
    chord = chord_reciprocal_cost(profile, n, scale=scale, out_scale=out_scale)
    if not reciprocal_parameters(scale, out_scale).iterations:
        return chord
    return chord + refine_cost(profile, n, scale=scale, out=_reciprocal_type(out_scale))


@protocol(
    takes=(Arith(lambda p: p["scale"] + 1, at_least=lambda p: 1 << p["scale"]),),
    gives=(Arith(lambda p: reciprocal_bits(p["out_scale"])),),
    clear=reciprocal_clear,
    cost=reciprocal_cost,
    examples=[{"scale": 5, "out_scale": 6}, {"scale": 12, "out_scale": 12}, {"scale": 20, "out_scale": 20}],
)
async def reciprocal(party: Party, v: ArithmeticShare, *, scale: int, out_scale: int) -> ArithmeticShare:
    """1 / v for v in [1, 2): a share of `reciprocal_bits`.

    The numerator is a public 1, so no product is spent on it, unlike in `divide`.

    Args:
        party: this party.
        v: share of at least scale + 1 bits.
        scale: scale of v.
        out_scale: scale of the result.
    """
    inverse = await chord_reciprocal(party, v, scale=scale, out_scale=out_scale)
    if not reciprocal_parameters(scale, out_scale).iterations:
        return inverse
    return await refine(party, inverse, inverse, v.reduce(scale + 1), scale=scale, out=_reciprocal_type(out_scale))


# ------------------------------------------------------------ secure: n / v


def divide_cost(
    profile: Profile, n: int, *, num: FixedPoint, scale: int, out: FixedPoint, msb: str = "unknown"
) -> Cost:
    """Reciprocal, product with the numerator, truncation, and what the iteration takes."""
    wide = num.bits + out.scale
    steps = [
        chord_reciprocal_cost(profile, n, scale=scale, out_scale=out.scale),
        multiply_cost(profile, n, x_bits=num.bits, y_bits=out.scale + 2, out_bits=wide, msb_x=msb, msb_y="zero"),
        truncate_reduce_cost(profile, n, bits=wide, shift=num.scale),
    ]
    if wide - num.scale < out.bits:
        steps.append(extend_cost(profile, n, bits=wide - num.scale, out_bits=out.bits))
    iterations = reciprocal_parameters(scale, out.scale).iterations
    steps.append(refine_cost(profile, n, scale=scale, out=out) if iterations else FREE)
    return sequence(*steps)


@protocol(
    takes=(
        Arith(lambda p: p["num"].bits),
        Arith(lambda p: p["scale"] + 1, at_least=lambda p: 1 << p["scale"]),
        Msb(of=0),
    ),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=divide_clear,
    cost=divide_cost,
    examples=[
        {"num": FixedPoint(4, 2), "scale": 4, "out": FixedPoint(7, 5)},
        {"num": FixedPoint(6, 6), "scale": 5, "out": FixedPoint(6, 4), "msb": "shared"},
        {"num": FixedPoint(14, 12), "scale": 12, "out": FixedPoint(14, 12), "msb": "zero"},
        {"num": FixedPoint(22, 20), "scale": 20, "out": FixedPoint(22, 20), "msb": "zero"},
    ],
)
async def divide(
    party: Party,
    nm: ArithmeticShare,
    dn: ArithmeticShare,
    msb: KnownMsb = None,
    *,
    num: FixedPoint,
    scale: int,
    out: FixedPoint,
) -> ArithmeticShare:
    """nm / dn for dn in [1, 2): the words of `divide_clear`.

    Args:
        party: this party.
        nm: share of type `num` (signed).
        dn: share of scale + 1 bits, same shape.
        msb: what is known of the sign of nm.
        num: type of the numerator.
        scale: scale of the denominator.
        out: type of the quotient.
    """
    p = reciprocal_parameters(scale, out.scale)
    inverse = await chord_reciprocal(party, dn, scale=scale, out_scale=out.scale)
    product = await multiply(
        party, nm, inverse, msb, 0, out_bits=num.bits + out.scale, x_signed=num.signed, y_signed=False
    )
    quotient = await truncate_reduce(party, product, shift=num.scale)
    if quotient.bits < out.bits:
        quotient = await (sign_extend if num.signed else zero_extend)(party, quotient, out_bits=out.bits)
    quotient = quotient.reduce(out.bits)
    return await refine(party, quotient, inverse, dn, scale=scale, out=out) if p.iterations else quotient
