"""`sirnn bench --scaling`: how time and memory grow with the number of instances, as a plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sirnn.cli.rows import Row
from sirnn.errors import LocalError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALLEST = 3
LARGEST = {"rot": 7, "sigmoid": 6}
"""Powers of ten. Ten million sigmoids would hold 14 GB of random OTs at once."""

LARGEST_QUICK = 4
SUFFIXES = (".svg", ".png", ".pdf")


def points(quick: bool) -> list[Row]:
    """What is run: each subject at every power of ten."""
    return [
        Row(f"{subject} 10^{power}", (subject, "--count", str(10**power), *options))
        for subject, options in (("rot", ()), ("sigmoid", ("--profile", "lean")))
        for power in range(SMALLEST, 1 + (LARGEST_QUICK if quick else LARGEST[subject]))
    ]


def check_output(output: Path | None) -> None:
    """Refuse what would fail after all the work.

    Raises:
        LocalError: there is nowhere to plot to, or nothing to plot with.
    """
    if output is None or output.suffix not in SUFFIXES:
        raise LocalError("--scaling draws a plot", remedy=f"name it with -o, ending in {' or '.join(SUFFIXES)}")
    if find_spec("matplotlib") is None:
        raise LocalError("matplotlib is not installed", remedy="pip install 'sirnn[docs]'")


def plot(path: Path, reports: Sequence[dict[str, Any]]) -> None:
    """Seconds of every stage and peak memory over the count, each on logarithmic axes.

    Raises:
        LocalError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    subjects = list(dict.fromkeys(report["what"] for report in reports))
    figure = Figure(figsize=(9, 3.4 * len(subjects)), layout="constrained")
    axes = figure.subplots(len(subjects), 2, squeeze=False)
    for (time, memory), subject in zip(axes, subjects, strict=True):
        own = [report for report in reports if report["what"] == subject]
        _draw(time, own, f"{subject}: seconds", {stage: f"seconds_{stage}" for stage in ("setup", "offline", "online")})
        _draw(
            memory, own, f"{subject}: peak memory, MB", {who: f"peak_bytes_{who}" for who in ("server", "client")}, 1e6
        )
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    except OSError as failure:
        raise LocalError(f"cannot write {path}: {failure.strerror}", remedy="choose another --output") from failure


def _draw(axes: Axes, reports: Sequence[dict[str, Any]], title: str, lines: dict[str, str], unit: float = 1.0) -> None:
    counts = [report["count"] for report in reports]
    series = {label: [report[key] / unit for report in reports] for label, key in lines.items()}
    for label, values in series.items():
        axes.plot(counts, values, "o-", markersize=3, label=label)
    axes.set(xscale="log", yscale="log", title=title, xlabel="instances")
    powers = [math.floor(math.log10(value)) for values in series.values() for value in values if value > 0]
    axes.set_ylim(10.0 ** min(powers), 10.0 ** (1 + max(powers)))  # whole powers of ten
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.legend(fontsize=8, frameon=False)
