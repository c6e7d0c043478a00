"""`sirnn bench`: the project's benchmark, in one command and one table.

Every row is a run of `sirnn measure` in processes of its own, so each figure can be had again by itself, and no row
inherits another's memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import click
from rich.table import Table

from sirnn.cli import scaling as over_counts
from sirnn.cli.options import FILE, json_option
from sirnn.cli.report import out, print_json
from sirnn.cli.rows import Row, run_rows, write_csv
from sirnn.errors import LocalError

ROT_SOURCES = ("softspoken-8", "ferret-b10", "ferret-b11", "ferret-b12", "ferret-b13")
FUNCTIONS = ("sigmoid", "tanh", "exp", "rsqrt")
PROFILES = ("lean", "exact", "paper")
"""Of functions; a lookup or a product is the same in the first two."""

RUNS = 3

# ------------------------------------------------------------ what is run


@attrs.frozen
class Sizes:
    """How much each row runs."""

    rot: int
    instances: int
    dims: str


FULL = Sizes(rot=10_000_000, instances=65_536, dims="64,64,64")
QUICK = Sizes(rot=1_000, instances=256, dims="8,8,8")


def rows(sizes: Sizes, repeat: int) -> list[Row]:
    """The rows of the benchmark."""
    often = ("--repeat", str(repeat))
    instances, dims = ("--count", str(sizes.instances), *often), ("--dims", sizes.dims, *often)
    subjects = {
        "lookup": (PROFILES[1:], instances),
        **dict.fromkeys(FUNCTIONS, (PROFILES, instances)),
        "matmul": (PROFILES[1:], dims),
    }
    return [
        *(Row(f"rot {name}", ("rot", "--ot", name, "--count", str(sizes.rot), *often)) for name in ROT_SOURCES),
        *(
            Row(f"{subject} {profile}", (subject, "--profile", profile, *options))
            for subject, (profiles, options) in subjects.items()
            for profile in profiles
        ),
    ]


# ------------------------------------------------------------ the command


@click.command()
@click.option("--quick", is_flag=True, help="Few instances, one run each: does it work? Times mean little then.")
@click.option("--only", default="", metavar="TEXT", help="Only rows whose name contains this.")
@click.option("--repeat", type=click.IntRange(1), default=RUNS, show_default=True, help="Runs; medians are reported.")
@click.option("--scaling", is_flag=True, help="Time and memory over the count instead, as a plot (needs matplotlib).")
@click.option(
    "-o", "--output", type=FILE, help="A .csv file to write as well; with --scaling the plot, .svg or .png, and a .csv."
)
@json_option
def bench(quick: bool, only: str, repeat: int, scaling: bool, output: Path | None, as_json: bool) -> None:
    """Benchmark random OTs, lookups, functions and matrix products: one table.

    Every row is `sirnn measure` over TCP between two processes on this machine, each with a core of its own where there
    are two. Bytes are payload per instance, both directions; a rot's instance is one random OT. Seconds are medians for
    the whole count, and a second's instances are those of offline and online time together.

    With --scaling: random OTs and sigmoid (exact) from 1,000 instances up by powers of ten, each point in fresh
    processes, and the seconds and the peak memory of both.
    """
    if scaling:
        over_counts.check_output(output)
    chosen = over_counts.points(quick) if scaling else rows(QUICK if quick else FULL, 1 if quick else repeat)
    chosen = [row for row in chosen if only in row.name]
    if not chosen:
        raise click.BadParameter(
            f"no row's name contains {only!r}: sirnn bench --quick shows them all", param_hint="--only"
        )
    _check_folder(output)
    reports = run_rows(chosen)
    if output is not None:
        write_csv(output.with_suffix(".csv"), reports)
        if scaling:
            over_counts.plot(output, reports)
    if as_json:
        print_json({"count": len(reports), "rows": reports})
    else:
        out.print(bench_table(reports))


def _check_folder(output: Path | None) -> None:
    if output is not None and not output.parent.is_dir():
        raise LocalError(f"there is no folder {output.parent}", remedy="make it, or choose another --output")


def bench_table(reports: Sequence[dict[str, Any]]) -> Table:
    """The table, in 80 columns."""
    made = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    made.add_column("")
    for name in ("set-up\nkB", "offline\nB each", "online\nB each", "total\nB each"):
        made.add_column(name, justify="right")
    for name in ("\nflights", "offline\ns", "online\ns", "\na second"):
        made.add_column(name, justify="right")
    for report in reports:
        made.add_row(*_cells(report))
    return made


def _cells(report: dict[str, Any]) -> list[str]:
    offline, online = (report[f"bytes_{stage}"] / report["count"] for stage in ("offline", "online"))
    return [
        report["row"],
        f"{report['bytes_setup'] / 1000:,.1f}",
        *(_short(nbytes) for nbytes in (offline, online, offline + online)),
        str(report["flights"]),
        *(_seconds(report[f"seconds_{stage}"]) for stage in ("offline", "online")),
        f"{report['per_second']:,.0f}",
    ]


def _short(nbytes: float) -> str:
    """Three figures of what may be thousands of bytes or a fraction of one."""
    return f"{nbytes:,.0f}" if nbytes >= 100 or not nbytes else f"{nbytes:.3g}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}" if seconds < 10 else f"{seconds:,.1f}"
