"""Every wait ends, and both parties learn why."""

import pytest
import trio
import trio.lowlevel

from sirnn.errors import LocalError, PeerError, SirnnError


def error_of(result, role):
    error = result.outcomes[role].error
    assert isinstance(error, SirnnError), result.outcomes
    return error


async def test_a_party_that_fails_ends_the_peers_wait(run_pair):
    async def server(channel):
        await channel.exchange(b"", 0)
        raise LocalError("the secret reason")

    async def client(channel):
        await channel.exchange(b"", 0)
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(channel.fork("waiting").recv, 1)

    result = await run_pair(server, client)
    assert result.outcomes[0].error.problem == "the secret reason"
    group = result.outcomes[1].error
    for error in group.exceptions:
        assert isinstance(error, PeerError)
        assert "stopped with LocalError" in str(error)
        assert "secret" not in str(error)


async def test_any_exception_ends_the_peers_wait(run_pair):
    async def server(channel):
        raise ZeroDivisionError("secret")

    async def client(channel):
        await channel.recv(1)

    error = error_of(await run_pair(server, client), 1)
    assert isinstance(error, PeerError)
    assert "ZeroDivisionError" in str(error)
    assert "secret" not in str(error)


async def test_what_was_sent_before_a_failure_still_arrives(run_pair):
    async def server(channel):
        await channel.send(b"last words")
        raise ValueError

    async def client(channel):
        said = await channel.recv(10)
        with pytest.raises(PeerError, match="ValueError"):
            await channel.recv(1)
        return said

    result = await run_pair(server, client)
    # The client's body caught the error, so it is the farewell that tells of it.
    assert isinstance(error_of(result, 1), PeerError)


async def test_sending_to_a_party_that_failed_ends(run_pair):
    async def server(channel):
        raise ValueError

    async def client(channel):
        while True:
            await channel.send(bytes(100_000))
            await trio.lowlevel.checkpoint()
            await channel.exchange(b"", 0)

    assert isinstance(error_of(await run_pair(server, client), 1), PeerError)


async def test_a_party_that_finishes_early_ends_the_peers_wait(run_pair):
    async def server(channel):
        pass

    async def client(channel):
        await channel.recv(1)

    result = await run_pair(server, client)
    assert "the other party has finished" in str(error_of(result, 1))
    assert "stopped with PeerError" in str(error_of(result, 0))


async def test_an_untaken_message_is_noticed_at_the_farewell(run_pair):
    async def server(channel):
        await channel.send(b"surplus")

    async def client(channel):
        pass

    result = await run_pair(server, client)
    for role in (0, 1):
        assert isinstance(error_of(result, role), PeerError)
    assert any("counted different traffic" in str(outcome.error) for outcome in result.outcomes)


async def test_closing_a_fork_with_untaken_messages_is_the_peers_error(run_pair):
    async def server(channel):
        await channel.fork("gate").send(b"surplus")
        await channel.recv(0)
        await channel.send(b"")

    async def client(channel):
        gate = channel.fork("gate")
        await channel.send(b"")
        await channel.recv(0)
        gate.close()

    error = error_of(await run_pair(server, client), 1)
    assert isinstance(error, PeerError)
    assert "more messages than the protocol has" in str(error)


async def test_a_message_on_a_closed_fork_is_the_peers_error(run_pair):
    async def server(channel):
        gate = channel.fork("gate")
        await gate.recv(1)
        await channel.recv(0)
        await gate.send(b"late")
        await channel.recv(1)

    async def client(channel):
        gate = channel.fork("gate")
        await gate.send(b"x")
        gate.close()
        await channel.send(b"")
        await channel.recv(1)

    error = error_of(await run_pair(server, client), 1)
    assert isinstance(error, PeerError)
    assert "already closed" in str(error)


async def test_a_closed_fork_cannot_be_used(run_both):
    async def body(channel):
        gate = channel.fork("gate")
        await gate.exchange(b"", 0)
        gate.close()
        for use in (gate.send(b""), gate.recv(0), gate.exchange(b"", 0)):
            with pytest.raises(LocalError, match="closed"):
                await use
        with pytest.raises(LocalError, match="closed"):
            gate.fork("product")

    await run_both(body, body)


async def test_two_receivers_on_one_fork_are_refused(run_both):
    async def server(channel):
        await channel.recv(0)
        await channel.send(b"x")

    async def client(channel):
        refused = []

        async def take():
            try:
                await channel.recv(1)
            except LocalError as error:
                refused.append(error)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(take)
            nursery.start_soon(take)
            while not refused:
                await trio.lowlevel.checkpoint()
            await channel.send(b"")
        return refused

    (refused,) = (await run_both(server, client)).values[1]
    assert "two tasks are receiving" in str(refused)


async def test_a_cancelled_receive_leaves_the_channel_usable(run_both):
    async def server(channel):
        await channel.recv(0)
        await channel.send(b"late")

    async def client(channel):
        with channel.scope("outer"):
            with trio.CancelScope() as scope, channel.scope("inner"):
                scope.cancel()
                await channel.recv(4)
            assert scope.cancelled_caught
            await channel.send(b"")
            return await channel.recv(4)

    outcome = await run_both(server, client)
    assert outcome.values[1] == b"late"
    assert {scope for _, scope in outcome.ledgers[1] if outcome.ledgers[1][_, scope].payload} == {"outer"}


async def test_a_cancelled_send_leaves_no_torn_frame(run_both):
    size = 8 << 20

    async def server(channel):
        with trio.CancelScope() as scope:
            scope.cancel()
            await channel.fork("large").send(bytes(size))
        await channel.fork("small").send(b"whole")

    async def client(channel):
        large, small = channel.fork("large"), channel.fork("small")
        return await small.recv(5), len(await large.recv(size))

    assert (await run_both(server, client)).values[1] == (b"whole", size)


async def test_the_root_stays_open_when_closed(run_both):
    async def body(channel):
        channel.fork("never used")
        channel.close()
        return await channel.exchange(b"", 0)

    assert (await run_both(body, body)).values == (b"", b"")
