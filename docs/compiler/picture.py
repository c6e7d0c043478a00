"""The first picture of the page: segments of a function, and the steps of one evaluation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from svg import svg, text

from sirnn import ring
from sirnn.compiler.compiled import Compiled, describe
from sirnn.compiler.search import compile_function
from sirnn.fixedpoint import FixedPoint

HEIGHT = 470
LEFT, RIGHT, TOP, BOTTOM = 50, 740, 20, 270
"""Of the graph."""


def picture() -> str:
    """Segments of a coarse sigmoid above, what is computed of one input below."""
    made = compile_function("sigmoid", inp=FixedPoint(10, 6), out=FixedPoint(10, 8), max_ulp=5, cut=(10, 5))
    return svg("A piecewise plan: segments, and the steps of one evaluation", HEIGHT, [*_graph(made), *_steps()])


def _graph(made: Compiled) -> Iterator[str]:
    inp, out = made.plan.inp, made.plan.out
    low, high = inp.int_range
    integers = np.arange(low, high + 1)
    y = out.decode(made.plan.evaluate(ring.from_signed(integers, inp.bits).astype(np.uint64)).astype(np.uint16))

    def at(x: float, value: float) -> str:
        return f"{LEFT + (x - low) / (high - low) * (RIGHT - LEFT):.1f},{BOTTOM - value * (BOTTOM - TOP) / 1.05:.1f}"

    segments = 1 << made.plan.index_bits
    length = len(integers) // segments
    marked = segments // 2 + 2
    for segment in range(segments):
        x, _ = at(low + segment * length, 0).split(",")
        fill = "#fde0c5" if segment == marked else "#f4f7fb" if segment % 2 else "#fff"
        width = length / (high - low) * (RIGHT - LEFT)
        yield f'<rect x="{x}" y="{TOP}" width="{width:.1f}" height="{BOTTOM - TOP}" fill="{fill}"/>'
    points = " ".join(at(x, value) for x, value in zip(integers.tolist(), y.tolist(), strict=True))
    yield f'<polyline points="{points}" fill="none" stroke="#08519c" stroke-width="1.6"/>'
    x, _ = at(low + marked * length, 0).split(",")
    yield f'<text x="{x}" y="{BOTTOM + 16}">segment i</text>'
    yield text(LEFT, BOTTOM + 16, f"x = {low * inp.ulp:g}", "small", "start")
    yield text(RIGHT, BOTTOM + 16, f"{high * inp.ulp:g}", "small", "end")
    yield text(LEFT + 8, TOP + 18, f"{describe(made.plan)}: the top bits of x select one", "small", "start")


STEPS = [
    ("x", "additive shares"),
    ("carry", "of the low bits"),
    ("i | d", "segment and rest"),
    ("lookup at i", "intercept c, slope b"),
    ("b · d + c 2ᵉ", "product by bits of b"),
    ("⌊ · / 2ᵗ⌋", "exact truncation"),
    ("y", "extended, + offset"),
]
"""Boxes from left to right: what is computed, and a remark."""


def _steps() -> Iterator[str]:
    width, gap, top = 92, 9, 330
    for place, (what, remark) in enumerate(STEPS):
        x = 12 + place * (width + gap) + 10
        yield f'<rect x="{x}" y="{top}" width="{width}" height="44" rx="6" fill="#eef3f9" stroke="#7f9fbf"/>'
        yield text(x + width / 2, top + 27, what, "step")
        squeezed = f' textLength="{width}" lengthAdjust="spacingAndGlyphs"'
        yield text(x + width / 2, top + 62, remark, "small", more=squeezed)
        if place:
            yield f'<path d="M{x - gap} {top + 22} h{gap}" stroke="#555" stroke-width="1.5"/>'
