"""`sirnn check`: hold protocols of one's own to what they declare.

Every protocol is judged by each of `verdicts` on each of its examples in each of its profiles. Whatever goes wrong in a
protocol, an exception or a warning of Python's included, is its verdict: all others are judged nevertheless.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import shlex
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import attrs
import click
import trio

from simulator.check import ON, SIZES, check_protocol
from simulator.mismatch import Counterexample, MismatchError
from simulator.simulation import simulate
from sirnn.cli.options import json_option
from sirnn.cli.parameters import shown, text_of
from sirnn.cli.report import out, print_json, table
from sirnn.errors import LocalError
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, Params, ProtocolSpec

A = TypeVar("A")

SIZE = 1000
"""Instances that the reported bytes are averaged over."""

GRACE_SECONDS = 10.0
"""How long after its time a verdict that has not ended by cancellation is struck."""

STRIKES_APART = 2.0
"""Seconds until it is struck again: the other party may be in the same loop."""

Verdict: TypeAlias = Callable[[ProtocolSpec, Params, Profile], str]
"""What is wrong with a protocol, in words, or "". It may raise instead: see `_judged`."""


@attrs.frozen
class Effort:
    """How hard to try.

    Attributes:
        sizes: of the inputs.
        seed: of inputs, shares and masks.
        most_messages: that a party may send in one run, before that is taken for an endless loop.
        most_seconds: that one verdict may take, likewise.
    """

    sizes: tuple[int, ...]
    seed: int
    most_messages: int
    most_seconds: float


@attrs.frozen
class Problem:
    """Something that is wrong with a protocol."""

    profile: Profile
    text: str
    size: int | None = None
    counterexample: Counterexample | None = None


# ------------------------------------------------------------ the verdicts


def verdicts(effort: Effort) -> tuple[Verdict, ...]:
    """All that a protocol is judged by."""
    return (partial(as_declared, effort=effort),)


def as_declared(spec: ProtocolSpec, params: Params, profile: Profile, *, effort: Effort) -> str:
    """Whether value, bytes each way, flights and correlations are the declared ones; raises what is not."""
    runner = partial(simulate, most_messages=effort.most_messages)
    options: dict[str, Any] = {"sizes": effort.sizes, "seed": effort.seed, "runner": runner}

    async def checked() -> None:
        with trio.fail_after(effort.most_seconds):
            await check_protocol(spec, params, profiles=(profile,), **options)

    trio.run(checked)
    return ""


def _judged(verdict: Verdict, spec: ProtocolSpec, params: Params, profile: Profile, seconds: float) -> Problem | None:
    """A verdict, whatever happens: what it says, the exception that ended it, or the first RuntimeWarning."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", RuntimeWarning)
        problem = None
        try:
            text = _ended(lambda: verdict(spec, params, profile), seconds + GRACE_SECONDS)
            problem = Problem(profile, text) if text else None
        except MismatchError as failure:
            problem = Problem(profile, str(failure), failure.size, failure.counterexample)
        except BaseException as failure:
            if not isinstance(failure, Exception) and _late(failure) is None:
                raise
            problem = Problem(profile, _told(failure, spec, seconds))
        gc.collect()  # a coroutine that was never awaited says so when it goes
    unheeded = [each for each in warned if issubclass(each.category, RuntimeWarning)]
    if problem is None and unheeded:
        first = unheeded[0]
        problem = Problem(profile, f"RuntimeWarning: {first.message} ({Path(first.filename).name}:{first.lineno})")
    return problem


def _told(failure: BaseException, spec: ProtocolSpec, seconds: float) -> str:
    """An exception in a line: what, where in the protocol's own file, and on which inputs."""
    late = _late(failure)
    what = f"{type(failure).__name__}: {failure}".rstrip(": ") if late is None else f"not done after {seconds:g} s"
    own = getattr(sys.modules.get(spec.run.__module__), "__file__", None)
    frames = [frame for frame in traceback.extract_tb((late or failure).__traceback__) if frame.filename == own]
    lines = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-1:]]
    notes = [note for each in _causes(failure) for note in getattr(each, "__notes__", ()) if note.startswith(ON)]
    places = ", ".join([*lines, *notes[:1]])
    return f"{what} ({places})" if places else what


def _causes(failure: BaseException) -> list[BaseException]:
    """An exception and all that led to it."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [failure]
    while waiting:
        each = waiting.pop(0)
        if each is not None and not any(each is known for known in found):  # they may lead to each other
            found.append(each)
            waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
            waiting += (each.__cause__, each.__context__)
    return found


# ------------------------------------------------------------ loops without an end


class _TooLong(BaseException):
    """Strikes a thread whose time is up, wherever it is; no `except Exception` keeps it."""


def _late(failure: BaseException) -> BaseException | None:
    """That its time was up, if that is what ended it."""
    return next((each for each in _causes(failure) if isinstance(each, _TooLong | trio.TooSlowError)), None)


def _ended(job: Callable[[], A], seconds: float) -> A:
    """What a job returns; `_TooLong` is raised in one that does not end, even if it never waits for anything."""
    thread, lock, over = threading.get_ident(), threading.Lock(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not over.wait(wait):
            with lock:  # never after `over`: it would strike what comes next
                if not over.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_TooLong))
            wait = STRIKES_APART

    threading.Thread(target=watch, daemon=True).start()
    try:
        return job()
    finally:
        while not over.is_set():
            with suppress(_TooLong), lock:  # a strike may be under way, but only one
                over.set()


# ------------------------------------------------------------ the command


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--only", metavar="NAME", help="Check this protocol alone.")
@click.option("--profile", type=click.Choice([each.value for each in Profile]), help="In this profile alone.")
@click.option("--size", "sizes", type=click.IntRange(0), multiple=True, help="At this size instead of the usual ones.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of inputs, shares and masks.")
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
    file: Path,
    only: str | None,
    profile: str | None,
    sizes: tuple[int, ...],
    seed: int,
    most_messages: int,
    most_seconds: float,
    as_json: bool,
) -> None:
    """Check every protocol that FILE (a Python file) registers.

    Each is run on its examples in every profile it exists in: on the edges of its inputs, at many sizes, and on every
    pair of shares where the width is small. It fails on one wrong word, one byte, one flight or one correlation too
    many or too few, in its branches as well, on any exception and on any RuntimeWarning. Bytes are shown for profile
    paper, or else the first it has. See docs/writing-a-protocol.md.
    """
    effort = Effort(sizes or SIZES, seed, most_messages, most_seconds)
    try:
        specs = _chosen(load(file), only, profile)
    except LocalError as failure:
        if as_json:
            print_json({"file": str(file), "passed": False, "problem": str(failure), "checks": []})
        raise
    results = [_checked(file, spec, params, profile, effort) for spec in specs for params in spec.examples]
    passed = not any(result["problems"] for result in results)
    if as_json:
        print_json({"file": str(file), "passed": passed, "checks": results})
    else:
        _print(file, results)
    if not passed:
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


def _chosen(specs: list[ProtocolSpec], only: str | None, profile: str | None) -> list[ProtocolSpec]:
    named = [spec for spec in specs if only in (None, spec.name)]
    if not named:
        raise LocalError(
            f"no protocol of the file is called {only}", remedy=f"choose from {', '.join(spec.name for spec in specs)}"
        )
    chosen = [spec for spec in named if _profiles(spec, profile)]
    if not chosen:
        raise LocalError(f"{named[0].name} does not exist in profile {profile}", remedy="leave --profile out")
    return chosen


def _profiles(spec: ProtocolSpec, profile: str | None) -> list[Profile]:
    return [each for each in spec.profiles if profile in (None, each.value)]


def _checked(file: Path, spec: ProtocolSpec, params: Params, profile: str | None, effort: Effort) -> dict[str, Any]:
    """One example of a protocol, in all its profiles or in one."""
    profiles = _profiles(spec, profile)
    judged = [
        _judged(verdict, spec, params, each, effort.most_seconds) for each in profiles for verdict in verdicts(effort)
    ]
    problems = [problem for problem in judged if problem is not None]
    return {
        "protocol": spec.name,
        "parameters": ", ".join(f"{name}={text_of(value)}" for name, value in shown(params).items()),
        "profiles": [each.value for each in profiles],
        **_figures(spec, params),
        "problems": [_report(file, spec, problem, effort) for problem in problems],
    }


def _figures(spec: ProtocolSpec, params: Params) -> dict[str, Any]:
    """What it is declared to cost; nothing if the formula fails, which is a verdict already."""
    with suppress(Exception):
        declared = spec.cost(Profile.PAPER if Profile.PAPER in spec.profiles else spec.profiles[0], SIZE, params)
        return {"bits_per_instance": 8 * declared.payload / SIZE, "flights": declared.flights}
    return {"bits_per_instance": None, "flights": None}


def _report(file: Path, spec: ProtocolSpec, problem: Problem, effort: Effort) -> dict[str, Any]:
    """A problem, with the command that repeats it."""
    sizes = effort.sizes if problem.size is None else (problem.size,)
    again = ["sirnn", "check", str(file), "--only", spec.name, "--profile", problem.profile.value]
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


def _print(file: Path, results: list[dict[str, Any]]) -> None:
    columns = ["protocol", "parameters", "bits each", "flights", "verdict"]
    out.print(table(str(file), columns, [_row(result) for result in results]))
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
