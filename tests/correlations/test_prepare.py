"""Preparing: at the declared cost, only what is missing, from every source, alike at both parties whatever runs."""

import numpy as np
import pytest
import trio

from sirnn import ring
from sirnn.blocks.comparison import msb, msb_cost
from sirnn.blocks.conversion import b2a, b2a_cost, mux, mux_cost
from sirnn.blocks.lookup import lookup, lookup_cost
from sirnn.channel import Phase
from sirnn.correlations.prepare import plan, prepare
from sirnn.correlations.supply import SOURCES, Supply
from sirnn.cost import parallel
from sirnn.crypto.confined import Confined
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.errors import LocalError, PeerError
from sirnn.ot.rows import COTS
from sirnn.ot.setup import set_up_cost
from sirnn.ot.source import choices
from sirnn.profile import Profile
from sirnn.session import start_session
from sirnn.shares import ArithmeticShare
from tests.harness import run_both
from tests.ot.parties import declared, measured

EXACT = Profile.EXACT
DEMAND = {COTS[0]: 700, COTS[1]: 90, "selector/3+2": 40, "selector/2+0": 3}


async def run_parties(body, *, over="sim", seed=0, **options):
    def at(role):
        async def run(channel):
            own = InsecureSeededRandomness(2 * seed + role) if over == "sim" else None
            return await body(await start_session(channel, profile=EXACT, randomness=own, **session(role)))

        return run

    def session(role):
        return {key: value(role) if callable(value) else value for key, value in options.items()}

    return await run_both(at(0), at(1), over=over)


def halves(x, bits, role):
    mask = ring.reduce(np.random.default_rng(9).integers(0, 2**63, x.shape, dtype=np.uint64), bits)
    return ArithmeticShare(mask if role == 0 else ring.reduce(x.astype(np.uint64) - mask, bits), bits)


@pytest.mark.parametrize("name", ["auto", *SOURCES])
async def test_every_source_makes_a_demand_at_the_declared_cost(name):
    async def body(party):
        planned = plan(EXACT, DEMAND, party.store, party.supply)
        assert await prepare(party, DEMAND) == planned
        assert party.store.missing(DEMAND) == {}
        rows = [party.store.take(kind, 700 if sender == 0 else 90)[0] for sender, kind in enumerate(COTS)]
        return planned, rows, party.ot.narrow.sender.secret

    outcome = await run_parties(body, supply=lambda _: Supply(name))
    planned = outcome.values[0][0]
    assert measured(outcome, Phase.OFFLINE) == declared(planned.offline)
    assert measured(outcome, Phase.SETUP)[0][0] - set_up_cost(EXACT).sent[0] >= planned.set_up.sent[0]
    for sender in (0, 1):
        q, t = outcome.values[sender][1][sender], outcome.values[1 - sender][1][sender]
        delta = outcome.values[sender][2]
        assert np.array_equal(t, q ^ (np.negative(choices(t).astype(np.uint64))[:, None] & delta))


async def test_what_is_there_is_not_made_again():
    async def body(party):
        await prepare(party, DEMAND)
        before = party.channel.traffic(Phase.OFFLINE).payload, dict(party.store.remains)
        await prepare(party, DEMAND)
        after = party.channel.traffic(Phase.OFFLINE).payload, dict(party.store.remains)
        assert before == after
        more = {**DEMAND, "selector/3+2": 41}
        assert (await prepare(party, more)).derived == {"selector/3+2": 1}
        assert party.store.left("selector/3+2") == 41

    await run_parties(body)


@pytest.mark.parametrize("over", ["sim", "tcp"])
async def test_concurrent_forks_get_matching_correlations_under_any_schedule(over):
    """Both parties dawdle at places of their own: results must be right and each fork must use up what it was given."""
    n, bits = 50, 9
    x = np.arange(n, dtype=np.uint64) * np.uint64(11) % np.uint64(1 << bits)
    table = np.arange(1 << bits, dtype=np.uint16) * np.uint16(3)
    tables = {"tables": [table], "out_bits": [bits]}
    look = lookup_cost(EXACT, n, bits=bits, out_bits=[bits])
    sign = msb_cost(EXACT, n, bits=bits) + b2a_cost(EXACT, n, bits=bits)
    kept = msb_cost(EXACT, n, bits=bits) + mux_cost(EXACT, n, bits=bits)
    nested = parallel(sign, look) + sign
    total = parallel(look, sign, kept, nested, sign)

    for schedule in range(8):
        rng = np.random.default_rng(schedule)

        async def body(party, rng=rng):
            await prepare(party, total.demand)
            share = halves(x, bits, party.role)

            async def dawdle():
                for _ in range(int(rng.integers(0, 20))):
                    await trio.lowlevel.checkpoint()

            async def signs(p):
                await dawdle()
                bit = await msb(p, share)
                await dawdle()
                return await b2a(p, bit, bits=bits)

            async def positive(p):
                bit = await msb(p, share)
                await dawdle()
                return await mux(p, bit, share)

            async def looked_up(p):
                await dawdle()
                return (await lookup(p, share, **tables))[0]

            async def both(p):
                await dawdle()
                first, second = await p.parallel((sign, signs), (look, looked_up))
                return first + second + await signs(p)

            results = await party.parallel(
                (look, looked_up), (sign, signs), (kept, positive), (nested, both), (sign, signs)
            )
            return [result.words for result in results]

        outcome = await run_parties(body, over=over, seed=schedule)
        got = [ring.reduce(a + b, bits) for a, b in zip(*outcome.values, strict=True)]
        top, entry = x >> np.uint64(bits - 1), ring.reduce(table[x], bits)
        for result, expected in zip(got, [entry, top, top * x, 2 * top + entry, top], strict=True):
            assert np.array_equal(result, ring.reduce(expected.astype(np.uint64), bits))


async def test_running_out_names_the_protocol_and_the_amount():
    async def body(party):
        await prepare(party, {COTS[0]: 10, COTS[1]: 10})
        await b2a(party, (await msb(party, halves(np.arange(100), 16, party.role))), bits=4)

    with pytest.raises(LocalError, match=r"msb.* needs [0-9,]+ more of cot/server.*prepare"):
        await run_parties(body)


@pytest.mark.parametrize("fork", [False, True])
async def test_or_refills_where_that_is_allowed(fork):
    x = np.arange(100, dtype=np.uint64) << np.uint64(9)

    async def body(party):
        share = halves(x, 16, party.role)
        if not fork:
            return (await msb(party, share)).words
        cost = msb_cost(EXACT, 100, bits=16)
        a, b = await party.parallel((cost, lambda p: msb(p, share)), (cost, lambda p: msb(p, share)))
        assert np.array_equal(a.words ^ b.words, (a ^ b).words)
        return a.words

    outcome = await run_parties(body, refill=True)
    assert np.array_equal(outcome.values[0] ^ outcome.values[1], x >> np.uint64(15))


async def test_a_fork_does_not_prepare():
    async def body(party):
        await prepare(party.fork("sub"), DEMAND)

    with pytest.raises(LocalError, match="at its root"):
        await run_parties(body)


async def test_parties_with_different_sources_do_not_start():
    with pytest.raises(PeerError, match="random OTs"):
        await run_parties(prepare, supply=lambda role: Supply(["iknp", "softspoken-8"][role]))


def test_a_source_nobody_knows():
    with pytest.raises(LocalError, match="softspoken-3"):
        Supply("softspoken-3")


def test_small_demands_pay_no_big_set_up_and_slow_networks_get_the_shorter_messages():
    for megabits, count, expected in [
        (1000, 1000, "softspoken-8"),
        (1000, 5_000_000, "ferret-b10"),
        (2, 50_000_000, "ferret-b13"),
        (10, 1000, "softspoken-8"),
    ]:
        assert Supply(megabits_per_second=megabits).choose(count, 0) == expected


async def test_progress_reaches_the_end():
    told = {}

    async def body(party):
        def note(kind, done, total):
            told[kind] = (done, total)

        await prepare(party, DEMAND, progress=note if party.is_server else None)

    await run_parties(body)
    assert set(told) == set(COTS)
    assert all(done == total for done, total in told.values())


@pytest.mark.parametrize("name", ["softspoken-8", "ferret-b10"])
async def test_a_supply_serves_one_session(name, monkeypatch):
    """In a second one its seeds fit the first one's Delta: without the guard, rows that are wrong and do not say so."""
    demand = {COTS[0]: 300}

    async def rows(party):
        await prepare(party, demand)
        return party.store.take(COTS[0], 300)[0], party.ot.narrow.sender.secret

    async def wrong(supplies, seed):
        outcome = await run_parties(rows, seed=seed, supply=lambda role: supplies[role])
        (q, delta), (t, _) = outcome.values
        return not np.array_equal(t, q ^ (np.negative(choices(t).astype(np.uint64))[:, None] & delta))

    supplies = [Supply(name), Supply(name)]
    assert not await wrong(supplies, seed=0)
    with pytest.raises(LocalError, match=r"this supply has served a session.*of its own"):
        await wrong(supplies, seed=1)
    monkeypatch.setattr(Confined, "bind", lambda self, session: self.stay())
    supplies = [Supply(name), Supply(name)]
    assert not await wrong(supplies, seed=0)
    assert await wrong(supplies, seed=1)
