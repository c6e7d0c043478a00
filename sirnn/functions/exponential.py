"""exp of a negative number, SIRNN's way: look digits up, multiply the entries.

e^x = prod_i e^(-t_i 2^(8i - s)) for t = -x written in 8-bit digits t_i. Every factor is one table entry and the
factors are multiplied in a tree, each product truncated back to the output's scale. Truncations only lose, so the
result is never too large; it is at most 2.93 ULP too small for 16-bit words at scales 8..14 (`proof.py`).

Source: SIRNN (Rathee et al., IEEE S&P 2021), section on exponentiation. Bit-exact with the authors' implementation.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from sirnn import ring
from sirnn.blocks.digits import digit_decompose, digit_decompose_cost, digit_widths
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.lookup import lookup, lookup_bits, lookup_bits_cost, lookup_cost
from sirnn.blocks.multiplication import multiply, multiply_cost
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.blocks.words import bit_vector_product, bit_vector_product_cost
from sirnn.cost import FREE, Cost, parallel, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.party import Branch, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare, concatenate, stack

DIGIT_BITS = 8
"""The widest lookup that one 1-of-256 OT can make."""


def check_types(inp: FixedPoint, out: FixedPoint) -> None:
    """Refuse types the algorithm cannot serve.

    Raises:
        LocalError: the input is unsigned, a word is wider than 32 bits, or the output cannot hold 1.0.
    """
    if not inp.signed:
        raise LocalError(f"the input type is {inp}", remedy="use a signed input type")
    if max(inp.bits, out.bits) > 32:
        raise LocalError(f"{inp} to {out} is too wide", remedy="use at most 32 bits on either side")
    if not 1 <= out.scale <= out.bits - 2:
        raise LocalError(f"the output type {out} cannot hold 1.0", remedy="use 1 <= scale <= bits - 2")


def unit_type(scale: int) -> FixedPoint:
    """The type of a value in [0, 1] between two steps: scale + 2 bits, whose top bit is always 0."""
    return FixedPoint(scale + 2, scale, signed=False)


@functools.lru_cache(maxsize=64)
def exp_tables(inp: FixedPoint, out: FixedPoint) -> tuple[tuple[int, Words], ...]:
    """One table per digit of -x, least significant first: (digit width d, 2^d words of out.scale + 2 bits).

    Entry v of table i is floor(e^(-v 2^(8i - inp.scale)) 2^out.scale), computed in double precision. The arrays are
    shared and read-only.
    """
    check_types(inp, out)
    one, word = 2.0**out.scale, ring.dtype_for(unit_type(out.scale).bits)
    tables = []
    for index, width in enumerate(digit_widths(inp.bits, DIGIT_BITS)):
        step = math.ldexp(1.0, DIGIT_BITS * index - inp.scale)
        table = np.array([int(math.exp(-(v * step)) * one) for v in range(1 << width)], dtype=word)
        table.flags.writeable = False
        tables.append((width, table))
    return tuple(tables)


def exp_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """e^x for x <= 0: words of `inp` to words of `out`, any shape, uint64.

    A positive word is read as x - 2^inp.bits, as the protocol reads it.

    Raises:
        LocalError: see `check_types`.
    """
    negated = np.negative(x) & np.uint64(ring.mask(inp.bits))
    factors: list[Clear] = []
    for index, (width, table) in enumerate(exp_tables(inp, out)):
        digit = (negated >> np.uint64(DIGIT_BITS * index)) & np.uint64(ring.mask(width))
        factors.append(table[digit].astype(np.uint64))
    while len(factors) > 1:
        factors = [_multiply_pair(factors[j : j + 2], out.scale) for j in range(0, len(factors), 2)]
    return factors[0]


def _multiply_pair(pair: list[Clear], scale: int) -> Clear:
    """floor(a b / 2^scale) of two neighbours in the tree, or the last factor if it has no neighbour."""
    return (pair[0] * pair[1]) >> np.uint64(scale) if len(pair) == 2 else pair[0]


# ------------------------------------------------------------ secure


def exp_cost(profile: Profile, n: int, *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """Digits, a lookup each, a tree of products each truncated, and the widening to out.bits."""
    check_types(inp, out)
    unit, widths = out.scale + 2, digit_widths(inp.bits, DIGIT_BITS)
    steps = [digit_decompose_cost(profile, n, bits=inp.bits, digit_bits=DIGIT_BITS)]
    first = _subtracts(profile, len(widths))
    looked_up = [lookup_cost(profile, n, bits=width, out_bits=[unit]) for width in widths]
    if first:
        looked_up[0] = lookup_bits_cost(profile, n, bits=widths[0], out_bits=[_falls(inp, out)[0]])
    steps.append(parallel(*looked_up))
    count = len(widths)
    if first:
        steps += [_less_fall_cost(profile, n, inp, out), _level_cost(profile, n, count - 2, out.scale)]
        count = -(-count // 2)
    while count > 1:
        steps.append(_level_cost(profile, n, count, out.scale))
        count = -(-count // 2)
    steps.append(extend_cost(profile, n, bits=unit, out_bits=out.bits, msb="zero"))
    return sequence(*steps)


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=exp_clear,
    cost=exp_cost,
    examples=[
        {"inp": FixedPoint(6, 3), "out": FixedPoint(8, 4)},
        {"inp": FixedPoint(16, 12), "out": FixedPoint(16, 12)},
        {"inp": FixedPoint(16, 8), "out": FixedPoint(16, 14)},
        {"inp": FixedPoint(20, 14), "out": FixedPoint(24, 16)},
        {"inp": FixedPoint(29, 20), "out": FixedPoint(24, 16)},
    ],
)
async def exp(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """e^x for x <= 0: a share of `inp` to a share of `out`, any shape.

    Deterministic: the words of `exp_clear`, at most 2.93 ULP from e^x at 16 bits and scales 8..14.

    Raises:
        LocalError: see `check_types`.
    """
    tables = exp_tables(inp, out)
    digits = await digit_decompose(party, -x, digit_bits=DIGIT_BITS)
    if _subtracts(party.profile, len(digits)):
        fall, factors = await _look_up_fall(party, digits, inp, out)
        product = await _less_fall(party, factors[0], fall, out.scale)
        others = await _level(party, factors[1:], out.scale)
        factors = concatenate([product.reshape(1, *product.shape), others])
    else:
        factors = stack(await party.parallel(*_factors(party, digits, tables, out)))
    while len(factors.words) > 1:
        factors = await _level(party, factors, out.scale)
    return await zero_extend(party, factors[0], 0, out_bits=out.bits)


def _factors(
    party: Party, digits: Sequence[ArithmeticShare], tables: Sequence[tuple[int, Words]], out: FixedPoint
) -> list[Branch[ArithmeticShare]]:
    """Branches that look one factor up each."""

    def branch(digit: ArithmeticShare, table: Words) -> Branch[ArithmeticShare]:
        async def look_up(p: Party) -> ArithmeticShare:
            (factor,) = await lookup(p, digit, tables=[table], out_bits=[out.scale + 2])
            return factor

        return lookup_cost(party.profile, digit.size, bits=digit.bits, out_bits=[out.scale + 2]), look_up

    return [branch(digit, table) for digit, (_, table) in zip(digits, tables, strict=True)]


# ------------------------------------------------------------ a level of the tree


async def _level(party: Party, factors: ArithmeticShare, scale: int) -> ArithmeticShare:
    """Neighbours along the first axis multiplied and truncated; an odd last one passes."""
    pairs = len(factors.words) // 2
    if not pairs:
        return factors
    left, right, rest = factors[0 : 2 * pairs : 2], factors[1 : 2 * pairs : 2], factors[2 * pairs :]
    product = await multiply(party, left, right, 0, 0, out_bits=2 * scale + 2, x_signed=False, y_signed=False)
    return concatenate([await truncate_reduce(party, product, shift=scale), rest])


def _level_cost(profile: Profile, n: int, count: int, scale: int) -> Cost:
    pairs, unit, wide = count // 2, scale + 2, 2 * scale + 2
    if not pairs:
        return FREE
    product = multiply_cost(profile, pairs * n, x_bits=unit, y_bits=unit, out_bits=wide, msb_x="zero", msb_y="zero")
    return product + truncate_reduce_cost(profile, pairs * n, bits=wide, shift=scale)


# ------------------------------------------------------------ the first product, where lookups give bits
#
# The lowest digit's factor is 1 - f with a small f. What its table gives as xor-shared bits is f, and the product with
# a neighbour b is b - b f: as many planes as f has bits, no conversion and no wrap of f. The words are the same.


def _subtracts(profile: Profile, digits: int) -> bool:
    return profile.ahead and digits > 1


@functools.lru_cache(maxsize=64)
def _falls(inp: FixedPoint, out: FixedPoint) -> tuple[int, Words]:
    """1 less the lowest digit's factor, in ULP: (bits, words of so many)."""
    _, table = exp_tables(inp, out)[0]
    falls = np.uint64(1 << out.scale) - table.astype(np.uint64)
    bits = max(1, int(falls.max()).bit_length())
    return bits, ring.reduce(falls, bits)


async def _look_up_fall(
    party: Party, digits: Sequence[ArithmeticShare], inp: FixedPoint, out: FixedPoint
) -> tuple[BooleanShare, ArithmeticShare]:
    """f of the lowest digit, and the factors of the others stacked."""
    tables, (bits, falls) = exp_tables(inp, out), _falls(inp, out)
    cost = lookup_bits_cost(party.profile, digits[0].size, bits=digits[0].bits, out_bits=[bits])
    (fall,), *factors = await party.parallel(
        (cost, lambda p: lookup_bits(p, digits[0], tables=[falls], out_bits=[bits])),
        *_factors(party, digits[1:], tables[1:], out),
    )
    return fall, stack(factors)


async def _less_fall(party: Party, factor: ArithmeticShare, fall: BooleanShare, scale: int) -> ArithmeticShare:
    """floor(factor (1 - f)), at the output's scale."""
    wide = await zero_extend(party, factor, 0, out_bits=2 * scale + 2)
    fallen = await bit_vector_product(party, fall, wide, out_bits=wide.bits)
    return await truncate_reduce(party, (wide << scale) - fallen, shift=scale)


def _less_fall_cost(profile: Profile, n: int, inp: FixedPoint, out: FixedPoint) -> Cost:
    wide = 2 * out.scale + 2
    return sequence(
        extend_cost(profile, n, bits=out.scale + 2, out_bits=wide, msb="zero"),
        bit_vector_product_cost(profile, n, word_bits=_falls(inp, out)[0], out_bits=wide),
        truncate_reduce_cost(profile, n, bits=wide, shift=out.scale),
    )
