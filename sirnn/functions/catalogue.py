"""The functions a command can name: from a fixed-point type to a fixed-point type, with the real function beside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.division import positive_reciprocal, positive_reciprocal_clear, positive_reciprocal_cost
from sirnn.functions.exponential import exp, exp_clear, exp_cost
from sirnn.functions.identities import EXHAUSTED, Int64s, reach_of
from sirnn.functions.reciprocal import (
    reciprocal,
    reciprocal_bits,
    reciprocal_clear,
    reciprocal_cost,
    reciprocal_parameters,
)
from sirnn.functions.sigmoid import sigmoid, sigmoid_clear, sigmoid_cost, sigmoid_reach
from sirnn.functions.square_root import rsqrt, rsqrt_clear, rsqrt_cost, sqrt, sqrt_clear, sqrt_cost
from sirnn.functions.tanh import tanh, tanh_clear, tanh_cost
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Clear
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare

Reals = npt.NDArray[np.float64]


@attrs.frozen(eq=False)
class Comparison:
    """Calculated results beside the real function, word by word.

    Attributes:
        calculated: integers of the output words, that is in ULP of the output type; exact to 53 bits.
        real: what the real function is, in the same unit.
        fits: whether the output type can hold `real`. A result that does not fit is reduced modulo 2^bits, and its
            distance from the real value says nothing.
    """

    calculated: Reals
    real: Reals
    fits: npt.NDArray[np.bool_]

    @property
    def errors(self) -> Reals:
        """|calculated - real| in ULP, of the words whose value fits."""
        distance: Reals = np.abs(self.calculated - self.real)[self.fits]
        return distance

    @property
    def overflows(self) -> int:
        """How many words have a real value that does not fit."""
        return int(np.count_nonzero(~self.fits))


@attrs.frozen
class MathFunction:
    """A function of one number.

    Attributes:
        name: how commands call it.
        summary: what it computes, and where.
        run: coroutine `(party, x, *, inp, out)` on shares.
        clear: its functionality, `(x, *, inp, out)` on uint64 words.
        cost: its cost, `(profile, n, *, inp, out)`.
        real: the real function, in double precision: a few 2^-53 relative, far below a ULP of at most 32 bits.
        domain: the integers it is defined on, for an input type.
        known_reach: the least and the greatest integer of its words, `(inp, out)`, where they can be had without going
            through every input.
    """

    name: str
    summary: str
    run: Callable[..., Awaitable[ArithmeticShare]]
    clear: Callable[..., Clear]
    cost: Callable[..., Cost]
    real: Callable[[Reals], Reals]
    domain: Callable[[FixedPoint], range]
    known_reach: Callable[[FixedPoint, FixedPoint], tuple[int, int]] | None = None

    def inputs(self, inp: FixedPoint, count: int) -> Words:
        """`count` words spread evenly over the domain, every one of it if there are enough."""
        domain = self.domain(inp)
        if len(domain) == 0:
            raise LocalError(f"{self.name} is not defined anywhere on {inp}", remedy=self.summary)
        return spread(domain, inp, count)

    def reach(self, inp: FixedPoint, out: FixedPoint) -> tuple[int, int]:
        """The least and the greatest integer of its words on its domain, by going through them if they are not known.

        Raises:
            LocalError: there are too many.
        """
        if self.known_reach is not None:
            return self.known_reach(inp, out)
        if len(self.domain(inp)) > EXHAUSTED:
            raise LocalError(
                f"{inp} has too many words to see which results {self.name} has", remedy="use a narrower type"
            )
        return reach_of(lambda integers: self.results(integers, inp, out), self.domain(inp))

    def results(self, integers: Int64s, inp: FixedPoint, out: FixedPoint) -> Int64s:
        """Integers of its words, at integers of the input."""
        return out.to_int(self.clear(ring.from_signed(integers, inp.bits).astype(np.uint64), inp=inp, out=out))

    def values(self, integers: Int64s, inp: FixedPoint, out: FixedPoint) -> Reals:
        """The real function in ULP of the output, at integers of the input."""
        return np.ldexp(self.real(np.ldexp(integers.astype(np.float64), -inp.scale)), out.scale)

    def compare(self, x: Words, y: Words, inp: FixedPoint, out: FixedPoint) -> Comparison:
        """Output words y beside what the real function is at the input words x, same shape."""
        return compare(self.real, x, y, inp, out)


def spread(domain: range, inp: FixedPoint, count: int) -> Words:
    """`count` words of a type, spread evenly over some of its integers; every one of those if there are enough."""
    places = np.arange(count, dtype=np.int64)
    if count < len(domain):
        places = places * (len(domain) - 1) // max(1, count - 1)
    return ring.from_signed(domain.start + places % len(domain), inp.bits)


def compare(real: Callable[[Reals], Reals], x: Words, y: Words, inp: FixedPoint, out: FixedPoint) -> Comparison:
    """Output words y beside what a real function is at the input words x, same shape."""
    exact: Reals = np.ldexp(real(inp.decode(x)), out.scale)
    low, high = out.int_range
    return Comparison(out.to_int(y).astype(np.float64), exact, (low <= exact) & (exact <= high))


def _whole(inp: FixedPoint) -> range:
    low, high = inp.int_range
    return range(low, high + 1)


def _not_positive(inp: FixedPoint) -> range:
    return range(inp.int_range[0], 1)


def _one_to_two(inp: FixedPoint) -> range:
    one = 1 << max(inp.scale, 0)
    return range(one, min(2 * one, inp.int_range[1] + 1))


def _positive(inp: FixedPoint) -> range:
    return range(1, inp.int_range[1] + 1)


def _not_negative(inp: FixedPoint) -> range:
    return range(inp.int_range[1] + 1)


def _rsqrt(x: Reals) -> Reals:
    return np.asarray(1 / np.sqrt(x))


def _sigmoid(x: Reals) -> Reals:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, small) / (1 + small))


# ------------------------------------------------------------ the reciprocal in [1, 2), from type to type


def _check_unit_reciprocal(inp: FixedPoint, out: FixedPoint) -> int:
    """Width of the reciprocal before it is widened to `out`."""
    reciprocal_parameters(inp.scale, out.scale)
    narrow = reciprocal_bits(out.scale)
    if inp.bits < inp.scale + 1 or out.bits < narrow - 1:
        raise LocalError(
            f"no reciprocal from {inp} to {out}", remedy=f"it needs {inp.scale + 1} bits in and {narrow - 1} bits out"
        )
    return narrow


def _unit_reciprocal_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    _check_unit_reciprocal(inp, out)
    return reciprocal_clear(x, scale=inp.scale, out_scale=out.scale)


def _unit_reciprocal_cost(profile: Profile, n: int, *, inp: FixedPoint, out: FixedPoint) -> Cost:
    narrow = _check_unit_reciprocal(inp, out)
    direct = reciprocal_cost(profile, n, scale=inp.scale, out_scale=out.scale)
    if out.bits < narrow:
        return direct
    return direct + extend_cost(profile, n, bits=narrow, out_bits=out.bits, msb="zero")


async def _unit_reciprocal(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    narrow = _check_unit_reciprocal(inp, out)
    inverse = await reciprocal(party, x, scale=inp.scale, out_scale=out.scale)
    return inverse.reduce(out.bits) if out.bits < narrow else await zero_extend(party, inverse, 0, out_bits=out.bits)


FUNCTIONS = {
    function.name: function
    for function in (
        MathFunction("exp", "e^x for x <= 0", exp, exp_clear, exp_cost, np.exp, _not_positive),
        MathFunction(
            "reciprocal",
            "1/x for x > 0",
            positive_reciprocal,
            positive_reciprocal_clear,
            positive_reciprocal_cost,
            np.reciprocal,
            _positive,
        ),
        MathFunction("rsqrt", "1 / sqrt(x) for x > 0", rsqrt, rsqrt_clear, rsqrt_cost, _rsqrt, _positive),
        MathFunction(
            "sigmoid", "1 / (1 + e^-x)", sigmoid, sigmoid_clear, sigmoid_cost, _sigmoid, _whole, sigmoid_reach
        ),
        MathFunction("sqrt", "square root of x >= 0", sqrt, sqrt_clear, sqrt_cost, np.sqrt, _not_negative),
        MathFunction("tanh", "hyperbolic tangent", tanh, tanh_clear, tanh_cost, np.tanh, _whole),
        MathFunction(
            "unit_reciprocal",
            "1/x for x in [1, 2)",
            _unit_reciprocal,
            _unit_reciprocal_clear,
            _unit_reciprocal_cost,
            np.reciprocal,
            _one_to_two,
        ),
    )
}
"""By name."""
