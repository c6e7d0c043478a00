"""What `sirnn check` judges a protocol by, one example in one profile at a time.

Whatever goes wrong, an exception or a warning of Python's included, is a verdict.
"""

from __future__ import annotations

import gc
import sys
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import attrs
import trio

from simulator.check import ON, check_protocol
from simulator.mismatch import Counterexample, MismatchError
from simulator.privacy.check import check_privacy
from simulator.simulation import simulate
from sirnn.cli.endless import TooLongError, ended
from sirnn.profile import Profile
from sirnn.protocol import Params, ProtocolSpec

GRACE_SECONDS = 10.0
"""How long after its time a verdict that has not ended by cancellation is struck."""

MOST_LEAKS = 3
"""Of what a protocol gives away, as much is told at once."""

Verdict: TypeAlias = Callable[[ProtocolSpec, Params, Profile], str]
"""What is wrong with a protocol, in words, or "". It may raise instead: see `judged`."""


@attrs.frozen
class Effort:
    """How hard to try.

    Attributes:
        sizes: of the inputs.
        seed: of inputs, shares and masks.
        runs: of the privacy check, on each choice of halves; 0 for no such check.
        most_messages: that a party may send in one run, before that is taken for an endless loop.
        most_seconds: that one verdict may take, likewise.
    """

    sizes: tuple[int, ...]
    seed: int
    runs: int
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
    declared = partial(as_declared, effort=effort)
    return (declared, partial(private, effort=effort)) if effort.runs else (declared,)


def as_declared(spec: ProtocolSpec, params: Params, profile: Profile, *, effort: Effort) -> str:
    """Whether value, bytes each way, flights and correlations are the declared ones; raises what is not."""
    runner = partial(simulate, most_messages=effort.most_messages)
    options: dict[str, Any] = {"sizes": effort.sizes, "seed": effort.seed, "runner": runner}

    async def checked() -> None:
        with trio.fail_after(effort.most_seconds):
            await check_protocol(spec, params, profiles=(profile,), **options)

    trio.run(checked)
    return ""


def private(spec: ProtocolSpec, params: Params, profile: Profile, *, effort: Effort) -> str:
    """Whether what a party sees says anything of the other's inputs."""

    async def checked() -> list[str]:
        with trio.fail_after(effort.most_seconds):
            return await check_privacy(spec, params, profile, runs=effort.runs, seed=effort.seed)

    found = trio.run(checked)
    more = [f"and {len(found) - MOST_LEAKS} more"] if len(found) > MOST_LEAKS else []
    return f"{spec.name} {dict(params)} gives away: {'; '.join([*found[:MOST_LEAKS], *more])}" if found else ""


def judged(verdict: Verdict, spec: ProtocolSpec, params: Params, profile: Profile, seconds: float) -> Problem | None:
    """A verdict, whatever happens: what it says, the exception that ended it, or the first RuntimeWarning."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", RuntimeWarning)
        problem = None
        try:
            text = ended(lambda: verdict(spec, params, profile), seconds + GRACE_SECONDS)
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


def _late(failure: BaseException) -> BaseException | None:
    """That its time was up, if that is what ended it."""
    return next((each for each in _causes(failure) if isinstance(each, TooLongError | trio.TooSlowError)), None)
