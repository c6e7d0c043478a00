"""The channel contract: the only I/O a protocol ever does.

A protocol is a coroutine that runs once at each of two parties, and a `Channel` is how the two
copies talk. The rules, which one conformance suite checks for every backend:

1. **Lengths are known.** `recv(n)` names the length it expects; any other length is a `PeerError`.
2. **Order** is kept within a fork. Forks are independent: nothing said in one waits for another.
3. **Sending never blocks on the peer's program.** A backend drains its receive side in the
   background, so two parties may send large payloads at once; `exchange` relies on it.
4. **Every wait ends**: with the message, with a typed error, or by cancellation.
5. **Counting happens here and nowhere else.** Payload, framing and set-up are kept apart, in
   both directions, by scope. A protocol never counts by hand.
6. **A round is causal depth.** A message's depth is 1 + the largest depth that its sender (this fork and
   the forks below it) had received before sending it; depths start at 0 in each phase. An exchange is
   one flight, and of two parallel forks only the deeper one counts: the definition that agrees with latency.

Who implements a backend does not implement this class: `sirnn.endpoint` does, over a `Wire`
that moves whole messages.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import TypeAlias

import attrs

Payload: TypeAlias = bytes | bytearray | memoryview
"""What travels: anything with the buffer interface, flat and of one-byte items."""

FRAME_HEADER = 16
"""Bytes of framing in front of every frame: fork (8), depth (4), length and flags (4)."""

FRAME_LIMIT = 1 << 20
"""Most payload bytes in one frame; a longer message takes several frames."""


class Phase(enum.Enum):
    """What a message was sent for; costs are reported for each apart."""

    SETUP = "setup"  # once per session: hello, base OTs
    OFFLINE = "offline"  # input-independent preparation
    ONLINE = "online"  # needs the inputs


@attrs.define
class Traffic:
    """What one endpoint sent and received under one phase and scope. Units: bytes and messages.

    `flights` is the largest depth of any of these messages in its phase; `flips` counts the
    changes of direction as older systems report them (an exchange is two), summed over forks.
    """

    sent: int = 0
    received: int = 0
    sent_framing: int = 0
    received_framing: int = 0
    sent_messages: int = 0
    received_messages: int = 0
    flights: int = 0
    flips: int = 0

    @property
    def payload(self) -> int:
        """Payload bytes, both directions together."""
        return self.sent + self.received

    @property
    def framing(self) -> int:
        """Framing bytes, both directions together."""
        return self.sent_framing + self.received_framing

    def add(self, other: Traffic) -> None:
        """Take `other` in: bytes, messages and flips add up, flights are the larger."""
        for field in attrs.fields(Traffic):
            mine, theirs = getattr(self, field.name), getattr(other, field.name)
            setattr(self, field.name, max(mine, theirs) if field.name == "flights" else mine + theirs)

    def mirrored(self) -> Traffic:
        """The same traffic as the other party must have counted it."""
        return Traffic(
            sent=self.received,
            received=self.sent,
            sent_framing=self.received_framing,
            received_framing=self.sent_framing,
            sent_messages=self.received_messages,
            received_messages=self.sent_messages,
            flights=self.flights,
            flips=self.flips,
        )


Ledger: TypeAlias = dict[tuple[Phase, str], Traffic]
"""Traffic by phase and scope path. Exclusive: what an inner scope sent is not in the outer one."""


def framing_bytes(length: int) -> int:
    """Framing bytes of a message with `length` payload bytes (an empty one is one frame)."""
    return FRAME_HEADER * (-(-length // FRAME_LIMIT) or 1)


class Channel(ABC):
    """One ordered conversation with the peer; see the rules at the top of this file."""

    role: int
    """Which party this end is: 0 the server, 1 the client."""

    path: str
    """Name of this fork, the same at both ends: `/` for the root, `/gates/tanh#1` below it."""

    where: str
    """The fork and the scopes entered, for messages to people: `/gates [run/mux]`."""

    simulated: bool
    """Whether both parties live in one process, so that seeded randomness is harmless."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """The largest depth received in this phase, here or in a fork below."""

    @property
    @abstractmethod
    def carried(self) -> tuple[int, int]:
        """Payload bytes sent by the server and by the client, here and in the forks below."""

    @abstractmethod
    async def send(self, payload: Payload) -> None:
        """Send one message. The payload may be empty; it must not change until this returns."""

    @abstractmethod
    async def recv(self, nbytes: int) -> bytes:
        """The next message of this fork, which must have exactly `nbytes` bytes.

        Raises:
            PeerError: the message has another length, or the peer stopped.
            TransportError: the connection was lost, or nothing came within the silence limit.
        """

    @abstractmethod
    async def exchange(self, payload: Payload, nbytes: int) -> bytes:
        """Send one message and receive one that does not depend on it: a single flight."""

    @abstractmethod
    def fork(self, name: str) -> Channel:
        """An independent ordered sub-channel. Both parties fork in the same program order.

        The fork starts at this channel's depth, phase and scope. Forking one name twice is fine: the
        second is called `name#1`, and so on.
        """

    @abstractmethod
    def scope(self, name: str) -> AbstractContextManager[None]:
        """Book what is sent inside under `name`, below the scopes already entered."""

    @abstractmethod
    def phase(self, phase: Phase, *, resumed: bool = False) -> AbstractContextManager[None]:
        """Book what is sent inside under `phase`, with depths of its own: from 0, or from where this fork left it."""

    @abstractmethod
    def close(self) -> None:
        """The fork is done; a later message on it is the peer's error. The root stays open."""

    @abstractmethod
    def allow(self, nbytes: int) -> None:
        """From now on the peer is at fault if more than so many bytes lie here that nobody waits for.

        It holds for the whole connection. Whoever knows what is to come says so: the peer's hello, or what it is
        declared to send. Every message and every fork counts something besides its payload.
        """

    @abstractmethod
    def transcript_digest(self) -> str:
        """Hash of every payload the whole connection has carried so far: 64 hex digits, the same at both ends.

        Raises:
            LocalError: the connection was made without `digest=True`.
        """

    @property
    @abstractmethod
    def ledger(self) -> Ledger:
        """What the whole connection (not this fork alone) has sent and received so far."""

    def traffic(self, phase: Phase | None = None) -> Traffic:
        """Totals of the whole connection, of one phase or of all (then flights add up)."""
        if phase is None:
            parts = [self.traffic(each) for each in Phase]
            total = Traffic()
            for part in parts:
                total.add(part)
            total.flights = sum(part.flights for part in parts)
            return total
        total = Traffic()
        for (booked, _), traffic in self.ledger.items():
            if booked is phase:
                total.add(traffic)
        return total
