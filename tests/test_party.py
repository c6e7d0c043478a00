"""A party: its forks share nothing that must be used once, and its parallel branches end together."""

from __future__ import annotations

import numpy as np
import pytest
import trio

from simulator.simulation import simulate
from sirnn import ring
from sirnn.crypto.randomness import InsecureSeededRandomness, SystemRandomness
from sirnn.errors import LocalError
from sirnn.party import Party
from tests.harness import run_both


def party_on(channel, seed=1):
    return Party(channel, randomness=InsecureSeededRandomness(seed + channel.role), session=b"a session")


async def on_both(body):
    return (await simulate(body, body)).values


async def test_forks_draw_masks_of_their_own():
    async def body(channel):
        party = party_on(channel)
        one, other = party.fork("x"), party.fork("x")
        return [source.randomness.bytes(32) for source in (one, other, party, one.fork("y"))]

    for drawn in await on_both(body):
        assert len(set(drawn)) == len(drawn)


async def test_what_a_fork_draws_does_not_depend_on_when():
    """Concurrent forks draw in whatever order they are scheduled; a seeded run must not notice."""

    def drawing(order):
        async def body(channel):
            party = party_on(channel)
            forks = [party.fork(f"{number}") for number in range(2)]
            return {number: forks[number].randomness.bytes(16) for number in order}

        return body

    assert await on_both(drawing((0, 1))) == await on_both(drawing((1, 0)))


async def test_fresh_keys_are_the_same_at_both_parties_and_never_twice():
    async def body(channel):
        party = party_on(channel)
        fork = party.fork("x")
        return [who.fresh_key(purpose) for who in (party, fork, party.fork("x")) for purpose in ("a", "a", "b")]

    server, client = await on_both(body)
    assert server == client
    assert len(set(server)) == len(server)


async def test_keys_of_another_session_are_others():
    async def body(channel):
        return [
            Party(channel, randomness=SystemRandomness(), session=session).fresh_key("a") for session in (b"1", b"2")
        ]

    for one, other in await on_both(body):
        assert one != other


async def test_a_seed_is_refused_on_a_real_channel():
    async def body(channel):
        with pytest.raises(LocalError, match="seeded randomness"):
            party_on(channel)

    await run_both(body, body, over="tcp")


@pytest.mark.parametrize(("value", "bits"), [(5, 3), (-1, 8), (np.array([1, -2, 3]), 16), (1 << 40, 64)])
async def test_a_constant_adds_up_to_itself(value, bits):
    async def body(channel):
        return party_on(channel).constant(value, bits).words

    first, second = await on_both(body)
    expected = [number % (1 << bits) for number in np.asarray(value).ravel().tolist()]
    assert ring.reduce(first + second, bits).ravel().tolist() == expected


async def test_results_come_in_the_order_of_the_branches():
    async def body(channel):
        async def branch(party, number):
            await party.channel.exchange(bytes([number]), 1)
            return number

        return await party_on(channel).parallel(*(lambda p, n=n: branch(p, n) for n in range(5)))

    assert await on_both(body) == ((0, 1, 2, 3, 4), (0, 1, 2, 3, 4))


async def test_the_first_error_stops_the_others_and_is_raised_as_it_is():
    stopped = []

    async def body(channel):
        async def waits(party):
            try:
                await party.channel.recv(1)
            except trio.Cancelled:
                stopped.append(party.role)
                raise

        async def fails(_):
            raise LocalError("on purpose")

        await party_on(channel).parallel(waits, fails)

    result = await simulate(body, body, check=False)
    for outcome in result.outcomes:
        assert isinstance(outcome.error, LocalError)
        assert outcome.error.problem == "on purpose"
    assert sorted(stopped) == [0, 1]
