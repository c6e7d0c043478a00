"""Every fault at every message: both parties end, with the right answer or with a typed error, in bounded time."""

import pytest
import trio

from simulator.faults import Corrupt, Delay, Drop, HalfClose, Truncate
from simulator.network import Network
from simulator.simulation import simulate
from sirnn.errors import LocalError, PeerError, SirnnError, TransportError

MINUTE = 60_000_000_000


async def body(channel):
    """A small job with everything in it: exchanges, both directions, forks side by side."""
    heard = [await channel.exchange(bytes([channel.role, 7]), 2)]

    async def branch(fork, first):
        if fork.role == first:
            await fork.send(b"choice")
            heard.append(await fork.recv(4))
        else:
            await fork.recv(6)
            await fork.send(b"pads")
        fork.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(branch, channel.fork("left"), 0)
        nursery.start_soon(branch, channel.fork("right"), 1)
    heard.append(await channel.exchange(b"bye", 3))
    return heard


MESSAGES = 4  # of each direction: exchange, a message of each fork, exchange
EXPECTED = ([b"\x01\x07", b"pads", b"bye"], [b"\x00\x07", b"pads", b"bye"])

everywhere = pytest.mark.parametrize("at", range(MESSAGES))
both_ways = pytest.mark.parametrize("sender", [0, 1])


def leaves(error):
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in leaves(each)]
    return [error]


async def run(*faults, digest=False):
    return await simulate(body, body, faults=faults, digest=digest, check=False)


def assert_typed_errors(result):
    for outcome in result.outcomes:
        assert outcome.error is not None
        assert all(isinstance(leaf, SirnnError) for leaf in leaves(outcome.error)), outcome.error
    assert result.virtual_ns < 3 * MINUTE


async def test_without_a_fault():
    result = await run()
    assert result.values == EXPECTED
    assert sum(line.sender == 0 for line in result.log) == MESSAGES + 1  # and a farewell


@everywhere
@both_ways
@pytest.mark.parametrize("fault", [Drop, HalfClose, Truncate])
async def test_a_lost_or_shorter_message_fails_both_parties(fault, sender, at):
    result = await run(fault(sender, at))
    assert_typed_errors(result)


@everywhere
@both_ways
async def test_what_a_dead_link_is_called(sender, at):
    receiver = (await run(Drop(sender, at))).outcomes[1 - sender]
    assert any(isinstance(leaf, TransportError) and "nothing came" in str(leaf) for leaf in leaves(receiver.error))


@everywhere
@both_ways
async def test_a_delay_costs_time_and_nothing_else(sender, at):
    unshared = Network("unshared", latency_ns=1000)  # no bandwidth to wait for, so the delay is all there is
    fast = await simulate(body, body, network=unshared)
    slow = await simulate(body, body, network=unshared, faults=[Delay(sender, at, nanoseconds=10**9)])
    assert slow.values == EXPECTED
    assert slow.virtual_ns == fast.virtual_ns + 10**9


@everywhere
@both_ways
async def test_a_changed_byte_is_seen_by_the_digest_and_by_nothing_else(sender, at):
    blind = await run(Corrupt(sender, at))
    assert [outcome.error for outcome in blind.outcomes] == [None, None]
    seeing = await run(Corrupt(sender, at), digest=True)
    for outcome in seeing.outcomes:
        assert isinstance(outcome.error, PeerError)
    assert any("different transcripts" in str(outcome.error) for outcome in seeing.outcomes)


@both_ways
@pytest.mark.parametrize("fault", [Drop, HalfClose, Truncate])
async def test_a_lost_farewell_fails_the_party_that_waits_for_it(fault, sender):
    result = await run(fault(sender, MESSAGES))
    assert isinstance(result.outcomes[1 - sender].error, PeerError | TransportError)
    assert result.virtual_ns < 3 * MINUTE


@both_ways
@pytest.mark.parametrize("byte", range(66))
async def test_a_changed_farewell_is_never_believed(sender, byte):
    result = await run(Corrupt(sender, MESSAGES, byte=byte), digest=True)
    assert isinstance(result.outcomes[1 - sender].error, PeerError)


async def test_a_changed_abort_still_ends_the_wait():
    async def server(channel):
        raise ValueError

    async def client(channel):
        await channel.recv(1)

    for byte in range(49):
        for mask in (0x01, 0x80):
            faults = [Corrupt(0, 0, byte=byte, mask=mask)]
            result = await simulate(server, client, faults=faults, check=False)
            error = result.outcomes[1].error
            assert isinstance(error, PeerError)
            assert str(error).isprintable()


async def test_two_faults_at_once():
    assert_typed_errors(await run(Drop(0, 2), Drop(1, 1)))
    result = await run(Delay(0, 1, nanoseconds=5), Delay(1, 2, nanoseconds=7))
    assert result.values == EXPECTED


async def test_a_fault_that_cannot_strike_is_refused():
    async def empty(channel):
        await channel.exchange(b"", 0)

    for fault in (Corrupt(0, 0), Truncate(1, 0)):
        with pytest.raises(LocalError, match="needs a message of 1 bytes or more"):
            await simulate(empty, empty, faults=[fault], check=False)


async def test_faults_strike_alike_in_every_run():
    runs = [await run(Delay(0, 1, nanoseconds=3), Truncate(1, 2)) for _ in range(5)]
    assert all(each.log == runs[0].log for each in runs)
    assert len({str(each.outcomes[0].error) for each in runs}) == 1
