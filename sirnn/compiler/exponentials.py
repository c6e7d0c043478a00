"""The exponentials of a row and their sum, which softmax and log-softmax begin with; deterministic.

With m the largest number of a row, u_i = m - x_i is an unsigned word of the very width of x, so nothing is widened:

    e_i = e^-u_i              a compiled plan, with as many guard bits as a sum of n errors takes
    s = e_1 + .. + e_n        local; low bits are dropped, rounding

What is then wanted of s, once for each row, is compiled for just those words that s can be.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.relational import maxpool, maxpool_clear, maxpool_cost
from sirnn.blocks.rows import spread
from sirnn.blocks.truncation import round_reduce, round_reduce_clear, truncate_reduce_cost
from sirnn.compiler.compiled import Compiled
from sirnn.compiler.evaluate import evaluate, evaluate_cost
from sirnn.compiler.search import compile_function
from sirnn.cost import Cost, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Clear
from sirnn.shares import ArithmeticShare

EXP_ERROR = 1.1
"""ULP of the result that the errors of a row's exponentials may make together."""

FINER = 2
"""Bits that the sum is read to beyond the scale of the result."""

SUM_BITS = 24
"""Bits of a sum that its function reads, at most: few enough for a proof on every word."""

LOOSER = 5
"""How often the error of the sum's function is doubled when no plan is within it."""


@attrs.frozen
class Exponentials:
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
    def scale(self) -> int:
        """Scale of an exponential."""
        return self.exp.task.out.scale

    @property
    def term_bits(self) -> int:
        """Width that a single exponential needs to have a top bit of 0."""
        return self.scale + 2

    @property
    def sum_bits(self) -> int:
        """Width of the ring of the sum; a single exponential is below a quarter of it, or half of it."""
        return self.exp.task.out.bits

    @property
    def drop(self) -> int:
        """Bits of the sum that are rounded off."""
        return self.scale - self.kept

    @property
    def total(self) -> FixedPoint:
        """Type of the rounded sum."""
        return FixedPoint(self.sum_bits - self.drop, self.kept, signed=False)

    @property
    def domain(self) -> range:
        """What the rounded sum can be: one exponential is that of 0, the others are whatever occurs."""
        words = self.exp.plan.evaluate(np.arange(1 << self.inp.bits, dtype=np.uint64))
        ends = words[0] + np.uint64(self.values - 1) * np.array([words.min(), words.max()])
        least, most = map(int, round_reduce_clear(ends, shift=self.drop))
        return range(least, most + 1)

    @property
    def term_error(self) -> float:
        """Of an exponential, absolute."""
        return float(np.ldexp(self.exp.max_ulp, -self.scale))

    @property
    def rounding(self) -> float:
        """Of the sum, absolute."""
        return float(np.ldexp(0.5, -self.kept)) if self.drop else 0.0

    def function_of_sum(self, name: str, out: FixedPoint, max_ulp: float) -> Compiled:
        """A function of the sum, within the least multiple of an error by a power of two that any plan keeps.

        Raises:
            LocalError: there is no plan.
        """
        within = partial(compile_function, name, inp=self.total, out=out, domain=self.domain, saturate=True)
        for doubled in range(LOOSER):
            with suppress(LocalError):
                return within(max_ulp=max_ulp * 2**doubled)
        return within(max_ulp=max_ulp * 2**LOOSER)


def exponentials_parameters(values: int, inp: FixedPoint, scale: int, *, errors: int) -> Exponentials:
    """The cheapest plan with which so many exponentials' errors stay within EXP_ERROR at that scale.

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
    return Exponentials(values, inp, chosen, min(scale + FINER, tabulated, chosen.task.out.scale))


def exponentials_clear(x: Clear, p: Exponentials) -> tuple[Clear, Clear, Clear]:
    """u and e, (rows, n), and the rounded sum, (rows,), of words of `p.inp`."""
    bits = p.inp.bits
    centred = x if p.inp.signed else x ^ np.uint64(1 << (bits - 1))
    below = (maxpool_clear(centred, bits=bits)[:, None] - centred) & np.uint64(ring.mask(bits))
    terms = p.exp.plan.evaluate(below)
    return below, terms, round_reduce_clear(terms.sum(axis=1, dtype=np.uint64), shift=p.drop)


def exponentials_cost(profile: Profile, rows: int, p: Exponentials) -> Cost:
    """The maximum of each row, an exponential for each number, and a truncation for each row."""
    return sequence(
        maxpool_cost(profile, (rows, p.values), bits=p.inp.bits),
        evaluate_cost(profile, rows * p.values, plan=p.exp.plan),
        truncate_reduce_cost(profile, rows, bits=p.sum_bits, shift=p.drop),
    )


async def exponentials(
    party: Party, x: ArithmeticShare, p: Exponentials
) -> tuple[ArithmeticShare, ArithmeticShare, ArithmeticShare]:
    """Shares of what `exponentials_clear` gives."""
    centred = x if p.inp.signed else x + party.constant(1 << (x.bits - 1), x.bits, x.shape)
    below = spread(await maxpool(party, centred), p.values) - centred
    terms = await evaluate(party, below, plan=p.exp.plan)
    return below, terms, await round_reduce(party, terms.sum(axis=1), shift=p.drop)


PRIMITIVES = (exponentials,)
"""It takes a compiled plan, which no registry should wait for; softmax and log-softmax are tested in its place."""
