"""Symmetries: functions whose values for x < 0 follow from those for x > 0, seen by their values.

A symmetry is f(-x) = sign f(x) + constant + slope x, in ULP and in words of the input. Applied twice it must give f
back, so that an odd function (sign -1) has no slope, and an even one (sign 1) no constant.
"""

from __future__ import annotations

import numpy as np

from sirnn.compiler.plan import Line
from sirnn.compiler.real import Reals
from sirnn.compiler.target import Bools, Int64s, Target
from sirnn.functions.identities import Symmetry, mirrored, symmetries


def symmetry(target: Target, bound: float) -> Symmetry | None:
    """The symmetry of a target at all of its words, or of a wide one at `spread`; None if it has none of use.

    Its domain must reach as far below 0 as above, but for one word. With a slope, no result within the bound may be
    beyond the output type where x < 0.
    """
    run = mirrored(target.domain)
    if run is None:
        return None
    sizes = target.some(run)
    values, opposite = (target.at(each)[0] for each in (sizes, -sizes))
    for found in symmetries(sizes, values, opposite):
        same = found.holds(sizes, values, opposite)
        if same and (not found.slope or _of_use(found, target, opposite, bound)):
            return found
    return None


def _of_use(found: Symmetry, target: Target, opposite: Reals, bound: float) -> bool:
    low, high = target.out.int_range
    held = low + bound <= opposite.min() and opposite.max() + bound <= high
    return bool(held) and Line(found.slope, 0).determined(target.inp, target.out)


def sizes_at(target: Target, found: Symmetry, sizes: Int64s) -> tuple[Reals, Bools]:
    """By |x|: real values for x >= 0 in ULP, and whether anything is asked of x or of -x."""
    above, below = sizes < target.domain.stop, -sizes >= target.domain.start
    values = target.at(np.where(above, sizes, 0))[0]
    if not np.all(above | ~below):  # the one word without its opposite
        opposite = found.mirror(-sizes, target.at(np.where(below, -sizes, 0))[0])
        values = np.where(above, values, opposite)
    asked: Bools = above | below
    return np.where(asked, values, 0.0), asked
