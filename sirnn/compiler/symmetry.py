"""Symmetries: functions whose values for x < 0 follow from those for x > 0, seen by their values.

A symmetry is f(-x) = sign f(x) + constant + slope x, in ULP and in words of the input. Applied twice it must give f
back, so that an odd function (sign -1) has no slope, and an even one (sign 1) no constant.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from sirnn.compiler.plan import Line
from sirnn.compiler.real import Reals
from sirnn.compiler.target import REFERENCE_ERROR, Bools, Int64s, Target

EQUAL = 1e-6
"""ULP by which doubles may differ that are the same number."""


@attrs.frozen
class Symmetry:
    """f(-x) = sign f(x) + constant + slope x.

    Attributes:
        sign: -1 or 1.
        constant: an integer, in ULP of the output.
        slope: an integer, in ULP for each word of the input.
    """

    sign: int
    constant: int = 0
    slope: int = 0

    def mirror(self, sizes: Int64s, values: Reals) -> Reals:
        """f(-x) by f(x), or the other way round with the negatives of x."""
        mirrored: Reals = self.sign * values + self.constant + self.slope * sizes
        return mirrored


def symmetry(target: Target, bound: float) -> Symmetry | None:
    """The symmetry of a target at all of its words, or of a wide one at `spread`; None if it has none of use.

    Its domain must reach as far below 0 as above, but for one word. With a slope, no result within the bound may be
    beyond the output type where x < 0.
    """
    reach = target.domain.stop - 1
    if not target.inp.signed or reach < 1 or -target.domain.start - reach not in (0, 1):
        return None
    run = range(reach + 1)
    sizes = target.some(run)
    values, opposite = (target.at(each)[0] for each in (sizes, -sizes))
    tolerance = EQUAL + REFERENCE_ERROR * (np.abs(values) + np.abs(opposite))
    for found in _candidates(sizes, values, opposite):
        same = np.all(np.abs(found.mirror(sizes, values) - opposite) <= tolerance)
        if same and (not found.slope or _of_use(found, target, opposite, bound)):
            return found
    return None


def _candidates(sizes: Int64s, values: Reals, opposite: Reals) -> Iterator[Symmetry]:
    """The only ones there can be: odd, by the value at 0, and even, by those farthest from it."""
    yield Symmetry(-1, constant=round(2 * float(values[0])))
    yield Symmetry(1, slope=round(float(opposite[-1] - values[-1]) / int(sizes[-1])))


def _of_use(found: Symmetry, target: Target, opposite: Reals, bound: float) -> bool:
    low, high = target.out.int_range
    held = low + bound <= opposite.min() and opposite.max() + bound <= high
    return bool(held) and Line(found.slope, 0).determined(target.inp, target.out)


def sizes_at(target: Target, found: Symmetry, sizes: Int64s) -> tuple[Reals, Bools]:
    """By |x|: real values for x >= 0 in ULP, and whether anything is asked of x or of -x."""
    above, below = sizes < target.domain.stop, -sizes >= target.domain.start
    values = target.at(np.where(above, sizes, 0))[0]
    if not np.all(above | ~below):  # the one word without its opposite
        mirrored = found.mirror(-sizes, target.at(np.where(below, -sizes, 0))[0])
        values = np.where(above, values, mirrored)
    asked: Bools = above | below
    return np.where(asked, values, 0.0), asked
