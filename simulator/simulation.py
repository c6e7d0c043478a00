"""Both parties in one process, over a simulated network in virtual time.

A discrete-event simulation that promises: the same bodies give the same event log and the same transcript,
whatever order the scheduler runs their tasks in.

* A message is sent at an instant of virtual time and only queued. Once every task of both parties is blocked (those of
  anybody else are no matter) the instant is *settled*: the queued messages are admitted to the link in a fixed order
  (party, fork path, order within the fork), for two that leave at the same instant share a finite bandwidth and who
  goes first must not be a matter of luck.
* Then the clock, integer nanoseconds, jumps to the next arrival, and all that arrives at that instant is delivered.
* A party that waits, and hears nothing for as long as the silence limit, gives up at that instant; a message is heard
  from its first byte on. So every wait ends, whatever is in flight.

Computing takes no virtual time. The wall time of a run is reported beside the virtual time, never mixed into it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

import attrs
import trio

from simulator.faults import Damage, Delay, Drop, Duplicate, Fault, Gone, HalfClose
from simulator.link import Link
from simulator.loops import blocking, wherever
from simulator.network import NANOSECONDS, Network, named
from simulator.quiet import Group
from sirnn.channel import Channel, Ledger, Phase, Traffic, framing_bytes
from sirnn.endpoint import CONTROL, Endpoint, Observer, fork_id
from sirnn.errors import LocalError, PeerError, TransportError

A = TypeVar("A")
B = TypeVar("B")

Body: TypeAlias = Callable[[Channel], Awaitable[A]]
"""One party's program: a coroutine function that is given its channel."""


class Admission(NamedTuple):
    """A line of the event log: one message as it enters the link. `arrives_ns` is None for one that never does."""

    sent_ns: int
    arrives_ns: int | None
    sender: int
    path: str
    nbytes: int


@attrs.frozen
class Outcome(Generic[A]):
    """How one party ended.

    Attributes:
        value: what its body returned.
        error: what stopped it instead.
        ended_ns: the instant of virtual time at which it had its value or its error.
        echo: the error only passes on that the other party stopped.
    """

    value: A | None = None
    error: Exception | None = None
    ended_ns: int = 0
    echo: bool = False

    def __str__(self) -> str:
        return "finished" if self.error is None else f"{type(self.error).__name__}: {self.error}"


@attrs.frozen(kw_only=True)
class SimulationResult(Generic[A, B]):
    """What came out of a run.

    Attributes:
        outcomes: how each party ended.
        network: what it ran over.
        virtual_ns: nanoseconds of virtual time until both bodies had ended; the farewells come after that.
        wall_seconds: seconds of real time, both parties' computing and the simulator's own together.
        ledgers: what each party counted.
        digests: each party's transcript digest, None without `digest=True`.
        log: every message in the order of admission.
    """

    outcomes: tuple[Outcome[A], Outcome[B]]
    network: Network
    virtual_ns: int
    wall_seconds: float
    ledgers: tuple[Ledger, Ledger]
    digests: tuple[str, str] | None
    log: Sequence[Admission] = attrs.field(repr=False)

    @property
    def values(self) -> tuple[A, B]:
        """What the bodies returned; raises the error of the party that failed first."""
        self.check()
        return cast("A", self.outcomes[0].value), cast("B", self.outcomes[1].value)

    def check(self) -> None:
        """Raise the error that stopped the run, if one did, with a note that says how both parties ended."""
        failed = [outcome for outcome in self.outcomes if outcome.error is not None]
        if not failed:
            return
        cause = min(failed, key=lambda outcome: (outcome.echo, outcome.ended_ns)).error
        assert cause is not None  # noqa: S101 - narrows the type
        cause.add_note("\n".join(f"party {role}: {outcome}" for role, outcome in enumerate(self.outcomes)))
        raise cause


async def simulate(
    body0: Body[A],
    body1: Body[B],
    *,
    network: Network | str = "lan",
    digest: bool = False,
    faults: Iterable[Fault] = (),
    observer: Observer | None = None,
    silence_seconds: float = 60,
    most_messages: int | None = None,
    most_seconds: float | None = None,
    check: bool = True,
) -> SimulationResult[A, B]:
    """Run both parties' bodies to their ends, farewells included; awaited under trio or asyncio.

    Args:
        body0: the server's program, `async def body(channel)`.
        body1: the client's.
        network: the link between them, or its name in `NETWORKS`.
        digest: keep and compare transcript digests.
        faults: what goes wrong on the link.
        observer: told of every message either party sends or takes.
        silence_seconds: virtual time after which a party that hears nothing gives up.
        most_messages: messages that a party may send, so that an endless loop ends; None for no limit.
        most_seconds: virtual time that the run may take, likewise.
        check: raise the error of a party that failed. If False, look at `outcomes` yourself.

    Raises:
        LocalError: a body waits for something that is not its channel (a sleep, a thread), a fault cannot be
            applied, a limit is exceeded, the parties booked the same traffic differently, or there is no such network.
        Exception: whatever stopped the party that failed first, with a note that says how both ended.
    """
    simulation = _Simulation(
        named(network),
        digest,
        tuple(faults),
        observer,
        silence_ns=round(silence_seconds * NANOSECONDS),
        most_messages=most_messages,
        most_ns=None if most_seconds is None else round(most_seconds * NANOSECONDS),
    )
    started = time.perf_counter()
    await wherever(partial(simulation.run, (body0, body1)))
    result = simulation.result(time.perf_counter() - started)
    if check:
        result.check()
    return cast("SimulationResult[A, B]", result)


def run_simulation(body0: Body[A], body1: Body[B], **options: Any) -> SimulationResult[A, B]:
    """`simulate` from ordinary code, whatever loop runs around it: blocks until the run is over."""
    return blocking(partial(simulate, body0, body1, **options))


class _Transfer(NamedTuple):
    """A message on its way. A payload of None is the end of the direction."""

    begins_ns: int  # the receiver hears its first byte
    arrives_ns: int
    path: str
    depth: int
    payload: bytes | None


class _Direction:
    """What one party sends: the `Wire` of its endpoint, a queue for the current instant, a link and its faults."""

    def __init__(
        self, sender: int, network: Network, faults: tuple[Fault, ...], most_messages: int | None = None
    ) -> None:
        self.sender = sender
        self.most = most_messages
        self.sent = 0
        self.link = Link(network, sender)
        self.faults = tuple(fault for fault in faults if fault.sender == sender)
        self.queue: list[tuple[str, int, bytes]] = []
        self.in_flight: deque[_Transfer] = deque()  # in the order of arrival, for nothing overtakes
        self.admitted = 0
        self.closed = False
        self.gone: Gone | None = None

    async def transmit(self, path: str, depth: int, payload: bytes) -> None:
        if self.closed:
            raise TransportError("the connection is closed for sending")
        self.sent += 1
        if self.most is not None and self.sent > self.most and path != CONTROL:
            raise LocalError(
                f"party {self.sender} sends more than {self.most:,} messages",
                remedy="look for a loop without an end, or allow more (most_messages)",
            )
        self.queue.append((path, depth, payload))

    def settled(self) -> list[tuple[str, int, bytes]]:
        """The messages of this instant, by fork path; the sort is stable, so order within a fork stays."""
        queue, self.queue = self.queue, []
        if len(queue) > 1:
            queue.sort(key=lambda message: message[0])
        return queue

    def admit(self, now_ns: int, path: str, depth: int, payload: bytes) -> int | None:
        """Put a message on its way, or what its faults make of it; returns when it arrives, None for never."""
        number, delay, copies = self.admitted, 0, 1
        self.admitted += 1
        if self.closed:
            return None
        for fault in self.faults:
            match fault:
                case Drop() if number >= fault.at:
                    return None
                case HalfClose() | Gone() if number == fault.at:
                    self.closed, self.gone = True, fault if isinstance(fault, Gone) else None
                    self._send(now_ns, path, depth, None)
                    return None
                case Duplicate() if number == fault.at:
                    copies = 2
                case Delay() if number == fault.at:
                    delay += fault.nanoseconds
                case Damage() if number == fault.at:
                    payload = fault.damage(payload)
        for _ in range(copies):
            arrives_ns = self._send(now_ns, path, depth, payload, delay)
        return arrives_ns

    def _send(self, now_ns: int, path: str, depth: int, payload: bytes | None, delay: int = 0) -> int:
        nbytes = 0 if payload is None else len(payload) + framing_bytes(len(payload))
        arrives_ns = self.link.admit(now_ns, nbytes, delay)
        self.in_flight.append(_Transfer(arrives_ns - self.link.duration(nbytes), arrives_ns, path, depth, payload))
        return arrives_ns


class _Simulation:
    """One run: the clock, both endpoints, both directions and what is in flight."""

    def __init__(
        self,
        network: Network,
        digest: bool,
        faults: tuple[Fault, ...],
        observer: Observer | None,
        *,
        silence_ns: int,
        most_messages: int | None,
        most_ns: int | None,
    ) -> None:
        self.network = network
        self.silence_ns = silence_ns
        self.most_ns = most_ns
        self.now_ns = 0
        self.tasks = Group()
        self.log: list[Admission] = []
        self.directions = tuple(_Direction(sender, network, faults, most_messages) for sender in (0, 1))
        self.endpoints = tuple(
            Endpoint(role, self.directions[role], simulated=True, digest=digest, observer=observer) for role in (0, 1)
        )
        self.outcomes: list[Outcome[Any] | None] = [None, None]
        self._programs = (trio.CancelScope(), trio.CancelScope())
        self._heard_ns = [0, 0]

    async def run(self, bodies: tuple[Body[Any], Body[Any]]) -> None:
        refused: LocalError | None = None
        with self.tasks.watched():
            async with trio.open_nursery() as nursery:
                for role, body in enumerate(bodies):
                    self.tasks.start(nursery, self._party, role, body)
                try:
                    await self._schedule()
                except LocalError as error:
                    refused = error
                    nursery.cancel_scope.cancel()
        if refused is not None:
            raise refused

    def result(self, wall_seconds: float) -> SimulationResult[Any, Any]:
        outcomes = cast("tuple[Outcome[Any], Outcome[Any]]", tuple(self.outcomes))
        if all(outcome.error is None for outcome in outcomes):
            self._check_mirrored()
        digesting = self.endpoints[0].digesting
        return SimulationResult(
            outcomes=outcomes,
            network=self.network,
            virtual_ns=max(outcome.ended_ns for outcome in outcomes),
            wall_seconds=wall_seconds,
            ledgers=(self.endpoints[0].ledger, self.endpoints[1].ledger),
            digests=(self.endpoints[0].transcript_digest(), self.endpoints[1].transcript_digest())
            if digesting
            else None,
            log=self.log,
        )

    # ------------------------------------------------------------------ the parties

    async def _party(self, role: int, body: Body[Any]) -> None:
        endpoint = self.endpoints[role]
        with self._programs[role]:
            try:
                value = await body(endpoint.root)
                ended_ns = self.now_ns
                await endpoint.farewell()
                outcome: Outcome[Any] = Outcome(value=value, ended_ns=ended_ns)
            except Exception as error:
                echo = endpoint.peer_stopped and isinstance(error, PeerError)
                await endpoint.abort(error)
                outcome = Outcome(error=error, ended_ns=self.now_ns, echo=echo)
            self.outcomes[role] = self.outcomes[role] or outcome

    def _end_process(self, role: int, fault: Gone) -> None:
        """Stop a party's program where it is; it has no say in how it ended."""
        if self.outcomes[role] is None:
            error = TransportError(f"this process is gone, for {fault} struck it", remedy="run without the fault")
            self.outcomes[role] = Outcome(error=error, ended_ns=self.now_ns, echo=True)
            self._programs[role].cancel()

    def _unfinished(self) -> list[int]:
        return [role for role in (0, 1) if self.outcomes[role] is None]

    # ------------------------------------------------------------------ the network

    async def _schedule(self) -> None:
        while self._unfinished():
            await self.tasks.at_rest()
            self._admit()
            self._advance()

    def _admit(self) -> None:
        for sender, direction in enumerate(self.directions):
            for path, depth, payload in direction.settled():
                arrives_ns = direction.admit(self.now_ns, path, depth, payload)
                self.log.append(Admission(self.now_ns, arrives_ns, sender, path, len(payload)))
            if direction.gone is not None:
                self._end_process(sender, direction.gone)

    def _advance(self) -> None:
        """Jump to what happens next: an arrival, or the end of a party's patience."""
        arrives_ns = min((way.in_flight[0].arrives_ns for way in self.directions if way.in_flight), default=None)
        patience = {role: self._patience_ends_ns(role) for role in self._unfinished()}
        gives_up_ns = min((ends_ns for ends_ns in patience.values() if ends_ns is not None), default=None)
        if arrives_ns is not None and (gives_up_ns is None or arrives_ns <= gives_up_ns):
            self._jump(arrives_ns)
            self._deliver()
        elif gives_up_ns is not None:
            self._jump(gives_up_ns)
            self._give_up([role for role, ends_ns in patience.items() if ends_ns == gives_up_ns])

    def _jump(self, now_ns: int) -> None:
        if self.most_ns is not None and now_ns > self.most_ns:
            raise LocalError(
                f"the run takes more than {self.most_ns / NANOSECONDS:g} s of virtual time",
                remedy="look for a loop without an end, or allow more (most_seconds)",
            )
        self.now_ns = now_ns

    def _deliver(self) -> None:
        """All that arrives now, the server's messages first."""
        for sender, direction in enumerate(self.directions):
            receiver, coming = self.endpoints[1 - sender], direction.in_flight
            while coming and coming[0].arrives_ns == self.now_ns:
                _, _, path, depth, payload = coming.popleft()
                self._heard_ns[1 - sender] = self.now_ns
                if payload is None:
                    receiver.fail(TransportError("the other party closed the connection", remedy="see its own output"))
                else:
                    receiver.deliver(fork_id(path), depth, payload)

    def _patience_ends_ns(self, role: int) -> int | None:
        """The instant at which a party has waited for too long; None if it hears something first.

        It waits from when it last heard something, but not before its own bytes have left: it is they that take time.
        """
        ends_ns = max(self._heard_ns[role], self.directions[role].link.free_ns) + self.silence_ns
        coming = self.directions[1 - role].in_flight
        return None if coming and coming[0].begins_ns <= ends_ns else ends_ns

    def _give_up(self, roles: list[int]) -> None:
        for role in self._unfinished():
            if self.endpoints[role].waiting == 0:
                raise LocalError(
                    f"party {role} waits for something that is not its channel",
                    remedy="a simulated body must not sleep, use threads or do other input and output",
                )
        for role in roles:
            self.endpoints[role].fail(
                TransportError(
                    f"nothing came for {self.silence_ns / NANOSECONDS:g} s",
                    remedy="the connection is dead, or both parties wait for each other",
                )
            )

    def _check_mirrored(self) -> None:
        for phase in Phase:
            mine, theirs = (endpoint.root.traffic(phase) for endpoint in self.endpoints)
            if _wire_counts(mine) != _wire_counts(theirs.mirrored()):
                raise LocalError(
                    f"the two parties booked different traffic under {phase.value}",
                    remedy="enter and leave phases at the same place in both programs",
                )


def _wire_counts(traffic: Traffic) -> Traffic:
    # Flips depend on how a body writes down its exchanges; all else is a fact of the wire.
    return attrs.evolve(traffic, flips=0)
