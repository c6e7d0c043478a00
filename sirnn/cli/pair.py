"""Both parties on this machine: simulated in one process, or as two processes over a loopback socket.

A body is a picklable `async def body(channel)`: a module-level function, or a `functools.partial` of one.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

import attrs
import trio

from simulator.network import NETWORKS
from simulator.simulation import simulate
from simulator.trace import Trace, phase_ns
from sirnn.channel import Channel, Ledger, Phase
from sirnn.cli import interrupts
from sirnn.cli.memory import keep_freed_memory
from sirnn.errors import PeerError, SirnnError, TransportError
from sirnn.version import PROTOCOL_VERSION
from transports.tcp import connect, listen

Body: TypeAlias = Callable[[Channel], Awaitable[Any]]

Rehearsal: TypeAlias = Callable[[], Awaitable[Any]]
"""What a process does before it connects, so that it has compiled and loaded whatever the run takes."""

CLIENT_START_SECONDS = 60
"""How long the client's process may take to start and connect."""

PARTING_SECONDS = 5
"""How long to wait for the client's account of a failure."""


@attrs.frozen
class PairRun:
    """How a run of both parties went.

    Attributes:
        values: what the bodies returned, server first.
        ledger: traffic as the server counted it (the client's mirrors it).
        seconds: wall time of the whole run. Simulated parties share one process, so both compute in it.
        network_ns: virtual nanoseconds per network and phase; empty over TCP, where the time is real.
        peak_bytes: the most memory that each party's process has held; None if they share one.
    """

    values: tuple[Any, Any]
    ledger: Ledger
    seconds: float
    network_ns: Mapping[str, Mapping[Phase, int]]
    peak_bytes: tuple[int, int] | None = None

    def memory_report(self) -> dict[str, int]:
        """The keys of `--json` for memory, over TCP."""
        return dict(zip(("peak_bytes_server", "peak_bytes_client"), self.peak_bytes or (), strict=False))


def rehearsal(server: Body, client: Body) -> Rehearsal:
    """A run of two bodies, of a tiny job, in one process and over no network.

    Code is compiled on its first run on a machine and loaded on its first run in a process. Neither is part of what a
    protocol takes, so it is done before the parties connect and before any clock runs.
    """
    return partial(simulate, server, client, network=NETWORKS["ideal"])


def run_pair(
    server: Body, client: Body, *, over: str, network: str = "lan", rehearse: Rehearsal | None = None
) -> PairRun:
    """Run both bodies to the end.

    Args:
        server: party 0.
        client: party 1.
        over: "sim" or "tcp".
        network: the simulated network; every other one is predicted from the same run.
        rehearse: what every process does first.

    Raises:
        SirnnError: whatever stopped a party.
    """
    if rehearse is not None:
        interrupts.run(rehearse)
    return _over_tcp(server, client, rehearse) if over == "tcp" else _simulated(server, client, network)


def _simulated(server: Body, client: Body, network: str) -> PairRun:
    trace = Trace()
    result = interrupts.run(partial(simulate, server, client, network=NETWORKS[network], observer=trace))
    times = {name: phase_ns(trace, link) for name, link in NETWORKS.items()}
    return PairRun(result.values, result.ledgers[0], result.wall_seconds, times)


# ------------------------------------------------------------ two processes


def _over_tcp(server: Body, client: Body, rehearse: Rehearsal | None) -> PairRun:
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)

    async def serve() -> tuple[Any, Ledger, float]:
        async with listen("127.0.0.1", 0) as listener:
            child = spawn.Process(target=_client_process, args=(there, listener.port, client, rehearse), daemon=True)
            with interrupts.ignored():  # the child inherits that: Ctrl-C is for this process to handle
                child.start()
            there.close()
            settle(0)
            async with listener.accept(
                role=0, version=str(PROTOCOL_VERSION), accept_seconds=CLIENT_START_SECONDS
            ) as channel:
                started = time.perf_counter()
                value = await server(channel)
                seconds = time.perf_counter() - started
            return value, channel.ledger, seconds

    try:
        value, ledger, seconds = interrupts.run(serve)
    except (PeerError, TransportError) as error:
        # This party may only have noticed that the client had stopped. The client knows why, unless it says the same.
        account = _outcome(here, PARTING_SECONDS).error
        raise error if account is None or isinstance(account, PeerError) else account from error
    outcome = _outcome(here, CLIENT_START_SECONDS)
    if outcome.error is not None:
        raise outcome.error
    return PairRun((value, outcome.value), ledger, seconds, {}, (peak_bytes(), outcome.peak_bytes))


@attrs.frozen
class _Outcome:
    """How the client's process ended."""

    value: Any = None
    error: SirnnError | None = None
    peak_bytes: int = 0


def _outcome(pipe: Connection, seconds: float) -> _Outcome:
    try:
        if pipe.poll(seconds):
            outcome: _Outcome = pipe.recv()
            return outcome
    except EOFError:
        pass
    return _Outcome(error=TransportError("the client's process is gone", remedy="was it killed?"))


def _client_process(pipe: Connection, port: int, body: Body, rehearse: Rehearsal | None) -> None:
    """The client's process: its result, or its error, goes back through the pipe."""

    async def query() -> Any:
        settle(1)
        async with connect("127.0.0.1", port, role=1, version=str(PROTOCOL_VERSION)) as channel:
            return await body(channel)

    try:
        if rehearse is not None:
            trio.run(rehearse)
        value = trio.run(query)
        pipe.send(_Outcome(value, peak_bytes=peak_bytes()))
    except SirnnError as error:
        pipe.send(_Outcome(error=error))


def peak_bytes() -> int:
    """The most memory that this process has held so far, code and libraries included."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def settle(role: int) -> None:
    """Make this process a party's own: a core to itself, where the system can, and memory that stays."""
    keep_freed_memory()
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[role % len(cores)]})


def bound(function: Callable[..., Awaitable[Any]], **arguments: Any) -> Body:
    """A body out of `async def function(channel, **arguments)`."""
    return partial(function, **arguments)
