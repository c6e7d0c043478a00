"""The simulator: virtual time to the nanosecond, the same run whatever the scheduler does, no wait without an end."""

import time

import pytest
import trio

from simulator.network import NETWORKS, Network
from simulator.simulation import run_simulation, simulate
from sirnn.channel import Phase, framing_bytes
from sirnn.errors import LocalError, PeerError, TransportError

PLAIN = Network("plain", latency_ns=1_000_000, up=8_000_000, down=16_000_000)  # 1 and 2 bytes a microsecond


def on_wire(nbytes, bytes_per_us):
    return 1000 * (nbytes + framing_bytes(nbytes)) // bytes_per_us


def tangle(channel_count=6, rounds=5):
    """Forks that talk at the same instants over a link they share, with tasks started in the scheduler's own order."""

    async def body(channel):
        async def talk(fork, index):
            for step in range(rounds):
                await fork.exchange(bytes([step]) * (1 + index * 7), 1 + index * 7)
                if index % 2:
                    inner = fork.fork("inner")
                    await (inner.send(b"abc") if channel.role == index % 3 % 2 else inner.recv(3))
                    inner.close()

        async with trio.open_nursery() as nursery:
            for index in range(channel_count):
                nursery.start_soon(talk, channel.fork(f"f{index}"), index)
        await channel.exchange(b"end", 3)

    return body


async def test_one_message_takes_its_bytes_and_the_latency():
    async def server(channel):
        await channel.send(bytes(1984))

    async def client(channel):
        await channel.recv(1984)

    result = await simulate(server, client, network=PLAIN)
    assert result.virtual_ns == on_wire(1984, 2) + 1_000_000 == 2_000_000
    assert (await simulate(client, server, network=PLAIN)).virtual_ns == 3_000_000  # the other way is half as fast


async def test_a_ping_pong_adds_up():
    async def body(channel):
        for _ in range(10):
            if channel.role:
                await channel.send(bytes(84))
                await channel.recv(184)
            else:
                await channel.recv(84)
                await channel.send(bytes(184))

    assert (await simulate(body, body, network=PLAIN)).virtual_ns == 10 * (100_000 + 100_000 + 2_000_000)


async def test_an_exchange_takes_the_slower_way_once():
    async def body(channel):
        await channel.exchange(bytes(84), 84)

    assert (await simulate(body, body, network=PLAIN)).virtual_ns == 1_100_000


async def test_forks_overlap_but_share_the_bandwidth():
    async def body(channel):
        async with trio.open_nursery() as nursery:
            for index in range(3):
                nursery.start_soon(channel.fork(str(index)).exchange, bytes(84), 84)

    assert (await simulate(body, body, network=PLAIN)).virtual_ns == 3 * 100_000 + 1_000_000


async def test_the_farewell_is_not_in_the_virtual_time():
    async def body(channel):
        pass

    result = await simulate(body, body)
    assert result.virtual_ns == 0
    assert len(result.log) == 2


async def test_the_same_run_whatever_the_scheduler_does():
    """trio shuffles its tasks; runs differ in the raw order of events, never in the log."""
    runs = [await simulate(tangle(), tangle(), network=NETWORKS["mobile"], digest=True) for _ in range(8)]
    first = runs[0]
    for run in runs[1:]:
        assert run.log == first.log
        assert run.digests == first.digests
        assert run.virtual_ns == first.virtual_ns
        assert run.ledgers == first.ledgers


async def test_a_large_log_is_in_the_order_of_time():
    log = (await simulate(tangle(), tangle(), network=NETWORKS["wan"])).log
    assert [line.sent_ns for line in log] == sorted(line.sent_ns for line in log)
    for sender in (0, 1):
        arrivals = [line.arrives_ns for line in log if line.sender == sender]
        assert arrivals == sorted(arrivals)


async def test_two_simulations_in_one_run_do_not_meet():
    alone = await simulate(tangle(), tangle(), digest=True)
    results = []

    async def another():
        results.append(await simulate(tangle(), tangle(), digest=True))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(another)
    assert all((each.log, each.digests) == (alone.log, alone.digests) for each in results)


async def test_a_deadlock_ends_after_the_silence_limit():
    async def body(channel):
        await channel.exchange(b"", 0)
        await channel.recv(1)

    result = await simulate(body, body, silence_seconds=5, check=False)
    for outcome in result.outcomes:
        assert isinstance(outcome.error, TransportError)
        assert "nothing came for 5 s" in str(outcome.error)
        assert "message 2" in str(outcome.error)
    assert result.virtual_ns == 5_000_000_000 + NETWORKS["lan"].latency_ns + 43


async def sleeps():
    await trio.sleep(1)


async def threads():
    await trio.to_thread.run_sync(time.sleep, 0.01)


@pytest.mark.parametrize("outside", [sleeps, threads])
async def test_waiting_for_something_else_is_refused(outside):
    async def server(channel):
        await outside()

    async def client(channel):
        await channel.recv(1)

    with pytest.raises(LocalError, match="party 0 waits for something that is not its channel"):
        await simulate(server, client)


async def test_an_error_is_raised_with_a_note_on_both_parties():
    async def server(channel):
        await channel.exchange(b"", 0)
        raise ValueError("cause")

    async def client(channel):
        await channel.exchange(b"", 0)
        await channel.recv(1)

    for bodies in ((server, client), (client, server)):
        with pytest.raises(ValueError, match="cause") as caught:
            await simulate(*bodies)
        (note,) = caught.value.__notes__
        assert "ValueError: cause" in note
        assert "PeerError: the other party stopped with ValueError" in note


async def test_both_parties_errors_are_kept_and_the_earlier_is_raised():
    def fails_after(count, kind):
        async def body(channel):
            for _ in range(count):
                await channel.send(b"")
            raise kind(f"after {count}")

        return body

    result = await simulate(fails_after(1, KeyError), fails_after(2, ValueError), check=False)
    assert [type(outcome.error) for outcome in result.outcomes] == [KeyError, ValueError]
    with pytest.raises(KeyError):
        result.check()


async def test_the_outcome_of_a_failed_run_can_be_looked_at():
    async def server(channel):
        raise LocalError("no")

    async def client(channel):
        await channel.recv(1)

    result = await simulate(server, client, check=False)
    assert isinstance(result.outcomes[0].error, LocalError)
    assert isinstance(result.outcomes[1].error, PeerError)
    assert result.outcomes[1].echo
    with pytest.raises(LocalError):
        _ = result.values


async def test_booking_under_different_phases_is_refused():
    async def server(channel):
        with channel.phase(Phase.OFFLINE):
            await channel.exchange(b"x", 1)

    async def client(channel):
        await channel.exchange(b"x", 1)

    with pytest.raises(LocalError, match="different traffic under offline"):
        await simulate(server, client)


def test_from_ordinary_code():
    async def body(channel):
        return await channel.exchange(bytes([channel.role]), 1)

    result = run_simulation(body, body, network=NETWORKS["ideal"])
    assert result.values == (b"\x01", b"\x00")
    assert result.virtual_ns == 0
    assert result.digests is None
    assert result.wall_seconds > 0


# ------------------------------------------------------------ limits


async def exchanges(channel):
    while True:
        await channel.exchange(b"x", 1)


async def sends(channel):
    while True:
        await channel.send(b"x")


@pytest.mark.parametrize("loop", [exchanges, sends])
async def test_a_loop_without_an_end_ends_at_a_number_of_messages(loop):
    result = await simulate(loop, loop, network="ideal", most_messages=50, check=False)
    with pytest.raises(LocalError, match="sends more than 50 messages; look for a loop"):
        result.check()
    assert len(result.log) <= 2 * 50 + 2


async def test_a_loop_without_an_end_ends_at_an_instant_of_virtual_time():
    with pytest.raises(LocalError, match=r"more than 0\.01 s of virtual time"):
        await simulate(exchanges, exchanges, network="lan", most_seconds=0.01)


async def test_what_keeps_to_the_limits_is_let_be():
    async def body(channel):
        for _ in range(10):
            await channel.exchange(b"x", 1)
        return "done"

    limits = {"most_messages": 10, "most_seconds": 1}
    assert (await simulate(body, body, **limits)).values == ("done", "done")
