"""Every fault at every message: both parties end, with the right answer or with a typed error, in bounded time."""

import pytest
import trio

from simulator.faults import FAULTS, Corrupt, Delay, Drop, Duplicate, Gone, HalfClose, Lengthen, Truncate, parse
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
@pytest.mark.parametrize("fault", [Drop, HalfClose, Gone, Truncate, Lengthen])
async def test_a_lost_or_damaged_message_fails_both_parties(fault, sender, at):
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
async def test_a_delay_beyond_the_silence_limit_is_silence(sender, at):
    result = await run(Delay(sender, at, nanoseconds=61 * 10**9))
    assert_typed_errors(result)
    receiver = result.outcomes[1 - sender]
    assert any("nothing came for 60 s" in str(leaf) for leaf in leaves(receiver.error))


async def test_a_long_transfer_is_not_silence():
    """Two minutes of bytes: whoever waits for the message hears it all along."""
    crawling = Network("crawling", latency_ns=1000, up=8000, down=8000)
    size = 120_000

    async def server(channel):
        await channel.send(bytes(size))

    async def client(channel):
        return len(await channel.recv(size))

    result = await simulate(server, client, network=crawling)  # and the server waits for the farewell as long
    assert result.values == (None, size)
    assert result.virtual_ns > 2 * MINUTE - MINUTE // 10


@everywhere
@both_ways
async def test_a_process_that_is_gone_says_nothing_more(sender, at):
    result = await run(Gone(sender, at))
    gone, survivor = result.outcomes[sender], result.outcomes[1 - sender]
    assert "is gone" in str(gone.error)
    assert any("closed the connection" in str(leaf) for leaf in leaves(survivor.error))
    assert all(line.arrives_ns is None for line in [line for line in result.log if line.sender == sender][at:])
    with pytest.raises((TransportError, ExceptionGroup)) as caught:
        result.check()
    assert caught.value is survivor.error  # the one who can tell


async def test_a_program_is_stopped_where_it_is_when_its_process_ends():
    reached = []

    async def server(channel):
        await channel.exchange(b"", 0)
        try:
            await channel.exchange(b"", 0)
        finally:
            with pytest.raises(TransportError):
                await channel.send(b"last words")
        reached.append("the end")

    async def client(channel):
        await channel.exchange(b"", 0)
        await channel.recv(10)

    await simulate(server, client, faults=[Gone(0, 1)], check=False)
    assert not reached


@everywhere
@both_ways
async def test_a_message_that_arrives_twice_is_one_too_many(sender, at):
    outcomes = (await run(Duplicate(sender, at))).outcomes
    assert any(isinstance(leaf, PeerError) for leaf in leaves(outcomes[1 - sender].error))
    assert outcomes[sender].error or outcomes[sender].value == EXPECTED[sender]


async def test_a_second_copy_of_the_last_message_is_noticed():
    """Every message is as long as the next, so that only the surplus at the end tells."""

    async def body(channel):
        return [await channel.exchange(bytes([step]), 1) for step in range(3)]

    for at in range(3):
        result = await simulate(body, body, faults=[Duplicate(0, at)], check=False)
        assert isinstance(result.outcomes[1].error, PeerError)
        assert "more messages than the protocol has" in str(result.outcomes[1].error)
        assert "farewell" in str(result.outcomes[1].error)


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
@pytest.mark.parametrize("fault", [Drop, HalfClose, Gone, Truncate, Lengthen])
async def test_a_lost_farewell_fails_the_party_that_waits_for_it(fault, sender):
    result = await run(fault(sender, MESSAGES))
    assert isinstance(result.outcomes[1 - sender].error, PeerError | TransportError)
    assert result.virtual_ns < 3 * MINUTE


@both_ways
@pytest.mark.parametrize("byte", range(66))
async def test_a_changed_farewell_is_never_believed(sender, byte):
    result = await run(Corrupt(sender, MESSAGES, bit=8 * byte), digest=True)
    assert isinstance(result.outcomes[1 - sender].error, PeerError)


async def test_a_changed_abort_still_ends_the_wait():
    async def server(channel):
        raise ValueError

    async def client(channel):
        await channel.recv(1)

    for byte in range(49):
        for place in (0, 7):
            faults = [Corrupt(0, 0, bit=8 * byte + place)]
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


WRITTEN = {
    "drop:client@12": Drop(1, 12),
    "half-close:server@0": HalfClose(0, 0),
    "gone:client@3": Gone(1, 3),
    "duplicate:server@5": Duplicate(0, 5),
    "truncate:client@4:9": Truncate(1, 4, nbytes=9),
    "lengthen:server@4:16": Lengthen(0, 4, nbytes=16),
    "corrupt:client@7:255": Corrupt(1, 7, bit=255),
    "delay:server@3:2s": Delay(0, 3, nanoseconds=2 * 10**9),
    "delay:server@3:2001ms": Delay(0, 3, nanoseconds=2_001_000_000),
    "delay:server@3:7ns": Delay(0, 3, nanoseconds=7),
    "delay:server@3:0s": Delay(0, 3, nanoseconds=0),
}


@pytest.mark.parametrize(("text", "fault"), WRITTEN.items())
def test_a_fault_has_one_written_form(text, fault):
    assert parse(text) == fault
    assert str(fault) == text


def test_every_fault_is_written_and_amounts_may_be_left_out():
    assert {type(fault) for fault in WRITTEN.values()} == set(FAULTS.values())
    assert parse("truncate:client@4") == Truncate(1, 4, nbytes=1)
    assert parse("corrupt:client@4") == Corrupt(1, 4, bit=0)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "drop",
            "drop:client",
            "drop:client@",
            "drop:third@1",
            "drop:client@-1",
            "drop:client@1:1",
            "lose:client@1",
        ),
        *("delay:server@3", "delay:server@3:", "delay:server@3:2", "delay:server@3:2h", "delay:server@3:-2s"),
        *(
            "truncate:client@1:x",
            "truncate:client@1:1_0",
            "truncate:client@1:1s",
            "drop:client@1 ",
            "drop:client@\u0661",
        ),
    ],
)
def test_what_is_no_fault_is_refused(text):
    with pytest.raises(LocalError, match=r"is not a fault.*drop:client@12"):
        parse(text)


def test_a_fault_that_cannot_be_is_refused():
    for made in (lambda: Drop(2, 0), lambda: Drop(0, -1), lambda: Delay(0, 0, nanoseconds=-1)):
        with pytest.raises(LocalError):
            made()


async def test_faults_strike_alike_in_every_run():
    runs = [await run(Delay(0, 1, nanoseconds=3), Truncate(1, 2)) for _ in range(5)]
    assert all(each.log == runs[0].log for each in runs)
    assert len({str(each.outcomes[0].error) for each in runs}) == 1
