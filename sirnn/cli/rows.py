"""Rows of a benchmark: runs of `sirnn measure` over TCP, each in processes of its own, and the file they end up in."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from sirnn.cli.announce import TEXT, Announcement
from sirnn.cli.report import progress_bar, say
from sirnn.errors import LocalError

COLUMNS = (
    "row",
    "count",
    "bytes_setup",
    "bytes_offline",
    "bytes_online",
    "bytes_per_instance",
    "flights_offline",
    "flights_online",
    "seconds_setup",
    "seconds_offline",
    "seconds_online",
    "per_second",
    "peak_bytes_server",
    "peak_bytes_client",
    "command",
)
"""Of the CSV file: keys of a report, the row's name and the command that makes it."""


@attrs.frozen
class Row:
    """A row of the table: its name, and the arguments of `sirnn measure` that make it."""

    name: str
    arguments: tuple[str, ...]

    @property
    def command(self) -> str:
        """What a user types."""
        return " ".join(("sirnn measure", *self.arguments, "--over tcp"))

    def run(self, compiling: Callable[[], None] = lambda: None) -> dict[str, Any]:
        """The report, from two fresh processes; `compiling` is called if they have something to compile first.

        Raises:
            LocalError: the run failed.
        """
        line = [sys.executable, "-m", "sirnn.cli", "measure", *self.arguments, "--over", "tcp", "--json"]
        why = "no word of why"
        with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:  # noqa: S603
            for said in child.stderr or ():
                why = said.rstrip()
                if why == TEXT:
                    compiling()
            report = "".join(child.stdout or ())  # a report fits into a pipe, so nobody waits for anybody
        if child.returncode:
            raise LocalError(f"{self.name}: {why}", remedy=f"try it by itself: {self.command}")
        return {"row": self.name, "command": self.command, **json.loads(report)}


def run_rows(chosen: Sequence[Row]) -> list[dict[str, Any]]:
    """The reports of rows, one after the other, under a progress bar."""
    reports = []
    compiling = Announcement(say)
    with progress_bar("rows") as progress:
        for done, row in enumerate(chosen):
            progress(done, len(chosen))
            reports.append(row.run(compiling))
    return reports


def write_csv(path: Path, reports: Sequence[dict[str, Any]]) -> None:
    """The reports as comma-separated values.

    Raises:
        LocalError: the file cannot be written.
    """
    try:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(reports)
    except OSError as failure:
        raise LocalError(f"cannot write {path}: {failure.strerror}", remedy="choose another --output") from failure
