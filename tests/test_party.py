"""A party: its forks share nothing that must be used once, and its parallel branches end together."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
import trio

from simulator.simulation import simulate
from sirnn import ring
from sirnn.correlations.store import Store
from sirnn.cost import FREE, Cost
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


async def test_any_randomness_but_the_systems_is_refused_on_a_real_channel():
    class Disguised(InsecureSeededRandomness):
        pass

    async def body(channel):
        for mine in (Disguised(1), InsecureSeededRandomness(1).fork("x")):
            with pytest.raises(LocalError, match="seeded randomness"):
                Party(channel, randomness=mine, session=b"a session")
        Party(channel, randomness=SystemRandomness().fork("x"), session=b"a session")

    await run_both(body, body, over="tcp")


async def test_what_a_party_was_made_with_stays():
    async def body(channel):
        party = party_on(channel)
        for name in ("channel", "randomness", "session", "profile", "supply"):
            with pytest.raises(AttributeError):
                setattr(party, name, getattr(party, name))

    await on_both(body)


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

        return await party_on(channel).parallel(*((Cost.exchange(8), lambda p, n=n: branch(p, n)) for n in range(5)))

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

        await party_on(channel).parallel((Cost.message(0, 8), waits), (FREE, fails))

    result = await simulate(body, body, check=False)
    for outcome in result.outcomes:
        assert isinstance(outcome.error, LocalError)
        assert outcome.error.problem == "on purpose"
    assert sorted(stopped) == [0, 1]


# ------------------------------------------------------------ correlations made ahead


def stocked(channel, count):
    """A party whose store holds the numbers 0, 1, ... as correlations of kind "x"."""
    store = Store()
    store.put("x", (np.arange(count),))
    return Party(channel, randomness=InsecureSeededRandomness(1), session=b"a session", store=store)


async def test_branches_are_dealt_what_they_declare_in_their_order():
    """Whichever draws first; and what nobody declared stays with the party."""

    async def body(channel):
        party, ready = stocked(channel, 10), trio.Event()

        async def late(fork):
            await ready.wait()
            return (await fork.draw("x", 3))[0].tolist()

        async def early(fork):
            drawn = [int((await fork.draw("x", 1))[0][0]) for _ in range(2)]
            ready.set()
            return drawn

        dealt = await party.parallel((Cost(demand={"x": 3}), late), (Cost(demand={"x": 2}), early))
        return dealt, party.store.remains

    assert await on_both(body) == ((([0, 1, 2], [3, 4]), {"x": 5}),) * 2


@pytest.mark.parametrize(
    ("declared", "drawn", "problem"),
    [(3, 2, "declared more correlations than it used"), (2, 3, "needs 1 more of x"), (11, 11, "needs 1 more of x")],
)
async def test_a_branch_that_draws_other_than_it_declares_is_an_error(declared, drawn, problem):
    async def body(channel):
        async def draws(fork):
            return await fork.draw("x", drawn)

        async def nothing(_):
            pass

        await stocked(channel, 10).parallel((Cost(demand={"x": declared}), draws), (FREE, nothing))

    result = await simulate(body, body, check=False)
    assert [problem in outcome.error.problem for outcome in result.outcomes] == [True, True]


async def test_drawing_none_is_refused_in_words():
    """An empty batch of a kind whose arrays nobody has seen has no shape."""

    async def body(channel):
        party = stocked(channel, 3)
        for count in (0, -1):
            with pytest.raises(LocalError, match=f"{count} of x are drawn .in /.; draw at least 1"):
                await party.draw("x", count)
        return party.store.remains

    assert await on_both(body) == ({"x": 3}, {"x": 3})


@pytest.mark.parametrize("nested", [False, True])
async def test_a_store_that_is_short_is_told_whose_fault_it_is(nested):
    """A fork was handed what its cost says; a party what was prepared."""

    async def draws(party):
        await party.draw("x", 5)

    async def forks(party):
        await party.parallel((Cost(demand={"x": 5}), draws))

    async def body(channel):
        inner = forks if nested else draws
        await stocked(channel, 10).parallel((Cost(demand={"x": 4}), inner))

    result = await simulate(body, body, check=False)
    for outcome in result.outcomes:
        assert outcome.error.remedy == "correct the cost it was forked with"

    async def root(channel):
        await stocked(channel, 4).draw("x", 5)

    assert "prepare the declared demand" in (await simulate(root, root, check=False)).outcomes[0].error.remedy


async def test_every_branch_is_watched_where_it_runs():
    seen = []

    @contextmanager
    def watch(channel, cost):
        before = channel.depth
        yield
        seen.append((channel.role, channel.path, cost.payload, channel.carried, channel.depth - before))

    async def body(channel):
        party = party_on(channel)
        party.watch = watch

        async def inner(fork):
            await fork.channel.exchange(b"ab", 2)

        async def outer(fork):
            await fork.parallel((Cost.exchange(16), inner))

        await party.parallel((Cost.exchange(16), outer))

    await on_both(body)
    assert sorted(seen) == [(role, path, 4, (2, 2), 1) for role in (0, 1) for path in ("/0", "/0/0")]
