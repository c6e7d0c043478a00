"""Both parties on this machine: simulated in one process, or as two processes over a loopback socket.

A body is a picklable `async def body(channel)`: a module-level function, or a `functools.partial` of one.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

import attrs
import trio

from simulator.network import NETWORKS
from simulator.simulation import run_simulation
from simulator.trace import Trace, phase_ns
from sirnn.channel import Channel, Ledger, Phase
from sirnn.errors import LocalError, TransportError
from sirnn.version import PROTOCOL_VERSION
from transports.tcp import connect, listen

Body: TypeAlias = Callable[[Channel], Awaitable[Any]]

CLIENT_START_SECONDS = 60
"""How long the client's process may take to start and connect."""


@attrs.frozen
class PairRun:
    """How a run of both parties went.

    Attributes:
        values: what the bodies returned, server first.
        ledger: traffic as the server counted it (the client's mirrors it).
        seconds: wall time of the whole run. Simulated parties share one process, so both compute in it.
        network_ns: virtual nanoseconds per network and phase; empty over TCP, where the time is real.
    """

    values: tuple[Any, Any]
    ledger: Ledger
    seconds: float
    network_ns: Mapping[str, Mapping[Phase, int]]


def run_pair(server: Body, client: Body, *, over: str, network: str = "lan") -> PairRun:
    """Run both bodies to the end.

    Args:
        server: party 0.
        client: party 1.
        over: "sim" or "tcp".
        network: the simulated network; every other one is predicted from the same run.

    Raises:
        SirnnError: whatever stopped a party.
    """
    return _over_tcp(server, client) if over == "tcp" else _simulated(server, client, network)


def _simulated(server: Body, client: Body, network: str) -> PairRun:
    trace = Trace()
    result = run_simulation(server, client, network=NETWORKS[network], observer=trace)
    times = {name: phase_ns(trace, link) for name, link in NETWORKS.items()}
    return PairRun(result.values, result.ledgers[0], result.wall_seconds, times)


# ------------------------------------------------------------ two processes


def _over_tcp(server: Body, client: Body) -> PairRun:
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()

    async def serve() -> tuple[Any, Ledger, float]:
        async with listen("127.0.0.1", 0) as listener:
            child = spawn.Process(target=_client_process, args=(there, listener.port, client), daemon=True)
            child.start()
            there.close()
            pin(0)
            async with listener.accept(
                role=0, version=str(PROTOCOL_VERSION), accept_seconds=CLIENT_START_SECONDS
            ) as channel:
                started = time.perf_counter()
                value = await server(channel)
                seconds = time.perf_counter() - started
            return value, channel.ledger, seconds

    value, ledger, seconds = trio.run(serve)
    outcome = here.recv() if here.poll(CLIENT_START_SECONDS) else TransportError("the client's process is gone")
    if isinstance(outcome, Exception):
        raise outcome
    return PairRun((value, outcome), ledger, seconds, {})


def _client_process(pipe: Any, port: int, body: Body) -> None:
    """The client's process: its result, or its error, goes back through the pipe."""

    async def query() -> Any:
        pin(1)
        async with connect("127.0.0.1", port, role=1, version=str(PROTOCOL_VERSION)) as channel:
            return await body(channel)

    try:
        pipe.send(trio.run(query))
    except Exception as error:
        pipe.send(LocalError(f"the client's process failed: {error}"))


def pin(role: int) -> None:
    """Give each party a core of its own, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(0, {cores[role % len(cores)]})


def bound(function: Callable[..., Awaitable[Any]], **arguments: Any) -> Body:
    """A body out of `async def function(channel, **arguments)`."""
    return partial(function, **arguments)
