"""`sirnn check`: hold protocols of one's own to what they declare."""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
import trio

from simulator.check import MismatchError, check_protocol
from sirnn.cli.options import json_option
from sirnn.cli.report import out, print_json, table
from sirnn.cli.subjects import is_short
from sirnn.errors import LocalError
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, Params, ProtocolSpec

SIZE = 1000
"""Instances that the reported bytes are averaged over."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def check(file: Path, as_json: bool) -> None:
    """Check every protocol that FILE (a Python file) registers.

    Each is run on its examples in every profile, at many sizes and on every pair of shares where the width is small.
    It fails on one wrong word, one byte, one flight or one correlation too many or too few. Bytes are shown for profile
    paper. See docs/writing-a-protocol.md.
    """
    results = [_checked(spec, params) for spec in load(file) for params in spec.examples]
    if as_json:
        print_json({"file": str(file), "passed": all(not row["problem"] for row in results), "checks": results})
    else:
        columns = ["protocol", "parameters", "bits each", "flights", "verdict"]
        out.print(table(str(file), columns, [_row(result) for result in results]))
        for problem in filter(None, (result["problem"] for result in results)):
            out.print(f"[red]{problem}[/red]")
    if any(row["problem"] for row in results):
        raise click.exceptions.Exit(1)


def load(file: Path) -> list[ProtocolSpec]:
    """The protocols a file registers.

    Raises:
        LocalError: there is no such file, it fails to import, or it registers nothing.
    """
    before = set(REGISTRY)
    spec = importlib.util.spec_from_file_location(f"sirnn_checked_{file.stem}", file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise LocalError(f"there is no Python file {file}", remedy="check the path")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as failure:
        raise LocalError(
            f"{file} cannot be imported: {failure!r}", remedy="run it with python to see where"
        ) from failure
    # What it imports from sirnn registers, too; its own are those whose coroutine lives in it.
    own = [found for name, found in REGISTRY.items() if name not in before and found.run.__module__ == spec.name]
    if not own:
        raise LocalError(f"{file} registers no protocol", remedy="decorate one with @protocol")
    return own


def _checked(spec: ProtocolSpec, params: Params) -> dict[str, Any]:
    declared = spec.cost(Profile.PAPER, SIZE, params)
    problem = ""
    try:
        trio.run(partial(check_protocol, spec, params, profiles=tuple(Profile)))
    except (MismatchError, LocalError) as failure:  # the latter if it uses correlations that it does not declare
        problem = str(failure)
    shown = ", ".join(f"{name}={value}" for name, value in params.items() if is_short(value))
    return {
        "protocol": spec.name,
        "parameters": shown,
        "bits_per_instance": 8 * declared.payload / SIZE,
        "flights": declared.flights,
        "problem": problem,
    }


def _row(result: dict[str, Any]) -> list[str]:
    verdict = "FAILED" if result["problem"] else "ok"
    bits = f"{result['bits_per_instance']:,.1f}"
    return [result["protocol"], result["parameters"], bits, str(result["flights"]), verdict]
