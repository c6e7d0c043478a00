"""`sirnn sweep`: every fault at every message, and how both parties end."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from typing import Any

import attrs
import click
import trio

from simulator import faults
from simulator.faults import ROLES, Fault
from simulator.sweep import KINDS, Case, Verdict, faults_for, kind_of, run_clean, strike
from sirnn.cli import interrupts
from sirnn.cli.options import json_option
from sirnn.cli.report import out, print_json, progress_bar, table
from sirnn.cli.swept import INFERENCES, Place, job_names, profiles_of
from sirnn.errors import LocalError
from sirnn.profile import Profile

PARTS = 8
"""Into how many parts a whole inference is cut, so that processes can share it."""


@attrs.frozen
class Part:
    """A share of the cases of a job: numbers `index`, `index + of`, and so on.

    Attributes:
        place: the job.
        struck: the faults to strike it with; those of the sweep if empty.
        every: see `faults_for`.
    """

    place: Place
    struck: tuple[Fault, ...] = ()
    every: int = 1
    index: int = 0
    of: int = 1


@attrs.frozen
class Struck:
    """A case and the job it is one of."""

    place: Place
    case: Case

    @property
    def command(self) -> str:
        """What repeats it."""
        return f"sirnn sweep {self.place.name} --profile {self.place.profile.value} --fault {self.case.fault}"

    def report(self) -> dict[str, Any]:
        """The keys of `--json`."""
        return {
            "job": self.place.name,
            "profile": self.place.profile.value,
            "fault": str(self.case.fault),
            "verdict": self.case.verdict.value,
            "why": self.case.why,
            **dict(zip(ROLES, self.case.ends, strict=True)),
            "command": self.command,
        }


@click.command()
@click.argument("jobs", nargs=-1)
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    help="Sweep in this profile alone. By default protocols are swept in each that they differ in, inferences in lean.",
)
@click.option(
    "--fault",
    "texts",
    multiple=True,
    metavar="KIND:SENDER@NUMBER",
    help="Strike with this fault alone, such as drop:client@12, and say how both ended; may be given repeatedly.",
)
@click.option(
    "--every",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Strike one message in so many with each kind of fault, each kind beginning at another message.",
)
@click.option(
    "--processes", type=click.IntRange(1), default=1, show_default=True, help="Processes that share the work."
)
@json_option
def sweep(
    jobs: tuple[str, ...], profile: str | None, texts: tuple[str, ...], every: int, processes: int, as_json: bool
) -> None:
    """Strike every message of JOBS with every kind of fault, one at a time, and count how both parties end.

    A job is the name of a protocol (`sirnn block` lists them), `session` (hello, base OTs, preparation), a source of
    random OTs such as softspoken-8, or a whole inference: `inference` (one step of basicmotions) or `svm` (iris).
    Without any, all are swept, for half an hour of one core; --every 9 is done in a ninth of that.

    \b
    drop        the direction is dead from this message on
    half-close  the direction is closed instead of carrying it
    gone        the sender's process ends instead of sending it
    truncate    the last byte is missing (truncate:client@4:9 for 9 bytes)
    lengthen    there is a byte too many
    duplicate   it arrives twice, and both keep a transcript digest
    corrupt     a bit is flipped, and both keep a transcript digest
    delay       it is late by less than the silence limit (delay:server@3:2s)
    stall       it is late by more than that: a longer delay

    Both run in this process, in virtual time. A case is good if both end in bounded time with the right answer or a
    typed error that says where it happened and blames whom it should. Exits with 1 if one is bad, and names the
    command that repeats it.
    """  # noqa: D301 - \b is click's: leave the lines as they are
    struck = tuple(faults.parse(text) for text in texts)
    if struck and not jobs:
        raise click.UsageError("--fault strikes a message of a job: name the job.")
    places = [
        Place(name, each)
        for name in jobs or job_names()
        for each in ((Profile(profile),) if profile else profiles_of(name))
        if jobs or not profile or each in profiles_of(name)
    ]
    started = time.perf_counter()
    found = run_parts(list(_parts(places, struck, every)), processes)
    if not found:
        raise LocalError("nothing is left to sweep", remedy="choose other jobs, or another profile")
    _tell(found, len(places), time.perf_counter() - started, whole=bool(struck), as_json=as_json)
    if any(each.case.verdict is Verdict.BAD for each in found):
        raise click.exceptions.Exit(1)


def _parts(places: Iterable[Place], struck: tuple[Fault, ...], every: int) -> Iterator[Part]:
    for place in places:
        parts = PARTS if place.name in INFERENCES and not struck else 1
        yield from (Part(place, struck, every, index, parts) for index in range(parts))


# ------------------------------------------------------------ running


def run_part(part: Part, run: Callable[..., list[Case]] = trio.run) -> list[Struck]:
    """Strike a job with its share of the faults, with `run` to run coroutines.

    Raises:
        LocalError: there is no such job, or it has no such message.
    """
    job = part.place.make()

    async def cases() -> list[Case]:
        clean = await run_clean(job)
        for fault in part.struck:
            clean.check(fault)
        chosen: Sequence[Fault] = part.struck or list(faults_for(clean, every=part.every))
        return [await strike(job, clean, fault) for fault in chosen[part.index :: part.of]]

    return [Struck(part.place, case) for case in run(cases)]


def run_parts(parts: Sequence[Part], processes: int) -> list[Struck]:
    """Every part, under a progress bar, in the order given; raises as `run_part`."""
    found: dict[int, list[Struck]] = {}
    with progress_bar("parts") as progress:
        for index, cases in _all(parts, processes):
            found[index] = cases
            progress(len(found), len(parts))
    return [case for index in sorted(found) for case in found[index]]


def _all(parts: Sequence[Part], processes: int) -> Iterator[tuple[int, list[Struck]]]:
    """Numbers of parts and their cases, as they are done."""
    if processes == 1:
        yield from ((index, run_part(part, interrupts.run)) for index, part in enumerate(parts))
        return
    spawn = multiprocessing.get_context("spawn")
    # Ctrl-C is for this process to handle.
    ignored = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(processes, mp_context=spawn, initializer=ignored) as pool:
        running = {pool.submit(run_part, part): index for index, part in enumerate(parts)}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise


# ------------------------------------------------------------ telling


def _tell(found: Sequence[Struck], jobs: int, seconds: float, *, whole: bool, as_json: bool) -> None:
    counts = Counter((kind_of(each.case.fault), each.case.verdict) for each in found)
    bad = [each for each in found if each.case.verdict is Verdict.BAD]
    if as_json:
        print_json(
            {
                "jobs": jobs,
                "cases": len(found),
                "bad": len(bad),
                "outcomes": {
                    kind: {verdict.value: counts[kind, verdict] for verdict in Verdict} for kind in _swept(counts)
                },
                "seconds": seconds,
                "struck": [each.report() for each in (found if whole else bad)],
            }
        )
        return
    columns = ["fault", "cases", *(verdict.value for verdict in Verdict)]
    rows = [_row(kind, [counts[kind, verdict] for verdict in Verdict]) for kind in _swept(counts)]
    rows.append(_row("all", [sum(counts[kind, verdict] for kind in KINDS) for verdict in Verdict]))
    out.print(table(f"Faults: {len(found):,} cases of {jobs:,} jobs, in {seconds:.0f} s", columns, rows))
    for each in found if whole else bad:
        out.print(f"\n{each.command}", markup=False, soft_wrap=True)
        if each.case.why:
            out.print(f"  bad: {each.case.why}", markup=False, soft_wrap=True)
        for role, end in zip(ROLES, each.case.ends, strict=True):
            out.print(f"  {role}: {end}", markup=False, soft_wrap=True)


def _swept(counts: Counter[tuple[str, Verdict]]) -> list[str]:
    return [kind for kind in KINDS if any(counts[kind, verdict] for verdict in Verdict)]


def _row(kind: str, by_verdict: list[int]) -> list[str]:
    return [kind, f"{sum(by_verdict):,}", *(f"{count:,}" for count in by_verdict)]
