"""The sessions of a server: each in a task of its own, and a line about each.

Whatever ends a session ends that one alone: its client is told, one line says what it was, and the server goes on. A
connection that says nothing (somebody looks whether the port is open) is no session and no line.
"""

from __future__ import annotations

import traceback
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import click
import trio
from rich.progress import Progress as Bars

from sirnn.channel import Ledger
from sirnn.cli.inference import Terms, server_body
from sirnn.cli.report import amount, counted, inference_bars, print_json, traffic_report
from sirnn.cli.stages import Timed, in_stages, seconds_of
from sirnn.errors import SirnnError
from sirnn.models.model import Model
from sirnn.version import PROTOCOL_VERSION
from transports.admission import Gate, TurnedAwayError
from transports.connection import SaidNothingError, Say, open_connection
from transports.tcp import Listener, peer_name

MOST_UNHEARD = 64
"""Connections that have not said anything yet. If there are more, the oldest is closed."""


@attrs.frozen
class Session:
    """One client's.

    Attributes:
        number: from 1, in the order of connecting.
        peer: the client's address.
    """

    number: int
    peer: str

    def report(self) -> dict[str, Any]:
        """The keys of `--json`."""
        return {"session": self.number, "peer": self.peer}


class Log:
    """What a server tells of its sessions: a line each, or a JSON object on a line.

    Args:
        as_json: whether that.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.bars: Bars | None = None

    def show(self, bars: Bars) -> None:
        """Lines have to make room for these bars, until `bars` is None again."""
        self.bars = bars

    def answered(self, session: Session, timed: Timed, ledger: Ledger) -> None:
        """The client has its answer."""
        report, seconds, recordings = traffic_report(ledger), seconds_of(timed.marks), timed.value.recordings
        payload = amount(report["bytes_online"] + report["bytes_offline"])
        flights = counted(report["flights"], "flight")
        said = f"answered {counted(recordings, 'recording')}: {payload}, {flights}, {in_stages(seconds)}"
        self._tell(session, said, {"count": recordings, **report, **seconds.report()}, err=False)

    def failed(self, session: Session, error: Exception) -> None:
        """The client has none."""
        problem = describe(error)
        self._tell(session, f"failed: {problem}", {"error": problem, "kind": type(error).__name__}, err=True)

    def _tell(self, session: Session, said: str, report: dict[str, Any], *, err: bool) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with ExitStack() as stack:
            if self.bars is not None:  # two writers on one terminal
                self.bars.stop()
                stack.callback(self.bars.start)
            if self.as_json:
                print_json({"time": now, **session.report(), **report}, indent=None)
            else:
                click.echo(f"{now} session {session.number} with {session.peer}: {said}", err=err)


def describe(error: Exception) -> str:
    """An error on one line. Of one that is not ours the text is left out: it may hold anything."""
    if isinstance(error, SirnnError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}, a fault of this program: please report it"


@attrs.define(eq=False)
class Sessions:
    """A model at the service of many clients.

    Attributes:
        model: what they ask.
        terms: how it is run.
        silence: seconds without progress after which a client is given up.
        gate: who is let in when.
        log: is told how each session ended.
        once: end after one client.
    """

    model: Model
    terms: Terms
    silence: float
    gate: Gate
    log: Log
    once: bool = False
    _numbers: count[int] = attrs.field(factory=partial(count, 1), init=False)
    _unheard: OrderedDict[int, trio.CancelScope] = attrs.field(factory=OrderedDict, init=False)
    _failure: Exception | None = attrs.field(default=None, init=False)

    async def run(self, listener: Listener) -> None:
        """Take whoever comes, until cancelled; or one client, whose failure is raised."""
        async with trio.open_nursery() as nursery:
            while True:
                stream = await listener.stream()
                nursery.start_soon(self._session, stream, nursery.cancel_scope)
        if self._failure is not None:
            raise self._failure

    async def _session(self, stream: trio.SocketStream, everything: trio.CancelScope) -> None:
        session = Session(next(self._numbers), peer_name(stream))
        try:
            await self._converse(session, stream)
        except SaidNothingError:
            return
        except Exception as failure:  # whatever it is, it is this client's alone
            error = _first(failure)
            if self.log.as_json or not self.once:  # else it is about to be told as the command's
                self.log.failed(session, error)
            if isinstance(error, TurnedAwayError):
                return
            self._failure = error
        if self.once:
            everything.cancel()

    async def _converse(self, session: Session, stream: trio.SocketStream) -> None:
        with trio.CancelScope() as unheard, ExitStack() as stack:
            self._unheard[session.number] = unheard
            stack.callback(self._unheard.pop, session.number, None)
            if len(self._unheard) > MOST_UNHEARD:
                self._unheard.popitem(last=False)[1].cancel()
            async with open_connection(
                stream,
                role=0,
                version=str(PROTOCOL_VERSION),
                silence_seconds=self.silence,
                greeting_seconds=self.terms.limits.hello_seconds,
                admission=partial(self._admit, session),
            ) as channel:
                progress, preparing = stack.enter_context(self._bars())
                timed = await server_body(
                    channel, model=self.model, terms=self.terms, progress=progress, preparing=preparing
                )
                stack.close()
            self.log.answered(session, timed, channel.ledger)
        if unheard.cancelled_caught:
            raise SaidNothingError("closed, because too many connections said nothing")

    @contextmanager
    def _bars(self) -> Iterator[tuple[Any, Any]]:
        """Bars, where they would be seen and no other session has them."""
        if self.log.bars is not None:
            yield None, None
            return
        try:
            with inference_bars(self.log.show) as bars:
                yield bars
        finally:
            self.log.bars = None

    def _admit(self, session: Session, say: Say) -> AbstractAsyncContextManager[None]:
        """A client has spoken: from now on it is not closed in favour of another."""
        self._unheard.pop(session.number, None)
        return self.gate.enter(say)


def _first(error: Exception) -> Exception:
    """What happened, out of what nurseries have wrapped it in."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
