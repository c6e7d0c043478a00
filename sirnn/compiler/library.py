"""The functions that the compiler knows by name: where each is asked for, and how exactly.

A plan for one of them is compiled for whatever types are given; nothing here is fitted in advance.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from sirnn.compiler import real
from sirnn.compiler.price import FLIGHT_BITS
from sirnn.compiler.real import RealFunction
from sirnn.fixedpoint import FixedPoint

# ------------------------------------------------------------ domains


def everywhere(inp: FixedPoint) -> range:
    """All integers of the type."""
    low, high = inp.int_range
    return range(low, high + 1)


def not_positive(inp: FixedPoint) -> range:
    """x <= 0."""
    return range(inp.int_range[0], 1)


def positive(inp: FixedPoint) -> range:
    """x > 0."""
    return range(1, inp.int_range[1] + 1)


def not_negative(inp: FixedPoint) -> range:
    """x >= 0."""
    return range(inp.int_range[1] + 1)


def above_minus_one(inp: FixedPoint) -> range:
    """x > -1."""
    low, high = inp.int_range
    minus_one = -(1 << inp.scale) if inp.scale >= 0 else -1
    return range(max(low, minus_one + 1), high + 1)


def between(low: float, high: float) -> Callable[[FixedPoint], range]:
    """low <= x <= high."""

    def domain(inp: FixedPoint) -> range:
        least, most = inp.int_range
        with np.errstate(over="ignore"):  # what is infinite is beyond the type anyway
            first, last = np.ceil(np.ldexp(low, inp.scale)), np.floor(np.ldexp(high, inp.scale))
        return range(int(max(least, first)), int(min(most, last)) + 1)

    return domain


# ------------------------------------------------------------ functions


@attrs.frozen
class LibraryFunction:
    """A function by name.

    Attributes:
        name: how callers and commands name it.
        summary: what it is.
        real: the function in double precision.
        domain: the integers of an input type on which it is asked for.
        max_ulp: the error allowed unless the caller says another.
        saturate: whether the ends of the output type stand for what is beyond them, unless the caller says otherwise:
            true of those that exceed usual types where they are asked for.
        flight_bits: bits of an instance that a plan must save for each flight more, unless the caller says otherwise.
    """

    name: str
    summary: str
    real: RealFunction
    domain: Callable[[FixedPoint], range] = everywhere
    max_ulp: float = 1.0
    saturate: bool = False
    flight_bits: int = FLIGHT_BITS


LIBRARY = {
    function.name: function
    for function in (
        LibraryFunction("atan", "inverse tangent", np.arctan),
        LibraryFunction("cos", "cosine", np.cos),
        LibraryFunction("elu", "x, and e^x - 1 below 0", real.elu),
        LibraryFunction("erf", "error function", real.erf),
        LibraryFunction("exp", "e^x for x <= 0", np.exp, not_positive, max_ulp=1.7),
        LibraryFunction("gelu", "x times the normal distribution function", real.gelu),
        LibraryFunction("hard_sigmoid", "x / 6 + 1/2 between 0 and 1", real.hard_sigmoid),
        LibraryFunction("hard_swish", "x hard_sigmoid(x)", real.hard_swish),
        LibraryFunction("hard_tanh", "x between -1 and 1", real.hard_tanh),
        LibraryFunction("log", "natural logarithm of x > 0", np.log, positive, saturate=True),
        LibraryFunction("log1p", "log(1 + x) for x > -1", np.log1p, above_minus_one, saturate=True),
        LibraryFunction("mish", "x tanh(softplus(x))", real.mish),
        LibraryFunction("reciprocal", "1 / x for x > 0", real.UNARY["reciprocal"], positive, saturate=True),
        LibraryFunction("relu", "max(x, 0)", real.relu, max_ulp=0.5),
        # Most often it is asked for one number a row, so that its flights count for more than its bytes.
        LibraryFunction(
            "rsqrt", "1 / sqrt(x) for x > 0", real.rsqrt, positive, max_ulp=0.6, saturate=True, flight_bits=120
        ),
        LibraryFunction("selu", "elu with the constants of self-normalising networks", real.selu, saturate=True),
        LibraryFunction("sigmoid", "1 / (1 + e^-x)", real.sigmoid, max_ulp=1.2),
        LibraryFunction("silu", "x sigmoid(x)", real.silu),
        LibraryFunction("sin", "sine", np.sin),
        LibraryFunction("softplus", "log(1 + e^x)", real.softplus, saturate=True),
        LibraryFunction("sqrt", "square root of x >= 0", np.sqrt, not_negative),
        LibraryFunction("tanh", "hyperbolic tangent", np.tanh, max_ulp=1.5),
    )
}
"""By name."""
