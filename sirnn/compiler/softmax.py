"""Softmax over the rows of a matrix, out of compiled plans; deterministic, with a proven error.

    softmax_i = e_i * (1 / s)

with the exponentials e and their sum s of `compiler.exponentials`, and the reciprocal compiled on the values of s, one
for each row. With errors d of e, h of the sum's rounding and r of 1 / s, all absolute, a result errs by at most

    (n - 1) d / (1 - d) + h / (1 - d - h) + (1 + d) r

and half a unit for the last rounding. The plans are chosen so that this is below 2 ULP. In rows of thousands h is
larger, as of a larger sum fewer fraction bits are read, and if the compiler finds no plan the reciprocal is looser. The
exact bound is part of the parameters (`max_ulp`).
"""

from __future__ import annotations

from functools import lru_cache

import attrs
import numpy as np

from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.multiplication import multiply, multiply_cost
from sirnn.blocks.rows import check_rows, row_shapes, spread
from sirnn.blocks.truncation import round_reduce, round_reduce_clear, truncate_reduce_cost
from sirnn.compiler.compiled import Compiled
from sirnn.compiler.evaluate import AHEAD, evaluate, evaluate_cost
from sirnn.compiler.exponentials import (
    Exponentials,
    exponentials,
    exponentials_clear,
    exponentials_cost,
    exponentials_parameters,
)
from sirnn.cost import Cost, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.shares import ArithmeticShare

FINER = 2
"""Bits that the reciprocal is known to beyond the scale of the result."""

RECIPROCAL_ERROR = 1.0
"""ULP of the reciprocal, FINER bits below one of the result."""


@attrs.frozen
class Softmax:
    """How softmax is evaluated.

    Attributes:
        row: the exponentials and their sum.
        out: type of the results.
        reciprocal: 1 / s.
    """

    row: Exponentials
    out: FixedPoint
    reciprocal: Compiled

    @property
    def factor_bits(self) -> int:
        """Width of 1 / s, whose top bit is 0."""
        return self.reciprocal.task.out.bits

    @property
    def result_bits(self) -> int:
        """Width of the results before they are extended: with a top bit of 0, if the output has it too."""
        return min(self.out.scale + 2, self.out.bits)

    @property
    def drop(self) -> int:
        """Bits of the product that are rounded off."""
        return self.row.scale + self.reciprocal.task.out.scale - self.out.scale

    @property
    def product_bits(self) -> int:
        """Width of the product's ring."""
        return self.drop + self.result_bits

    @property
    def max_ulp(self) -> float:
        """No result errs by more, in ULP of the output."""
        n, d, h = self.row.values, self.row.term_error, self.row.rounding
        inverse = float(np.ldexp(self.reciprocal.max_ulp, -self.reciprocal.task.out.scale))
        error = max(1, n - 1) * d / (1 - d) + h / (1 - d - h) + (1 + d) * inverse
        return 0.5 + float(np.ldexp(error, self.out.scale))


@lru_cache(maxsize=64)
def softmax_parameters(values: int, inp: FixedPoint, out: FixedPoint) -> Softmax:
    """The plans and widths, compiled if they were not before.

    Raises:
        LocalError: the rows are empty, the output cannot hold 1 and a few ULP more, or there is no plan.
    """
    if out.int_range[1] < (1 << out.scale) + 4:
        raise LocalError(f"softmax to {out}", remedy="use an output type that holds numbers above 1")
    row, finer = exponentials_parameters(values, inp, out.scale, errors=max(1, values - 1)), out.scale + FINER
    factor = FixedPoint(finer + 2, finer, signed=False)
    return Softmax(row, out, row.function_of_sum("1 / x", factor, RECIPROCAL_ERROR))


def softmax_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """e^x_i / (e^x_1 + .. + e^x_n) row by row: words of `inp`, (rows, n), to words of `out`, uint64."""
    p = softmax_parameters(x.shape[1], inp, out)
    _, terms, total = exponentials_clear(x, p.row)
    return round_reduce_clear(terms * p.reciprocal.plan.evaluate(total)[:, None], shift=p.drop)


def softmax_cost(profile: Profile, shape: tuple[int, ...], *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """A maximum and a reciprocal for each row; for each number an exponential, a product, a truncation, a widening."""
    rows, values = shape
    p, n = softmax_parameters(values, inp, out), rows * values
    return sequence(
        exponentials_cost(profile, rows, p.row),
        evaluate_cost(profile, rows, plan=p.reciprocal.plan),
        multiply_cost(
            profile,
            n,
            x_bits=p.row.term_bits,
            y_bits=p.factor_bits,
            out_bits=p.product_bits,
            msb_x="zero",
            msb_y="zero",
        ),
        truncate_reduce_cost(profile, n, bits=p.product_bits, shift=p.drop),
        extend_cost(profile, n, bits=p.result_bits, out_bits=out.bits, msb="zero"),
    )


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=softmax_clear,
    cost=softmax_cost,
    examples=[
        {"values": 3, "inp": FixedPoint(6, 3), "out": FixedPoint(7, 4)},
        {"values": 1, "inp": FixedPoint(5, 2), "out": FixedPoint(8, 3)},
        {"values": 5, "inp": FixedPoint(8, 4, signed=False), "out": FixedPoint(6, 5, signed=False)},
        {"values": 10, "inp": FixedPoint(10, 6), "out": FixedPoint(12, 8)},
    ],
    shapes=row_shapes,
    profiles=AHEAD,
)
async def softmax(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """e^x_i / (e^x_1 + .. + e^x_n) row by row, deterministic: the words of `softmax_clear`.

    No result errs by more than `softmax_parameters(..).max_ulp`, whatever is in the row: at 16 bits, scale 12 to 12, 2
    ULP for rows of up to 100 or so and 3.82 for 1,000.

    Args:
        party: this party.
        x: share of shape (rows, n) of type `inp`, of up to 16 bits.
        inp: type of the numbers.
        out: type of the results, which holds numbers above 1.

    Raises:
        LocalError: x has another shape or width; or see `softmax_parameters`.
    """
    check_rows(x, inp)
    p = softmax_parameters(x.shape[1], inp, out)
    _, terms, total = await exponentials(party, x, p.row)
    inverse = await evaluate(party, total, plan=p.reciprocal.plan)
    product = await multiply(
        party,
        terms.reduce(p.row.term_bits),
        spread(inverse, p.row.values),
        0,
        0,
        out_bits=p.product_bits,
        x_signed=False,
        y_signed=False,
    )
    return await zero_extend(party, await round_reduce(party, product, shift=p.drop), 0, out_bits=out.bits)
