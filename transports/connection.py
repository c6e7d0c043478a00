"""A connection: the channel contract over any byte stream.

Three background tasks serve the program, which only ever talks to its endpoint:

* the **reader** delivers what arrives, whatever the program is doing. It pauses while too much lies untaken, but never
  while the program is blocked: two parties that send a lot at once always get through. What an honest peer cannot
  have sent by then, the endpoint refuses;
* the **writer** owns what is to be sent. A program that is cancelled in the middle of a send leaves no torn
  frame behind, forks take turns frame by frame, and small frames leave together;
* the **watchdog** ends the wait for a peer that makes no progress: bytes that nobody waits for are none.

The connection opens with a preamble, so that two releases, or something that is not sirnn at all, part
with a clear error; it ends with the endpoint's farewell, or with its abort if the program failed. A server that takes
only so many clients at once answers a preamble when there is room, and meanwhile says that the client is in a queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import TypeAlias

import trio
from trio.abc import HalfCloseableStream, Stream

from sirnn.channel import Channel
from sirnn.endpoint import CONTROL, Endpoint, Observer, fork_id
from sirnn.errors import LocalError, PeerError, SirnnError, TransportError, quoted
from transports.framing import Reassembler, frames

SILENCE_SECONDS = 120.0
"""How long a blocked program waits without progress; longer than the peer's longest computation."""

BUFFER_LIMIT = 256 << 20
"""Untaken bytes at which reading pauses, unless the program is blocked."""

LINGER_SECONDS = 2.0
"""How long a party that stops tries to tell its peer."""

READ_BYTES = 64 << 10
BATCH_BYTES = 256 << 10

_LAST = fork_id(CONTROL)

MAGIC = b"\x89sirnn\r\n"
VERSION_BYTES = 24
"""The preamble is the magic and the protocol version, padded; not counted as traffic, 32 bytes each way."""

QUEUED, BUSY = "~queued", "~busy"
"""What a server says in a version's place, before it says its own: wait, or go away. No version begins like these."""

Say: TypeAlias = Callable[[str], Awaitable[None]]
"""Sends a preamble with this text."""

Admission: TypeAlias = Callable[[Say], AbstractAsyncContextManager[None]]
"""Entered when a client has said that it speaks this version, left at its end; may wait, or raise. See `Gate`."""


class SaidNothingError(TransportError):
    """The other side connected and did not say a single byte: whoever only looks whether somebody listens does so."""


@asynccontextmanager
async def open_connection(
    stream: Stream,
    *,
    role: int,
    version: str,
    digest: bool = False,
    observer: Observer | None = None,
    silence_seconds: float = SILENCE_SECONDS,
    greeting_seconds: float | None = None,
    admission: Admission | None = None,
    queued: Callable[[], None] = lambda: None,
) -> AsyncIterator[Channel]:
    """One end of a conversation over `stream`, which this owns from here on.

    Yields the root channel. Leaving the block normally says farewell; leaving it with an error tells the peer
    the class of that error, and nothing else.

    Args:
        stream: a connected byte stream.
        role: 0 for the server, 1 for the client.
        version: version of the protocol, compared before anything else; at most 24 ASCII characters.
        digest: keep and compare transcript digests.
        observer: told of every message this party sends or takes.
        silence_seconds: see `SILENCE_SECONDS`.
        greeting_seconds: how long to wait for the peer's preamble; `silence_seconds` by default.
        admission: who may be answered when; everybody at once by default.
        queued: called each time the server says that this party has to wait for its turn.

    Raises:
        PeerError: the other side does not speak sirnn, speaks another version, or left in disagreement.
        TransportError: the connection was lost, no progress was made for too long, or the server is busy.
        SaidNothingError: not a byte came.
    """
    stopped_by: BaseException | None = None
    seconds = silence_seconds if greeting_seconds is None else greeting_seconds
    async with stream, _greeted(stream, version, seconds, admission, queued):
        connection = _Connection(stream)
        endpoint = Endpoint(role, connection, simulated=False, digest=digest, observer=observer)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.serve, endpoint, silence_seconds)
            try:
                yield endpoint.root
                await endpoint.farewell()
            except BaseException as error:
                await connection.part(endpoint, error)
                stopped_by = error  # raised below, where no nursery wraps it in a group
            finally:
                connection.service.cancel()
    if stopped_by is not None:
        raise stopped_by


class _Outgoing:
    """A message on its way out."""

    __slots__ = ("frames", "lost", "next", "written")

    def __init__(self, pieces: Iterator[tuple[bytes, memoryview]]) -> None:
        self.frames = pieces
        self.next: tuple[bytes, memoryview] | None = next(pieces)
        self.written = trio.Event()
        self.lost = False

    def pop(self) -> tuple[bytes, memoryview]:
        """The next frame; afterwards `next` is None if it was the last."""
        frame, self.next = self.next, next(self.frames, None)
        assert frame is not None  # noqa: S101 - a message with no frame left is not in the queue
        return frame


class _Connection:
    """The wire over a stream: what is to be written, and the three tasks."""

    def __init__(self, stream: Stream) -> None:
        self.service = trio.CancelScope(shield=True)
        self._stream = stream
        self._lines: dict[int, deque[_Outgoing]] = {}  # by fork, in the order in which their turns come
        self._work = trio.Event()
        self._lost: TransportError | None = None
        self._written = trio.current_time()  # when something last left
        self._parting = False
        self._ended = trio.Event()  # nothing more will be read

    async def serve(self, endpoint: Endpoint, silence_seconds: float) -> None:
        """The three tasks, until `service` is cancelled; shielded: a cancelled program can still tell its peer."""
        with self.service:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._write)
                nursery.start_soon(self._read, endpoint)
                nursery.start_soon(self._watch, endpoint, silence_seconds)

    # ------------------------------------------------------------------ out

    async def transmit(self, path: str, depth: int, payload: bytes) -> None:
        """Returns when the operating system has the message. Cancelled, the message still goes out whole."""
        if self._lost is not None:
            raise self._lost
        fork = fork_id(path)
        message = _Outgoing(frames(fork, depth, payload))
        self._lines.setdefault(fork, deque()).append(message)
        self._work.set()
        await message.written.wait()
        if message.lost:
            raise self._lost or _closed()

    async def _write(self) -> None:
        while True:
            while self._lines:
                batch, complete = self._batch()
                try:
                    for piece in batch:
                        await self._stream.send_all(piece)
                        self._written = trio.current_time()
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    self._lost = self._lost or _closed()
                    self._give_up(complete)
                    self._drop_queue()
                for message in complete:
                    message.written.set()
            self._work = trio.Event()
            await self._work.wait()

    def _batch(self) -> tuple[list[bytes | memoryview], list[_Outgoing]]:
        """The next frames, a frame of each fork in turn, as what to write; and the messages that they complete."""
        parts: list[bytes | memoryview] = []
        complete: list[_Outgoing] = []
        size = 0
        while self._lines and size < BATCH_BYTES:
            # A farewell leaves after everything else, for it says that nothing else comes.
            fork = next((each for each in self._lines if each != _LAST), _LAST)
            line = self._lines.pop(fork)
            parts += line[0].pop()
            size += len(parts[-1])
            if line[0].next is None:
                complete.append(line.popleft())
            if line:
                self._lines[fork] = line
        if len(parts[-1]) < BATCH_BYTES:
            return [b"".join(parts)], complete
        return [b"".join(parts[:-1]), parts[-1]], complete  # a large part is not worth copying

    def _drop_queue(self) -> None:
        """What has not left yet never will; whoever waits for it is told."""
        lines, self._lines = self._lines, {}
        for line in lines.values():
            self._give_up(line)

    @staticmethod
    def _give_up(messages: Iterable[_Outgoing]) -> None:
        for message in messages:
            message.lost = True
            message.written.set()

    # ------------------------------------------------------------------ in

    async def _read(self, endpoint: Endpoint) -> None:
        try:
            await self._read_on(endpoint)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._end(endpoint, TransportError("the connection was lost", remedy="see the other party's output"))
        except PeerError as error:
            self._end(endpoint, error)

    async def _read_on(self, endpoint: Endpoint) -> None:
        reassembler = Reassembler(endpoint)
        while True:
            if not self._parting:
                await endpoint.room(min(BUFFER_LIMIT, endpoint.allowance))
            data = await self._stream.receive_some(max(READ_BYTES, reassembler.wanted))
            if not data:
                self._end(endpoint, _closed(" in the middle of a message" if reassembler.inside else ""))
                return
            self._deliver(endpoint, reassembler, bytes(data))

    def _deliver(self, endpoint: Endpoint, reassembler: Reassembler, data: bytes) -> None:
        """Pass on what the bytes complete; once the conversation is over they are read and not kept."""
        if self._parting or endpoint.failure is not None:
            return
        for message in reassembler.feed(data):
            endpoint.deliver(*message)
            if endpoint.failure is not None:
                return

    def _end(self, endpoint: Endpoint, error: SirnnError) -> None:
        """Nothing more will be read, so nothing more need be sent, but for an abort if the stream still works."""
        endpoint.fail(error)
        if isinstance(error, TransportError):
            self._lost = self._lost or error
        self._drop_queue()
        self._ended.set()

    # ------------------------------------------------------------------ silence and parting

    async def _watch(self, endpoint: Endpoint, silence_seconds: float) -> None:
        """Fail once the program has been blocked, and has made no progress, for that long."""
        while True:
            since = self._since(endpoint)
            await trio.sleep_until(since + silence_seconds)
            await trio.lowlevel.checkpoint()  # a computation of ours may have kept the reader from what is there
            if self._since(endpoint) == since:
                error = TransportError(
                    f"nothing came for {silence_seconds:g} s",
                    remedy="the other party or the network hangs; if it only computes, allow a longer silence",
                )
                self._end(endpoint, error)
                return

    def _since(self, endpoint: Endpoint) -> float:
        """Since when the program has been blocked without progress."""
        if not endpoint.waiting:
            return trio.current_time()
        return max(self._written, endpoint.progressed, endpoint.waiting_since)

    async def part(self, endpoint: Endpoint, error: BaseException) -> None:
        """Tell the peer why this party stops, and read on for a while so that the message is not lost in a reset.

        Not for long if the peer has stopped too: then it is the one who waits.
        """
        self._parting = True
        endpoint.fail(LocalError("this party has stopped"))  # a reader that paused reads on
        self._drop_queue()
        with (
            trio.move_on_after(LINGER_SECONDS, shield=True),
            suppress(trio.BrokenResourceError, trio.ClosedResourceError),
        ):
            await endpoint.abort(error)
            if isinstance(self._stream, HalfCloseableStream) and self._lost is None:
                await self._stream.send_eof()
            if not endpoint.peer_stopped:
                await self._ended.wait()


def _closed(where: str = "") -> TransportError:
    return TransportError(f"the other party closed the connection{where}", remedy="see its own output")


# ------------------------------------------------------------------ preambles


@asynccontextmanager
async def _greeted(
    stream: Stream, version: str, seconds: float, admission: Admission | None, queued: Callable[[], None]
) -> AsyncIterator[None]:
    """Exchange preambles; inside, both have said that they speak this version and this one has been let in."""
    if not version.isascii() or not 0 < len(version) <= VERSION_BYTES or version.startswith("~"):
        raise LocalError(f"{version!r} is no protocol version", remedy=f"use 1 to {VERSION_BYTES} ASCII characters")
    say = partial(_say, stream)
    if admission is None:
        await say(version)
        _compare(version, await _hear_version(stream, seconds, queued))
        yield
        return
    theirs = await _hear(stream, seconds)  # first: who says nothing takes nobody's place
    if theirs != version:
        await say(version)
        _compare(version, theirs)
    async with admission(say):
        await say(version)
        yield


async def _say(stream: Stream, text: str) -> None:
    try:
        await stream.send_all(MAGIC + text.encode().ljust(VERSION_BYTES, b"\0"))
    except trio.BrokenResourceError as error:
        raise _lost_early() from error


async def _hear_version(stream: Stream, seconds: float, queued: Callable[[], None]) -> str:
    """The peer's version, perhaps after a while in its queue."""
    while (text := await _hear(stream, seconds)) == QUEUED:
        queued()
    if text == BUSY:
        raise TransportError("the server is busy, and so is its queue", remedy="try again later")
    return text


async def _hear(stream: Stream, seconds: float) -> str:
    """The text of the peer's next preamble."""
    length = len(MAGIC) + VERSION_BYTES
    theirs = b""
    with trio.move_on_after(seconds):
        while len(theirs) < length:
            try:
                data = await stream.receive_some(length - len(theirs))
            except trio.BrokenResourceError as error:
                raise _lost_early(silent=not theirs) from error
            theirs += data
            if theirs[: len(MAGIC)] != MAGIC[: len(theirs)]:
                raise PeerError(
                    f"the other side does not speak sirnn: it began with {theirs[: len(MAGIC)]!r}",
                    remedy="check the host and the port",
                )
            if not data:
                raise _lost_early(silent=not theirs)
    if len(theirs) < length:
        raise (TransportError if theirs else SaidNothingError)(
            f"the other side accepted the connection and said nothing for {seconds:g} s",
            remedy="it hangs, or it is something else that listens there; a server that is merely busy says so",
        )
    return theirs[len(MAGIC) :].rstrip(b"\0").decode("ascii", "replace")


def _lost_early(*, silent: bool = False) -> TransportError:
    return (SaidNothingError if silent else TransportError)(
        "the other side closed the connection before it began", remedy="see its own output, and check the port"
    )


def _compare(mine: str, theirs: str) -> None:
    if theirs != mine:
        raise PeerError(
            f"this side speaks version {mine!r} of the protocol and the other side {quoted(theirs)}",
            remedy="both must run the same release",
        )
