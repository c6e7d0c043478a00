"""Fits: integer coefficients whose pieces stay within a bound at every word, or the certainty that there are none.

A piece gives y = floor((c 2^e + s(d)) / 2^t), where s(d) is what the higher coefficients contribute at the word d. For
a bound of M ULP, y must lie in L = ceil(f - M) .. U = floor(f + M), which is exactly

    L 2^t - s(d)  <=  c 2^e  <=  U 2^t + 2^t - 1 - s(d).

So for given higher coefficients the intercepts that do are an interval, and whether it holds a multiple of 2^e decides.
Its length is concave in the slope, so the best slope is found by climbing from the chord: if its interval is empty, no
line does. Of coarser intercepts, which the longest interval may miss, the slopes around it are tried. All segments are
done at once; the bound may differ from one to the next, which is how the worst error of each is made small.

Coefficients above the slope are those of a least-squares fit in Chebyshev's weight, whose worst error is almost the
smallest, rounded; the slope and the intercept then make up for their rounding, and for that of the truncations.

Of wide inputs a segment is seen at some of its words. What is asked there is what serves their neighbours too: either
a result may lie anywhere up to 1 below z / 2^t, (f - M) 2^t + 2^t - 1 <= z <= (f + M) 2^t, or, where f is flat, L and U
are those of the highest and the lowest value nearby. A truncated product lies anywhere in its band (`rounding`).
"""

from __future__ import annotations

import itertools

import attrs
import numpy as np

from sirnn import ring
from sirnn.compiler.plan import Integers
from sirnn.compiler.real import Reals
from sirnn.compiler.rounding import band, floored
from sirnn.compiler.symmetry import sizes_at
from sirnn.compiler.target import Bools, Int64s, Target
from sirnn.functions.identities import EQUAL, REFERENCE_ERROR, Symmetry

NEIGHBOURS = (0, 1, -1, 2, -2)
"""Slopes tried around the best one: one of them may meet the grid of the intercepts where the best does not."""

PATIENCE = 16
"""Steps of one length after which it is doubled: where few of a segment's words are asked for, the best slope is as far
from the chord as those are near each other.
"""

UNTYING = tuple(sorted(range(-16, 17), key=abs))
"""Steps of an intercept that are tried to avoid ties."""

HALVINGS = 8
"""Steps of the bisection for the smallest bound: to less than a hundredth of an ULP."""

SEEN = 1 << 16
"""Words of a wide input that are looked at, over all segments."""

LEAST_SEEN = 65
"""Words of each segment that are looked at, at least."""

SLACK = 0.01
"""ULP by which the words between those looked at may be worse."""

RIDGE = 1e-9
"""Keeps the coefficients of a segment of which too little is asked determined."""


# ------------------------------------------------------------ what is asked of each word


@attrs.frozen
class Window:
    """Results from low to high, both included."""

    low: int
    high: int


@attrs.frozen(eq=False)
class Segments:
    """A target cut into 2^index_bits runs of words, or of the sizes of words.

    Attributes:
        goal: real values in ULP, (segments, words of each that are looked at).
        asked: whether anything is asked of a word, likewise.
        rest: the words' places around the middle of their run, ascending, first and last of the run included, (words,).
        every: whether these are all words.
        pinned: words whose results must be the integers nearest to their values, likewise; there are none if None.
    """

    goal: Reals
    asked: Bools
    rest: Int64s
    every: bool = True
    pinned: Bools | None = None

    @classmethod
    def of(cls, target: Target, index_bits: int, rows: Int64s | None = None) -> Segments:
        """The target's words, cut: all segments, or some."""
        length = 1 << (target.read_bits - index_bits)
        seen = length if target.table is not None else min(length, max(LEAST_SEEN, SEEN >> index_bits))
        places = _places(length, seen, target.steps)
        if seen < length:
            places = np.union1d(places, target.known_words & (length - 1))
        firsts = np.arange(1 << index_bits, dtype=np.int64) if rows is None else rows
        return cls(*target.at(firsts[:, None] * length + places), places - length // 2, seen == length)

    @classmethod
    def of_sizes(cls, target: Target, index_bits: int, found: Symmetry) -> Segments:
        """The sizes |x| of the target's words, cut: each run with both of its ends, which one sign or the other has."""
        length = 1 << (target.read_bits - 1 - index_bits)
        seen = length + 1 if target.table is not None else min(length + 1, max(LEAST_SEEN, SEEN >> index_bits))
        places = np.arange(seen, dtype=np.int64) * length // (seen - 1)
        if seen <= length:
            places = np.union1d(places, np.abs(np.array(target.known, dtype=np.int64)) & (length - 1))
        sizes = np.arange(1 << index_bits, dtype=np.int64)[:, None] * length + places
        return cls(*sizes_at(target, found, sizes), places - length // 2, seen == length + 1)

    @property
    def length(self) -> int:
        """Words of a segment, whether they are looked at or not."""
        return int(self.rest[-1] - self.rest[0]) + 1

    def only(self, rows: Int64s) -> Segments:
        """Some of the segments."""
        pinned = None if self.pinned is None else self.pinned[rows]
        return attrs.evolve(self, goal=self.goal[rows], asked=self.asked[rows], pinned=pinned)

    def pin(self, rows: Int64s | slice, columns: Int64s) -> Segments:
        """The same with these words of these segments pinned too."""
        pinned = np.zeros(self.goal.shape, np.bool_) if self.pinned is None else self.pinned.copy()
        pinned[rows, columns] = True
        return attrs.evolve(self, pinned=pinned & self.asked)

    def chords(self, less: Reals | float = 0.0) -> Reals:
        """ULP per word from the first to the last word asked for in each segment, of values less others; 0 of fewer."""
        first = np.argmax(self.asked, axis=1)
        last = self.asked.shape[1] - 1 - np.argmax(self.asked[:, ::-1], axis=1)
        rows, values = np.arange(len(self.goal)), self.goal - less
        rise, run = values[rows, last] - values[rows, first], self.rest[last] - self.rest[first]
        slopes: Reals = np.where(run > 0, rise / np.maximum(run, 1), 0.0)
        return slopes

    def bend(self) -> float:
        """An error in ULP that lines with real coefficients have somewhere, by their first, middle and last words."""
        places = [0, (len(self.rest) - 1) // 2, len(self.rest) - 1]
        (first, middle, last), (start, between, end) = self.goal[:, places].T, self.rest[places]
        chord = first + (last - first) * ((between - start) / (end - start))
        return float(np.max(np.abs(middle - chord) / 2 * np.all(self.asked[:, places], axis=1)))

    def polynomials(self, degree: int) -> tuple[Reals, Reals]:
        """Real coefficients that err almost as little as any, and the largest error in ULP of each segment.

        (degree + 1, segments), constants first, in powers of a word's place; and (segments,).
        """
        half = self.length / 2
        powers = (self.rest / half)[:, None] ** np.arange(degree + 1)
        even = (2 * np.arange(len(self.rest)) + 1) / len(self.rest) - 1  # middles of equal shares of -1 to 1
        weights = self.asked / np.sqrt(1 - even * even)
        middle = self.goal.sum(axis=1) / np.maximum(1, self.asked.sum(axis=1))
        gram = np.einsum("sn,ni,nj->sij", weights, powers, powers, optimize=True) + RIDGE * np.eye(degree + 1)
        moments = (weights * (self.goal - middle[:, None])) @ powers
        found = np.linalg.solve(gram, moments[:, :, None])[:, :, 0]
        worst: Reals = np.max(np.abs(found @ powers.T + middle[:, None] - self.goal) * self.asked, axis=1)
        found[:, 0] += middle
        coefficients: Reals = (found / half ** np.arange(degree + 1)).T
        return coefficients, worst

    def _nearby(self) -> tuple[Reals, Reals]:
        """The least and the greatest value at each word, the one before it and the one after."""
        least, most = np.where(self.asked, self.goal, np.inf), np.where(self.asked, self.goal, -np.inf)
        around = slice(None, -2), slice(1, -1), slice(2, None)
        padded = [np.pad(each, ((0, 0), (1, 1)), mode="edge") for each in (least, most)]
        bottom = np.minimum.reduce([padded[0][:, each] for each in around])
        top = np.maximum.reduce([padded[1][:, each] for each in around])
        return np.where(self.asked, bottom, 0.0), np.where(self.asked, top, 0.0)

    def limits(self, bound: float | Reals, window: Window, drop: int) -> tuple[Int64s, Int64s]:
        """The smallest and the largest z that is right at each word; `bound` in ULP, perhaps by segment."""
        # The reference may be off by this much, so what is promised is promised with that much to spare.
        margin = np.broadcast_to(np.asarray(bound, np.float64).reshape(-1, 1), self.goal.shape) - REFERENCE_ERROR * (
            1 + np.abs(self.goal)
        )
        lowest, highest = window.low << drop, (window.high << drop) + (1 << drop) - 1
        bottom, top = (self.goal, self.goal) if self.every else self._nearby()
        low = np.ceil(top - margin).astype(np.int64) << drop
        high = (np.floor(bottom + margin).astype(np.int64) << drop) + (1 << drop) - 1
        if not self.every:
            least, most = self.goal - margin + SLACK, self.goal + margin - SLACK
            low = np.minimum(low, np.ceil(np.ldexp(least, drop)).astype(np.int64) + (1 << drop) - 1)
            high = np.maximum(high, np.floor(np.ldexp(most, drop)).astype(np.int64))
            spare = int(np.ldexp(SLACK, drop))
            lowest, highest = lowest + spare, highest - spare
        low, high = np.maximum(low, lowest), np.minimum(high, highest)
        if self.pinned is not None:
            value = np.rint(self.goal).astype(np.int64) << drop
            low = np.where(self.pinned, np.maximum(low, value), low)
            high = np.where(self.pinned, np.minimum(high, value + (1 << drop) - 1), high)
        return np.where(self.asked, low, lowest), np.where(self.asked, high, highest)


def _places(length: int, seen: int, steps: Int64s) -> Int64s:
    """Words of a segment to look at: evenly, both ends included. Where words are some power of two apart, multiples of
    one, so that these are met, and the last word of each kind.
    """
    if seen == length or not steps.size:
        return np.arange(seen, dtype=np.int64) * (length - 1) // max(1, seen - 1)
    apart = length >> seen.bit_length() - 1
    return np.unique(np.concatenate([np.arange(0, length, apart), length - steps[steps <= length]]))


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

    def intercepts(self, shift: int, halfway: bool = False) -> tuple[Int64s, Bools]:
        """The multiple of 2^shift in the middle of each interval, over 2^shift, and whether there is any.

        If `halfway`, those half-way to the next multiple are meant, rounded down.
        """
        half = (1 << shift >> 1) * halfway
        least, most = -((half - self.least) >> shift), (self.most - half) >> shift
        return (least + most) >> 1, least <= most


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

    def choose(self, shift: int, halfway: bool = False) -> tuple[Int64s, Int64s, Bools]:
        """Of each segment a slope, an intercept on the grid, and whether they do; the longest interval first."""
        found = [room.intercepts(shift, halfway) for room in self.tried]
        ranks = np.stack([np.where(does, room.size, -1) for room, (_, does) in zip(self.tried, found, strict=True)])
        first = np.argmax(ranks, axis=0)[None]
        slopes = np.take_along_axis(np.stack([room.slopes for room in self.tried]), first, axis=0)[0]
        intercepts = np.take_along_axis(np.stack([middle for middle, _ in found]), first, axis=0)[0]
        return slopes, intercepts, np.any(np.stack([does for _, does in found]), axis=0)


def room(low: Int64s, high: Int64s, slopes: Int64s, rest: Int64s) -> Room:
    """The intervals for one slope of each segment, z between low and high."""
    part = slopes[:, None] * rest
    return Room(slopes, (low - part).max(axis=1), (high - part).min(axis=1))


def climb(low: Int64s, high: Int64s, start: Int64s, step: int, allowed: Window, rest: Int64s) -> Rooms:
    """The intervals along the way from the slopes `start` to the best ones, by ever smaller steps, and around these.

    Steps that have led on for long are made longer first.
    """

    def look(slopes: Int64s) -> Room:
        return room(low, high, np.clip(slopes, allowed.low, allowed.high), rest)

    tried = [look(start)]
    best, step, taken = tried[0], max(1, step), 0
    while step:
        tried += [look(best.slopes + step), look(best.slopes - step)]
        found = Rooms((best, *tried[-2:])).best
        taken += 1
        if np.array_equal(found.size, best.size):
            step, taken = step // 2, 0
        elif taken == PATIENCE:
            step, taken = 2 * step, 0
        best = found
    tried += [look(best.slopes + offset) for offset in NEIGHBOURS[1:]]
    return Rooms((best, *tried))


# ------------------------------------------------------------ slope and intercept


@attrs.frozen(eq=False)
class Line:
    """What is fitted: a slope and an intercept for each segment, higher coefficients being given.

    Attributes:
        segments: the words.
        drops: bits dropped, as in the plan; the constants that are not the intercept's are added to what is kept.
        slopes: those allowed.
        results: those allowed.
        higher: coefficients of degree 2 and more, by degree and segment.
        symmetry: of the function, if the segments are of sizes: results are then rounded and not floored, and
            intercepts are half-way between multiples (see `plan.Symmetric`).
    """

    segments: Segments
    drops: Integers
    slopes: Window
    results: Window
    higher: tuple[Int64s, ...] = ()
    symmetry: Symmetry | None = None

    def within(self, rows: Int64s) -> Line:
        """The same of some of the segments."""
        return attrs.evolve(self, segments=self.segments.only(rows), higher=tuple(each[rows] for each in self.higher))

    def pinned(self, row: int, column: int) -> Line:
        """The same of one segment, one of its words pinned."""
        one = self.within(np.array([row]))
        return attrs.evolve(one, segments=one.segments.pin(slice(None), np.array([column])))

    def bent(self) -> tuple[Int64s, Int64s]:
        """What the higher coefficients add to z at each word, and how much more or less it may be nearby."""
        rest, inner = self.segments.rest, self.drops[1:]
        if not self.higher:
            return np.zeros(1, np.int64), np.zeros(1, np.int64)
        coefficients = [np.zeros((1, 1), np.int64), *(each[:, None] for each in self.higher)]
        if self.segments.every:
            return floored(coefficients, inner, inner, rest) * rest, np.zeros(1, np.int64)
        middle, stray = band(coefficients, inner, inner, rest)
        return np.rint(middle * rest).astype(np.int64), np.ceil(stray * np.abs(rest)).astype(np.int64) + 1

    def limits(self, bound: float | Reals, bent: tuple[Int64s, Int64s]) -> tuple[Int64s, Int64s]:
        """The smallest and the largest that intercept and slope may add up to at each word."""
        drop = self.drops[0]
        if self.symmetry is None:
            low, high = self.segments.limits(bound, self.results, drop)
        else:
            # One less than z may be, so that its negative is rounded to the result's mirror image or nearer.
            rounding = (self.symmetry.constant + 1) << (drop - 1)
            low, high = self.segments.limits(bound - EQUAL, self.results, drop)
            low, high = low + 1 - rounding, high - rounding
        return low - bent[0] + bent[1], high - bent[0] - bent[1]

    def start(self, bent: Int64s) -> Int64s:
        """Slopes of the chords."""
        drop = self.drops[0]
        chords = self.segments.chords(np.ldexp(bent.astype(np.float64), -drop))
        slopes: Int64s = np.rint(np.ldexp(chords, drop)).astype(np.int64)
        return slopes

    def rooms(self, bound: float) -> Rooms:
        """The intervals of good slopes, for one bound in ULP."""
        bent = self.bent()
        low, high = self.limits(bound, bent)
        # A slope that is off by more than this errs by more than the bound at the ends of the segment.
        spread = int(2 * bound * 2 ** self.drops[0]) // self.segments.length
        return climb(low, high, self.start(bent[0]), spread // 2, self.slopes, self.segments.rest)

    def choose(self, rooms: Rooms, shift: int) -> tuple[Int64s, Int64s, Bools]:
        """As `Rooms.choose`, on the grid of these intercepts."""
        return rooms.choose(shift, self.symmetry is not None)

    def polish(self, slopes: Int64s, intercepts: Int64s, shift: int, bound: float) -> tuple[Int64s, Int64s]:
        """Slopes and intercepts near these, which are within `bound`, with a worst error as small as was found."""
        worst, floor, bent = np.full(len(slopes), bound), np.zeros(len(slopes)), self.bent()
        for _ in range(HALVINGS):
            middle = (worst + floor) / 2
            low, high = self.limits(middle, bent)
            around = [np.clip(slopes + step, self.slopes.low, self.slopes.high) for step in NEIGHBOURS]
            rooms = Rooms(tuple(room(low, high, each, self.segments.rest) for each in around))
            slope, intercept, does = self.choose(rooms, shift)
            slopes, intercepts = np.where(does, slope, slopes), np.where(does, intercept, intercepts)
            worst, floor = np.where(does, middle, worst), np.where(does, floor, middle)
        return slopes, intercepts

    def untied(self, slopes: Int64s, intercepts: Int64s, shift: int, bound: float) -> tuple[Int64s, Int64s] | None:
        """Of mirrored segments, slopes and intercepts near these without a result half-way between integers, which is
        rounded up on either side of 0; None if there are none for some segment.
        """
        constant = 0 if self.symmetry is None else self.symmetry.constant
        low, high = self.limits(bound, self.bent())
        drop, rest = self.drops[0], self.segments.rest
        half = (constant + 1 << drop - 1) & ring.mask(drop)
        paired = np.ones(self.segments.goal.shape, np.bool_)
        paired[0, 0] = False  # x = 0 is its own mirror image
        slopes, intercepts, left = slopes.copy(), intercepts.copy(), np.arange(len(slopes))
        for step, offset in itertools.product(NEIGHBOURS, UNTYING):
            slope = np.clip(slopes[left] + step, self.slopes.low, self.slopes.high)
            z = ((2 * (intercepts[left] + offset) + 1) << shift >> 1)[:, None] + slope[:, None] * rest
            tied = (z & ring.mask(drop) == half) & paired[left]
            does = np.all((low[left] <= z) & (z <= high[left]) & ~tied, axis=1)
            slopes[left[does]], intercepts[left[does]] = slope[does], intercepts[left[does]] + offset
            left = left[~does]
            if not left.size:
                return slopes, intercepts
        return None
