"""What people and programs get to see: tables, one JSON object, a progress bar.

Tables and JSON go to standard output, progress to standard error and only where someone looks on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from sirnn.channel import Ledger, Phase, Traffic

out = Console(highlight=False)


def print_json(report: Mapping[str, Any]) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error; yields what to call with (done, total)."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


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
    return f"{nbytes:.0f} bytes"


def table(title: str, columns: list[str], rows: list[list[str]]) -> Table:
    """A table whose first column is text and whose others are figures."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for index, column in enumerate(columns):
        made.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        made.add_row(*row)
    return made


def scope_table(ledger: Ledger, depth: int = 2) -> Table:
    """Where the bytes went."""
    totals = by_scope(ledger, depth)
    everything = sum(totals.values()) or 1
    rows = [[name, amount(nbytes), f"{nbytes / everything:.1%}"] for name, nbytes in totals.items()]
    return table("Where the bytes went", ["scope", "payload", "share"], rows)
