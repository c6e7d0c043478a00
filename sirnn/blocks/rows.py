"""Rows of a matrix: what protocols over them have in common, and the sum of squares of each."""

from __future__ import annotations

import numpy as np

from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.square import square, square_clear, square_cost
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Params, protocol
from sirnn.shares import ArithmeticShare


def row_shapes(size: int, params: Params) -> list[tuple[int, ...]]:
    """As `shapes` of a registered protocol: one matrix of `size` rows."""
    return [(size, params["values"])]


def check_rows(x: ArithmeticShare, inp: FixedPoint) -> None:
    """Refuse what is no matrix of that type.

    Raises:
        LocalError: x has another shape or width.
    """
    if len(x.shape) != 2 or x.bits != inp.bits:
        raise LocalError(f"rows of {inp} in {x!r}", remedy="give (rows, values) in words of that type")


def spread(each: ArithmeticShare, values: int) -> ArithmeticShare:
    """One number for each row, (rows,), beside each of the row's: (rows, values)."""
    return ArithmeticShare(np.repeat(each.words[:, None], values, axis=1), each.bits)


# ------------------------------------------------------------ sums of squares


def squares_bits(values: int, bits: int) -> int:
    """Width that a row's sum of squares needs, each at most 2^(2 bits - 2)."""
    return 2 * bits - 1 + (values - 1).bit_length()


def _squared_bits(bits: int, out_bits: int) -> int:
    """Width of a square before it is widened: in a full 2 bits its top bit is 0."""
    return min(2 * bits, out_bits)


def sum_of_squares_clear(x: Clear, *, bits: int) -> Clear:
    """The sum of each row's squares, (rows,), read modulo the output's ring."""
    total: Clear = square_clear(x, bits=bits, signed=True).sum(axis=1, dtype=np.uint64)
    return total


def sum_of_squares_cost(profile: Profile, shape: tuple[int, ...], *, bits: int, out_bits: int) -> Cost:
    """A square for each number, and its widening by a known top bit."""
    n, squared = shape[0] * shape[1], _squared_bits(bits, out_bits)
    squaring = square_cost(profile, n, bits=bits, out_bits=squared)
    return squaring + extend_cost(profile, n, bits=squared, out_bits=out_bits, msb="zero")


@protocol(
    takes=(Arith("bits"),),
    gives=(Arith("out_bits"),),
    clear=sum_of_squares_clear,
    cost=sum_of_squares_cost,
    examples=[
        {"values": values, "bits": bits, "out_bits": out_bits}
        for values, bits, out_bits in ((3, 2, 3), (1, 5, 9), (2, 4, 8), (5, 6, 14), (4, 31, 64))
    ],
    shapes=row_shapes,
)
async def sum_of_squares(party: Party, x: ArithmeticShare, *, out_bits: int) -> ArithmeticShare:
    """The sum of the squares of each row's signed numbers, modulo 2^out_bits (`squares_bits` hold it whole).

    Args:
        party: this party.
        x: share of shape (rows, values).
        out_bits: width of the result, (rows,).
    """
    squared = await square(party, x, out_bits=_squared_bits(x.bits, out_bits), signed=True)
    return (await zero_extend(party, squared, 0, out_bits=out_bits)).sum(axis=1)
