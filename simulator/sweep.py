"""The fault sweep: a job, run once for every fault at every message, and how both parties ended each time.

    clean = await run_clean(job)
    for fault in faults_for(clean):
        case = await strike(job, clean, fault)

A case is good if every wait ended in bounded virtual time, with the answer that the job gives without a fault or with a
typed error that says where it happened and blames whom it should: never this party's own caller, and not the peer
for what the network did. Anything else is bad, and says why.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Hashable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs
import trio

from simulator.faults import ROLES, Corrupt, Damage, Delay, Drop, Duplicate, Fault, Gone, HalfClose, Lengthen, Truncate
from simulator.network import NANOSECONDS
from simulator.simulation import Body, Outcome, SimulationResult, simulate
from sirnn.channel import Phase
from sirnn.errors import LocalError, PeerError, SirnnError, TransportError

SILENCE_SECONDS = 60
"""How long a party of a sweep waits for a silent peer, in virtual time."""

CASE_SECONDS = 300
"""How long a case may take in real time before it counts as one that does not end."""

Make: TypeAlias = Callable[[int, int, int], Fault]
"""A fault out of a sender, a message number and the bytes of that message."""


def _delay(seconds: int) -> Make:
    return lambda sender, at, _: Delay(sender, at, nanoseconds=seconds * NANOSECONDS)


KINDS: Mapping[str, Make] = MappingProxyType(
    {
        "drop": lambda sender, at, _: Drop(sender, at),
        "half-close": lambda sender, at, _: HalfClose(sender, at),
        "gone": lambda sender, at, _: Gone(sender, at),
        "truncate": lambda sender, at, _: Truncate(sender, at),
        "lengthen": lambda sender, at, _: Lengthen(sender, at),
        "duplicate": lambda sender, at, _: Duplicate(sender, at),
        "corrupt": lambda sender, at, nbytes: Corrupt(sender, at, bit=4 * nbytes),  # in the middle
        "delay": _delay(SILENCE_SECONDS // 2),
        "stall": _delay(2 * SILENCE_SECONDS),
    }
)
"""What every message is struck with. A stall is a delay beyond the silence limit."""

NEED_A_BYTE = ("truncate", "corrupt")
"""Kinds that an empty message is spared."""

LOSSES = (Drop, HalfClose, Gone, Delay)
"""Faults of the network: the peer has done nothing wrong."""


CONTENTS = (Corrupt, Duplicate)
"""Faults that may leave every length and every count as it is. A message that comes twice may be taken for the next, of
the same length: its receiver finds one too many at the end, its sender, who had wrong messages in return, nothing."""


def kind_of(fault: Fault) -> str:
    """Which of `KINDS` a fault is."""
    stalls = isinstance(fault, Delay) and fault.nanoseconds > SILENCE_SECONDS * NANOSECONDS
    return "stall" if stalls else fault.kind


class Verdict(enum.Enum):
    """How a case ended."""

    RIGHT = "right at both"
    SPLIT = "right at one, typed error at the other"
    ERRORS = "typed error at both"
    BAD = "bad"


@attrs.frozen(eq=False)
class Job:
    """What is run again and again. It must come out alike every time, so its randomness is seeded.

    Attributes:
        name: how it is called.
        bodies: the server's program and the client's.
        plain: what a party returned, as something that can be compared.
        check: called with what both returned without a fault; raises if that is not right.
        online_only: spare the messages of set-up and preparation, which are those of another job.
    """

    name: str
    bodies: tuple[Body[Any], Body[Any]]
    plain: Callable[[Any], Hashable]
    check: Callable[[Any, Any], None]
    online_only: bool = False


@attrs.frozen(eq=False)
class Clean:
    """A job's run without a fault.

    Attributes:
        answers: what the parties returned, comparable.
        virtual_ns: how long it took.
        sizes: for each sender, the bytes of every message it sent, farewell included.
        first: for each sender, the first message to strike.
    """

    answers: tuple[Hashable, Hashable]
    virtual_ns: int
    sizes: tuple[list[int], list[int]]
    first: tuple[int, int]

    def check(self, fault: Fault) -> None:
        """Whether a fault finds its message.

        Raises:
            LocalError: there is no such message, or it is too short.
        """
        sizes = self.sizes[fault.sender]
        if fault.at >= len(sizes):
            raise LocalError(
                f"{fault} strikes nothing: the {ROLES[fault.sender]} sends {len(sizes)} messages, farewell included",
                remedy=f"choose from 0 to {len(sizes) - 1}",
            )
        if isinstance(fault, Damage):
            fault.damage(bytes(sizes[fault.at]))


@attrs.frozen
class Case:
    """One run with one fault.

    Attributes:
        fault: what struck.
        verdict: how it ended.
        why: what is bad about it; empty if nothing is.
        ends: how each party ended, in words.
    """

    fault: Fault
    verdict: Verdict
    why: str
    ends: tuple[str, str]


async def run_clean(job: Job) -> Clean:
    """Run a job without a fault, and check that it is right then."""
    result = await simulate(*job.bodies, silence_seconds=SILENCE_SECONDS)
    job.check(*result.values)
    return Clean(
        (job.plain(result.values[0]), job.plain(result.values[1])),
        result.virtual_ns,
        (_sizes(result, 0), _sizes(result, 1)),
        (_first(result, 0), _first(result, 1)) if job.online_only else (0, 0),
    )


def _sizes(result: SimulationResult[Any, Any], sender: int) -> list[int]:
    return [line.nbytes for line in result.log if line.sender == sender]


def _first(result: SimulationResult[Any, Any], sender: int) -> int:
    ahead = [traffic for (phase, _), traffic in result.ledgers[sender].items() if phase is not Phase.ONLINE]
    return sum(traffic.sent_messages for traffic in ahead)


def faults_for(clean: Clean, *, every: int = 1) -> Iterator[Fault]:
    """Every kind of fault at every message of a job.

    Args:
        clean: the job's run without a fault.
        every: strike one message in so many with each kind. The kinds begin evenly apart: up to as many as there are
            kinds, every message is struck with some.
    """
    messages = [(sender, at) for sender in (0, 1) for at in range(clean.first[sender], len(clean.sizes[sender]))]
    for index, (kind, make) in enumerate(KINDS.items()):
        for sender, at in messages[index * every // len(KINDS) :: every]:
            nbytes = clean.sizes[sender][at]
            if nbytes or kind not in NEED_A_BYTE:
                yield make(sender, at, nbytes)


async def strike(job: Job, clean: Clean, fault: Fault) -> Case:
    """Run a job with a fault, and judge how it ended.

    A transcript digest is kept if the fault is one that nothing else is sure to notice at both parties.
    """
    digest = isinstance(fault, CONTENTS)
    try:
        with trio.fail_after(CASE_SECONDS):
            result = await simulate(
                *job.bodies, faults=[fault], digest=digest, silence_seconds=SILENCE_SECONDS, check=False
            )
    except Exception as failure:  # the simulator's own, which say that a body broke its rules, and no end
        return Case(fault, Verdict.BAD, f"the run broke off with {type(failure).__name__}: {failure}", ("?", "?"))
    return _judged(job, clean, fault, result)


def _judged(job: Job, clean: Clean, fault: Fault, result: SimulationResult[Any, Any]) -> Case:
    right = [outcome.error is None for outcome in result.outcomes]
    problems = [
        f"the {ROLES[role]} {problem}"
        for role, outcome in enumerate(result.outcomes)
        if not (isinstance(fault, Gone) and role == fault.sender)  # nobody is left to end well or badly
        and (problem := _problem(job, clean.answers[role], fault, outcome))
    ]
    allowed = clean.virtual_ns + (2 * SILENCE_SECONDS + 1) * NANOSECONDS
    if result.virtual_ns > allowed + (fault.nanoseconds if isinstance(fault, Delay) else 0):
        problems.append(f"it took {result.virtual_ns / NANOSECONDS:g} s of virtual time")
    if all(right) and kind_of(fault) not in ("delay", "duplicate"):
        problems.append("nobody noticed")
    if not all(right) and kind_of(fault) == "delay":
        problems.append("a delay within the silence limit was not waited for")
    ends = (str(result.outcomes[0]), str(result.outcomes[1]))
    if problems:
        return Case(fault, Verdict.BAD, "; ".join(problems), ends)
    return Case(fault, {2: Verdict.RIGHT, 1: Verdict.SPLIT, 0: Verdict.ERRORS}[sum(right)], "", ends)


def _problem(job: Job, answer: Hashable, fault: Fault, outcome: Outcome[Any]) -> str:
    """What is bad about how a party ended; empty if nothing is."""
    error = outcome.error
    if error is None:
        return "" if job.plain(outcome.value) == answer else "has a wrong answer and no error"
    if not isinstance(error, SirnnError):
        return f"ended with {type(error).__name__}, which says nothing of whose fault it is"
    if isinstance(error, LocalError):
        return "blames its own caller"
    if not isinstance(error, PeerError | TransportError):
        return f"ended with {type(error).__name__}, which blames nobody"
    if isinstance(error, PeerError) and isinstance(fault, LOSSES) and not outcome.echo:
        return "blames the other party for what the network did"
    return "" if error.where else "does not say where it happened"
