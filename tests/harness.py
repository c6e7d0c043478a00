"""Run both parties of a protocol in one test, over either backend.

    outcome = await run_both(server_body, client_body)              # simulated
    outcome = await run_both(server_body, client_body, over="tcp")  # two tasks and a loopback socket

Each body is `async def body(channel)`. An error of a party is raised, with a note that says how both ended.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs
import trio

from simulator.network import NETWORKS, Network
from simulator.simulation import Outcome as PartyEnd
from simulator.simulation import SimulationResult, simulate
from sirnn.channel import Channel, Ledger, Phase, Traffic
from sirnn.endpoint import Observer
from sirnn.errors import PeerError
from transports import tcp

Body = Callable[[Channel], Awaitable[Any]]

BACKENDS = ("sim", "tcp")

PATIENCE = 600
"""Seconds until a party gives up on a silent peer: none is ever expected to pass, however busy the machine."""


@attrs.frozen
class Outcome:
    """What both bodies returned and counted, server first. `virtual_ns` is None over TCP."""

    values: tuple[Any, Any]
    ledgers: tuple[Ledger, Ledger]
    traffics: tuple[Traffic, Traffic]  # of the online phase, every scope together
    digests: tuple[str, str] | None
    virtual_ns: int | None

    def traffic(self, role: int, phase: Phase = Phase.ONLINE, scope: str | None = None) -> Traffic:
        """What one party counted in a phase: in all scopes, or in `scope` and those inside it."""
        return total(self.ledgers[role], phase, scope)


def total(ledger: Ledger, phase: Phase = Phase.ONLINE, scope: str | None = None) -> Traffic:
    added = Traffic()
    for (booked, name), traffic in ledger.items():
        if booked is phase and (scope is None or name == scope or name.startswith(f"{scope}/")):
            added.add(traffic)
    return added


async def run_both(
    body0: Body,
    body1: Body,
    *,
    over: str = "sim",
    digest: bool = False,
    network: Network | None = None,
    observer: Observer | None = None,
) -> Outcome:
    """Run both bodies to their farewells; raises the error of the party that failed first."""
    result = await run_pair(body0, body1, over=over, digest=digest, network=network, observer=observer)
    values = result.values
    traffics = (total(result.ledgers[0]), total(result.ledgers[1]))
    virtual_ns = result.virtual_ns if over == "sim" else None
    return Outcome(values, result.ledgers, traffics, result.digests, virtual_ns)


async def run_pair(
    body0: Body,
    body1: Body,
    *,
    over: str = "sim",
    digest: bool = False,
    network: Network | None = None,
    observer: Observer | None = None,
) -> SimulationResult[Any, Any]:
    """Like `run_both`, but errors are left in `outcomes` for the test to look at."""
    if over == "sim":
        network = network or NETWORKS["lan"]
        return await simulate(body0, body1, network=network, digest=digest, observer=observer, check=False)
    if over == "tcp":
        if network is not None:
            raise ValueError("a real socket has no network profile")
        return await _over_tcp(body0, body1, digest=digest, observer=observer)
    raise ValueError(f"no backend called {over}")


async def _over_tcp(body0: Body, body1: Body, *, digest: bool, observer: Observer | None) -> SimulationResult[Any, Any]:
    channels: list[Channel | None] = [None, None]
    ends: list[PartyEnd[Any] | None] = [None, None]

    async def run(role: int, body: Body, opening: AbstractAsyncContextManager[Channel]) -> None:
        try:
            async with opening as channel:
                channels[role] = channel
                value = await body(channel)
            ends[role] = PartyEnd(value=value)
        except Exception as error:
            stopped = isinstance(error, PeerError) and "stopped with" in error.problem
            ends[role] = PartyEnd(error=error, echo=stopped)

    started = time.perf_counter()
    options = {"version": "test", "digest": digest, "observer": observer, "silence_seconds": PATIENCE}
    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(run, 0, body0, listener.accept(role=0, accept_seconds=PATIENCE, **options))
        nursery.start_soon(run, 1, body1, tcp.connect("127.0.0.1", listener.port, role=1, **options))
    return SimulationResult(
        outcomes=tuple(ends),
        network=NETWORKS["ideal"],
        virtual_ns=0,
        wall_seconds=time.perf_counter() - started,
        ledgers=tuple(channel.ledger if channel else {} for channel in channels),
        digests=tuple(channel.transcript_digest() for channel in channels if channel) if digest else None,
        log=(),
    )
