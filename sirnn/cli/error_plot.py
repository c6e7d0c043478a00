"""Where the error of a compiled function is, along its domain: in a line of text, or drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sirnn.compiler.compiled import Compiled
from sirnn.compiler.real import Reals
from sirnn.errors import LocalError

COLUMNS = 72
BLOCKS = "▁▂▃▄▅▆▇█"
"""From no error to the worst."""

SUFFIXES = (".svg", ".png", ".pdf")
BINS = 480
"""Points of a drawing: the worst error of as many runs of inputs."""


def sparkline(compiled: Compiled) -> str:
    """The worst error of each of at most 72 equal runs of the domain, as a block of that height."""
    _, worst = _along(compiled, COLUMNS)
    top = max(compiled.max_ulp, 1e-9)
    return "".join(BLOCKS[min(int(error / top * len(BLOCKS)), len(BLOCKS) - 1)] for error in worst)


def write_plot(path: Path, compiled: Compiled) -> None:
    """Draw the error along the domain.

    Raises:
        LocalError: a file of another kind, or one that cannot be written; or matplotlib is not installed.
    """
    if path.suffix not in SUFFIXES:
        raise LocalError(f"cannot draw to {path}", remedy=f"choose a file ending in {' or '.join(SUFFIXES)}")
    try:
        from matplotlib.figure import Figure
    except ImportError as failure:
        raise LocalError("drawing needs matplotlib", remedy="install it: pip install 'sirnn[docs]'") from failure
    x, worst = _along(compiled, BINS)
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.add_subplot(xlabel="x", ylabel="worst error in ULP", title=compiled.task.name)
    axes.plot(x, worst, linewidth=0.8)
    axes.axhline(compiled.task.max_ulp, linewidth=0.8, linestyle="--", color="grey")
    axes.set_ylim(bottom=0)
    try:
        figure.savefig(path)
    except OSError as failure:
        raise LocalError(f"cannot draw to {path}: {failure}", remedy="choose a file such as error.svg") from failure


def _along(compiled: Compiled, most: int) -> tuple[Reals, Reals]:
    """The first input and the worst error of each of at most `most` runs of the domain."""
    errors = compiled.errors()
    runs = min(most, len(errors))
    starts = np.arange(runs) * len(errors) // runs
    x = np.ldexp(compiled.inputs()[starts].astype(np.float64), -compiled.plan.inp.scale)
    worst: Reals = np.maximum.reduceat(errors, starts)
    return x, worst
