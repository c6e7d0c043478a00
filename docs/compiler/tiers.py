"""The second picture of the page: a function cut in tiers, and the words they are stretched to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from svg import svg, text

from sirnn.compiler.ladders import ladders
from sirnn.compiler.stretch import Stretch
from sirnn.compiler.target import tabulate
from sirnn.compiler.task import make_task
from sirnn.fixedpoint import FixedPoint

HEIGHT = 400
LEFT, RIGHT, TOP, BOTTOM = 50, 740, 20, 270
"""Of the graph."""

ROW, ROW_HEIGHT = 330, 34
"""Of the stretched words."""

FILLS = ("#e6eef8", "#cfe3d4", "#fde0c5", "#e8d5ec")
"""Of the tiers, the coarsest first."""

INP, ALLOWED, INDEX_BITS = FixedPoint(10, 6), 4.0, 5


def tiers() -> str:
    """The logarithm above, its segments as wide as they may be; below the stretched words, where all are alike."""
    target = tabulate(make_task("log", inp=INP, out=FixedPoint(12, 7), max_ulp=ALLOWED))
    stretch = dict(ladders(target, 1, ALLOWED, INDEX_BITS))[INDEX_BITS]
    body = [*_segments(stretch), *_curve(), *_between(stretch), *_words(stretch)]
    return svg("Pieces of many widths: tiers of a logarithm, and the words they are stretched to", HEIGHT, body)


def _across(part: float) -> float:
    """A part of the way from left to right."""
    return LEFT + part * (RIGHT - LEFT)


def _segments(stretch: Stretch) -> Iterator[str]:
    """Behind the graph: one segment beside the other, in the colour of their tier."""
    words = 1 << stretch.read_bits
    for place, tier in enumerate(stretch.tiers):
        start, stop = stretch.span(place)
        width = (1 << stretch.bits - INDEX_BITS) >> tier.shift
        for first in range(start, stop, width):
            shade = 1.0 if (first // width) % 2 else 0.55
            left, right = _across(first / words), _across((first + width) / words)
            size = f'x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{BOTTOM - TOP}"'
            yield f'<rect {size} fill="{FILLS[place]}" fill-opacity="{shade}"/>'


def _curve() -> Iterator[str]:
    integers = np.arange(1, 1 << INP.bits - 1)
    values = np.log(integers * INP.ulp)
    heights = BOTTOM - 6 - (values - values[0]) / (values[-1] - values[0]) * (BOTTOM - TOP - 12)
    places = [f"{_across(x / (1 << INP.bits - 1)):.1f},{y:.1f}" for x, y in zip(integers, heights, strict=True)]
    yield f'<polyline points="{" ".join(places)}" fill="none" stroke="#08519c" stroke-width="1.6"/>'
    yield text(LEFT, TOP - 6, "0", "small")
    yield text(RIGHT, TOP - 6, f"x = {INP.range[1]:.0f}", "small", "end")
    yield text(RIGHT - 10, BOTTOM - 12, "log x: segments as wide as a line does", "small", "end")


def _between(stretch: Stretch) -> Iterator[str]:
    """From the ends of each tier to those of its stretched words."""
    for place in range(len(stretch.tiers)):
        for above, below in _ends(stretch, place):
            path = f"M{_across(above):.1f} {BOTTOM} L{_across(below):.1f} {ROW}"
            yield f'<path d="{path}" stroke="#999" stroke-width="1" fill="none"/>'


def _ends(stretch: Stretch, place: int) -> list[tuple[float, float]]:
    tier, words = stretch.tiers[place], 1 << stretch.read_bits
    return [(t / words, ((t << tier.shift) + tier.offset) / (1 << stretch.bits)) for t in stretch.span(place)]


def _words(stretch: Stretch) -> Iterator[str]:
    for place, tier in enumerate(stretch.tiers):
        (_, first), (_, last) = _ends(stretch, place)
        left, right = _across(first), _across(last)
        size = f'x="{left:.1f}" y="{ROW}" width="{right - left:.1f}" height="{ROW_HEIGHT}"'
        yield f'<rect {size} fill="{FILLS[place]}" stroke="#777"/>'
        yield text((left + right) / 2, ROW + 21, f"x · 2{_power(tier.shift)} + {tier.offset}", "step")
    segments = 1 << INDEX_BITS
    for segment in range(segments):
        x = _across(segment / segments)
        yield f'<path d="M{x:.1f} {ROW + ROW_HEIGHT} v-6" stroke="#777"/>'
    yield text(LEFT, ROW + ROW_HEIGHT + 18, "u: one word for each of x, all segments alike", "small", "start")


def _power(places: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(places))
