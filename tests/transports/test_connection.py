"""A connection over streams in memory: any byte stream will do, and a mock clock makes hours pass at once."""

import pytest
import trio
from trio.testing import memory_stream_pair

from sirnn.errors import TransportError
from transports.connection import open_connection

HOUR = 3600


async def both(server, client, *, silence_seconds=HOUR, wrap=None):
    """Run both bodies; returns what they returned or raised."""
    ends = [None, None]
    streams = memory_stream_pair()
    if wrap is not None:
        streams = [each(stream) for each, stream in zip(wrap, streams, strict=True)]

    async def run(role, body):
        options = {"role": role, "version": "1", "digest": True, "silence_seconds": silence_seconds}
        try:
            async with open_connection(streams[role], **options) as channel:
                value = await body(channel)
            ends[role] = value
        except Exception as error:
            ends[role] = error

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, 0, server)
        nursery.start_soon(run, 1, client)
    return ends


async def test_any_stream_will_do():
    async def body(channel):
        return await channel.exchange(bytes([channel.role]) * 3_000_000, 3_000_000)

    server, client = await both(body, body)
    assert (server[:1], client[:1]) == (b"\x01", b"\x00")


async def test_computing_longer_than_the_silence_limit_is_not_silence(autojump_clock):
    async def server(channel):
        await trio.sleep(2.5 * HOUR)
        return await channel.recv(4)  # comes within the hour

    async def client(channel):
        await trio.sleep(3.25 * HOUR)
        await channel.send(b"late")

    assert (await both(server, client))[0] == b"late"


class Slow(trio.abc.Stream):
    """A stream that takes almost an hour for every piece, as the other side sees it."""

    def __init__(self, stream):
        self.stream = stream

    async def send_all(self, data):
        for start in range(0, len(data), 1 << 19):
            if len(data) > 1 << 10:
                await trio.sleep(0.9 * HOUR)
            await self.stream.send_all(data[start : start + (1 << 19)])

    async def wait_send_all_might_not_block(self):
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes=None):
        return await self.stream.receive_some(max_bytes)

    async def aclose(self):
        await self.stream.aclose()


async def test_slow_progress_on_a_long_message_is_progress(autojump_clock):
    size = 3 << 20

    async def server(channel):
        await channel.send(bytes(size))

    async def client(channel):
        return len(await channel.recv(size))  # more than five hours

    assert await both(server, client, wrap=(Slow, lambda stream: stream), silence_seconds=2 * HOUR) == [None, size]


async def test_chatter_is_no_progress(autojump_clock):
    """A peer that sends now and then, but never what is waited for, is given up when the limit is over."""
    given_up = []

    async def server(channel):
        for number in range(100):
            await channel.fork(f"chatter {number}").send(b"")
            await trio.sleep(0.1 * HOUR)

    async def client(channel):
        started = trio.current_time()
        try:
            await channel.recv(4)
        finally:
            given_up.append(trio.current_time() - started)

    ends = await both(server, client)
    assert isinstance(ends[1], TransportError)
    assert "nothing came for 3600 s" in str(ends[1])
    assert given_up == [pytest.approx(HOUR)]


@pytest.mark.parametrize("before", [0, 0.4, 1.7])
async def test_silence_ends_after_the_limit(autojump_clock, before):
    async def server(channel):
        await trio.sleep(before * HOUR)
        started = trio.current_time()
        with pytest.raises(TransportError, match="nothing came for 3600 s"):
            await channel.recv(1)
        return trio.current_time() - started

    async def client(channel):
        await trio.sleep_forever()

    with trio.CancelScope() as scope:
        waited = []

        async def watched(channel):
            try:
                waited.append(await server(channel))
            finally:
                scope.cancel()

        await both(watched, client)
    assert waited == [pytest.approx(HOUR)]


class Lingering(trio.abc.Stream):
    """A stream whose sends return only when all that follows from them has happened, a hang-up included."""

    def __init__(self, stream):
        self.stream = stream

    async def send_all(self, data):
        await self.stream.send_all(data)
        await trio.testing.wait_all_tasks_blocked()

    async def wait_send_all_might_not_block(self):
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes=None):
        return await self.stream.receive_some(max_bytes)

    async def aclose(self):
        await self.stream.aclose()


async def test_a_peer_may_hang_up_as_soon_as_it_has_the_farewell():
    async def body(channel):
        return await channel.exchange(b"", 0)

    async def run(role, stream):
        async with open_connection(stream, role=role, version="1") as channel:
            await body(channel)

    for slow in (0, 1):
        streams = list(memory_stream_pair())
        streams[slow] = Lingering(streams[slow])
        async with trio.open_nursery() as nursery:
            for role in (0, 1):
                nursery.start_soon(run, role, streams[role])
