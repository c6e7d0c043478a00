"""Shapes: everything about a plan but its numbers."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from sirnn.compiler.fit import Line, Segments, Window
from sirnn.compiler.plan import MAX_RING_BITS, Integers, Piecewise, Symmetric, Table
from sirnn.compiler.real import Reals
from sirnn.compiler.rounding import band
from sirnn.compiler.target import Int64s, Target
from sirnn.functions.identities import Symmetry

MAX_GUARD = 6
"""Bits of an intercept behind the point, at most."""

DROPS = range(-5, 5)
"""Bits dropped beyond those of a place within its segment: with more, slopes are finer than it takes, with fewer, no
slope is near enough."""

CURVED_DROPS = range(-1, 6)
"""The same where the slopes are themselves sums that are truncated: the truncations take their share of the error."""

INNER_DROPS = range(-4, 3)
"""Bits dropped from these sums beyond those of a place."""

FINER_INNER = 2
"""Of these, how many are tried: the fewest that may do, and more."""

FLOOR = 0.5
"""ULP that the last truncation may take a result from the middle of its band."""

CHANCE = 0.5
"""Of the error of inner truncations, a share that may be made up for by chance or choice."""

TIGHT = 2
"""Results to spare in a window below which a window of twice the size is tried too."""


@attrs.frozen
class Results:
    """The results a plan may give, and the ring they are in before they are extended."""

    window: Window
    bits: int


def results(target: Target, bound: float) -> list[Results]:
    """Windows that every word can meet within the bound, and that leave some room at their ends, narrowest first."""
    found, span_bits, size = [], *_span(target, bound)
    # A ring of span_bits + 1 bits has its top bit clear; that of the output need not.
    while span_bits + 1 < target.out.bits:
        found.append(Results(_window(target, bound, span_bits), span_bits + 1))
        if (1 << span_bits) - size >= TIGHT:
            return found
        span_bits += 1
    return [*found, Results(Window(*target.out.int_range), target.out.bits)]


def mirrored_results(target: Target, segments: Segments, symmetry: Symmetry, bound: float) -> list[Results]:
    """The same for what is mirrored: windows of all results of the odd function that is rounded, and their rings."""
    values, (low, high), constant = segments.goal[segments.asked], target.out.int_range, symmetry.constant
    least, most = int(np.floor(values.min() + bound)), int(np.ceil(values.max() - bound))
    # What is mirrored is rounded to the type too, but for a function that is negated again.
    ends = (low, high) if symmetry.sign > 0 else (max(low, constant - high), min(high, constant - low))
    found, reach = [], max(most, constant - least)
    for bits in range(2, target.out.bits):
        farthest = (constant + (1 << (bits - 1)) - 1) // 2
        if farthest >= reach:
            found.append(Results(Window(max(constant - farthest, ends[0]), min(farthest, ends[1])), bits))
            if farthest - reach >= TIGHT:
                return found
    return [*found, Results(Window(*ends), target.out.bits)]


def _ends(target: Target, bound: float) -> tuple[int, int]:
    """The largest result that the lowest values admit, and the smallest that the highest do."""
    low, high = target.out.int_range
    return max(int(np.floor(target.low + bound)), low), min(int(np.ceil(target.high - bound)), high)


def _span(target: Target, bound: float) -> tuple[int, int]:
    """Bits of the narrowest window, and how many results it must hold."""
    lowest, highest = _ends(target, bound)
    size = max(1, highest - lowest + 1)
    return max(1, (size - 1).bit_length()), size


def _window(target: Target, bound: float, span_bits: int) -> Window:
    """2^span_bits results, as many to spare below as above."""
    (lowest, _), (_, size), (low, high) = _ends(target, bound), _span(target, bound), target.out.int_range
    start = min(max(lowest - ((1 << span_bits) - size) // 2, low), high - (1 << span_bits) + 1)
    return Window(start, start + (1 << span_bits) - 1)


@attrs.frozen(eq=False)
class Shape:
    """The shape of pieces.

    Attributes:
        index_bits: segments, as a power of two.
        drops: bits dropped, as in the plan: drops[0] from the sum of intercept and product.
        slopes: those allowed.
        results: window and ring of the results.
        higher: coefficients of degree 2 and more, by degree and segment.
        symmetry: of the function, if pieces are of sizes and mirrored.
    """

    index_bits: int
    drops: Integers
    slopes: Window
    results: Results
    higher: tuple[Int64s, ...] = ()
    symmetry: Symmetry | None = None

    @property
    def guards(self) -> range:
        """Bits that intercepts may have behind the point. Half-way between multiples takes a bit more."""
        return range(min(self.drops[0] - (self.symmetry is not None), MAX_GUARD) + 1)

    def line(self, segments: Segments) -> Line:
        """What is to be fitted."""
        return Line(segments, self.drops, self.slopes, self.results.window, self.higher, self.symmetry)

    def plan(self, target: Target, guard: int, intercepts: Int64s, slopes: Int64s) -> Piecewise | Symmetric:
        """The plan with these numbers, the intercepts having `guard` bits behind the point."""
        if self.symmetry is not None:
            return Symmetric(
                target.inp,
                target.out,
                self.index_bits,
                (tuple(intercepts.tolist()), tuple(slopes.tolist())),
                self.drops[0] - guard,
                self.drops[0],
                self.results.bits,
                self.symmetry.sign,
                self.symmetry.constant,
                self.symmetry.slope,
                target.read_bits,
            )
        low = self.results.window.low
        coefficients = (intercepts - (low << guard), slopes, *self.higher)  # the offset is added at the end
        signed = tuple(bool(row.min() < 0) for row in coefficients)
        return Piecewise(
            target.inp,
            target.out,
            self.index_bits,
            tuple(tuple(row.tolist()) for row in coefficients),
            tuple(_width(row) for row in coefficients),
            signed,
            (self.drops[0] - guard, *self.drops[1:]),
            self.drops,
            self.results.bits,
            low,
            target.read_bits,
        )

    def sketch(self, target: Target, segments: Segments) -> Piecewise | Symmetric:
        """A plan that costs about as much, or less, with neither guard bits nor any care for the error."""
        window, line = self.results.window, self.line(segments)
        middle = np.clip(np.rint(segments.goal[:, len(segments.rest) // 2]).astype(np.int64), window.low, window.high)
        middle -= 0 if self.symmetry is None else (self.symmetry.constant + 1) // 2
        return self.plan(target, 0, middle, np.clip(line.start(line.bent()[0]), self.slopes.low, self.slopes.high))


def _width(row: Int64s) -> int:
    low, high = int(row.min()), int(row.max())
    return max(1, high.bit_length(), (-low - 1).bit_length() + 1 if low < 0 else 1, (high.bit_length() + 1) * (low < 0))


def shapes(
    target: Target, index_bits: int, segments: Segments, degree: int, bound: float, symmetry: Symmetry | None = None
) -> Iterator[Shape]:
    """The shapes of pieces that might do, at 2^index_bits segments; the coarsest coefficients first."""
    if symmetry is not None:
        return _mirrored(target, index_bits, segments, symmetry, bound)
    if degree == 1:
        return _straight(target, index_bits, segments, bound)
    return _curved(target, index_bits, segments, degree, bound)


def _straight(target: Target, index_bits: int, segments: Segments, bound: float) -> Iterator[Shape]:
    rest_bits, into = target.read_bits - index_bits, results(target, bound)
    for drop in (rest_bits + beyond for beyond in DROPS if rest_bits + beyond >= 0):
        yield from _with_slopes(index_bits, rest_bits, segments.chords(), (drop,), (), into, bound)


def _mirrored(target: Target, index_bits: int, segments: Segments, symmetry: Symmetry, bound: float) -> Iterator[Shape]:
    rest_bits, slopes = target.read_bits - 1 - index_bits, segments.chords()
    into = mirrored_results(target, segments, symmetry, bound)
    for drop in (rest_bits + beyond for beyond in DROPS if rest_bits + beyond >= 1):
        for shape in _with_slopes(index_bits, rest_bits, slopes, (drop,), (), into, bound):
            yield attrs.evolve(shape, symmetry=symmetry)


def _curved(target: Target, index_bits: int, segments: Segments, degree: int, bound: float) -> Iterator[Shape]:
    rest_bits, into = target.read_bits - index_bits, results(target, bound)
    reals, worst = segments.polynomials(degree)
    for beyond in CURVED_DROPS:
        found = 0
        for inner in INNER_DROPS:
            drops = (rest_bits + beyond, *[rest_bits + inner] * (degree - 1))
            stray = _stray(drops, rest_bits)
            if found == FINER_INNER or min(drops) < 0 or worst.max() + stray > bound + CHANCE * (stray - FLOOR):
                continue
            found += 1
            scales = np.cumsum(drops)
            higher = tuple(
                np.rint(np.ldexp(reals[power], scales[power - 1])).astype(np.int64) for power in range(2, degree + 1)
            )
            if np.any(higher[-1]):
                yield from _with_slopes(index_bits, rest_bits, reals[1], drops, higher, into, bound)


def _stray(drops: Integers, rest_bits: int) -> float:
    """How far in ULP the truncations can take a result from a polynomial."""
    zeros = [np.zeros(1, np.int64)] * (len(drops) + 1)
    return float(band(zeros, drops, drops, np.array([1 << (rest_bits - 1)]))[1][0])


def _with_slopes(
    index_bits: int,
    rest_bits: int,
    slopes: Reals,
    drops: Integers,
    higher: tuple[Int64s, ...],
    into: list[Results],
    bound: float,
) -> Iterator[Shape]:
    """The shapes with these drops, higher coefficients and results, and slopes about these, ULP per word."""
    drop = drops[0]
    leeway = bound * 2.0 ** (drop - rest_bits)
    for window in _windows(float(slopes.min()) * 2.0**drop, float(slopes.max()) * 2.0**drop, leeway):
        for each in into:
            if each.bits + drop <= MAX_RING_BITS:
                yield Shape(index_bits, drops, window, each, higher)


def _windows(least: float, most: float, leeway: float) -> list[Window]:
    """Powers of two of slopes that hold those from least to most, or all but a little at the ends."""
    low, high = round(least), round(most)
    enough = max(1, (high - low).bit_length())
    widths = [enough]
    if enough > 1 and high - low - (1 << (enough - 1)) < 2 * leeway:
        widths.insert(0, enough - 1)
    windows = []
    for bits in widths:
        start = (low + high + 1 - (1 << bits)) // 2
        start = 0 if low >= 0 and high < 1 << bits else start  # from 0 if that will do: nothing is subtracted then
        windows.append(Window(start, start + (1 << bits) - 1))
    return windows


def table(target: Target, bound: float) -> Table:
    """The table of the nearest words within the narrowest window."""
    bits, _ = _span(target, bound)
    window = _window(target, bound, bits)
    goal, _ = target.at(target.words())
    entries = np.clip(np.rint(goal).astype(np.int64), window.low, window.high) - window.low
    return Table(target.inp, target.out, tuple(entries.tolist()), bits, window.low, target.read_bits)
