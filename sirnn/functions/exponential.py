"""exp of a negative number, SIRNN's way: look digits up, multiply the entries.

e^x = prod_i e^(-t_i 2^(8i - s)) for t = -x written in 8-bit digits t_i. Every factor is one table entry and the
factors are multiplied in a tree, each product truncated back to the output's scale. Truncations only lose, so the
result is never too large; it is at most 2.93 ULP too small for 16-bit words at scales 8..14 (`proof.py`).

Source: SIRNN (Rathee et al., IEEE S&P 2021), section on exponentiation. Bit-exact with the authors' implementation.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from sirnn import ring
from sirnn.blocks.digits import digit_decompose, digit_decompose_cost, digit_widths
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.lookup import lookup, lookup_cost
from sirnn.blocks.multiplication import multiply, multiply_cost
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.cost import Cost, parallel, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.party import Branch, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, concatenate, stack

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
    steps = [
        digit_decompose_cost(profile, n, bits=inp.bits, digit_bits=DIGIT_BITS),
        parallel(*(lookup_cost(profile, n, bits=width, out_bits=[unit]) for width in widths)),
    ]
    count = len(widths)
    while count > 1:
        pairs, count = count // 2, -(-count // 2)
        steps.append(_multiply_step_cost(profile, pairs * n, out.scale))
    steps.append(extend_cost(profile, n, bits=unit, out_bits=out.bits, msb="zero"))
    return sequence(*steps)


def _multiply_step_cost(profile: Profile, n: int, scale: int) -> Cost:
    unit, wide = scale + 2, 2 * scale + 2
    product = multiply_cost(profile, n, x_bits=unit, y_bits=unit, out_bits=wide, msb_x="zero", msb_y="zero")
    return product + truncate_reduce_cost(profile, n, bits=wide, shift=scale)


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
    unit = out.scale + 2

    def look_up(digit: ArithmeticShare, table: Words) -> Branch[tuple[ArithmeticShare, ...]]:
        cost = lookup_cost(party.profile, x.size, bits=digit.bits, out_bits=[unit])
        return cost, lambda p: lookup(p, digit, tables=[table], out_bits=[unit])

    branches = [look_up(digit, table) for digit, (_, table) in zip(digits, tables, strict=True)]
    looked_up = await party.parallel(*branches)
    factors = stack([factor for (factor,) in looked_up])
    while len(factors.words) > 1:
        pairs = len(factors.words) // 2
        left, right, rest = factors[0 : 2 * pairs : 2], factors[1 : 2 * pairs : 2], factors[2 * pairs :]
        product = await multiply(party, left, right, 0, 0, out_bits=2 * out.scale + 2, x_signed=False, y_signed=False)
        factors = concatenate([await truncate_reduce(party, product, shift=out.scale), rest])
    return await zero_extend(party, factors[0], 0, out_bits=out.bits)
