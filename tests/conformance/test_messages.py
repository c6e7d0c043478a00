"""Messages arrive whole, in order within a fork, of any size."""

import pytest
import trio

from sirnn.channel import FRAME_HEADER, FRAME_LIMIT
from sirnn.errors import PeerError

BIG = 32 << 20  # far above any socket buffer


async def test_messages_of_a_fork_arrive_in_order(run_both):
    count = 300

    async def server(channel):
        for number in range(count):
            await channel.send(number.to_bytes(2, "little"))

    async def client(channel):
        return [int.from_bytes(await channel.recv(2), "little") for _ in range(count)]

    assert (await run_both(server, client)).values[1] == list(range(count))


async def test_forks_are_independent(run_both):
    """A reader may take the forks in any order: what one holds back, the other does not wait for."""

    async def server(channel):
        forks = [channel.fork("f") for _ in range(4)]
        for number in range(40):
            await forks[number % 4].send(bytes([number]))

    async def client(channel):
        forks = [channel.fork("f") for _ in range(4)]
        return [[(await fork.recv(1))[0] for _ in range(10)] for fork in reversed(forks)]

    expected = [[4 * step + index for step in range(10)] for index in (3, 2, 1, 0)]
    assert (await run_both(server, client)).values[1] == expected


async def test_concurrent_forks_interleave(run_both):
    async def body(channel):
        got = {}

        async def talk(fork, index):
            got[index] = [(await fork.exchange(bytes([index, step]), 2)) for step in range(20)]

        async with trio.open_nursery() as nursery:
            for index in range(8):
                nursery.start_soon(talk, channel.fork(str(index)), index)
        return got

    outcome = await run_both(body, body)
    expected = {index: [bytes([index, step]) for step in range(20)] for index in range(8)}
    assert outcome.values == (expected, expected)
    assert outcome.traffics[0].flights == 20


async def test_forks_of_forks_and_forks_of_one_name(run_both):
    async def body(channel):
        first, second = channel.fork("gate"), channel.fork("gate")
        inner = second.fork("product")
        paths = (first.path, second.path, inner.path)
        mine = bytes([channel.role])
        return paths, [await fork.exchange(mine, 1) for fork in (inner, first, second)]

    outcome = await run_both(body, body)
    assert outcome.values[0] == (("/gate", "/gate#1", "/gate#1/product"), [b"\x01"] * 3)


async def test_two_large_payloads_pass_each_other(run_both):
    async def body(channel):
        got = await channel.exchange(bytes([channel.role + 1]) * BIG, BIG)
        return got == bytes([2 - channel.role]) * BIG

    outcome = await run_both(body, body)
    assert outcome.values == (True, True)
    assert outcome.traffics[0].sent == BIG
    assert outcome.traffics[0].sent_framing == FRAME_HEADER * BIG // FRAME_LIMIT


async def test_two_large_sends_before_any_receive(run_both):
    async def body(channel):
        for _ in range(4):
            await channel.send(bytes(BIG // 4))
        for _ in range(4):
            await channel.recv(BIG // 4)

    await run_both(body, body)


async def test_a_small_fork_gets_through_beside_a_large_one(run_both):
    async def server(channel):
        large, small = channel.fork("large"), channel.fork("small")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(large.send, bytes(BIG))
            nursery.start_soon(small.send, b"hello")

    async def client(channel):
        large, small = channel.fork("large"), channel.fork("small")
        word = await small.recv(5)
        return word, len(await large.recv(BIG))

    assert (await run_both(server, client)).values[1] == (b"hello", BIG)


@pytest.mark.parametrize(
    "size", [0, 1, FRAME_LIMIT - 1, FRAME_LIMIT, FRAME_LIMIT + 1, 2 * FRAME_LIMIT, 3 * FRAME_LIMIT - 1]
)
async def test_sizes_around_the_frame_limit(run_both, size):
    payload = bytes(range(256)) * (size // 256) + bytes(range(size % 256))

    async def server(channel):
        await channel.send(payload)
        return await channel.recv(size)

    async def client(channel):
        got = await channel.recv(size)
        await channel.send(got)
        return got

    outcome = await run_both(server, client)
    assert outcome.values == (payload, payload)
    frames = max(1, -(-size // FRAME_LIMIT))
    assert outcome.traffics[0].sent_framing == outcome.traffics[1].received_framing == frames * FRAME_HEADER


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
async def test_payloads_of_every_kind(run_both, wrap):
    async def body(channel):
        return await channel.exchange(wrap(b"abc"), 3)

    assert (await run_both(body, body)).values == (b"abc", b"abc")


async def test_a_payload_may_change_once_it_is_sent(run_both):
    async def server(channel):
        buffer = bytearray(b"first")
        await channel.send(buffer)
        buffer[:] = b"xxxxx"
        await channel.recv(0)

    async def client(channel):
        got = await channel.recv(5)
        await channel.send(b"")
        return got

    assert (await run_both(server, client)).values[1] == b"first"


@pytest.mark.parametrize("sent", [0, 3, 5])
async def test_a_wrong_length_is_the_peers_error(run_pair, sent):
    async def server(channel):
        await channel.send(bytes(sent))
        await channel.recv(1)

    async def client(channel):
        with channel.scope("mux"):
            await channel.recv(4)

    at_server, at_client = (await run_pair(server, client)).outcomes
    assert isinstance(at_client.error, PeerError)
    assert at_client.error.where == "/ [mux]"
    assert f"expected a message of 4 bytes and got one of {sent}" in str(at_client.error)
    assert isinstance(at_server.error, PeerError)
    assert "stopped with PeerError" in at_server.error.problem
