"""A connection: the channel contract over any byte stream.

Three background tasks serve the program, which only ever talks to its endpoint:

* the **reader** delivers what arrives, whatever the program is doing. It pauses while too much lies untaken, but never
  while the program is blocked: two parties that send a lot at once always get through;
* the **writer** owns what is to be sent. A program that is cancelled in the middle of a send leaves no torn
  frame behind, forks take turns frame by frame, and small frames leave together;
* the **watchdog** ends the wait for a peer that says nothing.

The connection opens with a preamble, so that two releases, or something that is not sirnn at all, part
with a clear error; it ends with the endpoint's farewell, or with its abort if the program failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress

import trio
from trio.abc import HalfCloseableStream, Stream

from sirnn.channel import Channel
from sirnn.endpoint import CONTROL, Endpoint, Observer, fork_id
from sirnn.errors import LocalError, PeerError, SirnnError, TransportError
from transports.framing import Reassembler, frames

SILENCE_SECONDS = 120.0
"""How long a blocked program waits for a peer that sends nothing; longer than its longest computation."""

BUFFER_LIMIT = 256 << 20
"""Untaken bytes at which reading pauses, unless the program is blocked."""

FLOOD_LIMIT = 8 << 30
"""Untaken bytes at which the peer is at fault, whatever the program does."""

LINGER_SECONDS = 2.0
"""How long a party that stops tries to tell its peer."""

READ_BYTES = 64 << 10
BATCH_BYTES = 256 << 10

_LAST = fork_id(CONTROL)

MAGIC = b"\x89sirnn\r\n"
VERSION_BYTES = 24
"""The preamble is the magic and the protocol version, padded; not counted as traffic, 32 bytes each way."""


@asynccontextmanager
async def open_connection(
    stream: Stream,
    *,
    role: int,
    version: str,
    digest: bool = False,
    observer: Observer | None = None,
    silence_seconds: float = SILENCE_SECONDS,
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

    Raises:
        PeerError: the other side does not speak sirnn, speaks another version, or left in disagreement.
        TransportError: the connection was lost, or nothing came for too long.
    """
    stopped_by: BaseException | None = None
    async with stream:
        await _greet(stream, version, silence_seconds)
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
        self._heard = trio.current_time()
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
        reassembler = Reassembler()
        while True:
            if not self._parting:
                await endpoint.room(BUFFER_LIMIT)
            data = await self._stream.receive_some(max(READ_BYTES, reassembler.wanted))
            self._heard = trio.current_time()
            if not data:
                self._end(endpoint, _closed(" in the middle of a message" if reassembler.inside else ""))
                return
            for message in reassembler.feed(bytes(data)):
                if not self._parting:
                    endpoint.deliver(*message)
            if endpoint.buffered + reassembler.pending > FLOOD_LIMIT:
                raise PeerError(f"the other party sent more than {FLOOD_LIMIT} bytes that nobody asked for")

    def _end(self, endpoint: Endpoint, error: SirnnError) -> None:
        """Nothing more will be read, so nothing more need be sent, but for an abort if the stream still works."""
        endpoint.fail(error)
        if isinstance(error, TransportError):
            self._lost = self._lost or error
        self._drop_queue()
        self._ended.set()

    # ------------------------------------------------------------------ silence and parting

    async def _watch(self, endpoint: Endpoint, silence_seconds: float) -> None:
        """Fail once the program has been blocked, and nothing heard, for that long."""
        while True:
            since = max(self._heard, endpoint.waiting_since) if endpoint.waiting else trio.current_time()
            if trio.current_time() >= since + silence_seconds:
                error = TransportError(
                    f"nothing came for {silence_seconds:g} s",
                    remedy="the other party or the network hangs; if it only computes, allow a longer silence",
                )
                self._end(endpoint, error)
                return
            await trio.sleep_until(since + silence_seconds)

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


async def _greet(stream: Stream, version: str, silence_seconds: float) -> None:
    """Exchange preambles."""
    if not version.isascii() or not 0 < len(version) <= VERSION_BYTES:
        raise LocalError(f"{version!r} is no protocol version", remedy=f"use 1 to {VERSION_BYTES} ASCII characters")
    mine = MAGIC + version.encode().ljust(VERSION_BYTES, b"\0")
    theirs = b""
    try:
        with trio.fail_after(silence_seconds):
            await stream.send_all(mine)
            while len(theirs) < len(mine):
                data = await stream.receive_some(len(mine) - len(theirs))
                theirs += data
                if theirs[: len(MAGIC)] != MAGIC[: len(theirs)]:
                    raise PeerError(
                        f"the other side does not speak sirnn: it began with {theirs[: len(MAGIC)]!r}",
                        remedy="check the host and the port",
                    )
                if not data:
                    raise TransportError(
                        "the other side closed the connection before it said anything",
                        remedy="check the host and the port, and its own output",
                    )
    except trio.TooSlowError:
        raise TransportError(
            f"the other side accepted the connection and said nothing for {silence_seconds:g} s",
            remedy="check the host and the port",
        ) from None
    except trio.BrokenResourceError as error:
        raise TransportError("the connection was lost before it began", remedy="check the network") from error
    spoken = theirs[len(MAGIC) :].rstrip(b"\0").decode("ascii", "replace")
    if spoken != version:
        raise PeerError(
            f"this side speaks version {version!r} of the protocol and the other side {spoken!r}",
            remedy="both must run the same release",
        )
