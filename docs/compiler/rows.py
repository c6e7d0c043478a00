"""The table of protocols over rows: cost, proven bound, and the worst error in rows of every sort.

For every protocol and length of row a million numbers of each sort are evaluated in clear, drawn from a fixed seed: the
words are those that come out on shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from tables import table

from sirnn import ring
from sirnn.compiler.log_softmax import log_softmax_clear, log_softmax_cost, log_softmax_parameters
from sirnn.compiler.softmax import softmax_clear, softmax_cost, softmax_parameters
from sirnn.compiler.unit_rows import normalise_rows_clear, normalise_rows_cost, unit_rows_parameters
from sirnn.correlations.prepare import plan as plan_ahead
from sirnn.cost import Cost
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.normalisation import l2_normalise_clear, l2_normalise_cost
from sirnn.profile import Profile
from sirnn.protocol import Clear

SHOWN = FixedPoint(16, 12)
BATCH = 65_536
"""Numbers that costs are for, about: as many rows as make them."""

NUMBERS = 1_000_000
"""Of each sort of rows, at least."""

SEED = 0

NEAR = 256
"""ULP from an end of the type that are near it."""

MARGIN = 4
"""ULP between a result and an end of the type, so that it surely fits."""

Integers = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

# ------------------------------------------------------------ what the protocols are held to


def softmax(x: Reals) -> Reals:
    """e^x_i over the sum of the row."""
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def log_softmax(x: Reals) -> Reals:
    """Its logarithm."""
    below = x - x.max(axis=1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=1, keepdims=True))


def unit(x: Reals) -> Reals:
    """x_i over the row's Euclidean length; a row of zeros stays one."""
    length = np.sqrt((x**2).sum(axis=1, keepdims=True))
    return x / np.where(length == 0, 1, length)


@attrs.frozen
class Case:
    """A protocol over rows.

    Attributes:
        name: of the protocol.
        lengths: of rows that are shown.
        real: what it computes, on doubles.
        clear: its words.
        cost: what it costs.
        parameters: its plans for rows of a length, which know a bound; None if there is no proof of one.
    """

    name: str
    lengths: tuple[int, ...]
    real: Callable[[Reals], Reals]
    clear: Callable[..., Clear]
    cost: Callable[..., Cost]
    parameters: Callable[..., Any] | None


CASES = [
    Case("softmax", (2, 10, 100, 1000), softmax, softmax_clear, softmax_cost, softmax_parameters),
    Case("log_softmax", (2, 10, 100, 1000), log_softmax, log_softmax_clear, log_softmax_cost, log_softmax_parameters),
    Case("normalise_rows", (3, 10, 100), unit, normalise_rows_clear, normalise_rows_cost, unit_rows_parameters),
    Case("l2_normalise", (3, 10, 100), unit, l2_normalise_clear, l2_normalise_cost, None),
]

# ------------------------------------------------------------ rows of every sort


def every_sort(values: int) -> Iterator[Integers]:
    """Rows of anything; of every magnitude; all but one alike; of numbers near the ends; and with a single number."""
    rng, count, (low, high) = np.random.default_rng(SEED), -(-NUMBERS // values), SHOWN.int_range
    shape, places = (count, values), rng.integers(0, SHOWN.bits, size=(count, 1))

    def anything(shape: tuple[int, ...]) -> Integers:
        return rng.integers(low, high + 1, size=shape)

    yield anything(shape)
    yield anything(shape) >> places
    alike = np.repeat(anything((count, 1)), values, axis=1)
    alike[:, 0] = high
    yield alike
    inwards = rng.integers(0, NEAR, size=shape)
    yield np.where(rng.random(shape) < 0.5, low + inwards, high - inwards)
    single = np.zeros(shape, np.int64)
    single[:, :1] = anything((count, 1)) >> places
    yield single


def worst_seen(case: Case, values: int) -> float:
    """The largest error of results that fit, in ULP."""
    worst, (low, high) = 0.0, SHOWN.int_range
    for x in every_sort(values):
        words = case.clear(ring.from_signed(x, SHOWN.bits).astype(np.uint64), inp=SHOWN, out=SHOWN)
        got = SHOWN.to_int(words & np.uint64(ring.mask(SHOWN.bits)))
        exact = np.ldexp(case.real(x * SHOWN.ulp), SHOWN.scale)
        fits = (exact > low + MARGIN) & (exact < high - MARGIN)
        worst = max(worst, float(np.abs(got - exact)[fits].max(initial=0)))
    return worst


# ------------------------------------------------------------ the table


def rows() -> str:
    """A line for every protocol and length of row."""
    header = ["protocol", "row", "bytes", "flights", "bound, ULP", "worst seen, ULP"]
    return table(header, (line(each, values) for each in CASES for values in each.lengths))


def line(case: Case, values: int) -> list[str]:
    """Its cells; errors are rounded up."""
    count = BATCH // values
    online = case.cost(Profile.LEAN, (count, values), inp=SHOWN, out=SHOWN)
    sent = online.payload + plan_ahead(Profile.LEAN, online.demand).offline.payload
    bound = f"{up(case.parameters(values, SHOWN, SHOWN).max_ulp):.2f}" if case.parameters else "not proven"
    name = f"**{case.name}**" if values == case.lengths[0] else ""
    seen = f"{up(worst_seen(case, values)):.2f}"
    return [name, f"{values:,}", f"{sent / (count * values):.1f}", str(online.flights), bound, seen]


def up(error: float) -> float:
    """To hundredths."""
    return math.ceil(100 * error) / 100
