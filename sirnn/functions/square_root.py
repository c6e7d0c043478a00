"""sqrt(x) and 1 / sqrt(x), SIRNN's way: normalise, look the root up, refine it by Goldschmidt, put the exponent back.

x = v 2^e with v in [1, 2) is written as X 4^(e div 2) with X = v 2^(e mod 2) in [1, 4). The top m fraction bits of v
and the parity of e choose an approximation Y of 1 / sqrt X, good to about m bits. With b = X Y^2, which is near 1, a
step multiplies the result by (3 - b) / 2 and so doubles the good bits; it starts from Y for 1 / sqrt X and from X Y for
sqrt X. One step serves output scales up to 14, two up to 28.

Normalised, every word has a known top bit, 0 as well: it is read as half a unit. All ranges after that are public, so
the wraps in products are cheap ones, and both shifts by a secret amount are a table each way in place of a product.

For every input the result is a function of the input alone. 1 / sqrt(0) is that of half a unit and sqrt(0) is 0. A
negative word is read modulo 2^(bits - 1), without its sign. What does not fit the output type is reduced modulo 2^bits.

Source: SIRNN (Rathee et al., IEEE S&P 2021), section on the reciprocal square root. 1 / sqrt is bit-exact with the
authors' implementation.
"""

from __future__ import annotations

import functools
import math

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb
from sirnn.blocks.conversion import b2a, b2a_cost, mux, mux_cost
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.lookup import lookup, lookup_cost
from sirnn.blocks.msnzb import APART, by_index, msnzb_bits, normalise, normalise_clear, normalise_cost
from sirnn.blocks.multiplication import multiply, multiply_cost
from sirnn.blocks.scaling import power_shift, scale_by_power, scale_by_power_clear, scale_by_power_cost
from sirnn.blocks.square import square, square_cost
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.cost import FREE, Cost, parallel, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

LARGEST_SCALE_WITH_ONE_ITERATION = 14
LARGEST_SCALE = 28
"""Beyond it the table would need an index of more than 8 bits."""

WIDEST = 32
"""Widest words, in and out."""

# ------------------------------------------------------------ 1 / sqrt X and sqrt X for X in [1, 4)


@attrs.frozen
class RootParameters:
    """How the root of X in [1, 4) is found.

    Attributes:
        bits: width of v in [1, 2), whose scale is bits - 1.
        scale: s, scale of the result, which has s + 2 bits and a top bit of 0.
        inverse: 1 / sqrt X, else sqrt X.
        index_bits: m, fraction bits of v that choose Y.
        iterations: Goldschmidt steps, 1 or 2.
    """

    bits: int
    scale: int
    inverse: bool
    index_bits: int
    iterations: int

    @property
    def result_bits(self) -> int:
        """Width of every intermediate result: below 2 at scale s, with a top bit of 0."""
        return self.scale + 2

    @property
    def entry_scale(self) -> int:
        """Scale of Y; it is at most 1."""
        return self.index_bits + 2

    @property
    def index_shift(self) -> int:
        """Fraction bits of v below the index."""
        return self.bits - 1 - self.index_bits

    @property
    def argument_shift(self) -> int:
        """Truncation that takes X to scale s."""
        return self.bits - 1 - self.scale

    @property
    def start_shift(self) -> int:
        """Truncation that takes X Y to scale s."""
        return self.bits - 1 + self.entry_scale - self.scale

    @property
    def first_shift(self) -> int:
        """Truncation of the first step's product: what it improves has the scale of Y or s, and it halves."""
        return (self.entry_scale if self.inverse else self.scale) + 1

    @property
    def first_ring(self) -> int:
        """Bits of the first step's product before its truncation."""
        return self.result_bits + self.first_shift

    @property
    def second_shift(self) -> int:
        """Truncation of the second step's product."""
        return self.scale + 1

    @property
    def second_ring(self) -> int:
        """Bits of the second step's product before its truncation."""
        return self.result_bits + self.second_shift

    @property
    def entry_bits(self) -> int:
        """Width of Y."""
        return self.entry_scale + 2

    @property
    def square_bits(self) -> int:
        """Width of Y^2, whose top bit is 0 too."""
        return 2 * self.entry_scale + 2


def root_parameters(bits: int, scale: int, *, inverse: bool) -> RootParameters:
    """The paper's choice of m and of the number of iterations.

    Raises:
        LocalError: v has fewer fraction bits than the result, the result too many, or a product more than 64.
    """
    if not 1 <= scale <= min(LARGEST_SCALE, bits - 1):
        raise LocalError(
            f"no square root of {bits} significant bits to scale {scale}",
            remedy=f"use an output scale of 1 to {min(LARGEST_SCALE, bits - 1)}, or a wider input",
        )
    iterations = 1 if scale <= LARGEST_SCALE_WITH_ONE_ITERATION else 2
    good_bits = scale if iterations == 1 else math.ceil(scale / 2)
    p = RootParameters(bits, scale, inverse, math.ceil(good_bits / 2), iterations)
    widest = bits + 1 if inverse else p.start_shift + p.result_bits
    if widest > ring.MAX_BITS:
        raise LocalError(f"the root of {bits} significant bits takes words of {widest}", remedy="use a narrower input")
    return p


@functools.lru_cache(maxsize=16)
def root_table(index_bits: int) -> Words:
    """Y at 2 idx + odd: floor(2^(m+2) / sqrt((1 + idx / 2^m) 2^odd)), computed in double precision. Read-only."""
    entries = [
        int(2.0 ** (index_bits + 2) / math.sqrt((1 + (place >> 1) / 2.0**index_bits) * (1 + (place & 1))))
        for place in range(2 << index_bits)
    ]
    table = np.array(entries, dtype=ring.dtype_for(index_bits + 4))
    table.flags.writeable = False
    return table


def root_clear(v: Clear, odd: Clear, *, bits: int, out_scale: int, inverse: bool) -> Clear:
    """1 / sqrt X or sqrt X for X = v 2^odd.

    Args:
        v: words of `bits` bits in [1, 2), at scale bits - 1.
        odd: 0 or 1, same shape.
        bits: width of v.
        out_scale: scale s of the result.
        inverse: 1 / sqrt X, else sqrt X.

    Returns:
        Words of s + 2 bits below 2^(s + 1), uint64.
    """
    p = root_parameters(bits, out_scale, inverse=inverse)
    index = (v & np.uint64(ring.mask(bits - 1))) >> np.uint64(p.index_shift)
    entry = root_table(p.index_bits)[index << np.uint64(1) | odd].astype(np.uint64)
    argument = v << odd
    three, s = np.uint64(3 << p.scale), np.uint64(p.scale)
    near_one = (entry * entry * (argument >> np.uint64(p.argument_shift))) >> np.uint64(2 * p.entry_scale)
    correction = three - near_one
    start = entry if inverse else (argument * entry) >> np.uint64(p.start_shift)
    result: Clear = (start * correction) >> np.uint64(p.first_shift)
    if p.iterations == 2:
        near_one = (((correction * correction) >> np.uint64(p.result_bits)) * near_one) >> s
        result = (result * (three - near_one)) >> np.uint64(p.second_shift)
    return result


def root_cost(profile: Profile, n: int, *, bits: int, out_scale: int, inverse: bool) -> Cost:
    """Index and lookup beside the choice of X; then the product that is near 1, and one product a step."""
    p = root_parameters(bits, out_scale, inverse=inverse)
    total = sequence(
        parallel(_look_up_cost(profile, n, p), _argument_cost(profile, n, p)),
        parallel(_correct_cost(profile, n, p), _start_cost(profile, n, p)),
    )
    if p.iterations == 1:
        return total + _improve_cost(profile, n, p)
    again = parallel(_improve_cost(profile, n, p), _correct_again_cost(profile, n, p))
    last = _product_cost(profile, n, p, x_bits=p.result_bits, y_bits=p.second_ring, shift=p.second_shift)
    return total + again + last


@protocol(
    takes=(Arith("bits", at_least=lambda p: 1 << (p["bits"] - 1)), Bool()),
    gives=(Arith(lambda p: p["out_scale"] + 2),),
    clear=root_clear,
    cost=root_cost,
    examples=[
        {"bits": bits, "out_scale": scale, "inverse": inverse}
        for bits, scale in ((2, 1), (6, 4), (7, 5), (15, 12), (15, 14), (16, 15), (31, 20), (32, 28))
        for inverse in (False, True)
    ],
)
async def root(
    party: Party, v: ArithmeticShare, odd: BooleanShare, *, out_scale: int, inverse: bool
) -> ArithmeticShare:
    """1 / sqrt X or sqrt X for X = v 2^odd in [1, 4): a share of out_scale + 2 bits whose top bit is 0.

    Args:
        party: this party.
        v: share of a value in [1, 2): its top bit is 1 and its scale bits - 1.
        odd: share of a bit, same shape.
        out_scale: scale of the result.
        inverse: 1 / sqrt X, else sqrt X.

    Raises:
        LocalError: see `root_parameters`.
    """
    p, profile, n = root_parameters(v.bits, out_scale, inverse=inverse), party.profile, v.size
    (entry, squared), (argument, near_one) = await party.parallel(
        (_look_up_cost(profile, n, p), lambda q: _look_up(q, v, odd, p)),
        (_argument_cost(profile, n, p), lambda q: _argument(q, v, odd, p)),
    )
    (near_one, correction), result = await party.parallel(
        (_correct_cost(profile, n, p), lambda q: _correct(q, squared, near_one, odd, p)),
        (_start_cost(profile, n, p), lambda q: _start(q, argument, entry, odd, p)),
    )
    if p.iterations == 1:
        return await _improve(party, result, correction, p)
    improved, again = await party.parallel(
        (_improve_cost(profile, n, p), lambda q: _improve(q, result, correction, p)),
        (_correct_again_cost(profile, n, p), lambda q: _correct_again(q, correction, near_one, p)),
    )
    return await _product(party, improved, again, 0, 0, p, shift=p.second_shift)


def _look_up_cost(profile: Profile, n: int, p: RootParameters) -> Cost:
    return sequence(
        parallel(
            truncate_reduce_cost(profile, n, bits=p.bits - 1, shift=p.index_shift),
            b2a_cost(profile, n, bits=p.index_bits + 1),
        ),
        lookup_cost(profile, n, bits=p.index_bits + 1, out_bits=[p.entry_bits]),
        square_cost(profile, n, bits=p.entry_bits, out_bits=p.square_bits, msb="zero"),
    )


async def _look_up(
    party: Party, v: ArithmeticShare, odd: BooleanShare, p: RootParameters
) -> tuple[ArithmeticShare, ArithmeticShare]:
    """Y and Y^2, each with a top bit of 0."""
    table = root_table(p.index_bits)
    index, parity = await party.parallel(
        (
            truncate_reduce_cost(party.profile, v.size, bits=p.bits - 1, shift=p.index_shift),
            lambda q: truncate_reduce(q, v.reduce(p.bits - 1), shift=p.index_shift),
        ),
        (b2a_cost(party.profile, v.size, bits=p.index_bits + 1), lambda q: b2a(q, odd, bits=p.index_bits + 1)),
    )
    # Doubled, an index of m bits fills a ring of m + 1.
    doubled = ArithmeticShare(ring.reduce(index.words, p.index_bits + 1), p.index_bits + 1) << 1
    (entry,) = await lookup(party, doubled + parity, tables=[table], out_bits=[p.entry_bits])
    return entry, await square(party, entry, 0, out_bits=p.square_bits, signed=False)


def _argument_cost(profile: Profile, n: int, p: RootParameters) -> Cost:
    return sequence(
        extend_cost(profile, n, bits=p.bits, out_bits=p.bits + 1, msb="one"),
        mux_cost(profile, n, bits=p.bits + 1),
        truncate_reduce_cost(profile, n, bits=p.bits + 1, shift=p.argument_shift),
    )


async def _argument(
    party: Party, v: ArithmeticShare, odd: BooleanShare, p: RootParameters
) -> tuple[ArithmeticShare, ArithmeticShare]:
    """X in bits + 1 bits, and its truncation to scale s; the top bit of both is `odd`."""
    wide = await zero_extend(party, v, 1, out_bits=p.bits + 1)
    argument = wide + await mux(party, odd, wide)
    return argument, await truncate_reduce(party, argument, shift=p.argument_shift)


def _correct_cost(profile: Profile, n: int, p: RootParameters) -> Cost:
    product = _product_cost(
        profile, n, p, x_bits=p.square_bits, y_bits=p.result_bits, msb_y="shared", shift=2 * p.entry_scale
    )
    return product + _correction_cost(profile, n, p, bits=p.first_ring)


async def _correct(
    party: Party, squared: ArithmeticShare, argument: ArithmeticShare, odd: BooleanShare, p: RootParameters
) -> tuple[ArithmeticShare, ArithmeticShare]:
    """b = Y^2 X, and 3 - b for the first step; the top bit of X is `odd`."""
    near_one = await _product(party, squared, argument, 0, odd, p, shift=2 * p.entry_scale)
    return near_one, await _correction(party, near_one, p, bits=p.first_ring)


def _start_cost(profile: Profile, n: int, p: RootParameters) -> Cost:
    if p.inverse:
        return FREE
    return _product_cost(profile, n, p, x_bits=p.bits + 1, y_bits=p.entry_bits, msb_x="shared", shift=p.start_shift)


async def _start(
    party: Party, argument: ArithmeticShare, entry: ArithmeticShare, odd: BooleanShare, p: RootParameters
) -> ArithmeticShare:
    """What the first step improves: Y, or X Y at scale s."""
    return entry if p.inverse else await _product(party, argument, entry, odd, 0, p, shift=p.start_shift)


def _improve_cost(profile: Profile, n: int, p: RootParameters) -> Cost:
    x_bits = p.entry_bits if p.inverse else p.result_bits
    return _product_cost(profile, n, p, x_bits=x_bits, y_bits=p.first_ring, shift=p.first_shift)


async def _improve(
    party: Party, result: ArithmeticShare, correction: ArithmeticShare, p: RootParameters
) -> ArithmeticShare:
    """The first step."""
    return await _product(party, result, correction, 0, 0, p, shift=p.first_shift)


def _correct_again_cost(profile: Profile, n: int, p: RootParameters) -> Cost:
    return sequence(
        square_cost(profile, n, bits=p.result_bits + 1, out_bits=2 * p.result_bits, msb="zero"),
        truncate_reduce_cost(profile, n, bits=2 * p.result_bits, shift=p.result_bits),
        _product_cost(profile, n, p, x_bits=p.result_bits, y_bits=p.result_bits, shift=p.scale),
        _correction_cost(profile, n, p, bits=p.second_ring),
    )


async def _correct_again(
    party: Party, correction: ArithmeticShare, near_one: ArithmeticShare, p: RootParameters
) -> ArithmeticShare:
    """3 - b for the second step, where b is the first one's times the square of its (3 - b) / 2."""
    bits = p.result_bits
    squared = await square(party, correction.reduce(bits + 1), 0, out_bits=2 * bits, signed=False)
    squared = await truncate_reduce(party, squared, shift=bits)
    product = await _product(party, squared, near_one, 0, 0, p, shift=p.scale)
    return await _correction(party, product, p, bits=p.second_ring)


def _correction_cost(profile: Profile, n: int, p: RootParameters, *, bits: int) -> Cost:
    return extend_cost(profile, n, bits=p.result_bits, out_bits=bits, msb="zero")


async def _correction(party: Party, near_one: ArithmeticShare, p: RootParameters, *, bits: int) -> ArithmeticShare:
    """3 - b at scale s in a ring of `bits` bits."""
    wide = await zero_extend(party, near_one, 0, out_bits=bits)
    return party.constant(3 << p.scale, bits, near_one.shape) - wide


def _product_cost(
    profile: Profile,
    n: int,
    p: RootParameters,
    *,
    x_bits: int,
    y_bits: int,
    msb_x: str = "zero",
    msb_y: str = "zero",
    shift: int,
) -> Cost:
    bits = p.result_bits + shift
    product = multiply_cost(profile, n, x_bits=x_bits, y_bits=y_bits, out_bits=bits, msb_x=msb_x, msb_y=msb_y)
    return product + truncate_reduce_cost(profile, n, bits=bits, shift=shift)


async def _product(
    party: Party,
    x: ArithmeticShare,
    y: ArithmeticShare,
    msb_x: KnownMsb,
    msb_y: KnownMsb,
    p: RootParameters,
    *,
    shift: int,
) -> ArithmeticShare:
    """floor(x y / 2^shift) in s + 2 bits."""
    bits = p.result_bits + shift
    product = await multiply(party, x, y, msb_x, msb_y, out_bits=bits, x_signed=False, y_signed=False)
    return await truncate_reduce(party, product, shift=shift)


# ------------------------------------------------------------ any positive number, as mantissa and exponent


def root_exponents(inp: FixedPoint, *, inverse: bool) -> list[int | None]:
    """Half the exponent of 2^(k - inp.scale - odd), negated for the inverse, by the index k of the top bit of x.

    At -1, which stands for x = 0, sqrt has no exponent: the result is 0.
    """

    def exponent(k: int) -> int:
        return (inp.scale - k + 1) // 2 if inverse else (k - inp.scale) // 2

    return by_index(inp.magnitude_bits, exponent, zero=exponent(-1) if inverse else None, unused=None)


def floating_root_clear(x: Clear, *, inp: FixedPoint, out_scale: int, inverse: bool) -> tuple[Clear, Clear]:
    """The root of X, words of out_scale + 2 bits, and the index that `root_exponents` has an exponent for."""
    bits = inp.magnitude_bits
    v, index = normalise_clear(x & np.uint64(ring.mask(bits)), bits=bits)
    odd = (index ^ np.uint64(inp.scale & 1)) & np.uint64(1)
    return root_clear(v, odd, bits=bits, out_scale=out_scale, inverse=inverse), index


def floating_root_cost(profile: Profile, n: int, *, inp: FixedPoint, out_scale: int, inverse: bool) -> Cost:
    """Normalisation and root."""
    bits = inp.magnitude_bits
    normalised = normalise_cost(profile, n, bits=bits)
    return normalised + root_cost(profile, n, bits=bits, out_scale=out_scale, inverse=inverse)


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out_scale"] + 2), Arith(lambda p: msnzb_bits(p["inp"].magnitude_bits, APART))),
    clear=floating_root_clear,
    cost=floating_root_cost,
    examples=[
        {"inp": inp, "out_scale": scale, "inverse": inverse}
        for inp, scale in ((FixedPoint(6, 3), 4), (FixedPoint(32, 21, signed=False), 12))
        for inverse in (False, True)
    ],
)
async def floating_root(
    party: Party, x: ArithmeticShare, *, inp: FixedPoint, out_scale: int, inverse: bool
) -> tuple[ArithmeticShare, ArithmeticShare]:
    """1 / sqrt(x) or sqrt(x) as mantissa and exponent: the root of X, and the index k of the top bit of x.

    The result is root 2^exponent, with the exponent that `root_exponents` has at k.

    Args:
        party: this party.
        x: share of type `inp`.
        inp: type of x.
        out_scale: scale of the mantissa, which has two bits more and a top bit of 0.
        inverse: 1 / sqrt(x), else sqrt(x).

    Raises:
        LocalError: see `root_parameters`.
    """
    v, index = await normalise(party, x.reduce(inp.magnitude_bits))
    # The lowest bit of an additive share is a xor share; -1 is odd in any ring.
    odd = index.reduce(1) + party.constant(inp.scale & 1, 1, x.shape)
    return await root(party, v, BooleanShare(odd.words), out_scale=out_scale, inverse=inverse), index


# ------------------------------------------------------------ any positive number, from type to type


def check_root_types(inp: FixedPoint, out: FixedPoint) -> None:
    """Refuse types the algorithm cannot serve.

    Raises:
        LocalError: a word is wider than 32 bits, or the output's scale is not in 1..28 or finer than the bits of x.
    """
    if max(inp.bits, out.bits) > WIDEST:
        raise LocalError(f"{inp} to {out} is too wide", remedy=f"use at most {WIDEST} bits on either side")
    root_parameters(inp.magnitude_bits, out.scale, inverse=True)


def _power_root_clear(x: Clear, inp: FixedPoint, out: FixedPoint, inverse: bool) -> Clear:
    check_root_types(inp, out)
    exponents = root_exponents(inp, inverse=inverse)
    mantissa, index = floating_root_clear(x, inp=inp, out_scale=out.scale, inverse=inverse)
    return scale_by_power_clear(mantissa, index, bits=out.bits + power_shift(exponents), exponents=exponents)


def _power_root_cost(profile: Profile, n: int, inp: FixedPoint, out: FixedPoint, inverse: bool) -> Cost:
    check_root_types(inp, out)
    exponents = root_exponents(inp, inverse=inverse)
    narrow, wide = out.scale + 2, out.bits + power_shift(exponents)
    index_bits = msnzb_bits(inp.magnitude_bits, APART)
    return sequence(
        floating_root_cost(profile, n, inp=inp, out_scale=out.scale, inverse=inverse),
        extend_cost(profile, n, bits=narrow, out_bits=wide, msb="zero") if wide > narrow else FREE,
        scale_by_power_cost(profile, n, bits=wide, index_bits=index_bits, exponents=exponents),
    )


async def _power_root(
    party: Party, x: ArithmeticShare, inp: FixedPoint, out: FixedPoint, inverse: bool
) -> ArithmeticShare:
    check_root_types(inp, out)
    exponents = root_exponents(inp, inverse=inverse)
    mantissa, index = await floating_root(party, x, inp=inp, out_scale=out.scale, inverse=inverse)
    wide = out.bits + power_shift(exponents)
    mantissa = mantissa.reduce(wide) if wide < mantissa.bits else await zero_extend(party, mantissa, 0, out_bits=wide)
    return await scale_by_power(party, mantissa, index, exponents=exponents)


# ------------------------------------------------------------ 1 / sqrt x


def rsqrt_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """1 / sqrt(x): words of `inp` to words of `out`, any shape, uint64.

    Outside of x > 0, and where the result does not fit, as the top of this file says.

    Raises:
        LocalError: see `check_root_types`.
    """
    return _power_root_clear(x, inp, out, inverse=True)


def rsqrt_cost(profile: Profile, n: int, *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """Normalisation, root, widening, scaling by the power of two, truncation."""
    return _power_root_cost(profile, n, inp, out, inverse=True)


EXAMPLES = [
    {"inp": FixedPoint(6, 3), "out": FixedPoint(8, 4)},
    {"inp": FixedPoint(7, 4, signed=False), "out": FixedPoint(5, 5)},
    {"inp": FixedPoint(16, 12), "out": FixedPoint(16, 12)},
    {"inp": FixedPoint(16, 7), "out": FixedPoint(16, 14)},
    {"inp": FixedPoint(32, 24, signed=False), "out": FixedPoint(24, 20)},
]


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=rsqrt_clear,
    cost=rsqrt_cost,
    examples=EXAMPLES,
)
async def rsqrt(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """1 / sqrt(x) for x > 0: a share of `inp` to a share of `out`, any shape.

    Deterministic for every input: the words of `rsqrt_clear`, at most 4.42 ULP from the real value at 16 bits, scales
    4..13 and x >= 0.1. At 16 bits, scale 12 to 12, profile `paper`: 2,849 bytes, 54 flights.

    Raises:
        LocalError: see `check_root_types`.
    """
    return await _power_root(party, x, inp, out, inverse=True)


# ------------------------------------------------------------ sqrt x


def sqrt_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """sqrt(x): words of `inp` to words of `out`, any shape, uint64. sqrt(0) = 0.

    Negative words, and where the result does not fit, as the top of this file says.

    Raises:
        LocalError: see `check_root_types`.
    """
    return _power_root_clear(x, inp, out, inverse=False)


def sqrt_cost(profile: Profile, n: int, *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """Normalisation, root, widening, scaling by the power of two, truncation."""
    return _power_root_cost(profile, n, inp, out, inverse=False)


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=sqrt_clear,
    cost=sqrt_cost,
    examples=EXAMPLES,
)
async def sqrt(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """sqrt(x) for x >= 0: a share of `inp` to a share of `out`, any shape.

    Deterministic for every input: the words of `sqrt_clear`, at 16 bits less than 2.3 ULP from the real value for x < 4
    and twice as many with every factor of 4 in x. At scale 12 to 12, profile `paper`: 3,808 bytes, 54 flights.

    Raises:
        LocalError: see `check_root_types`.
    """
    return await _power_root(party, x, inp, out, inverse=False)
