"""The cheapest plan: every way to evaluate the function is sketched, with the coarsest coefficients it could have, and
the ways are gone through by the price of their sketches until one was fitted that costs no more than the next sketch.

Most fits fail, and most of those on the same few segments, which are therefore tried first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from functools import partial

import attrs
import numpy as np

from sirnn.compiler.compiled import Candidate, describe
from sirnn.compiler.fit import Line, Rooms, Segments, Window
from sirnn.compiler.frames import Frame, bent, frames
from sirnn.compiler.ladders import ladders, stretched_target
from sirnn.compiler.plan import MAX_RING_BITS, Plan
from sirnn.compiler.price import FLIGHT_BITS, Link, Price, price_of
from sirnn.compiler.shapes import FLOOR, Shape, shapes, table
from sirnn.compiler.symmetry import symmetry
from sirnn.compiler.target import Int64s, Target
from sirnn.compiler.task import Task
from sirnn.errors import LocalError
from sirnn.functions.identities import EQUAL, SYMMETRIC, Symmetry
from sirnn.profile import Profile

MAX_INDEX_BITS = 12
"""Segments, as a power of two, at most: every lookup goes through them all."""

MAX_TABLE_BITS = 16
"""Words of a table, likewise."""

FINER = 3
"""Numbers of segments that are looked at: the fewest that do, and as many powers of two above."""

HARD = 8
"""Segments that are tried first."""

DEGREES = (1, 2, 3)
"""Of the polynomials."""

FINE = 6
"""Bits of a slope beyond those of a place in its segment that are as good as a real number."""

FLOOR_ERROR = 0.51
"""ULP, and a bit, that rounding down may take off a line's error, seen from half an ULP below it."""

TABLE_ERROR = 0.5
"""ULP that a table errs at most, and almost always somewhere."""

KEEPS_LESS = ", or keeps less"
"""Added to a verdict where identities are to be kept."""

CHOSEN, DEARER, TOO_COARSE, NO_USE, TOO_MANY = "chosen", "dearer", "too coarse", "dearer at best", "too many flights"
"""Verdicts; of what is dearer at best nothing was fitted, and its price is that of a sketch."""


@attrs.frozen
class _Found:
    """A plan within the bound."""

    plan: Plan
    price: Price
    weight: float


# ------------------------------------------------------------ ways


@attrs.frozen(eq=False)
class Terms:
    """What decides between plans.

    Attributes:
        bound: ULP that a plan may err.
        link: the network whose time decides; bytes do if there is none.
        count: instances of a batch.
        profile: of the sessions that will run it.
        flight_bits: what a flight is worth in bits of an instance, where there is no network.
        max_flights: online, that a plan may take; any number if None.
        index_bits: that a plan must have; any kind of plan will do if None.
        keep: identities that must hold of a plan's words.
        kept: whether they do.
    """

    bound: float
    link: Link | None
    count: int
    profile: Profile
    flight_bits: int = FLIGHT_BITS
    max_flights: int | None = None
    index_bits: int | None = None
    keep: tuple[str, ...] = ()
    kept: Callable[[Plan], bool] = lambda _: True

    @classmethod
    def of(cls, task: Task, bound: float, kept: Callable[[Plan], bool]) -> Terms:
        """A task's, for a bound that may be smaller than its own."""
        return cls(
            bound,
            task.network,
            task.count,
            task.profile,
            task.flight_bits,
            task.max_flights,
            None if task.cut is None else task.cut[1],
            task.keep,
            kept,
        )

    def found(self, make: Callable[[], Plan]) -> _Found | None:
        """A plan, its price and its weight, infinite if it takes too many flights; None if its numbers are too wide for
        any plan, or if there is no protocol.
        """
        try:
            plan = make()
            price = price_of(self.profile, plan, self.count)
        except LocalError:
            return None
        allowed = self.max_flights is None or price.flights <= self.max_flights
        return _Found(plan, price, price.weight(self.link, self.count, self.flight_bits) if allowed else math.inf)


@attrs.define(eq=False)
class _Known:
    """The way of a plan that takes no search.

    Attributes:
        make: makes it.
        terms: what decides.
        error: ULP that it errs by at most, as far as it is not known to be within the bound.
    """

    make: Callable[[], Plan]
    terms: Terms
    error: float = 0.0

    def sketch(self) -> _Found | None:
        """The plan, whatever it errs by."""
        return self.terms.found(self.make)

    def fitted(self, most: float) -> _Found | None:
        """The plan, if it is within the bound and weighs less than `most`."""
        found = self.sketch()
        if found is None or found.weight >= most or self.error > self.terms.bound:
            return None
        return found if self.terms.kept(found.plan) else None


@attrs.define(eq=False)
class _Pieces:
    """The way of pieces of one degree on segments of one size.

    Attributes:
        frame: of the words they are for.
        terms: what decides.
        index_bits: segments, as a power of two.
        degree: of the polynomials.
        segments: the words, or their sizes.
        symmetry: of the function, if pieces are to be mirrored.
        hard: rows of the segments to be tried first.
    """

    frame: Frame
    terms: Terms
    index_bits: int
    degree: int
    segments: Segments
    symmetry: Symmetry | None = None
    hard: Int64s | None = None

    def resolves(self) -> bool:
        """Whether polynomials with real coefficients would be within the bound."""
        if self.degree > 1:
            return float(self.segments.polynomials(self.degree)[1].max()) + FLOOR <= self.terms.bound
        if self.segments.bend() > self.terms.bound + FLOOR_ERROR:
            return False
        return self._possible(_any_line(self.frame.target, self.segments)) is not None

    def shapes(self) -> Iterator[Shape]:
        """Those that might do, the coarsest first."""
        terms, target = self.terms, self.frame.target
        return shapes(target, self.index_bits, self.segments, self.degree, terms.bound, self.symmetry)

    def sketch(self) -> _Found | None:
        """What is no dearer than any plan of this way."""
        return next((self._sketch(shape) for shape in self.shapes()), None)

    def fitted(self, most: float) -> _Found | None:
        """The cheapest plan, if there is one that weighs less than `most`."""
        best: _Found | None = None
        for shape in self.shapes():
            sketch = self._sketch(shape)
            if sketch is None or sketch.weight >= most:
                continue
            found = self._fit(shape)
            if found is not None and found.weight < most:
                best, most = found, found.weight
        return best

    def _sketch(self, shape: Shape) -> _Found | None:
        return self.terms.found(lambda: self.frame.whole(shape.sketch(self.frame.target, self.segments)))

    def _fit(self, shape: Shape) -> _Found | None:
        """The plan with the fewest guard bits, its error then made as small as it can be; None if there is none.

        If f(0) can be had exactly for no more, it is.
        """
        line = shape.line(self.segments)
        rooms = self._possible(line)
        if rooms is None:
            return None
        for guard in shape.guards:
            slopes, intercepts, does = line.choose(rooms, shape.drops[0] - guard)
            if np.all(does):
                shift = shape.drops[0] - guard
                slopes, intercepts = line.polish(slopes, intercepts, shift, self.terms.bound)
                both = [self._exact_at_zero(line, slopes, intercepts, shift), (slopes, intercepts)]
                made = [self._made(line, shape, guard, each) for each in both if each is not None]
                kept = [found for found in made if found and self.terms.kept(found.plan)]
                if kept:
                    return min(kept, key=lambda found: found.weight)  # the first of equals
        return None

    def _exact_at_zero(
        self, line: Line, slopes: Int64s, intercepts: Int64s, shift: int
    ) -> tuple[Int64s, Int64s] | None:
        """The same lines but for the segment of x = 0, whose result there is f(0); None if that cannot be."""
        place = self._origin()
        if place is None:
            return None
        one = line.pinned(*place)
        slope, intercept, does = one.choose(one.rooms(self.terms.bound), shift)
        if not does[0]:
            return None
        slope, intercept = one.polish(slope, intercept, shift, self.terms.bound)
        slopes, intercepts = slopes.copy(), intercepts.copy()
        slopes[place[0]], intercepts[place[0]] = slope[0], intercept[0]
        return slopes, intercepts

    def _origin(self) -> tuple[int, int] | None:
        """Segment and place of x = 0, if its value is an integer."""
        word = self.frame.target.origin
        if word is None:
            return None
        length = self.segments.length - (self.symmetry is not None)  # segments of sizes have both of their ends
        row, column = word // length, int(np.searchsorted(self.segments.rest, word % length - length // 2))
        value = self.segments.goal[row, column]
        return (row, column) if abs(value - np.rint(value)) <= EQUAL else None

    def _made(self, line: Line, shape: Shape, guard: int, lines: tuple[Int64s, Int64s]) -> _Found | None:
        if SYMMETRIC in self.terms.keep:
            untied = line.untied(*lines, shape.drops[0] - guard, self.terms.bound)
            if untied is None:
                return None
            lines = untied
        slopes, intercepts = lines
        return self.terms.found(lambda: self.frame.whole(shape.plan(self.frame.target, guard, intercepts, slopes)))

    def _possible(self, line: Line) -> Rooms | None:
        """The intervals of all segments, or None if one of them has no integer intercept."""
        bound = self.terms.bound
        if self.hard is not None and not np.all(line.within(self.hard).rooms(bound).choose(0)[2]):
            return None
        rooms = line.rooms(bound)
        if np.all(rooms.choose(0)[2]):
            return rooms
        self.hard = np.argsort(rooms.best.size, kind="stable")[:HARD]
        return None


# ------------------------------------------------------------ the search


def cheapest(target: Target, terms: Terms) -> tuple[Plan | None, tuple[Candidate, ...]]:
    """The cheapest plan, if there is any, and what became of every way, the chosen one first."""
    sketched = [(way, sketch) for way in _ways(target, terms) if (sketch := way.sketch()) is not None]
    # Equal weights keep the order in which they came: the result is the same on every machine.
    sketched.sort(key=lambda each: each[1].weight)
    best: _Found | None = None
    weighed: dict[str, Candidate] = {}
    for way, sketch in sketched:
        verdict, known = TOO_MANY if sketch.weight == math.inf else NO_USE, sketch
        if sketch.weight < (math.inf if best is None else best.weight):
            found = way.fitted(math.inf)
            coarse = TOO_COARSE + KEEPS_LESS * bool(terms.keep)
            verdict, known = (coarse, sketch) if found is None else (DEARER, found)
            if found is not None and (best is None or found.weight < best.weight):
                best = found
        name = describe(known.plan)
        weighed[name] = Candidate(name, known.price.bits, known.price.flights, verdict)
    if best is None:
        return None, tuple(weighed.values())
    chosen = weighed.pop(describe(best.plan))
    return best.plan, (attrs.evolve(chosen, verdict=CHOSEN), *weighed.values())


def _ways(target: Target, terms: Terms) -> Iterator[_Known | _Pieces]:
    """Straight lines; tables and all pieces for the whole range and for its narrowest frames; or pieces of one size."""
    if terms.index_bits is not None:
        yield from _pieces_of_size(target, terms, terms.index_bits)
        return
    straight = bent(target, terms.bound)
    if straight is not None:
        for compared in (False, True)[: 1 if straight.straight else 2]:
            yield _Known(partial(attrs.evolve, straight, compared=compared), terms)
    for frame in frames(target, terms.bound):
        if frame.target.read_bits <= MAX_TABLE_BITS:
            # A table may be as coarse as is allowed, but of nearest words alone it is known what they keep.
            error = TABLE_ERROR if terms.keep else terms.bound
            yield _Known(partial(_tabled, frame, error), terms, TABLE_ERROR)
        for degree in DEGREES:
            if SYMMETRIC not in terms.keep:  # pieces of either side of 0 are each other's mirror image by chance alone
                yield from _all_pieces(frame, terms, degree)
                yield from _tiers(frame, terms, degree)
            found = symmetry(frame.target, terms.bound) if degree == 1 else None
            if found is not None:
                yield from _all_mirrored(frame, terms, found)


def _tabled(frame: Frame, bound: float) -> Plan:
    return frame.whole(table(frame.target, bound))


def _pieces_of_size(target: Target, terms: Terms, index_bits: int) -> Iterator[_Pieces]:
    """Of every degree, for the whole range."""
    for degree in DEGREES:
        pieces = _Pieces(Frame(target), terms, index_bits, degree, Segments.of(target, index_bits))
        if pieces.resolves():
            yield pieces


def _fewest(ways: Iterator[_Pieces]) -> Iterator[_Pieces]:
    """Of ways with ever more segments, those with the fewest that do and some with more."""
    return itertools.islice((way for way in ways if way.resolves()), FINER + 1)


def _all_pieces(frame: Frame, terms: Terms, degree: int) -> Iterator[_Pieces]:
    """Of one degree, on segments of one width."""
    target = frame.target
    sizes = range(1, min(target.read_bits - 1, MAX_INDEX_BITS) + 1)
    return _fewest(_Pieces(frame, terms, bits, degree, Segments.of(target, bits)) for bits in sizes)


def _all_mirrored(frame: Frame, terms: Terms, found: Symmetry) -> Iterator[_Pieces]:
    """Lines for the sizes of words."""
    target = frame.target
    sizes = range(1, min(target.read_bits - 2, MAX_INDEX_BITS) + 1)

    def cut(index_bits: int) -> Segments:
        segments = Segments.of_sizes(target, index_bits, found)
        # Where runs meet, x is in one of them and -x in the other.
        return segments.pin(slice(None), np.array([0, -1])) if SYMMETRIC in terms.keep else segments

    return _fewest(_Pieces(frame, terms, bits, 1, cut(bits), found) for bits in sizes)


def _tiers(frame: Frame, terms: Terms, degree: int) -> Iterator[_Pieces]:
    """Of one degree, in tiers."""
    for index_bits, stretch in ladders(frame.target, degree, terms.bound, MAX_INDEX_BITS):
        tiered = attrs.evolve(frame, target=stretched_target(frame.target, stretch))
        pieces = _Pieces(tiered, terms, index_bits, degree, Segments.of(tiered.target, index_bits))
        if pieces.resolves():
            yield pieces


def _any_line(target: Target, segments: Segments) -> Line:
    """Lines with practically real coefficients, and any results of the type."""
    drop = min(segments.length.bit_length() - 1 + FINE, MAX_RING_BITS - target.out.bits)
    anything = Window(-(1 << 60), 1 << 60)
    return Line(segments, (drop,), anything, Window(*target.out.int_range))
