"""What every backend shares: one party's end of a connection.

A backend only moves whole messages. It implements `Wire.transmit`, calls `Endpoint.deliver` for each
message that arrives (never waiting for the program to take it) and `Endpoint.fail` once when the link
is dead. Mailboxes, depth, counting, the transcript digest and the farewell are done here, once, so that
they mean the same everywhere.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import attrs
import trio

from sirnn.channel import Channel, Ledger, Payload, Phase, Traffic, framing_bytes
from sirnn.errors import LocalError, PeerError, SirnnError, TransportError

CONTROL = "\x00control"
"""Path of the fork that carries farewells; no program can name it."""


def fork_id(path: str) -> int:
    """The 8-byte name of a fork on the wire; both parties derive it from the path."""
    return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=8).digest(), "little")


class Wire(Protocol):
    """What a backend provides: whole messages out, in order, without waiting for the peer's program."""

    async def transmit(self, path: str, depth: int, payload: bytes) -> None:
        """Send one message; on the wire the fork is `fork_id(path)`. Raises TransportError."""


@attrs.frozen
class MessageEvent:
    """One message as an observer sees it: names and sizes, never contents."""

    sender: int
    path: str
    scope: str
    phase: Phase
    depth: int
    nbytes: int
    sending: bool  # False: this is the moment the receiving program took it


Observer = Callable[[int, MessageEvent], None]
"""Called with the observing party's role for every message it sends or takes."""


class _Mailbox:
    """Messages of one fork that have arrived and not been taken, and whoever waits for one."""

    __slots__ = ("arrived", "waiter")

    def __init__(self) -> None:
        self.arrived: deque[tuple[int, bytes]] = deque()
        self.waiter: trio.Event | None = None

    def wake(self) -> None:
        if self.waiter is not None:
            self.waiter.set()


class Endpoint:
    """One party's end of a connection, over any `Wire`.

    Args:
        role: 0 for the server, 1 for the client.
        wire: the backend.
        simulated: both parties live in one process.
        digest: keep a running hash of the transcript (about a second per gigabyte).
        observer: told of every message, for traces.
    """

    def __init__(
        self,
        role: int,
        wire: Wire,
        *,
        simulated: bool,
        digest: bool = False,
        observer: Observer | None = None,
    ) -> None:
        self.role = role
        self.wire = wire
        self.simulated = simulated
        self.observer = observer
        self.ledger: Ledger = {}
        self.waiting = 0
        self.buffered = 0
        self._digest: int | None = 0 if digest else None
        self._mailboxes: dict[int, _Mailbox] = {}
        self._closed: set[int] = set()
        self._failure: SirnnError | None = None
        self.root = _Fork(self, "/", parent=None)

    # ------------------------------------------------------------------ the backend's side

    def deliver(self, fork: int, depth: int, payload: bytes) -> None:
        """A message has arrived. Never blocks; the mailbox holds it until the program asks."""
        if fork in self._closed:
            self.fail(PeerError("the other party sent a message on a fork that is already closed"))
            return
        box = self._mailboxes.setdefault(fork, _Mailbox())
        box.arrived.append((depth, payload))
        self.buffered += len(payload)
        box.wake()

    def fail(self, error: SirnnError) -> None:
        """The link is dead: whoever waits, now or later, gets `error` once the mailboxes are empty."""
        if self._failure is None:
            self._failure = error
        for box in self._mailboxes.values():
            box.wake()

    @property
    def failure(self) -> SirnnError | None:
        """Why the link is dead, if it is."""
        return self._failure

    # ------------------------------------------------------------------ the forks' side

    async def take(self, fork: int, where: Callable[[], tuple[str, int]]) -> tuple[int, bytes]:
        """The next message of a fork: (depth, payload)."""
        box = self._mailboxes.setdefault(fork, _Mailbox())
        while not box.arrived:
            if self._failure is not None:
                raise self._located(self._failure, where)
            if box.waiter is not None:
                raise LocalError("two tasks are receiving on the same fork", remedy="fork once per task")
            box.waiter = trio.Event()
            self.waiting += 1
            try:
                await box.waiter.wait()
            finally:
                self.waiting -= 1
                box.waiter = None
        depth, payload = box.arrived.popleft()
        self.buffered -= len(payload)
        return depth, payload

    async def put(self, path: str, depth: int, payload: bytes, where: Callable[[], tuple[str, int]]) -> None:
        """Hand a message to the wire."""
        if self._failure is not None:
            raise self._located(self._failure, where)
        self.waiting += 1
        try:
            await self.wire.transmit(path, depth, payload)
        except TransportError as error:
            # The reader may know better why: a farewell that says the peer gave up.
            raise self._located(self._failure or error, where) from error
        finally:
            self.waiting -= 1

    def forget(self, fork: int, path: str) -> None:
        """A fork was closed by the program."""
        box = self._mailboxes.pop(fork, None)
        self._closed.add(fork)
        if box is not None and box.arrived:
            raise PeerError("the other party sent more messages than the protocol has", where=path)

    def fold(self, digest: bytes) -> None:
        """Take a fork's digest into the connection's; addition, so that fork order is no matter."""
        if self._digest is not None:
            self._digest = (self._digest + int.from_bytes(digest, "little")) % (1 << 256)

    @property
    def digesting(self) -> bool:
        return self._digest is not None

    def transcript_digest(self) -> str:
        """Hash of every payload of both directions, by fork: 64 hex digits, the same at both ends.

        Raises:
            LocalError: this endpoint was made without `digest=True`.
        """
        if self._digest is None:
            raise LocalError("this connection keeps no transcript digest", remedy="make it with digest=True")
        total = self._digest
        for line in self.root.lineage():
            total += int.from_bytes(line.digest(), "little")
        return (total % (1 << 256)).to_bytes(32, "little").hex()

    @staticmethod
    def _located(error: SirnnError, where: Callable[[], tuple[str, int]]) -> SirnnError:
        path, number = where()
        located = type(error)(error.problem, remedy=error.remedy, where=path, message_number=number)
        located.__cause__ = error
        return located

    # ------------------------------------------------------------------ farewell

    async def farewell(self) -> None:
        """End in agreement: both sides compare what each sent with what the other received.

        Raises:
            PeerError: the two counts differ, or the peer left without a farewell.
        """
        total = self.root.traffic()
        mine = _pack_totals(total)
        await self.put(CONTROL, 0, mine, lambda: ("farewell", 0))
        _, theirs = await self.take(fork_id(CONTROL), lambda: ("farewell", 0))
        if theirs != _pack_totals(total.mirrored()):
            raise PeerError(
                "the two parties counted different traffic",
                remedy="both must run the same version of the same program",
                where="farewell",
            )


def _pack_totals(total: Traffic) -> bytes:
    counts = (total.sent, total.received, total.sent_messages, total.received_messages)
    return b"".join(count.to_bytes(8, "little") for count in counts)


class _Fork(Channel):
    """A channel: one fork of an endpoint's connection."""

    def __init__(self, endpoint: Endpoint, path: str, *, parent: _Fork | None) -> None:
        self.role = endpoint.role
        self.simulated = endpoint.simulated
        self.path = path
        self._endpoint = endpoint
        self._parent = parent
        self._id = fork_id(path)
        self._scope = parent._scope if parent else ""
        self._phase = parent._phase if parent else Phase.ONLINE
        self._depth = parent._depth if parent else 0
        self._messages = 0
        self._heading: int | None = None
        self._names: dict[str, int] = {}
        self._children: set[_Fork] = set()
        self._chains = (hashlib.blake2b(), hashlib.blake2b()) if endpoint.digesting else None

    # ------------------------------------------------------------------ talking

    async def send(self, payload: Payload) -> None:
        self._turn(self.role)
        await self._send(payload)

    async def recv(self, nbytes: int) -> bytes:
        self._turn(1 - self.role)
        return await self._recv(nbytes)

    async def exchange(self, payload: Payload, nbytes: int) -> bytes:
        # Counted in one order at both ends, whichever really left first.
        self._turn(0)
        self._turn(1)
        await self._send(payload)
        return await self._recv(nbytes)

    async def _send(self, payload: Payload) -> None:
        data = bytes(payload)
        depth = self._depth + 1
        booked = self._book()
        booked.sent += len(data)
        booked.sent_framing += framing_bytes(len(data))
        booked.sent_messages += 1
        self._note(self.role, depth, data, sending=True)
        await self._endpoint.put(self.path, depth, data, self._where)

    async def _recv(self, nbytes: int) -> bytes:
        depth, data = await self._endpoint.take(self._id, self._where)
        if len(data) != nbytes:
            path, number = self._where()
            raise PeerError(
                f"expected a message of {nbytes} bytes and got one of {len(data)}",
                remedy="both parties must run the same protocol on the same shapes",
                where=path,
                message_number=number,
            )
        booked = self._book()
        booked.received += nbytes
        booked.received_framing += framing_bytes(nbytes)
        booked.received_messages += 1
        self._note(1 - self.role, depth, data, sending=False)
        self._saw(depth)
        return data

    # ------------------------------------------------------------------ structure

    def fork(self, name: str) -> Channel:
        count = self._names.get(name, 0)
        self._names[name] = count + 1
        label = f"{name}#{count}" if count else name
        child = _Fork(self._endpoint, f"{self.path.rstrip('/')}/{label}", parent=self)
        self._children.add(child)
        return child

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        outer = self._scope
        self._scope = f"{outer}/{name}" if outer else name
        try:
            yield
        finally:
            self._scope = outer

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        outer, depth = self._phase, self._depth
        self._phase, self._depth = phase, 0
        try:
            yield
        finally:
            self._phase, self._depth = outer, depth

    def close(self) -> None:
        for child in tuple(self._children):
            child.close()
        if self._parent is None:
            return
        self._parent._children.discard(self)
        self._endpoint.forget(self._id, self.path)
        self._endpoint.fold(self.digest())

    def lineage(self) -> Iterator[_Fork]:
        """This fork and every open one below it."""
        yield self
        for child in self._children:
            yield from child.lineage()

    # ------------------------------------------------------------------ counting

    @property
    def ledger(self) -> Ledger:
        return self._endpoint.ledger

    def digest(self) -> bytes:
        """Hash of this fork's path and of what went each way; zero for a fork that stayed silent."""
        if self._chains is None or self._messages == 0:
            return bytes(32)
        parts = (self.path.encode(), self._chains[0].digest(), self._chains[1].digest())
        return hashlib.blake2b(b"|".join(parts), digest_size=32).digest()

    def _book(self) -> Traffic:
        return self._endpoint.ledger.setdefault((self._phase, self._scope), Traffic())

    def _turn(self, sender: int) -> None:
        if sender != self._heading:
            self._heading = sender
            self._book().flips += 1

    def _saw(self, depth: int) -> None:
        """Depth received here counts for whoever waits for this fork: the ones above it."""
        line: _Fork | None = self
        while line is not None and line._phase is self._phase:
            line._depth = max(line._depth, depth)
            line = line._parent

    def _note(self, sender: int, depth: int, data: bytes, *, sending: bool) -> None:
        self._messages += 1
        booked = self._book()
        booked.flights = max(booked.flights, depth)
        if self._chains is not None:
            self._chains[sender].update(len(data).to_bytes(8, "little"))
            self._chains[sender].update(data)
        if self._endpoint.observer is not None:
            event = MessageEvent(sender, self.path, self._scope, self._phase, depth, len(data), sending)
            self._endpoint.observer(self.role, event)

    def _where(self) -> tuple[str, int]:
        place = f"{self.path} [{self._scope}]" if self._scope else self.path
        return place, self._messages
