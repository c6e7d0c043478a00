"""What people and programs get to see: tables, one JSON object, a progress bar.

Tables and JSON go to standard output, progress to standard error and only where someone looks on. Everything fits
into 80 columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import click
from rich import box
from rich.console import Console, Group
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from sirnn.channel import Ledger, Phase, Traffic

out = Console(highlight=False)

_showing: list[Console] = []
"""Where bars are, the latest last: only their own console knows how to write above them."""

SMALL_SHARE = 0.0005
"""Scopes below it, which would show as 0.0 %, share a line."""


FEW_BYTES = 10
"""Below it, what an instance takes is told in bits."""


def print_json(report: Mapping[str, Any], *, indent: int | None = 1) -> None:
    """One JSON object on standard output, at once; on one line if `indent` is None."""
    click.echo(json.dumps(report, indent=indent))


def say(line: str) -> None:
    """A line on standard error, above the bars if there are any."""
    console = _showing[-1] if _showing else Console(stderr=True)
    console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error; yields what to call with (done, total)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _live(*columns, TimeRemainingColumn()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def progress_bars(title: str) -> Iterator[Callable[[str, int, int], None]]:
    """A sign of life, and a bar for each thing that is being made; yields what to call with (thing, done, total)."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with _live(*columns) as bars:
        bars.add_task(title, total=None)
        tell = _teller(bars)
        yield lambda kind, done, total: tell(f"making {kind}", done, total)


@contextmanager
def inference_bars(
    show: Callable[[Progress], None] = lambda _: None,
) -> Iterator[tuple[Callable[[int, int], None], Callable[[str, int, int], None]]]:
    """Bars for the steps of a model and for what is made ahead of it; yields what to call with either.

    `show` is given the bars, so that whoever prints a line meanwhile can have them make room.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _live(*columns, TimeRemainingColumn()) as bars:
        show(bars)
        tell = _teller(bars)
        waiting = bars.add_task("setting up", total=None)

        def told(thing: str, done: int, total: int) -> None:
            bars.update(waiting, visible=False)
            tell(thing, done, total)

        yield partial(told, "steps"), lambda kind, done, total: told(f"making {kind}", done, total)


@contextmanager
def spinner(title: str) -> Iterator[None]:
    """A sign of life on standard error, for work that cannot say how far it is."""
    with _live(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as bar:
        bar.add_task(title, total=None)
        yield


def _teller(bars: Progress) -> Callable[[str, int, int], None]:
    """A bar for each thing that is told of, from the first time on: the bars are in the order of the work."""
    tasks: dict[str, TaskID] = {}

    def tell(thing: str, done: int, total: int) -> None:
        if thing not in tasks:
            tasks[thing] = bars.add_task(thing, total=total)
        bars.update(tasks[thing], completed=done, total=total)

    return tell


@contextmanager
def _live(*columns: ProgressColumn) -> Iterator[Progress]:
    console = Console(stderr=True)
    # Both streams are left alone: a redirected one would carry our output to standard error.
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bars:
        _showing.append(console)
        try:
            yield bars
        finally:
            _showing.remove(console)


# ------------------------------------------------------------ figures


def phase_total(ledger: Ledger, phase: Phase) -> Traffic:
    """Traffic of one phase, all scopes together."""
    total = Traffic()
    for (booked, _), traffic in ledger.items():
        if booked is phase:
            total.add(traffic)
    return total


def traffic_report(ledger: Ledger) -> dict[str, int]:
    """The byte and flight keys that every report has; payload unless it says framing."""
    setup, offline, online = (phase_total(ledger, phase) for phase in (Phase.SETUP, Phase.OFFLINE, Phase.ONLINE))
    return {
        "bytes_setup": setup.payload,
        "bytes_offline": offline.payload,
        "bytes_online": online.payload,
        "bytes_framing": setup.framing + offline.framing + online.framing,
        "flights": offline.flights + online.flights,
        "flights_offline": offline.flights,
        "flights_online": online.flights,
        "flights_setup": setup.flights,
        "flips": online.flips,
    }


def by_scope(ledger: Ledger, depth: int) -> dict[str, int]:
    """Payload bytes after set-up by scope, cut off at `depth` names, largest first; they add up to the total."""
    totals: dict[str, int] = {}
    for (phase, scope), traffic in ledger.items():
        if phase is not Phase.SETUP:
            name = "/".join(scope.split("/")[:depth]) or "(no scope)"
            totals[name] = totals.get(name, 0) + traffic.payload
    return dict(sorted(totals.items(), key=lambda item: -item[1]))


# ------------------------------------------------------------ for people


def amount(nbytes: float) -> str:
    """Bytes as people read them (1 kB = 1000 bytes)."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if nbytes >= size:
            return f"{nbytes / size:.2f} {unit}"
    return "1 byte" if nbytes == 1 else f"{nbytes:.0f} bytes"


def each(nbytes: float) -> str:
    """Bytes of one instance; bits where it takes less than a few of them."""
    return amount(nbytes) if nbytes >= FEW_BYTES else f"{8 * nbytes:.2f} bits"


def counted(count: int, thing: str) -> str:
    """A count and its noun: 1 recording, 40 recordings."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def table(title: str, columns: list[str], rows: list[list[str]], *, figures: int | None = None) -> Group:
    """A titled table; its last `figures` columns, by default all but the first, are right-aligned.

    Without column names there is no header. Cells are plain text: they may be a peer's words. Without rows it is a
    sentence.
    """
    if not rows:
        return Group(Text(f"{title}: nothing to show."))
    width = len(rows[0])
    text = 1 if figures is None else width - figures
    made = Table(box=box.ROUNDED, show_header=bool(columns))
    for index in range(width):
        made.add_column(columns[index] if columns else "", justify="left" if index < text else "right")
    for row in rows:
        made.add_row(*(escape(cell) for cell in row))
    return Group(Text(title, style="bold"), made)  # a title of the table's own would wrap at the table's width


def scope_table(ledger: Ledger, depth: int = 2) -> Group:
    """Where the bytes went."""
    totals = by_scope(ledger, depth)
    everything = sum(totals.values())
    if not everything:
        return Group(Text("Nothing is sent after the set-up: each party computes its share of the result by itself."))
    small = {name for name, nbytes in totals.items() if nbytes / everything < SMALL_SHARE}
    shown = {name: nbytes for name, nbytes in totals.items() if name not in small}
    if small:
        shown["all else"] = sum(totals[name] for name in small)
    rows = [[name, amount(nbytes), f"{nbytes / everything:.1%}"] for name, nbytes in shown.items()]
    return table("Where the bytes went", ["scope", "payload", "share"], rows)


def network_rows(network_seconds: Mapping[str, float]) -> list[list[str]]:
    """Lines of a table: how long a run waits for each network; none for one that takes no time at all."""
    return [
        [f"waiting for the network, {name}", f"{seconds:.2f} s"] for name, seconds in network_seconds.items() if seconds
    ]
