"""Softmax and log-softmax over the rows of a matrix, out of compiled plans; deterministic, with a proven error.

With m the largest number of a row, u_i = m - x_i is an unsigned word of the very width of x, so nothing is widened:

    e_i = e^-u_i                     a compiled plan, with as many guard bits as a sum of n errors takes
    s = e_1 + .. + e_n               local; low bits are dropped, rounding
    softmax:      e_i * (1 / s)      the reciprocal on [1, n] compiled, one for each row
    log-softmax:  -(u_i + log s)     the logarithm on [1, n] compiled, one for each row

Errors add up as follows, for errors d of e^-u, h of the sum's rounding, and r of 1 / s or log s, all absolute:
softmax errs by at most (n - 1) d / (1 - d) + h / (1 - d - h) + (1 + d) r, log-softmax by (n d + h) / (1 - d - h) + r,
and half a unit for the last rounding. The plans are chosen so that these are below 2 ULP; if the compiler finds none
for so long a row the reciprocal or logarithm is looser. The exact bound is part of the parameters (`max_ulp`).
"""

from __future__ import annotations

from functools import lru_cache

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.multiplication import multiply, multiply_cost
from sirnn.blocks.relational import maxpool, maxpool_clear, maxpool_cost
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.compiler.compiled import Compiled
from sirnn.compiler.evaluate import evaluate, evaluate_cost
from sirnn.compiler.search import compile_function
from sirnn.cost import Cost, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Params, protocol
from sirnn.shares import ArithmeticShare

EXP_ERROR = 1.1
"""ULP of the result that the errors of a row's exponentials may make together."""

FINER = 2
"""Bits that the sum is read to, and its reciprocal known to, beyond the scale of the result."""

RECIPROCAL_ERROR = 1.0
"""ULP of the reciprocal, FINER bits below one of the result."""

LOG_ERROR = 0.75
"""ULP of the logarithm, at the scale of the result."""

LOOSER = 5
"""How often the error of the reciprocal or the logarithm is doubled when no plan is within it."""

SUM_BITS = 20
"""Bits of a sum that its function reads, at most: enough for the error, and few enough for lines."""

AHEAD = [profile for profile in Profile if profile.ahead]

# ------------------------------------------------------------ the exponentials of a row, and their sum


@attrs.frozen
class Row:
    """How the exponentials of a row and their sum are had.

    Attributes:
        values: n, numbers in a row.
        inp: their type.
        exp: e^-u on unsigned words of the input's width, to the ring of the sum.
        kept: scale to which the sum is rounded.
    """

    values: int
    inp: FixedPoint
    exp: Compiled
    kept: int

    @property
    def sum_bits(self) -> int:
        """Width of the ring of the sum; a single exponential is below a quarter of it, or half of it."""
        return self.exp.task.out.bits

    @property
    def term_bits(self) -> int:
        """Width that a single exponential needs to have a top bit of 0."""
        return self.exp.task.out.scale + 2

    @property
    def drop(self) -> int:
        """Bits of the sum that are rounded off."""
        return self.exp.task.out.scale - self.kept

    @property
    def half(self) -> int:
        """What makes dropping them a rounding."""
        return 1 << self.drop >> 1

    @property
    def total(self) -> FixedPoint:
        """Type of the rounded sum."""
        return FixedPoint(self.sum_bits - self.drop, self.kept, signed=False)

    @property
    def domain(self) -> range:
        """What the rounded sum can be: one exponential is that of 0, the others are whatever occurs."""
        words = self.exp.plan.evaluate(np.arange(1 << self.inp.bits, dtype=np.uint64))
        others = self.values - 1
        least, most = (int(words[0]) + others * int(end) for end in (words.min(), words.max()))
        return range(least + self.half >> self.drop, (most + self.half >> self.drop) + 1)

    @property
    def term_error(self) -> float:
        """Of an exponential, absolute."""
        return float(np.ldexp(self.exp.max_ulp, -self.exp.task.out.scale))

    @property
    def rounding(self) -> float:
        """Of the sum, absolute."""
        return float(np.ldexp(0.5, -self.kept)) if self.drop else 0.0


def _row(values: int, inp: FixedPoint, scale: int, *, errors: int) -> Row:
    """The cheapest row in which so many exponentials' errors stay within EXP_ERROR at that scale.

    Raises:
        LocalError: the rows are empty, or no plan does.
    """
    if values < 1 or scale < 1:
        raise LocalError(f"rows of {values} numbers to scale {scale}", remedy="use rows and scales of 1 or more")
    words = FixedPoint(inp.bits, inp.scale, signed=False)
    guard = max(0, int(np.ceil(np.log2(errors / EXP_ERROR))))

    def exp(guard: int) -> Compiled:
        out = FixedPoint(scale + guard + max(2, values.bit_length()), scale + guard, signed=False)
        return compile_function("exp(-x)", inp=words, out=out, max_ulp=EXP_ERROR * (1 << guard) / errors)

    # A bit more of guard lets the plan err twice as much.
    chosen = min((exp(guard), exp(guard + 1)), key=lambda each: each.bytes_per_instance)
    tabulated = SUM_BITS - values.bit_length()
    return Row(values, inp, chosen, min(scale + FINER, tabulated, chosen.task.out.scale))


def _compiled(name: str, row: Row, out: FixedPoint, max_ulp: float) -> Compiled:
    """A function of the sum, within the least multiple of an error by a power of two that any plan keeps."""
    for doubled in range(LOOSER):
        try:
            return compile_function(
                name, inp=row.total, out=out, domain=row.domain, max_ulp=max_ulp * 2**doubled, saturate=True
            )
        except LocalError:
            continue
    return compile_function(name, inp=row.total, out=out, domain=row.domain, max_ulp=max_ulp * 2**LOOSER, saturate=True)


def _row_clear(x: Clear, row: Row) -> tuple[Clear, Clear, Clear]:
    """u and e, (rows, n), and the rounded sum, (rows,)."""
    bits = row.inp.bits
    centred = x if row.inp.signed else x ^ np.uint64(1 << (bits - 1))
    below = (maxpool_clear(centred, bits=bits)[:, None] - centred) & np.uint64(ring.mask(bits))
    terms = row.exp.plan.evaluate(below)
    total = terms.sum(axis=1, dtype=np.uint64) + np.uint64(row.half)
    return below, terms, total >> np.uint64(row.drop)


def _row_cost(profile: Profile, rows: int, row: Row) -> Cost:
    """The maximum of each row, an exponential for each number, and a truncation for each row."""
    return sequence(
        maxpool_cost(profile, (rows, row.values), bits=row.inp.bits),
        evaluate_cost(profile, rows * row.values, plan=row.exp.plan),
        truncate_reduce_cost(profile, rows, bits=row.sum_bits, shift=row.drop),
    )


async def _sum_up(
    party: Party, x: ArithmeticShare, row: Row
) -> tuple[ArithmeticShare, ArithmeticShare, ArithmeticShare]:
    """As `_row_clear`."""
    centred = x if row.inp.signed else x + party.constant(1 << (x.bits - 1), x.bits, x.shape)
    below = _spread(await maxpool(party, centred), row.values) - centred
    terms = await evaluate(party, below, plan=row.exp.plan)
    total = terms.sum(axis=1) + party.constant(row.half, row.sum_bits, x.shape[:1])
    return below, terms, await truncate_reduce(party, total, shift=row.drop)


def _spread(each: ArithmeticShare, values: int) -> ArithmeticShare:
    """One number for each row, beside each of the row's."""
    return ArithmeticShare(np.repeat(each.words[:, None], values, axis=1), each.bits)


def _shapes(size: int, params: Params) -> list[tuple[int, ...]]:
    return [(size, params["values"])]


def _check_rows(x: ArithmeticShare, inp: FixedPoint) -> None:
    if len(x.shape) != 2 or x.bits != inp.bits:
        raise LocalError(f"rows of {inp} in {x!r}", remedy="give (rows, values) in words of that type")


# ------------------------------------------------------------ softmax


@attrs.frozen
class Softmax:
    """How softmax is evaluated.

    Attributes:
        row: exponentials and sum.
        out: type of the results.
        reciprocal: 1 / s.
    """

    row: Row
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
        return self.row.exp.task.out.scale + self.reciprocal.task.out.scale - self.out.scale

    @property
    def product_bits(self) -> int:
        """Width of the product's ring."""
        return self.drop + self.result_bits

    @property
    def plans(self) -> tuple[Compiled, Compiled]:
        """What both parties must have compiled alike."""
        return self.row.exp, self.reciprocal

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
    row, finer = _row(values, inp, out.scale, errors=max(1, values - 1)), out.scale + FINER
    reciprocal = _compiled("1 / x", row, FixedPoint(finer + 2, finer, signed=False), RECIPROCAL_ERROR)
    return Softmax(row, out, reciprocal)


def softmax_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """e^x_i / (e^x_1 + .. + e^x_n) row by row: words of `inp`, (rows, n), to words of `out`, uint64."""
    p = softmax_parameters(x.shape[1], inp, out)
    _, terms, total = _row_clear(x, p.row)
    product: Clear = terms * p.reciprocal.plan.evaluate(total)[:, None] + np.uint64(1 << p.drop >> 1)
    return product >> np.uint64(p.drop)


def softmax_cost(profile: Profile, shape: tuple[int, ...], *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """A maximum and a reciprocal for each row; for each number an exponential, a product, a truncation, a widening."""
    rows, values = shape
    p, n = softmax_parameters(values, inp, out), rows * values
    return sequence(
        _row_cost(profile, rows, p.row),
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
    shapes=_shapes,
    profiles=AHEAD,
)
async def softmax(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """e^x_i / (e^x_1 + .. + e^x_n) row by row, deterministic: the words of `softmax_clear`.

    No result errs by more than `softmax_parameters(..).max_ulp`, whatever is in the row: at 16 bits, scale 12 to 12, 2
    ULP for rows of up to 100 or so and 2.05 for 1,000; 1.42 was the most in rows that were tried.

    Args:
        party: this party.
        x: share of shape (rows, n) of type `inp`, of up to 16 bits.
        inp: type of the numbers.
        out: type of the results, which holds numbers above 1.

    Raises:
        LocalError: x has another shape or width; or see `softmax_parameters`.
    """
    _check_rows(x, inp)
    p = softmax_parameters(x.shape[1], inp, out)
    _, terms, total = await _sum_up(party, x, p.row)
    inverse = await evaluate(party, total, plan=p.reciprocal.plan)
    product = await multiply(
        party,
        terms.reduce(p.row.term_bits),
        _spread(inverse, p.row.values),
        0,
        0,
        out_bits=p.product_bits,
        x_signed=False,
        y_signed=False,
    )
    rounded = product + party.constant(1 << p.drop >> 1, p.product_bits, x.shape)
    result = await truncate_reduce(party, rounded, shift=p.drop)
    return await zero_extend(party, result, 0, out_bits=out.bits)


# ------------------------------------------------------------ log-softmax


@attrs.frozen
class LogSoftmax:
    """How log-softmax is evaluated.

    Attributes:
        row: exponentials and sum.
        out: type of the results.
        log: log s, in the ring and at the scale in which it is added.
    """

    row: Row
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
    def plans(self) -> tuple[Compiled, Compiled]:
        """What both parties must have compiled alike."""
        return self.row.exp, self.log

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
    row, ring_bits = _row(values, inp, scale, errors=values), out.bits + scale - out.scale
    log = _compiled("log(x)", row, FixedPoint(ring_bits, scale), LOG_ERROR)
    return LogSoftmax(row, out, log)


def log_softmax_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """x_i - log(e^x_1 + .. + e^x_n) row by row: words of `inp`, (rows, n), to words of `out`, uint64."""
    p = log_softmax_parameters(x.shape[1], inp, out)
    below, _, total = _row_clear(x, p.row)
    under: Clear = (below << np.uint64(p.lift)) + p.log.plan.evaluate(total)[:, None] + np.uint64(1 << p.drop >> 1)
    rounded: Clear = (under & np.uint64(ring.mask(p.log.task.out.bits))) >> np.uint64(p.drop)
    return np.uint64(0) - rounded


def log_softmax_cost(profile: Profile, shape: tuple[int, ...], *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """A maximum and a logarithm for each row, an exponential for each number; a widening or a truncation if need be."""
    rows, values = shape
    p, n = log_softmax_parameters(values, inp, out), rows * values
    return sequence(
        _row_cost(profile, rows, p.row),
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
    shapes=_shapes,
    profiles=AHEAD,
)
async def log_softmax(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """x_i - log(e^x_1 + .. + e^x_n) row by row, deterministic: the words of `log_softmax_clear`.

    No result errs by more than `log_softmax_parameters(..).max_ulp`, whatever is in the row: at 16 bits, scale 12 to
    12, 2 ULP; 1.24 was the most in rows that were tried. Where the output type cannot hold the result, some word
    results, which follows from the row like all others.

    Args:
        party: this party.
        x: share of shape (rows, n) of type `inp`, of up to 16 bits.
        inp: type of the numbers.
        out: type of the results, signed.

    Raises:
        LocalError: x has another shape or width; or see `log_softmax_parameters`.
    """
    _check_rows(x, inp)
    p = log_softmax_parameters(x.shape[1], inp, out)
    below, _, total = await _sum_up(party, x, p.row)
    log = await evaluate(party, total, plan=p.log.plan)
    wide = (await zero_extend(party, below, out_bits=p.widened_bits)).reduce(p.below_bits)
    lifted = ArithmeticShare(ring.reduce(wide.words, log.bits), log.bits) << p.lift
    under = lifted + _spread(log, p.row.values) + party.constant(1 << p.drop >> 1, log.bits, x.shape)
    return -await truncate_reduce(party, under, shift=p.drop)
