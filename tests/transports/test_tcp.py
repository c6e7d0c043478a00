"""Connecting, meeting the wrong peer, losing it, and memory that stays bounded. All on loopback."""

import pytest
import trio
import trio.testing

from sirnn.endpoint import ABORT, CONTROL, NAME_BYTES, fork_id
from sirnn.errors import LocalError, PeerError, TransportError
from transports import connection, tcp
from transports.connection import SaidNothingError
from transports.framing import frames

HELLO = connection.MAGIC + b"test".ljust(connection.VERSION_BYTES, b"\0")


def framed(fork, depth, payload):
    return b"".join(head + part for head, part in frames(fork, depth, payload))


async def serve(listener, body, results, **options):
    """Accept one connection and keep how it ended."""
    try:
        async with listener.accept(role=0, version="test", **options) as channel:
            value = await body(channel)
        results.append(value)
    except Exception as error:
        results.append(error)


async def against_raw_bytes(script, body, **options):
    """Run `body` as the server against a peer that does `script(stream)` with a bare socket."""
    results = []
    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: serve(listener, body, results, **options))
        stream = await trio.open_tcp_stream("127.0.0.1", listener.port)
        async with stream:
            heard = b""
            while len(heard) < len(HELLO):  # what is left unread would turn closing into a reset
                heard += await stream.receive_some(len(HELLO) - len(heard))
            await script(stream)
    return results[0]


async def listens(channel):
    return await channel.recv(4)


async def test_nobody_listens():
    async with tcp.listen("127.0.0.1", 0) as listener:
        port = listener.port
    with pytest.raises(TransportError, match=f"nobody answers at localhost:{port} .*; is the server running?"):
        async with tcp.connect("localhost", port, role=1, version="test"):
            pass


async def test_nobody_connects():
    async with tcp.listen("localhost", 0) as listener:
        with pytest.raises(TransportError, match=f"nobody connected to port {listener.port}.*is the client running?"):
            async with listener.accept(role=0, version="test", accept_seconds=0.01):
                pass


async def test_a_port_in_use():
    async with tcp.listen("127.0.0.1", 0) as listener:
        with pytest.raises(LocalError, match=f"cannot listen on 127.0.0.1:{listener.port}"):
            async with tcp.listen("127.0.0.1", listener.port):
                pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "2001:db8::1"])  # noqa: S104 - refusing it is the point
async def test_plaintext_beyond_loopback_is_refused(host):
    with pytest.raises(LocalError, match="plaintext beyond loopback is refused"):
        async with tcp.connect(host, 1, role=1, version="test"):
            pass
    with pytest.raises(LocalError, match="plaintext beyond loopback is refused"):
        async with tcp.listen(host, 0):
            pass


class Resolver(trio.abc.HostnameResolver):
    """Says that every name is these addresses."""

    def __init__(self, *addresses):
        self.addresses = addresses

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002
        return [(trio.socket.AF_INET, trio.socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]

    async def getnameinfo(self, sockaddr, flags):
        raise NotImplementedError


async def test_a_name_counts_for_all_its_addresses():
    trio.socket.set_custom_hostname_resolver(Resolver("127.0.0.1", "192.0.2.7"))
    with pytest.raises(LocalError, match=r"'mixed' is 192\.0\.2\.7"):
        async with tcp.connect("mixed", 1, role=1, version="test"):
            pass


async def test_every_address_of_a_name_is_tried():
    results = []

    async def body(channel):
        return await channel.exchange(b"", 0)

    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(serve, listener, body, results)
        trio.socket.set_custom_hostname_resolver(Resolver("127.0.0.9", "127.0.0.1"))
        async with tcp.connect("name", listener.port, role=1, version="test") as channel:
            await body(channel)
    assert results == [b""]


async def test_a_peer_that_does_not_speak_sirnn():
    async def script(stream):
        await stream.send_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    error = await against_raw_bytes(script, listens)
    assert isinstance(error, PeerError)
    assert "does not speak sirnn: it began with b'GET / HT'" in str(error)


async def test_a_wrong_byte_is_enough():
    async def script(stream):
        await stream.send_all(b"S")
        assert await stream.receive_some() == b""

    assert isinstance(await against_raw_bytes(script, listens), PeerError)


async def test_another_version_is_named_at_both_sides():
    results = []
    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(serve, listener, listens, results)
        with pytest.raises(PeerError, match=r"this side speaks version 'other'.*and the other side 'test'"):
            async with tcp.connect("127.0.0.1", listener.port, role=1, version="other"):
                pass
    assert "this side speaks version 'test' of the protocol and the other side 'other'" in str(results[0])


@pytest.mark.parametrize("version", ["", "v" * 25, "vé", connection.QUEUED])
async def test_versions_that_cannot_be(version):
    async with tcp.listen("127.0.0.1", 0) as listener:
        with pytest.raises(LocalError, match="is no protocol version"):
            async with tcp.connect("127.0.0.1", listener.port, role=1, version=version):
                pass


async def test_a_peer_that_leaves_before_it_said_anything():
    async def script(stream):
        pass

    error = await against_raw_bytes(script, listens)
    assert isinstance(error, SaidNothingError)


async def test_a_peer_that_says_nothing_at_all():
    async def script(stream):
        async for _ in stream:  # until the server gives up
            pass

    error = await against_raw_bytes(script, listens, silence_seconds=0.05)
    assert isinstance(error, TransportError)
    assert isinstance(error, SaidNothingError)
    assert "said nothing for 0.05 s" in str(error)


async def test_a_peer_that_falls_silent():
    async def script(stream):
        await stream.send_all(HELLO + framed(fork_id("/"), 1, b"1234"))
        async for _ in stream:
            pass

    async def body(channel):
        assert await channel.recv(4) == b"1234"
        await channel.recv(4)

    error = await against_raw_bytes(script, body, silence_seconds=0.05)
    assert isinstance(error, TransportError)
    assert "for 0.05 s" in str(error)  # which of its messages it is that came too late is for the machine to say


async def test_a_peer_that_does_not_read_is_silent_too():
    async def script(stream):
        await stream.send_all(HELLO)
        await trio.sleep(0.3)

    async def body(channel):
        await channel.send(bytes(64 << 20))

    error = await against_raw_bytes(script, body, silence_seconds=0.05)
    assert isinstance(error, TransportError)


@pytest.mark.parametrize("cut", [1, 16, 18])
async def test_a_peer_that_leaves_in_the_middle_of_a_message(cut):
    async def script(stream):
        await stream.send_all(HELLO + framed(fork_id("/"), 1, b"1234")[:cut])

    async def body(channel):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(channel.fork("beside").recv, 1)
            await channel.recv(4)

    error = await against_raw_bytes(script, body)
    for each in error.exceptions:
        assert isinstance(each, TransportError)
        assert "the other party closed the connection in the middle of a message" in str(each)


async def test_a_peer_that_leaves_without_a_farewell():
    async def script(stream):
        await stream.send_all(HELLO)

    async def body(channel):
        pass

    error = await against_raw_bytes(script, body)
    assert isinstance(error, TransportError)


async def test_a_peer_that_sends_garbage():
    async def script(stream):
        await stream.send_all(HELLO + b"\xff" * 64)
        async for _ in stream:
            pass

    error = await against_raw_bytes(script, listens)
    assert isinstance(error, PeerError)
    assert "frame" in str(error)


@pytest.mark.parametrize("control", [b"", b"?", b"F", b"A", b"F" + bytes(10), b"A" + b"Error"])
async def test_control_messages_that_cannot_be_read(control):
    async def script(stream):
        await stream.send_all(HELLO + framed(fork_id(CONTROL), 0, control))
        async for _ in stream:
            pass

    error = await against_raw_bytes(script, listens)
    assert isinstance(error, PeerError)
    assert "cannot be read" in str(error)


async def test_an_abort_cannot_put_text_into_our_output():
    async def script(stream):
        name = b"\x1b[2Jrm -rf".ljust(NAME_BYTES, b"\0")
        await stream.send_all(HELLO + framed(fork_id(CONTROL), 0, ABORT + name))
        async for _ in stream:
            pass

    error = await against_raw_bytes(script, listens)
    assert "stopped with an error" in str(error)
    assert "rm" not in str(error)


async def test_an_abort_gets_through_to_a_party_that_still_sends():
    """The failing party reads on for a moment, so that its word is not lost with what it left unread."""
    results = []

    async def server(channel):
        raise ValueError

    async def client(channel):
        for _ in range(100):
            await channel.send(bytes(1 << 20))
        await channel.recv(1)

    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(serve, listener, server, results)
        with pytest.raises(PeerError, match="stopped with ValueError"):
            async with tcp.connect("127.0.0.1", listener.port, role=1, version="test") as channel:
                await client(channel)
    assert isinstance(results[0], ValueError)


async def test_a_party_that_is_cancelled_tells_its_peer():
    results = []
    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(serve, listener, listens, results)
        with trio.CancelScope() as scope:
            async with tcp.connect("127.0.0.1", listener.port, role=1, version="test") as channel:
                scope.cancel()
                await channel.recv(1)
        assert scope.cancelled_caught
    assert "stopped with Cancelled" in str(results[0])


async def test_a_digest_at_one_end_only():
    results = []

    async def body(channel):
        await channel.exchange(b"", 0)

    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(serve, listener, body, results)
        with pytest.raises(PeerError, match="only one of the two parties keeps a transcript digest"):
            async with tcp.connect("127.0.0.1", listener.port, role=1, version="test", digest=True) as channel:
                await body(channel)
    assert isinstance(results[0], PeerError)


async def test_a_listener_outlives_a_bad_client():
    async with tcp.listen("127.0.0.1", 0) as listener:
        for _ in range(3):
            results = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve, listener, listens, results)
                async with await trio.open_tcp_stream("127.0.0.1", listener.port) as stream:
                    await stream.send_all(b"nonsense")
            assert isinstance(results[0], PeerError)
        results = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, listener, listens, results)
            async with tcp.connect("127.0.0.1", listener.port, role=1, version="test") as channel:
                await channel.send(b"good")
        assert results == [b"good"]


async def test_reading_pauses_while_the_program_is_busy(monkeypatch):
    """A peer that runs ahead fills a bounded buffer, not the memory; once the program waits it gets all."""
    monkeypatch.setattr(connection, "BUFFER_LIMIT", 1 << 20)
    size, count, results = 1 << 16, 1000, []

    async def server(channel):
        await trio.testing.wait_all_tasks_blocked(0.05)  # busy until the client can get rid of nothing more
        held = channel._endpoint.buffered
        for _ in range(count):
            await channel.recv(size)
        return held

    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(serve, listener, server, results)
        async with tcp.connect("127.0.0.1", listener.port, role=1, version="test") as channel:
            for _ in range(count):
                await channel.send(bytes(size))
    (held,) = results
    assert (1 << 20) <= held < (1 << 20) + 4 * connection.READ_BYTES


async def test_a_small_buffer_cannot_block_two_large_sends(monkeypatch):
    monkeypatch.setattr(connection, "BUFFER_LIMIT", 1 << 16)
    size, results = 16 << 20, []

    async def body(channel):
        other = channel.fork("other")
        for fork in (channel, other):
            await fork.send(bytes(size))
        return [len(await fork.recv(size)) for fork in (other, channel)]

    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        nursery.start_soon(serve, listener, body, results)
        async with tcp.connect("127.0.0.1", listener.port, role=1, version="test") as channel:
            assert await body(channel) == [size, size]
    assert results == [[size, size]]


async def test_short_sessions_part_cleanly():
    """Whoever hears the other's farewell may hang up at once, even while the other is still told that its own left."""

    async def body(channel):
        return await channel.exchange(b"", 0)

    async with tcp.listen("127.0.0.1", 0) as listener:
        for _ in range(100):
            results = []
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve, listener, body, results)
                async with tcp.connect("127.0.0.1", listener.port, role=1, version="test") as channel:
                    await body(channel)
            assert results == [b""]
