"""Rewrites what these pages quote: the blocks between `<!-- build: NAME -->` and `<!-- end -->`, and the plots.

    sirnn prove -o docs/functions/errors.csv
    python docs/functions/build.py              # needs the extra `docs` (matplotlib)

Tables come from errors.csv, costs from the declared formulas, plots from running every word at scale 12 to 12.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sirnn.cli.cost import bytes_by_count
from sirnn.correlations.supply import AUTO
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS
from sirnn.functions.proof import CLAIMS, domain, evaluate
from sirnn.profile import Profile

FOLDER = Path(__file__).parent
TABLE = FOLDER / "errors.csv"
SHOWN = FixedPoint(16, 12)
"""The type, in and out, of the costs and the plots."""

ASKED = {"exp": 2.7, "sigmoid": 3.1, "tanh": 3.6, "rsqrt": 4.2}
"""ULP that the project set out to stay within, over all the scales."""

BATCH = 16_384
BINS = 320
LOGARITHMIC = {"reciprocal", "rsqrt"}
"""Plotted over a logarithmic x axis."""

Row = dict[str, str]


def errors() -> dict[str, list[Row]]:
    """Rows of the committed table by function."""
    by_function: dict[str, list[Row]] = {}
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            by_function.setdefault(row["function"], []).append(row)
    return by_function


# ------------------------------------------------------------ blocks of the pages


def summary() -> str:
    """One line per function: its worst row, and the row at scale 12 to 12."""
    lines = [
        "| function | inputs | scales | worst ULP | at scales | at x | largest mean ULP | truncated ULP | 12 to 12 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, rows in errors().items():
        scales, worst = CLAIMS[name].scales, worst_row(rows)
        cells = [
            f"[{name}]({name}.md)",
            FUNCTIONS[name].summary + (f"; from x = {float(worst['least']):g}" if worst["least"] else ""),
            f"{scales.start}..{scales.stop - 1}",
            f"**{worst['worst_ulp']}**",
            f"{worst['in_scale']} to {worst['out_scale']}",
            f"{int(worst['worst_input']) / 2 ** int(worst['in_scale']):.5f}",
            max((row["mean_ulp"] for row in rows), key=float),
            max((row["truncated_ulp_max"] for row in rows), key=int),
            pair(rows, 12, 12)["worst_ulp"],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def targets() -> str:
    """What was asked for beside what holds."""
    lines = [
        "| function | asked | 12 to 12 | worst | at scales | pairs of scales beyond what was asked |",
        "|---|---|---|---|---|---|",
    ]
    for name, bound in ASKED.items():
        rows = errors()[name]
        worst, beyond = worst_row(rows), [row for row in rows if float(row["worst_ulp"]) > bound]
        at = f"{worst['in_scale']} to {worst['out_scale']}"
        lines.append(
            f"| {name} | {bound} | {pair(rows, 12, 12)['worst_ulp']} | **{worst['worst_ulp']}** | {at} "
            f"| {len(beyond)} of {len(rows)} |"
        )
    return "\n".join(lines)


def worst_row(rows: list[Row]) -> Row:
    """The row with the largest error."""
    return max(rows, key=lambda row: float(row["worst_ulp"]))


def pair(rows: list[Row], in_scale: int, out_scale: int) -> Row:
    """The row of two scales."""
    return next(row for row in rows if (int(row["in_scale"]), int(row["out_scale"])) == (in_scale, out_scale))


def scales_table(name: str) -> str:
    """Worst / mean error over both scales; the worst is rounded up."""
    rows, scales = errors()[name], CLAIMS[name].scales
    lines = ["| in \\ out | " + " | ".join(map(str, scales)) + " |", "|---" * (len(scales) + 1) + "|"]
    for i in scales:
        cells = [pair(rows, i, o) for o in scales]
        figures = [
            f"{math.ceil(100 * float(cell['worst_ulp'])) / 100:.2f} / {float(cell['mean_ulp']):.2f}" for cell in cells
        ]
        lines.append(f"| **{i}** | " + " | ".join(figures) + " |")
    return "\n".join(lines)


def cost(name: str) -> str:
    """Declared cost of a batch and of one instance."""
    batch, one = (FUNCTIONS[name].cost(Profile.PAPER, n, inp=SHOWN, out=SHOWN) for n in (BATCH, 1))
    curve = bytes_by_count(lambda n: FUNCTIONS[name].cost(Profile.EXACT, n, inp=SHOWN, out=SHOWN), Profile.EXACT, AUTO)
    return "\n".join(
        [
            f"{batch.payload / BATCH:,.0f} bytes per instance in a batch of {BATCH:,} ({one.payload:,} alone, since a "
            f"message ends on a whole byte), both directions together, in {batch.flights} flights whatever the batch.",
            "",
            "Where correlations are made ahead the batch matters. Bytes per instance in profile `exact`, offline and "
            "online, by how many are evaluated at once:",
            "",
            f"| at once | {' | '.join(f'{count:,}' for count in curve)} |",
            "|---" * (len(curve) + 1) + "|",
            f"| bytes | {' | '.join(f'{nbytes:,.0f}' for nbytes in curve.values())} |",
        ]
    )


def page(path: Path) -> str:
    """The text of a page with its blocks rewritten."""
    blocks = {
        "summary": summary,
        "targets": targets,
        "errors": lambda: scales_table(path.stem),
        "cost": lambda: cost(path.stem),
    }
    return re.sub(
        r"(<!-- build: (\w+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{blocks[found[2]]()}\n{found[3]}",
        path.read_text(),
        flags=re.DOTALL,
    )


def pages() -> Iterator[Path]:
    """The overview and a page per function."""
    yield FOLDER / "README.md"
    yield from (FOLDER / f"{name}.md" for name in CLAIMS)


# ------------------------------------------------------------ plots


def plot(name: str) -> None:
    """The signed error over the domain: per bin of x, from its smallest to its largest and its mean."""
    from matplotlib.figure import Figure
    from PIL import Image

    integers = domain(FUNCTIONS[name], SHOWN, CLAIMS[name].least)
    outcome = evaluate(FUNCTIONS[name], integers, SHOWN, SHOWN)
    x, error = np.arange(integers.start, integers.stop) * SHOWN.ulp, outcome.calculated - outcome.real
    space = np.geomspace if name in LOGARITHMIC else np.linspace
    edges = np.unique(np.searchsorted(x, space(x[0], x[-1], BINS + 1)[:-1]))
    size = np.diff(np.append(edges, x.size))
    low, high = np.minimum.reduceat(error, edges), np.maximum.reduceat(error, edges)
    mean, worst = np.add.reduceat(error, edges) / size, int(np.argmax(np.abs(error)))
    bins = np.append(x[edges], x[-1] + SHOWN.ulp)

    figure = Figure(figsize=(7.2, 3.2), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.stairs(high, bins, baseline=low, fill=True, color="#9ecae1", label="smallest to largest")
    axes.stairs(mean, bins, baseline=None, color="#08519c", label="mean")
    axes.axhline(0, color="#666666", linewidth=0.6)
    axes.plot(x[worst], error[worst], "o", color="#cb181d", markersize=4)
    upwards = error[worst] > 0
    axes.annotate(
        f"worst: {abs(error[worst]):.2f} ULP at x = {x[worst]:.4f}",
        (x[worst], error[worst]),
        xytext=(8 if x[worst] < (x[0] + x[-1]) / 2 else -8, 5 if upwards else -5),
        textcoords="offset points",
        ha="left" if x[worst] < (x[0] + x[-1]) / 2 else "right",
        va="bottom" if upwards else "top",
        color="#cb181d",
        fontsize=9,
    )
    if name in LOGARITHMIC:
        axes.set_xscale("log")
        ticks = [0.1, 0.25, 0.5, 1, 2, 4, 8]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
    span = error.max() - error.min()
    axes.set_ylim(error.min() - 0.14 * span, error.max() + 0.14 * span)
    axes.set_xlim(max(CLAIMS[name].least, x[0] - SHOWN.ulp), bins[-1])
    start = f", x ≥ {CLAIMS[name].least:g}" if CLAIMS[name].least > -np.inf else ""
    axes.set_title(f"{name}: error of every 16-bit input{start}, scale 12 to 12", fontsize=11)
    axes.set_xlabel("input x (real value)")
    axes.set_ylabel(r"calculated − real (ULP = $2^{-12}$)")
    axes.legend(loc="best", fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    Image.open(drawn).convert("RGB").quantize(64).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    for written in pages():
        written.write_text(page(written))
    for function in CLAIMS:
        plot(function)
