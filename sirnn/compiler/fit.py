"""Fits: integer coefficients whose pieces stay within a bound at every word, or the certainty that there are none.

A piece gives y = floor((c 2^e + s(d)) / 2^t), where s(d) is what the higher coefficients contribute at the word d. For
a bound of M ULP, y must lie in L = ceil(f - M) .. U = floor(f + M), which is exactly

    L 2^t - s(d)  <=  c 2^e  <=  U 2^t + 2^t - 1 - s(d).

So for given higher coefficients the intercepts that do are an interval, and whether it holds a multiple of 2^e decides.
Its length is concave in the slope, so the best slope is found by climbing from the chord: if its interval is empty, no
line does. Of coarser intercepts, which the longest interval may miss, the slopes around it are tried. All segments are
done at once; the bound may differ from one to the next, which is how the worst error of each is made small.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from sirnn.compiler.real import Reals
from sirnn.compiler.target import REFERENCE_ERROR, Target

Int64s: TypeAlias = npt.NDArray[np.int64]

Bools: TypeAlias = npt.NDArray[np.bool_]

NEIGHBOURS = (0, 1, -1, 2, -2)
"""Slopes tried around the best one: one of them may meet the grid of the intercepts where the best does not."""

HALVINGS = 8
"""Steps of the bisection for the smallest bound: to less than a hundredth of an ULP."""


# ------------------------------------------------------------ what is asked of each word


@attrs.frozen
class Window:
    """Results from low to high, both included."""

    low: int
    high: int


@attrs.frozen(eq=False)
class Segments:
    """A target cut into 2^index_bits runs of words.

    Attributes:
        goal: real values in ULP, (segments, words of each).
        asked: whether anything is asked of a word, likewise.
        rest: the words' places around the middle of their run, (words,).
    """

    goal: Reals
    asked: Bools
    rest: Int64s

    @classmethod
    def of(cls, target: Target, index_bits: int) -> Segments:
        """The target's words, cut."""
        goal = target.goal.reshape(1 << index_bits, -1)
        length = goal.shape[1]
        return cls(goal, target.asked.reshape(goal.shape), np.arange(length, dtype=np.int64) - length // 2)

    def only(self, rows: Int64s) -> Segments:
        """Some of the segments."""
        return Segments(self.goal[rows], self.asked[rows], self.rest)

    def chords(self) -> Reals:
        """ULP per word between the first and the last word asked for in each segment; 0 if there are not two."""
        first = np.argmax(self.asked, axis=1)
        last = self.asked.shape[1] - 1 - np.argmax(self.asked[:, ::-1], axis=1)
        rows = np.arange(len(self.goal))
        rise, run = self.goal[rows, last] - self.goal[rows, first], last - first
        slopes: Reals = np.where(run > 0, rise / np.maximum(run, 1), 0.0)
        return slopes

    def bend(self) -> float:
        """An error in ULP that lines with real coefficients have somewhere, by their first, middle and last words."""
        length = self.goal.shape[1]
        places = [0, (length - 1) // 2, 2 * ((length - 1) // 2)]
        first, middle, last = self.goal[:, places].T
        return float(np.max(np.abs(first - 2 * middle + last) / 4 * np.all(self.asked[:, places], axis=1)))

    def limits(self, bound: float | Reals, window: Window) -> tuple[Int64s, Int64s]:
        """The smallest and the largest result that is right, of each word; `bound` in ULP, perhaps by segment."""
        # The reference may be off by this much, so what is promised is promised with that much to spare.
        margin = np.broadcast_to(np.asarray(bound, np.float64).reshape(-1, 1), self.goal.shape) - REFERENCE_ERROR * (
            1 + np.abs(self.goal)
        )
        low = np.maximum(np.ceil(self.goal - margin).astype(np.int64), window.low)
        high = np.minimum(np.floor(self.goal + margin).astype(np.int64), window.high)
        return np.where(self.asked, low, window.low), np.where(self.asked, high, window.high)


# ------------------------------------------------------------ intercepts and slopes


@attrs.frozen(eq=False)
class Room:
    """For a slope in each segment, the interval of c 2^e in which the intercept must lie; empty if least > most."""

    slopes: Int64s
    least: Int64s
    most: Int64s

    @property
    def size(self) -> Int64s:
        return self.most - self.least

    def intercepts(self, shift: int) -> tuple[Int64s, Bools]:
        """The multiple of 2^shift in the middle of each interval, over 2^shift, and whether there is any."""
        least, most = -((-self.least) >> shift), self.most >> shift
        return (least + most) >> 1, least <= most


Contribution: TypeAlias = Callable[[Int64s], Int64s]
"""From a slope for each segment to s(d) at each word, (segments, words)."""


@attrs.frozen(eq=False)
class Rooms:
    """The intervals for several slopes of each segment."""

    tried: tuple[Room, ...]

    @property
    def best(self) -> Room:
        """The longest interval of each segment."""
        first = np.argmax(np.stack([room.size for room in self.tried]), axis=0)[None]
        slopes, least, most = (
            np.take_along_axis(np.stack(each), first, axis=0)[0]
            for each in zip(*((room.slopes, room.least, room.most) for room in self.tried), strict=True)
        )
        return Room(slopes, least, most)

    def choose(self, shift: int) -> tuple[Int64s, Int64s, Bools]:
        """Of each segment a slope, an intercept on the grid, and whether they do; the longest interval first."""
        found = [room.intercepts(shift) for room in self.tried]
        ranks = np.stack([np.where(does, room.size, -1) for room, (_, does) in zip(self.tried, found, strict=True)])
        first = np.argmax(ranks, axis=0)[None]
        slopes = np.take_along_axis(np.stack([room.slopes for room in self.tried]), first, axis=0)[0]
        intercepts = np.take_along_axis(np.stack([middle for middle, _ in found]), first, axis=0)[0]
        return slopes, intercepts, np.any(np.stack([does for _, does in found]), axis=0)


def room(low: Int64s, high: Int64s, drop: int, slopes: Int64s, contribution: Contribution) -> Room:
    """The intervals for one slope of each segment, results between low and high, `drop` bits dropped."""
    part = contribution(slopes)
    return Room(slopes, ((low << drop) - part).max(axis=1), (((high + 1) << drop) - 1 - part).min(axis=1))


def climb(
    low: Int64s, high: Int64s, drop: int, start: Int64s, step: int, allowed: Window, contribution: Contribution
) -> Rooms:
    """The intervals along the way from the slopes `start` to the best ones, by ever smaller steps, and around these."""

    def look(slopes: Int64s) -> Room:
        return room(low, high, drop, np.clip(slopes, allowed.low, allowed.high), contribution)

    tried = [look(start)]
    best, step = tried[0], max(1, step)
    while step:
        tried += [look(best.slopes + step), look(best.slopes - step)]
        found = Rooms((best, *tried[-2:])).best
        if np.array_equal(found.size, best.size):
            step //= 2
        best = found
    tried += [look(best.slopes + offset) for offset in NEIGHBOURS[1:]]
    return Rooms((best, *tried))


# ------------------------------------------------------------ straight pieces


@attrs.frozen(eq=False)
class Line:
    """What is fitted: the segments, the bits dropped, the slopes allowed and the results allowed."""

    segments: Segments
    drop: int
    slopes: Window
    results: Window

    def within(self, rows: Int64s) -> Line:
        """The same of some of the segments."""
        return attrs.evolve(self, segments=self.segments.only(rows))

    def contribution(self, slopes: Int64s) -> Int64s:
        return slopes[:, None] * self.segments.rest

    def rooms(self, bound: float) -> Rooms:
        """The intervals of good slopes, for one bound in ULP."""
        low, high = self.segments.limits(bound, self.results)
        start = np.rint(np.ldexp(self.segments.chords(), self.drop)).astype(np.int64)
        # A slope that is off by more than this errs by more than the bound at the ends of the segment.
        spread = int(2 * bound * 2**self.drop) // len(self.segments.rest)
        return climb(low, high, self.drop, start, spread // 2, self.slopes, self.contribution)

    def polish(self, slopes: Int64s, intercepts: Int64s, shift: int, bound: float) -> tuple[Int64s, Int64s]:
        """Slopes and intercepts near these, which are within `bound`, with a worst error as small as was found."""
        worst, floor = np.full(len(slopes), bound), np.zeros(len(slopes))
        for _ in range(HALVINGS):
            middle = (worst + floor) / 2
            low, high = self.segments.limits(middle, self.results)
            around = [np.clip(slopes + step, self.slopes.low, self.slopes.high) for step in NEIGHBOURS]
            rooms = Rooms(tuple(room(low, high, self.drop, each, self.contribution) for each in around))
            slope, intercept, does = rooms.choose(shift)
            slopes, intercepts = np.where(does, slope, slopes), np.where(does, intercept, intercepts)
            worst, floor = np.where(does, middle, worst), np.where(does, floor, middle)
        return slopes, intercepts
