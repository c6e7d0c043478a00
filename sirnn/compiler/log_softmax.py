"""Log-softmax over the rows of a matrix, out of compiled plans; deterministic, with a proven error.

    log_softmax_i = -(u_i + log s)

with u, the differences to the largest number, and the sum s of their exponentials of `compiler.exponentials`, and the
logarithm compiled on the values of s, one for each row. With errors d of an exponential, h of the sum's rounding and r
of log s, all absolute, a result errs by at most

    (n d + h) / (1 - d - h) + r

and half a unit if it is rounded in the end. The plans are chosen so that this is below 2 ULP. For long rows h is
larger, as of a larger sum fewer fraction bits are read, and if the compiler finds no plan the logarithm is looser. The
exact bound is part of the parameters (`max_ulp`).
"""

from __future__ import annotations

from functools import lru_cache

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.extension import extend_cost, zero_extend
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

LOG_ERROR = 0.75
"""ULP of the logarithm, at the scale of the result."""


@attrs.frozen
class LogSoftmax:
    """How log-softmax is evaluated.

    Attributes:
        row: the exponentials and their sum.
        out: type of the results.
        log: log s, in the ring and at the scale in which it is added.
    """

    row: Exponentials
    out: FixedPoint
    log: Compiled

    @property
    def drop(self) -> int:
        """Bits that are rounded off, where the input's scale is finer than the output's."""
        return self.log.task.out.scale - self.out.scale

    @property
    def lift(self) -> int:
        """Places by which the input is shifted up, where its scale is coarser."""
        return self.log.task.out.scale - self.row.inp.scale

    @property
    def below_bits(self) -> int:
        """Width of the ring in which u is needed."""
        return self.log.task.out.bits - self.lift

    @property
    def widened_bits(self) -> int:
        """Width that u is extended to, if its own will not do."""
        return max(self.below_bits, self.row.inp.bits)

    @property
    def max_ulp(self) -> float:
        """No result that the output can hold errs by more, in ULP of the output."""
        n, d, h = self.row.values, self.row.term_error, self.row.rounding
        error = (n * d + h) / (1 - d - h) + float(np.ldexp(self.log.max_ulp, -self.log.task.out.scale))
        return float(np.ldexp(error, self.out.scale)) + (0.5 if self.drop else 0.0)


@lru_cache(maxsize=64)
def log_softmax_parameters(values: int, inp: FixedPoint, out: FixedPoint) -> LogSoftmax:
    """The plans and widths, compiled if they were not before.

    Raises:
        LocalError: the rows are empty, the output is unsigned, or there is no plan.
    """
    if not out.signed:
        raise LocalError(f"log-softmax to {out}", remedy="use a signed output type: its results are negative")
    scale = max(inp.scale, out.scale)
    row = exponentials_parameters(values, inp, scale, errors=values)
    finer = FixedPoint(out.bits + scale - out.scale, scale)
    return LogSoftmax(row, out, row.function_of_sum("log(x)", finer, LOG_ERROR))


def log_softmax_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """x_i - log(e^x_1 + .. + e^x_n) row by row: words of `inp`, (rows, n), to words of `out`, uint64."""
    p = log_softmax_parameters(x.shape[1], inp, out)
    below, _, total = exponentials_clear(x, p.row)
    under = (below << np.uint64(p.lift)) + p.log.plan.evaluate(total)[:, None]
    return np.negative(round_reduce_clear(under, shift=p.drop)) & np.uint64(ring.mask(out.bits))


def log_softmax_cost(profile: Profile, shape: tuple[int, ...], *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """A maximum and a logarithm for each row, an exponential for each number; a widening or a truncation if need be."""
    rows, values = shape
    p, n = log_softmax_parameters(values, inp, out), rows * values
    return sequence(
        exponentials_cost(profile, rows, p.row),
        evaluate_cost(profile, rows, plan=p.log.plan),
        extend_cost(profile, n, bits=inp.bits, out_bits=p.widened_bits),
        truncate_reduce_cost(profile, n, bits=p.log.task.out.bits, shift=p.drop),
    )


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=log_softmax_clear,
    cost=log_softmax_cost,
    examples=[
        {"values": 3, "inp": FixedPoint(6, 3), "out": FixedPoint(7, 3)},
        {"values": 1, "inp": FixedPoint(5, 2), "out": FixedPoint(8, 3)},
        {"values": 5, "inp": FixedPoint(8, 4, signed=False), "out": FixedPoint(12, 6)},
        {"values": 10, "inp": FixedPoint(10, 6), "out": FixedPoint(9, 4)},
    ],
    shapes=row_shapes,
    profiles=AHEAD,
)
async def log_softmax(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """x_i - log(e^x_1 + .. + e^x_n) row by row, deterministic: the words of `log_softmax_clear`.

    No result errs by more than `log_softmax_parameters(..).max_ulp`, whatever is in the row: at 16 bits, scale 12 to
    12, 2 ULP for rows of up to 1,000. Where the output type cannot hold the result, some word results, which follows
    from the row like all others.

    Args:
        party: this party.
        x: share of shape (rows, n) of type `inp`, of up to 16 bits.
        inp: type of the numbers.
        out: type of the results, signed.

    Raises:
        LocalError: x has another shape or width; or see `log_softmax_parameters`.
    """
    check_rows(x, inp)
    p = log_softmax_parameters(x.shape[1], inp, out)
    below, _, total = await exponentials(party, x, p.row)
    log = await evaluate(party, total, plan=p.log.plan)
    wide = (await zero_extend(party, below, out_bits=p.widened_bits)).reduce(p.below_bits)
    lifted = ArithmeticShare(ring.reduce(wide.words, log.bits), log.bits) << p.lift
    return -await round_reduce(party, lifted + spread(log, p.row.values), shift=p.drop)
