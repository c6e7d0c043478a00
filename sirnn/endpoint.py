"""What every backend shares: one party's end of a connection.

A backend only moves whole messages. It implements `Wire.transmit`, calls `Endpoint.deliver` for each
message that arrives (never waiting for the program to take it) and `Endpoint.fail` once when the link
is dead. One that gets messages in pieces also calls `Endpoint.announce` before each piece. Mailboxes, depth,
counting, the transcript digest, what a peer may send and how a conversation ends are done here, once, so that they
mean the same everywhere.

Nothing from the peer is believed: a message's depth is at most one more than what this side has sent, a message that
somebody waits for is as long as that one expects, and of messages that nobody waits for only so many bytes may lie
here (`Channel.allow`), each charged what it takes in memory.

A conversation ends with one control message each way: a *farewell* that says what was counted, or an *abort* that
says which kind of error stopped the sender. Either ends whatever the peer still waits for.
"""

from __future__ import annotations

import functools
import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol, TypeAlias

import trio

from sirnn.channel import Channel, Ledger, Payload, Phase, Traffic, framing_bytes
from sirnn.errors import LocalError, PeerError, SirnnError, TransportError

CONTROL = "~control"
"""Path of the fork that carries farewells and aborts. No program can name it, for theirs begin with `/`, and it sorts
after all of them: what was sent before a farewell arrives before it."""

FAREWELL = b"F"
ABORT = b"A"
COUNTS_BYTES = 4 * 8
DIGEST_BYTES = 32
NAME_BYTES = 48
"""Control messages: a kind byte, then counts, whether a digest is kept and the digest; or an error's class name."""

CONTROL_BYTES = 1 + max(COUNTS_BYTES + 1 + DIGEST_BYTES, NAME_BYTES)

ALLOWANCE = 8 << 30
"""Bytes that nobody waits for and that may lie here unless the program, which knows what is to come, says otherwise."""

MESSAGE_CHARGE = 256
MAILBOX_CHARGE = 1024
"""What a message, and a fork that nobody has asked for, count beside payload: more than they take in memory."""

Marks: TypeAlias = frozenset[tuple[str, int]]
"""Messages a party has taken, as (path, how many it had taken there before)."""


@functools.lru_cache(maxsize=4096)
def fork_id(path: str) -> int:
    """The 8-byte name of a fork on the wire; both parties derive it from the path."""
    return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=8).digest(), "little")


_CONTROL_ID = fork_id(CONTROL)
_SAME_PROGRAM = "both must run the same version of the same program"
_SAME_JOB = "both parties must run the same protocol on the same shapes"


class Wire(Protocol):
    """What a backend provides: whole messages out, in order, without waiting for the peer's program."""

    async def transmit(self, path: str, depth: int, payload: bytes) -> None:
        """Send one message; on the wire the fork is `fork_id(path)`. Raises TransportError."""


class MessageEvent(NamedTuple):
    """One message as an observer sees it: names and sizes, never contents."""

    sender: int
    path: str
    scope: str
    phase: Phase
    depth: int
    nbytes: int
    sending: bool  # False: this is the moment the receiving program took it
    after: Marks  # the latest messages this party had taken that the moment waited for


Where: TypeAlias = Callable[[], tuple[str, int]]
"""Tells an error where it happened: fork and scope path, message number."""

Observer: TypeAlias = Callable[[int, MessageEvent], None]
"""Called with the observing party's role for every message it sends or takes."""


class _Mailbox:
    """Messages of one fork that have arrived and not been taken, and whoever waits for one."""

    __slots__ = ("announced", "arrived", "charge", "waiter")

    def __init__(self) -> None:
        self.arrived: deque[tuple[int, bytes, int]] = deque()  # depth, payload, what it is charged
        self.announced = 0  # charged for the message that has begun
        self.charge = 0  # charged for itself, until somebody asks for the fork
        self.waiter: _Waiter | None = None

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for the next message that comes."""
        return self.waiter is not None and not self.arrived

    def wake(self) -> None:
        if self.waiter is not None:
            self.waiter.woken.set()


class _Waiter(NamedTuple):
    """Whoever waits for a message of a fork."""

    woken: trio.Event
    nbytes: int | None  # that the message must have; None if any will do
    where: Where


class Endpoint:
    """One party's end of a connection, over any `Wire`.

    Args:
        role: 0 for the server, 1 for the client.
        wire: the backend.
        simulated: both parties live in one process.
        digest: keep a running hash of the transcript (about a second per gigabyte).
        observer: told of every message, for traces.

    Attributes:
        waiting: tasks of the program that are blocked.
        waiting_since: when the first of them was.
        progressed: when something last came of a message that one of them waits for.
        buffered: bytes that lie here and that nobody waits for, charges included.
        allowance: see `Channel.allow`.
        deepest: largest depth of what this side has sent.
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
        self.waiting_since = 0.0
        self.progressed = 0.0
        self.buffered = 0
        self.allowance = ALLOWANCE
        self.deepest = 0
        self.peer_stopped = False
        self._peer_finished = False
        self._stirred: trio.Event | None = None
        self._digest: int | None = 0 if digest else None
        self._mailboxes: dict[int, _Mailbox] = {}
        self._closed: set[int] = set()
        self._failure: SirnnError | None = None
        self.root = _Fork(self, "/", parent=None)

    # ------------------------------------------------------------------ the backend's side

    def announce(self, fork: int, nbytes: int, total: int, *, more: bool) -> None:
        """A piece of a message is about to come: called before memory is taken for it.

        Args:
            fork: of the message.
            nbytes: of the piece.
            total: of the message so far, the piece included.
            more: whether another piece of at least a byte follows.

        Raises:
            PeerError: no such message can be: nobody expects as long a one, or nobody waits and too much lies here.
        """
        if fork == _CONTROL_ID:
            if more or total > CONTROL_BYTES:
                raise _unreadable()
            return
        self._check_open(fork)
        box = self._mailbox(fork)
        if not box.awaited:
            self._charge(nbytes)
            box.announced += nbytes
        elif box.waiter is not None and more and box.waiter.nbytes is not None and total >= box.waiter.nbytes:
            error = PeerError(f"expected a message of {box.waiter.nbytes} bytes and got a longer one", remedy=_SAME_JOB)
            raise self._located(error, box.waiter.where)

    def hear(self, fork: int) -> None:
        """Something came of a message: progress, if somebody waits for it."""
        box = self._mailboxes.get(fork)
        if box is not None and box.awaited:
            self.progressed = trio.current_time()

    def deliver(self, fork: int, depth: int, payload: bytes) -> None:
        """A message has arrived. Never blocks; the mailbox holds it until the program asks."""
        try:
            if fork == _CONTROL_ID:
                self._control(payload)
            else:
                self._check_open(fork)
                if not 1 <= depth <= self.deepest + 1:
                    raise PeerError("the other party sent a message of an impossible depth", remedy=_SAME_PROGRAM)
                self._post(fork, depth, payload)
        except PeerError as error:
            self.fail(error)

    def fail(self, error: SirnnError) -> None:
        """The link is dead: whoever waits, now or later, gets `error` once the mailboxes are empty."""
        if self._failure is None:
            self._failure = error
        for box in self._mailboxes.values():
            box.wake()
        self._stir()

    @property
    def failure(self) -> SirnnError | None:
        """Why the link is dead, if it is."""
        return self._failure

    async def room(self, limit: int) -> None:
        """Wait while more than `limit` bytes lie here untaken, unless the program is blocked itself.

        Back-pressure that cannot deadlock: whoever waits, for a message or to get rid of one, is always read for.
        """
        while self.buffered > limit and self.waiting == 0 and self._failure is None:
            self._stirred = trio.Event()
            await self._stirred.wait()

    def _post(self, fork: int, depth: int, payload: bytes) -> None:
        self.hear(fork)
        box = self._mailbox(fork)
        charge, box.announced = box.announced, 0  # of the pieces that nobody waited for as they came
        if not box.awaited:
            rest = MESSAGE_CHARGE + len(payload) - charge
            self._charge(rest)
            charge += rest
        box.arrived.append((depth, payload, charge))
        box.wake()

    def _check_open(self, fork: int) -> None:
        if fork in self._closed:
            raise PeerError("the other party sent a message on a fork that is already closed")

    def _charge(self, nbytes: int) -> None:
        """Take note of what lies here. Only a peer whose word is waited for can be blamed for others."""
        self.buffered += nbytes
        if self.buffered > self.allowance and self.waiting:
            raise PeerError(
                f"the other party sent more than {self.allowance} bytes that nobody asked for", remedy=_SAME_PROGRAM
            )

    def _mailbox(self, fork: int) -> _Mailbox:
        """The mailbox of a fork, which the peer may be the first to speak of."""
        box = self._mailboxes.get(fork)
        if box is None:
            box = self._mailboxes[fork] = _Mailbox()
            box.charge = MAILBOX_CHARGE
            self._charge(box.charge)
        return box

    def _asked(self, fork: int) -> _Mailbox:
        """The mailbox of a fork that the program asks for: it costs the peer nothing any more."""
        box = self._mailboxes.get(fork)
        if box is None:
            box = self._mailboxes[fork] = _Mailbox()
        self.buffered -= box.charge
        box.charge = 0
        return box

    def _stir(self) -> None:
        if self._stirred is not None:
            self._stirred.set()
            self._stirred = None

    # ------------------------------------------------------------------ the forks' side

    async def take(self, fork: int, where: Where, nbytes: int | None = None) -> tuple[int, bytes]:
        """The next message of a fork: (depth, payload). `nbytes` is how long it must be: a longer one is cut off."""
        box = self._asked(fork)
        while not box.arrived:
            if self._failure is not None:
                raise self._located(self._failure, where)
            if box.waiter is not None:
                raise LocalError("two tasks are receiving on the same fork", remedy="fork once per task")
            box.waiter = _Waiter(trio.Event(), nbytes, where)
            self._block()
            try:
                await box.waiter.woken.wait()
            finally:
                self.waiting -= 1
                box.waiter = None
        depth, payload, charge = box.arrived.popleft()
        self.buffered -= charge
        self._stir()
        return depth, payload

    async def put(self, path: str, depth: int, payload: bytes, where: Where) -> None:
        """Hand a message to the wire."""
        if self._failure is not None:
            raise self._located(self._failure, where)
        self.deepest = max(self.deepest, depth)
        await self._transmit(path, depth, payload, where)

    def forget(self, fork: int, path: str, below: set[int]) -> None:
        """A fork was closed by the program, the ones `below` it earlier.

        Those need no watching any more, so that a long session does not pile up the names of its dead forks.
        """
        box = self._mailboxes.pop(fork, None)
        self._closed -= below
        self._closed.add(fork)
        if box is not None and (box.arrived or box.announced):
            raise _surplus(path)

    def fold(self, digest: bytes) -> None:
        """Take a fork's digest into the connection's; addition, so that fork order is no matter."""
        if self._digest is not None:
            self._digest = (self._digest + int.from_bytes(digest, "little")) % (1 << 256)

    @property
    def digesting(self) -> bool:
        return self._digest is not None

    def transcript_digest(self) -> str:
        """See `Channel.transcript_digest`."""
        if self._digest is None:
            raise LocalError("this connection keeps no transcript digest", remedy="make it with digest=True")
        total = self._digest
        for line in self.root.lineage():
            total += int.from_bytes(line.digest(), "little")
        return (total % (1 << 256)).to_bytes(DIGEST_BYTES, "little").hex()

    async def _transmit(self, path: str, depth: int, payload: bytes, where: Where) -> None:
        self._block()
        try:
            await self.wire.transmit(path, depth, payload)
        except TransportError as error:
            # The reader may know better why: a farewell that says the peer gave up.
            raise self._located(self._failure or error, where) from error
        finally:
            self.waiting -= 1

    def _block(self) -> None:
        if self.waiting == 0:
            self.waiting_since = trio.current_time()
        self.waiting += 1
        self._stir()

    @staticmethod
    def _located(error: SirnnError, where: Where) -> SirnnError:
        path, number = (error.where, error.message_number) if error.where else where()
        located = type(error)(error.problem, remedy=error.remedy, where=path, message_number=number)
        located.__cause__ = error
        return located

    # ------------------------------------------------------------------ how a conversation ends

    async def farewell(self) -> None:
        """End in agreement: both sides compare what each sent with what the other received.

        If both keep a transcript digest it is compared too; then a byte changed on the way cannot pass unseen.

        Raises:
            PeerError: the counts or the digests differ, a message was not taken, or the peer stopped or left without a
                farewell.
            TransportError: the connection was lost first.
        """
        if self._failure is not None and not self._peer_finished:
            raise self._located(self._failure, _farewell)
        total = self.root.traffic()
        digest = bytes.fromhex(self.transcript_digest()) if self.digesting else b""
        await self._transmit(CONTROL, 0, FAREWELL + _pack_counts(total) + _pack_digest(digest), _farewell)
        _, theirs = await self.take(_CONTROL_ID, _farewell)
        if theirs[:COUNTS_BYTES] != _pack_counts(total.mirrored()):
            raise PeerError("the two parties counted different traffic", remedy=_SAME_PROGRAM, where="farewell")
        if any(box.arrived for box in self._mailboxes.values()):  # a farewell comes after everything else
            raise _surplus("farewell")
        if theirs[COUNTS_BYTES] != bool(digest):
            raise PeerError(
                "only one of the two parties keeps a transcript digest", remedy="ask for it at both", where="farewell"
            )
        if theirs[COUNTS_BYTES:] != _pack_digest(digest):
            raise PeerError(
                "the two parties saw different transcripts",
                remedy="something between them changes messages; look at the tunnel or proxy they talk through",
                where="farewell",
            )

    async def abort(self, error: BaseException) -> None:
        """Tell the peer that this party stops: the class of the error, never what it says.

        Never fails: if the link is dead the peer will notice by itself.
        """
        while isinstance(error, BaseExceptionGroup):  # a nursery's wrapping says nothing
            error = error.exceptions[0]
        name = type(error).__name__.encode("ascii", "replace")[:NAME_BYTES]
        with suppress(SirnnError):
            await self.wire.transmit(CONTROL, 0, ABORT + name.ljust(NAME_BYTES, b"\0"))

    def _control(self, payload: bytes) -> None:
        kind, body = payload[:1], payload[1:]
        if kind == ABORT and len(body) == NAME_BYTES:
            name = body.rstrip(b"\0").decode("ascii", "replace")
            self.peer_stopped = True
            self.fail(
                PeerError(
                    f"the other party stopped with {name if name.isidentifier() else 'an error'}",
                    remedy="see its own output",
                )
            )
        elif kind == FAREWELL and len(body) == COUNTS_BYTES + 1 + DIGEST_BYTES and not self._peer_finished:
            self._peer_finished = True
            self._asked(_CONTROL_ID).arrived.append((0, body, 0))
            self.fail(PeerError("the other party has finished and this one has not", remedy=_SAME_PROGRAM))
        else:
            self.fail(_unreadable())


def _unreadable() -> PeerError:
    return PeerError("the other party sent a control message that cannot be read", remedy=_SAME_PROGRAM)


def _farewell() -> tuple[str, int]:
    return "farewell", 0


def _surplus(where: str) -> PeerError:
    return PeerError("the other party sent more messages than the protocol has", remedy=_SAME_PROGRAM, where=where)


def _pack_counts(total: Traffic) -> bytes:
    counts = (total.sent, total.received, total.sent_messages, total.received_messages)
    return b"".join(count.to_bytes(8, "little") for count in counts)


def _pack_digest(digest: bytes) -> bytes:
    return bytes([bool(digest)]) + digest.ljust(DIGEST_BYTES, b"\0")


class _Fork(Channel):
    """A channel: one fork of an endpoint's connection."""

    def __init__(self, endpoint: Endpoint, path: str, *, parent: _Fork | None) -> None:
        self.role = endpoint.role
        self.simulated = endpoint.simulated
        self.path = path
        self._endpoint = endpoint
        self._parent = parent
        self._id = fork_id(path)
        self._scope: str = parent._scope if parent else ""
        self._phase: Phase = parent._phase if parent else Phase.ONLINE
        self._depth: int = parent._depth if parent else 0
        self._depth_left: dict[Phase, int] = {}
        self._after: Marks = parent._after if parent else frozenset()
        self._messages = 0
        self._carried = [0, 0]
        self._taken = 0
        self._heading: int | None = None
        self._booked: Traffic | None = None
        self._names: dict[str, int] = {}
        self._children: set[_Fork] = set()
        self._closed = False
        self._closed_below: set[int] = set()
        self._chains = (hashlib.blake2b(), hashlib.blake2b()) if endpoint.digesting else None

    # ------------------------------------------------------------------ talking

    async def send(self, payload: Payload) -> None:
        self._check_open()
        self._turn(self.role)
        await self._send(payload)

    async def recv(self, nbytes: int) -> bytes:
        self._check_open()
        self._turn(1 - self.role)
        return await self._recv(nbytes)

    async def exchange(self, payload: Payload, nbytes: int) -> bytes:
        self._check_open()
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
        self._note(booked, self.role, depth, data, sending=True)
        await self._endpoint.put(self.path, depth, data, self._where)

    async def _recv(self, nbytes: int) -> bytes:
        depth, data = await self._endpoint.take(self._id, self._where, nbytes)
        if len(data) != nbytes:
            path, number = self._where()
            raise PeerError(
                f"expected a message of {nbytes} bytes and got one of {len(data)}",
                remedy=_SAME_JOB,
                where=path,
                message_number=number,
            )
        booked = self._book()
        booked.received += nbytes
        booked.received_framing += framing_bytes(nbytes)
        booked.received_messages += 1
        self._note(booked, 1 - self.role, depth, data, sending=False)
        self._saw(depth)
        if self._endpoint.observer is not None:
            self._mark()
        return data

    def _check_open(self) -> None:
        if self._closed:
            raise LocalError(f"fork {self.path} is closed", remedy="fork again", where=self.path)

    # ------------------------------------------------------------------ structure

    def fork(self, name: str) -> Channel:
        self._check_open()
        count = self._names.get(name, 0)
        self._names[name] = count + 1
        label = f"{name}#{count}" if count else name
        child = _Fork(self._endpoint, f"{self.path.rstrip('/')}/{label}", parent=self)
        self._children.add(child)
        return child

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        outer = self._scope
        self._scope, self._booked = f"{outer}/{name}" if outer else name, None
        try:
            yield
        except (PeerError, TransportError) as error:
            if not error.where:  # what a protocol finds wrong with a message's contents happened in its scope
                error.where, error.message_number = self._where()
            raise
        finally:
            self._scope, self._booked = outer, None

    @contextmanager
    def phase(self, phase: Phase, *, resumed: bool = False) -> Iterator[None]:
        outer, depth = self._phase, self._depth
        self._phase, self._depth, self._booked = phase, self._depth_left.get(phase, 0) if resumed else 0, None
        try:
            yield
        finally:
            self._depth_left[phase] = self._depth
            self._phase, self._depth, self._booked = outer, depth, None

    def allow(self, nbytes: int) -> None:
        self._endpoint.allowance = nbytes

    def close(self) -> None:
        for child in tuple(self._children):
            child.close()
        if self._parent is None or self._closed:
            return
        self._closed = True
        self._parent._carried = list(map(sum, zip(self._parent._carried, self._carried, strict=True)))
        self._parent._children.discard(self)
        self._parent._closed_below.add(self._id)
        self._endpoint.fold(self.digest())
        self._endpoint.forget(self._id, self.path, self._closed_below)

    def lineage(self) -> Iterator[_Fork]:
        """The fork itself and every open one below it."""
        yield self
        for child in self._children:
            yield from child.lineage()

    # ------------------------------------------------------------------ counting

    @property
    def depth(self) -> int:
        return self._depth

    @property
    def carried(self) -> tuple[int, int]:
        # A closed fork's bytes are its parent's.
        server, client = map(sum, zip(*(fork._carried for fork in self.lineage()), strict=True))
        return server, client

    @property
    def ledger(self) -> Ledger:
        return self._endpoint.ledger

    def transcript_digest(self) -> str:
        return self._endpoint.transcript_digest()

    def digest(self) -> bytes:
        """Hash of this fork's path and of what went each way; zero for a fork that stayed silent."""
        if self._chains is None or self._messages == 0:
            return bytes(32)
        parts = (self.path.encode(), self._chains[0].digest(), self._chains[1].digest())
        return hashlib.blake2b(b"|".join(parts), digest_size=32).digest()

    def _book(self) -> Traffic:
        """The ledger's row for the current phase and scope, looked up once for all messages in them."""
        if self._booked is None:
            self._booked = self._endpoint.ledger.setdefault((self._phase, self._scope), Traffic())
        return self._booked

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

    def _mark(self) -> None:
        """Like `_saw`, for the messages themselves: this one comes after all that its fork had waited for."""
        before, mark = self._after, (self.path, self._taken)
        self._taken += 1
        self._after = frozenset((mark,))
        line = self._parent
        while line is not None:
            line._after = (line._after - before) | self._after
            line = line._parent

    def _note(self, booked: Traffic, sender: int, depth: int, data: bytes, *, sending: bool) -> None:
        self._messages += 1
        self._carried[sender] += len(data)
        booked.flights = max(booked.flights, depth)
        if self._chains is not None:
            self._chains[sender].update(len(data).to_bytes(8, "little"))
            self._chains[sender].update(data)
        if self._endpoint.observer is not None:
            event = MessageEvent(sender, self.path, self._scope, self._phase, depth, len(data), sending, self._after)
            self._endpoint.observer(self.role, event)

    @property
    def where(self) -> str:  # type: ignore[override]  # read-only here
        return f"{self.path} [{self._scope}]" if self._scope else self.path

    def _where(self) -> tuple[str, int]:
        return self.where, self._messages
