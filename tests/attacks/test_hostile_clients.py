"""Clients that would stop a server, or fill its memory, and an honest one that is served meanwhile."""

from __future__ import annotations

import itertools
import struct
import tracemalloc

import pytest
import trio

from sirnn.channel import FRAME_LIMIT
from sirnn.cli import sessions
from sirnn.errors import PeerError, TransportError
from sirnn.nn.inference import Reveal
from sirnn.nn.limits import Limits
from sirnn.profile import Profile
from sirnn.session import start_session
from tests.attacks.servers import ROOT, VERSION, framed, serving, until_closed
from transports import tcp

MORE = 1 << 31


async def after_a_good_hello(port, body, recordings="2"):
    """A client that greets like one of ours and then does `body(channel)`."""
    async with tcp.connect("127.0.0.1", port, role=1, version=VERSION) as channel:
        agree, tell = {"reveals": Reveal.CLASS.value}, {"model": "any", "recordings": recordings}
        await start_session(channel, profile=Profile.PAPER, agree=agree, tell=tell)
        await body(channel)


@pytest.mark.parametrize("depth", [0, 3, 0xFFFFFFFF])
async def test_a_depth_that_no_message_has(depth):
    async with serving() as server, server.hostile() as stream:
        await stream.send_all(framed(ROOT, depth, bytes(4)))
        await server.assert_goes_on(1, PeerError, "impossible depth")


async def test_empty_messages_on_forks_that_do_not_exist():
    count = 200_000
    flood = b"".join(struct.pack("<QII", number, 1, 0) for number in range(count))
    async with serving() as server, server.hostile() as stream:
        tracemalloc.start()
        try:
            await until_closed(stream, flood)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8 << 20  # kept, they would take 200 MB
        await server.assert_goes_on(1, PeerError, "that nobody asked for")


async def test_a_message_that_never_ends():
    async with serving() as server, server.hostile() as stream:
        await trio.testing.wait_all_tasks_blocked()  # until the server waits for the hello
        await until_closed(stream, struct.pack("<QII", ROOT, 1, MORE | FRAME_LIMIT) + bytes(1 << 16))
        await server.assert_goes_on(1, PeerError, "got a longer one (in / [hello], message 1)")


async def test_many_messages_that_have_begun():
    async with serving() as server, server.hostile() as stream:
        await until_closed(stream, struct.pack("<QII", 77, 1, MORE | FRAME_LIMIT))
        await server.assert_goes_on(1, PeerError, "that nobody asked for")


async def test_chatter_instead_of_a_hello():
    async with serving(limits=Limits(hello_seconds=0.5), places=2) as server, server.hostile() as stream:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: until_closed(stream, framed(99, 1, b""), every=0.02))
            await server.honest()
        await server.assert_goes_on(1, TransportError, "the hello was not over after 0.5 s")


async def test_chatter_after_a_good_hello():
    async def chatter(channel):
        for number in itertools.count():
            await channel.fork(f"chatter {number}").send(b"")
            await trio.sleep(0.05)

    async def chatters(port):
        with pytest.raises((PeerError, TransportError)):
            await after_a_good_hello(port, chatter)

    async with serving(silence=0.5, places=2) as server, trio.open_nursery() as nursery:
        nursery.start_soon(chatters, server.port)
        await server.assert_goes_on(1, TransportError, "nothing came for 0.5 s")


async def test_a_session_that_takes_too_long():
    async def linger(channel):
        await channel.fork("nothing").recv(1)

    async def lingers(port):
        with pytest.raises(PeerError, match="stopped with TransportError"):
            await after_a_good_hello(port, linger)

    async with serving(limits=Limits(session_seconds=2.0)) as server, trio.open_nursery() as nursery:
        nursery.start_soon(lingers, server.port)
        assert isinstance(await server.log.failure(1), TransportError)
        assert "the session was not over after 2 s" in str(await server.log.failure(1))


async def test_who_connects_and_says_nothing_takes_nobodys_place(monkeypatch):
    monkeypatch.setattr(sessions, "MOST_UNHEARD", 3)
    async with serving(places=1, queue=0) as server, trio.open_nursery() as nursery:

        async def silent():
            async with server.hostile(greets=False) as stream:
                await until_closed(stream)

        for _ in range(10):
            nursery.start_soon(silent)
        await trio.testing.wait_all_tasks_blocked(0.01)
        await server.honest()
        assert await server.log.failure(11) is None
        assert len(server.log.said) == 1
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("recordings", ["1025x2", "999999999x2"])
async def test_more_recordings_than_are_allowed(recordings):
    async with serving() as server:
        with pytest.raises(PeerError, match="stopped with PeerError"):
            await after_a_good_hello(server.port, lambda channel: channel.recv(1), recordings)
        await server.assert_goes_on(1, PeerError, "more than the 1024 that the server allows (--max-recordings)")


FAILURES = [MemoryError("secret"), ValueError("secret"), struct.error("secret"), RecursionError("secret")]


@pytest.mark.parametrize("failure", [*FAILURES, ExceptionGroup("", FAILURES[:1])], ids=lambda each: type(each).__name__)
async def test_whatever_breaks_in_one_session_ends_that_one_alone(monkeypatch, failure):
    body, broken = sessions.server_body, []

    async def breaks_once(*arguments, **options):
        if not broken:
            broken.append(True)
            raise failure
        return await body(*arguments, **options)

    monkeypatch.setattr(sessions, "server_body", breaks_once)
    async with serving() as server:
        with pytest.raises(PeerError, match="stopped with"):
            await server.honest()
        line = sessions.describe(await server.log.failure(1))
        assert "secret" not in line
        await server.honest()


async def test_honest_clients_are_served_side_by_side_and_in_turn():
    async with serving(places=2) as server, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(server.honest)
        for number in range(1, 6):
            assert await server.log.failure(number) is None


async def test_a_client_that_waits_for_others_does_not_keep_them_waiting():
    """Both are let in; the first says hello and then nothing, and the second is done before the first is given up."""
    async with serving(places=2) as server, server.hostile(), server.hostile(greets=False):
        await server.honest()
        assert [number for number, _ in server.log.said] in ([], [3])
        assert await server.log.failure(3) is None
