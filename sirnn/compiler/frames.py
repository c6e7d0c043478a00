"""Frames: which part of the input range a plan's table or pieces are for, and the lines on either side of it. Inside
the range may be stretched.

Where the input's range is far wider than where the function bends, almost all segments would be the same straight line.
A frame cuts the words near 0 out and leaves lines with integer slopes to the rest, if these are within the bound.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from sirnn.compiler.ladders import StretchedTarget
from sirnn.compiler.plan import Bent, Clamped, Inner, Line, Piecewise, Plan, Table, Tiered
from sirnn.compiler.target import Target
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.identities import REFERENCE_ERROR

MARGINS = 2
"""Frames that are tried: the narrowest, and each a bit wider."""

NOTHING = Line(0, 0)
"""For words of which nothing is asked."""


@attrs.frozen(eq=False)
class Frame:
    """A part of the input range.

    Attributes:
        target: what is asked of the words inside, stretched ones if they are.
        inside_bits: of the words inside; None if that is all there are.
        below: the line for the words below.
        above: the line for the words above.
    """

    target: Target
    inside_bits: int | None = None
    below: Line = NOTHING
    above: Line = NOTHING

    def whole(self, inner: Inner) -> Plan:
        """The plan for all words, given one for those inside."""
        if isinstance(self.target, StretchedTarget) and isinstance(inner, Table | Piecewise):
            inner = Tiered(self.target.whole.inp, self.target.stretch, inner)
        if self.inside_bits is None:
            return inner
        return Clamped(inner, self.inside_bits, self.below, self.above)


def frames(target: Target, bound: float) -> Iterator[Frame]:
    """The whole range, and the narrowest ranges outside of which lines do."""
    yield Frame(target)
    found = 0
    for inside_bits in range(2, target.inp.bits):
        if found == MARGINS:
            return
        frame = _frame(target, inside_bits, bound)
        if frame is not None:
            found += 1
            yield frame


def bent(target: Target, bound: float) -> Bent | None:
    """A straight line throughout, or one on either side of 0."""
    whole = _line(target, target.domain, bound)
    if whole is not None:
        return Bent(target.inp, target.out, whole, whole)
    _, negative, others = cut(target.domain, (0, -1))
    below, above = _line(target, negative, bound), _line(target, others, bound)
    if below is None or above is None:
        return None
    read_bits = 1 + max(-target.domain.start - 1, target.domain.stop - 1).bit_length()
    return Bent(target.inp, target.out, below, above, min(read_bits, target.inp.bits))


def _frame(target: Target, inside_bits: int, bound: float) -> Frame | None:
    inside, below, above = cut(target.domain, FixedPoint(inside_bits, 0, target.inp.signed).int_range)
    if len(inside) == 0 or len(inside) == len(target.domain):
        return None
    lines = _line(target, below, bound), _line(target, above, bound)
    if lines[0] is None or lines[1] is None:
        return None
    return Frame(target.within(inside), inside_bits, lines[0], lines[1])


def cut(domain: range, inside: tuple[int, int]) -> tuple[range, range, range]:
    """The integers of a domain from `inside`'s first to its last, those below and those above."""
    low, high = inside
    within = range(max(low, domain.start), min(high + 1, domain.stop))
    return within, range(domain.start, min(low, domain.stop)), range(max(high + 1, domain.start), domain.stop)


def _line(target: Target, integers: range, bound: float) -> Line | None:
    """A line with integer slope and constant within the bound at all of these integers that are looked at."""
    if len(integers) == 0:
        return NOTHING
    x = target.some(integers)
    values, _ = target.at(x)
    slope = round((values[-1] - values[0]) / max(1, len(integers) - 1))
    rest = values - slope * x
    margin = bound - REFERENCE_ERROR * (1 + float(np.abs(values).max()))
    least, most = int(np.ceil(rest.max() - margin)), int(np.floor(rest.min() + margin))
    if least > most:
        return None
    line = Line(slope, _roundest(least, most))
    low, high = target.out.int_range
    results = slope * x + line.constant
    fits = low <= results.min() and results.max() <= high
    return line if fits and line.determined(target.inp, target.out) else None


def _roundest(least: int, most: int) -> int:
    """The number from least to most that 2 divides most often: choosing between round numbers costs fewer bits."""
    places = 0
    if least <= 0 <= most:
        return 0
    while most >> places + 1 << places + 1 >= least:
        places += 1
    return most >> places << places
