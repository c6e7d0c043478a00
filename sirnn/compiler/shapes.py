"""Shapes: everything about a plan but its numbers."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from sirnn.compiler.fit import Int64s, Line, Segments, Window
from sirnn.compiler.plan import MAX_RING_BITS, Piecewise, Table
from sirnn.compiler.target import Target

MAX_GUARD = 6
"""Bits of an intercept behind the point, at most."""

DROPS = range(-5, 5)
"""Bits dropped beyond those of a place within its segment: with more, slopes are finer than it takes, with fewer, no
slope is near enough."""

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


def _ends(target: Target, bound: float) -> tuple[int, int]:
    """The largest result that the lowest values admit, and the smallest that the highest do."""
    low, high = target.out.int_range
    goal = target.goal[target.asked]
    return max(int(np.floor(goal.min() + bound)), low), min(int(np.ceil(goal.max() - bound)), high)


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


@attrs.frozen
class Straight:
    """The shape of straight pieces.

    Attributes:
        index_bits: segments, as a power of two.
        drop: bits dropped from the sum of intercept and product.
        slopes: those allowed.
        results: window and ring of the results.
    """

    index_bits: int
    drop: int
    slopes: Window
    results: Results

    def line(self, segments: Segments) -> Line:
        """What is to be fitted."""
        return Line(segments, self.drop, self.slopes, self.results.window)

    def plan(self, target: Target, guard: int, intercepts: Int64s, slopes: Int64s) -> Piecewise:
        """The plan with these numbers, the intercepts having `guard` bits behind the point."""
        low = self.results.window.low
        coefficients = (intercepts - (low << guard), slopes)  # the offset is added at the end
        signed = tuple(bool(row.min() < 0) for row in coefficients)
        return Piecewise(
            target.inp,
            target.out,
            self.index_bits,
            tuple(tuple(row.tolist()) for row in coefficients),
            tuple(_width(row) for row in coefficients),
            signed,
            (self.drop - guard,),
            (self.drop,),
            self.results.bits,
            low,
            target.read_bits,
        )

    def sketch(self, target: Target, segments: Segments) -> Piecewise:
        """A plan that costs about as much, or less, with neither guard bits nor any care for the error."""
        window = self.results.window
        middle = np.clip(
            np.rint(segments.goal[:, segments.goal.shape[1] // 2]).astype(np.int64), window.low, window.high
        )
        slopes = np.rint(np.ldexp(segments.chords(), self.drop)).astype(np.int64)
        return self.plan(target, 0, middle, np.clip(slopes, self.slopes.low, self.slopes.high))


def _width(row: Int64s) -> int:
    low, high = int(row.min()), int(row.max())
    return max(1, high.bit_length(), (-low - 1).bit_length() + 1 if low < 0 else 1, (high.bit_length() + 1) * (low < 0))


def straight_shapes(target: Target, index_bits: int, segments: Segments, bound: float) -> Iterator[Straight]:
    """The shapes of straight pieces that might do, at 2^index_bits segments; the coarsest slopes first."""
    rest_bits = target.read_bits - index_bits
    chords = segments.chords()
    for drop in (rest_bits + beyond for beyond in DROPS if rest_bits + beyond >= 0):
        leeway = bound * 2.0 ** (drop - rest_bits)
        for slopes in _windows(float(chords.min()) * 2.0**drop, float(chords.max()) * 2.0**drop, leeway):
            for into in results(target, bound):
                if into.bits + drop <= MAX_RING_BITS:
                    yield Straight(index_bits, drop, slopes, into)


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
    entries = np.clip(np.rint(target.goal), window.low, window.high).astype(np.int64) - window.low
    return Table(target.inp, target.out, tuple(entries.tolist()), bits, window.low, target.read_bits)
