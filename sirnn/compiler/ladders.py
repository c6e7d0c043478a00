"""Ladders: the tiers that a range could be stretched by, so that segments are no narrower than they must be.

The range is halved again and again where a polynomial does not do. What is left over at each width, the words that need
narrower segments, is within some power of two of one place if the function bends there alone: at a pole, a kink, or the
place where it saturates. That is what a tier reaches. Which widths get a tier of their own is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import attrs
import numpy as np

from sirnn import ring
from sirnn.compiler.fit import Segments
from sirnn.compiler.real import Reals
from sirnn.compiler.shapes import FLOOR
from sirnn.compiler.stretch import Stretch, segments, stretch
from sirnn.compiler.target import Bools, Int64s, Target
from sirnn.fixedpoint import FixedPoint

RATIOS = (1, 2, 3, 4)
"""Bits by which segments of a tier are wider than those of the next."""

MAX_FAILING = 1 << 12
"""Segments that are halved at once: of a function that has more, no part is straight."""

Failing: TypeAlias = dict[int, Int64s]
"""By the width of a segment, as a power of two: the rows of those on which no polynomial does."""

# ------------------------------------------------------------ what is asked of stretched words


@attrs.frozen(eq=False)
class StretchedTarget(Target):
    """What is asked of stretched words: what is asked of the words they come from.

    Attributes:
        whole: asked of these.
        stretch: the map.
    """

    whole: Target
    stretch: Stretch

    def at(self, words: Int64s) -> tuple[Reals, Bools]:
        """As `Target.at`."""
        origins, does = self.stretch.inverse(words)
        values, asked = self.whole.at(origins)
        return np.where(does, values, 0.0), asked & does

    @property
    def origin(self) -> int | None:
        """As `Target.origin`."""
        return None if self.whole.origin is None else int(self.stretch(np.zeros(1, np.int64))[0])

    @property
    def known_words(self) -> Int64s:
        """As `Target.known_words`."""
        return self.stretch(self.whole.known_words)

    @property
    def steps(self) -> Int64s:
        """As `Target.steps`."""
        return np.array([1 << tier.shift for tier in self.stretch.tiers], dtype=np.int64)


def stretched_target(target: Target, stretch: Stretch) -> StretchedTarget:
    """What is asked of a target's words once they are stretched."""
    task = attrs.evolve(target.task, inp=FixedPoint(stretch.bits, 0, signed=False))
    return StretchedTarget(task, stretch.bits, target.table, target.low, target.high, (), target, stretch)


# ------------------------------------------------------------ tiers


def ladders(target: Target, degree: int, bound: float, most_index_bits: int) -> Iterator[tuple[int, Stretch]]:
    """The number of segments, as a power of two, and the stretch with the fewest tiers that polynomials may do for."""
    best: dict[int, tuple[int, int, Stretch]] = {}
    for origin, step, cuts in _tiers(target, failing(target, degree, bound)):
        index_bits = (sum(segments(cuts)) - 1).bit_length()
        rank = len(cuts), index_bits + cuts[0][1]
        if index_bits <= most_index_bits and (index_bits not in best or rank < best[index_bits][:2]):
            best[index_bits] = (*rank, stretch(origin, step, cuts))
    for index_bits in sorted(best):
        yield index_bits, best[index_bits][2]


def failing(target: Target, degree: int, bound: float) -> Failing:
    """Segments that need to be narrower, by their width, down to one at which none does; empty if too many do."""
    found: Failing = {}
    rows = np.arange(2, dtype=np.int64)
    for width in range(target.read_bits - 1, 0, -1):
        segments = Segments.of(target, target.read_bits - width, rows)
        rows = rows[segments.polynomials(degree)[1] + FLOOR > bound]
        if rows.size > MAX_FAILING:
            return {}
        if not rows.size:
            break
        found[width] = rows
        rows = np.stack([2 * rows, 2 * rows + 1], axis=1).reshape(-1)
    return found


def _tiers(target: Target, failing: Failing) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Origin, step and cuts of stretches."""
    narrowest = min(failing, default=1) - 1
    for width, rows in failing.items():
        for origin, step in _origins(rows, width, target.read_bits):
            for ratio in RATIOS:
                cuts, above = [(target.read_bits, width)], width
                for below in (*range(width - ratio, narrowest, -ratio), narrowest):
                    reach = _reach(failing[above], above, origin, step, target.read_bits)
                    if cuts[-1][0] == reach:
                        cuts.pop()  # all of its words are in this one
                    cuts.append((reach, below))
                    above = below
                if len(cuts) > 1 and cuts[0][1] == width:
                    yield origin, step, cuts


def _origins(rows: Int64s, width: int, read_bits: int) -> list[tuple[int, int]]:
    """The ends of the shortest run, around the end of the range if need be, that holds these segments."""
    count = 1 << read_bits - width
    gaps = np.diff(np.append(rows, rows[0] + count))
    last = int(np.argmax(gaps))
    first, end = int(rows[(last + 1) % rows.size]), int(rows[last]) + 1
    return [(first << width, 1), ((end << width) - 1, -1)]


def _reach(rows: Int64s, width: int, origin: int, step: int, read_bits: int) -> int:
    """Bits of the distance of the farthest word of these segments."""
    farthest = (rows << width) + (step > 0) * ((1 << width) - 1)
    distance: Int64s = step * (farthest - origin) & ring.mask(read_bits)
    return int(distance.max()).bit_length()
