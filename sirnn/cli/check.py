"""`sirnn check`: hold protocols of one's own, or the library's, to what they declare, and to giving nothing away.

Every protocol is judged by each of `verdicts` on each of its examples in each of its profiles; whatever happens to one
of them, all are judged.
"""

from __future__ import annotations

import importlib.util
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import click

from simulator.check import SIZES
from simulator.privacy.views import RUNS
from sirnn.cli.library import load_library
from sirnn.cli.options import json_option
from sirnn.cli.parameters import shown, text_of
from sirnn.cli.report import out, print_json, progress_bar, table
from sirnn.cli.verdicts import Effort, Problem, judged, verdicts
from sirnn.errors import LocalError
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, Params, ProtocolSpec

SIZE = 1000
"""Instances that the reported bytes are averaged over."""

LIBRARY = "the library"
"""What is checked if no file is named."""


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--only", metavar="NAME", help="Check this protocol alone.")
@click.option("--profile", type=click.Choice([each.value for each in Profile]), help="In this profile alone.")
@click.option("--size", "sizes", type=click.IntRange(0), multiple=True, help="At this size instead of the usual ones.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of inputs, shares and masks.")
@click.option(
    "--runs",
    type=click.IntRange(0),
    default=RUNS,
    show_default=True,
    help="Of the privacy check, on each of four choices of shares: more see weaker patterns, 0 leaves it out.",
)
@click.option(
    "--most-messages",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="That a party sends in a run before it is taken for an endless loop.",
)
@click.option(
    "--most-seconds",
    type=click.FloatRange(0, min_open=True),
    default=600,
    show_default=True,
    help="That an example takes in a profile, likewise.",
)
@json_option
def check(
    file: Path | None,
    only: str | None,
    profile: str | None,
    sizes: tuple[int, ...],
    seed: int,
    runs: int,
    most_messages: int,
    most_seconds: float,
    as_json: bool,
) -> None:
    """Check every protocol that FILE (a Python file) registers; without one, the library's own.

    Each is run on its examples in every profile it exists in: on the edges of its inputs, at many sizes, and on every
    pair of shares where the width is small. It fails on one wrong word, one byte, one flight or one correlation too
    many or too few, in its branches as well, on any exception and on any RuntimeWarning. Bytes are shown for profile
    paper, or else the first it has.

    It also fails if it gives something away: if something that a party sees depends on the other's input, is biased,
    coincides with something else, does not depend on anybody's randomness, or is masked by what was used before. That
    proves no security; it finds mistakes. See docs/writing-a-protocol.md.
    """
    effort, name = Effort(sizes or SIZES, seed, runs, most_messages, most_seconds), str(file or LIBRARY)
    try:
        specs = _chosen(load(file) if file else _library(), only, profile)
    except LocalError as failure:
        if as_json:
            print_json({"file": name, "passed": False, "problem": str(failure), "checks": []})
        raise
    cases, results = [(spec, params) for spec in specs for params in spec.examples], []
    with progress_bar(f"checking {name}") as progress:
        for done, (spec, params) in enumerate(cases, 1):
            results.append(_checked(file, spec, params, profile, effort))
            progress(done, len(cases))
    passed = not any(result["problems"] for result in results)
    if as_json:
        print_json({"file": name, "passed": passed, "checks": results})
    else:
        _print(name, results)
    if not passed:
        raise click.exceptions.Exit(1)


def load(file: Path) -> list[ProtocolSpec]:
    """The protocols a file registers.

    Raises:
        LocalError: there is no such file, it fails to import, or it registers nothing.
    """
    for name in [name for name, found in REGISTRY.items() if found.run.__module__ == _module_name(file)]:
        del REGISTRY[name]  # of an earlier look at this file
    before = set(REGISTRY)
    spec = importlib.util.spec_from_file_location(_module_name(file), file)
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


def _module_name(file: Path) -> str:
    return f"sirnn_checked_{file.stem}"


def _library() -> list[ProtocolSpec]:
    load_library()
    return [spec for spec in REGISTRY.values() if spec.run.__module__.startswith("sirnn.")]


def _chosen(specs: list[ProtocolSpec], only: str | None, profile: str | None) -> list[ProtocolSpec]:
    named = [spec for spec in specs if only in (None, spec.name)]
    if not named:
        raise LocalError(
            f"no protocol of these is called {only}", remedy=f"choose from {', '.join(spec.name for spec in specs)}"
        )
    chosen = [spec for spec in named if _profiles(spec, profile)]
    if not chosen:
        raise LocalError(f"{named[0].name} does not exist in profile {profile}", remedy="leave --profile out")
    return chosen


def _profiles(spec: ProtocolSpec, profile: str | None) -> list[Profile]:
    return [each for each in spec.profiles if profile in (None, each.value)]


def _checked(
    file: Path | None, spec: ProtocolSpec, params: Params, profile: str | None, effort: Effort
) -> dict[str, Any]:
    """One example of a protocol, in all its profiles or in one."""
    profiles = _profiles(spec, profile)
    found = (_first_problem(spec, params, each, effort) for each in profiles)
    problems = [problem for problem in found if problem is not None]
    return {
        "protocol": spec.name,
        "parameters": ", ".join(f"{name}={text_of(value)}" for name, value in shown(params).items()),
        "profiles": [each.value for each in profiles],
        **_figures(spec, params),
        "problems": [_report(file, spec, problem, effort) for problem in problems],
    }


def _first_problem(spec: ProtocolSpec, params: Params, profile: Profile, effort: Effort) -> Problem | None:
    """What is wrong is told once: a protocol that does not run cannot be looked at further."""
    found = (judged(verdict, spec, params, profile, effort.most_seconds) for verdict in verdicts(effort))
    return next((problem for problem in found if problem is not None), None)


def _figures(spec: ProtocolSpec, params: Params) -> dict[str, Any]:
    """What it is declared to cost; nothing if the formula fails, which is a verdict already."""
    with suppress(Exception):
        declared = spec.cost(Profile.PAPER if Profile.PAPER in spec.profiles else spec.profiles[0], SIZE, params)
        return {"bits_per_instance": 8 * declared.payload / SIZE, "flights": declared.flights}
    return {"bits_per_instance": None, "flights": None}


def _report(file: Path | None, spec: ProtocolSpec, problem: Problem, effort: Effort) -> dict[str, Any]:
    """A problem, with the command that repeats it."""
    sizes = effort.sizes if problem.size is None else (problem.size,)
    again = ["sirnn", "check", *([str(file)] if file else []), "--only", spec.name, "--profile", problem.profile.value]
    again += ["--runs", str(effort.runs)] if effort.runs != RUNS else []
    again += [word for size in sizes if sizes != SIZES for word in ("--size", str(size))]
    example = problem.counterexample
    return {
        "profile": problem.profile.value,
        "problem": problem.text,
        "counterexample": None if example is None else attrs.asdict(example),
        "seed": effort.seed,
        "repeat": shlex.join([*again, "--seed", str(effort.seed)]),
    }


# ------------------------------------------------------------ for people


def _print(name: str, results: list[dict[str, Any]]) -> None:
    columns = ["protocol", "parameters", "bits each", "flights", "verdict"]
    out.print(table(name, columns, [_row(result) for result in results]))
    for result in results:
        for told in result["problems"]:
            out.print(f"{told['profile']}: {told['problem']}", style="red", markup=False)
            out.print(f"  again: {told['repeat']}", markup=False, soft_wrap=True)


def _row(result: dict[str, Any]) -> list[str]:
    bits, flights = result["bits_per_instance"], result["flights"]
    return [
        result["protocol"],
        result["parameters"],
        "" if bits is None else f"{bits:,.1f}",
        "" if flights is None else str(flights),
        "FAILED" if result["problems"] else "ok",
    ]
