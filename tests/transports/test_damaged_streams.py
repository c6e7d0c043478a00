"""Faults of the byte stream itself, at bytes all over a conversation: both parties end, right or with a typed error.

The simulator's faults strike whole messages; here frames, headers and the preamble are struck too. A mock clock makes
the silence limit pass at once.
"""

import pytest
import trio
from trio.testing import memory_stream_pair

from sirnn.errors import PeerError, TransportError
from transports.connection import open_connection

SILENCE_SECONDS = 60
STRIDE = 5
"""Every fifth byte; the kinds of damage begin at different ones."""


async def body(channel):
    """A small job with everything in it: exchanges, both directions, forks side by side."""
    heard = {"first": await channel.exchange(bytes([channel.role, 7]), 2)}

    async def branch(fork, sender):
        if fork.role == sender:
            await fork.send(b"choice")
            heard[fork.path] = await fork.recv(4)
        else:
            heard[fork.path] = await fork.recv(6)
            await fork.send(b"pads")
        fork.close()

    failures = []

    async def guarded(*arguments):
        try:
            await branch(*arguments)
        except Exception as failure:
            failures.append(failure)
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(guarded, channel.fork("left"), 0)
        nursery.start_soon(guarded, channel.fork("right"), 1)
    if failures:
        raise failures[0]
    heard["last"] = await channel.exchange(b"bye", 3)
    return heard


class Damaged(trio.abc.HalfCloseableStream):
    """A stream that counts the bytes sent, and damages what goes out when it comes to number `at`."""

    def __init__(self, stream, at=None, kind=None):
        self.stream, self.at, self.kind = stream, at, kind
        self.sent = 0
        self.ended = False

    async def send_all(self, data):
        data, start = bytes(data), self.sent
        self.sent += len(data)
        if self.ended:
            return
        if self.at is None or not start <= self.at < self.sent:
            await self.stream.send_all(data)
            return
        place = self.at - start
        kept, struck, rest = data[:place], data[place], data[place + 1 :]
        if self.kind in ("drop", "close"):
            self.ended = True
            await self.stream.send_all(kept)
            if self.kind == "close":
                await self.stream.send_eof()
        elif self.kind == "remove":
            await self.stream.send_all(kept + rest)
        elif self.kind == "insert":
            await self.stream.send_all(kept + b"\0" + data[place:])
        elif self.kind == "flip":
            await self.stream.send_all(kept + bytes([struck ^ 1]) + rest)

    async def wait_send_all_might_not_block(self):
        await self.stream.wait_send_all_might_not_block()

    async def send_eof(self):
        if not self.ended:
            self.ended = True
            await self.stream.send_eof()

    async def receive_some(self, max_bytes=None):
        return await self.stream.receive_some(max_bytes)

    async def aclose(self):
        await self.stream.aclose()


async def converse(sender=0, at=None, kind=None):
    """How both ended, and how many bytes each sent."""
    ends = [None, None]
    streams = list(memory_stream_pair())
    streams = [Damaged(stream, *((at, kind) if role == sender else ())) for role, stream in enumerate(streams)]

    async def run(role):
        options = {"role": role, "version": "1", "digest": True, "silence_seconds": SILENCE_SECONDS}
        try:
            async with open_connection(streams[role], **options) as channel:
                value = await body(channel)
            ends[role] = value
        except Exception as error:
            ends[role] = error

    with trio.fail_after(5 * SILENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            for role in (0, 1):
                nursery.start_soon(run, role)
    return ends, [stream.sent for stream in streams]


@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize(("first", "kind"), list(enumerate(["drop", "close", "remove", "insert", "flip"])))
async def test_damage_anywhere_ends_both_parties(autojump_clock, sender, first, kind):
    right, sent = await converse()
    assert [set(end) for end in right] == [{"first", "/left", "/right", "last"}] * 2
    noticed = 0
    for at in range(first, sent[sender], STRIDE):
        ends, _ = await converse(sender, at, kind)
        for role, end in enumerate(ends):
            if isinstance(end, dict):
                assert end == right[role], (at, end)
            else:
                assert isinstance(end, PeerError | TransportError), (at, end)
                noticed += 1
        assert not isinstance(ends[1 - sender], dict) or kind == "flip", at
    assert noticed
