"""Lookups out of selectors, and what turns their results into numbers, in the profiles that make correlations ahead."""

import numpy as np
import pytest

from simulator.check import Case, exhaustive_case, random_case, run_case
from sirnn import ring
from sirnn.blocks.lookup import lookup_bits_cost, lookup_cost, widest
from sirnn.blocks.split_lookup import split, split_lookup, split_lookup_cost
from sirnn.blocks.tables import example_tables
from sirnn.blocks.words import bit_vector_product
from sirnn.correlations.kinds import offline_cost, price
from sirnn.errors import LocalError
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, Bool, ProtocolSpec
from sirnn.shares import ArithmeticShare, BooleanShare
from tests.correlations.parties import AHEAD, run_ahead
from tests.ot.parties import declared, measured

NAMES = ["split_lookup", "lookup", "lookup_bits", "compose", "bit_vector_product"]
EXAMPLES = [(REGISTRY[name], params) for name in NAMES for params in REGISTRY[name].examples]


async def check_ahead(spec: ProtocolSpec, case: Case) -> None:
    """Run a registered protocol on a case out of a store with exactly its declared demand: value, bytes and flights."""
    cost = spec.cost(AHEAD, case.size, case.params)
    outcome = await run_ahead(lambda party: run_case(party, case, scope="case"), cost.demand, seed=case.size)
    expected = spec.functionality(case.clear, case.params)
    for kind, want, a, b in zip(spec.gives(case.params), expected, *outcome.values, strict=True):
        bits = kind.width(case.params)
        assert a.dtype == b.dtype == want.astype(ring.dtype_for(bits)).dtype
        assert np.array_equal(ring.reduce(a ^ b if isinstance(kind, Bool) else a + b, bits), want)
    assert measured(outcome) == declared(cost)


def label(value):
    if isinstance(value, dict):
        return ",".join(f"{key}={entry}" for key, entry in value.items() if key != "tables")
    return value.name


@pytest.mark.parametrize(("spec", "params"), EXAMPLES, ids=label)
async def test_values_bytes_flights_and_demand(spec, params):
    for size in (0, 1, 3, 17, 200):
        await check_ahead(spec, random_case(spec, params, size, seed=size))


@pytest.mark.parametrize(
    ("bits", "out_bits"), [(1, (2,)), (2, (1, 3)), (3, (9,)), (4, (64,)), (5, (1,)), (6, (4, 1, 13)), (8, (14,))]
)
@pytest.mark.parametrize("name", NAMES[:3])
async def test_every_index_and_every_sharing(name, bits, out_bits):
    spec = REGISTRY[name]
    await check_ahead(spec, exhaustive_case(spec, example_tables(bits, *out_bits)))


@pytest.mark.parametrize(
    ("bits", "out_bits"), [(9, (12, 12)), (10, (16,)), (11, (1,)), (12, (7, 14, 40)), (16, (5, 11))]
)
@pytest.mark.parametrize("name", NAMES[:3])
async def test_wide_indices(name, bits, out_bits):
    spec = REGISTRY[name]
    await check_ahead(spec, random_case(spec, example_tables(bits, *out_bits), 500, seed=bits))


async def test_shapes_are_kept():
    cost = split_lookup_cost(AHEAD, 6, bits=4, out_bits=[5])
    table = np.arange(16, dtype=np.uint8)

    async def body(party):
        index = np.full((2, 3), 9 * party.role, np.uint8)
        (entry,) = await split_lookup(party, ArithmeticShare(index, 4), tables=[table], out_bits=[5])
        return entry.words

    outcome = await run_ahead(body, cost.demand)
    assert np.array_equal(outcome.values[0] ^ outcome.values[1], np.full((2, 3), 9))


async def test_nothing_that_is_opened_depends_on_the_index(monkeypatch):
    """Both messages of either party, for one index throughout: every bit is a fair coin."""
    n, bits, width = 1 << 13, 8, 14
    params = example_tables(bits, width)
    cost = split_lookup_cost(AHEAD, n, bits=bits, out_bits=[width])
    sent = {0: [], 1: []}

    async def body(party: Party):
        exchange = party.channel.exchange

        async def recorded(payload, nbytes):
            sent[party.role].append(bytes(payload))
            return await exchange(payload, nbytes)

        monkeypatch.setattr(party.channel, "exchange", recorded)
        index = ArithmeticShare(np.full(n, 3 * party.role, np.uint8), bits)
        (entry,) = await split_lookup(party, index, tables=params["tables"], out_bits=[width])
        return entry.words

    outcome = await run_ahead(body, cost.demand)
    assert set((outcome.values[0] ^ outcome.values[1]).tolist()) == {int(params["tables"][0][3])}
    low, high = split(AHEAD, bits, width)
    assert (low, high) == (6, 2)
    for role in (0, 1):
        first, second = sent[role]
        assert len(first) == n * (bits + 3) // 8
        assert len(second) == n * 3 * width // 8
        opened = np.unpackbits(np.frombuffer(first[:n], np.uint8)).reshape(n, bits)
        answers = np.unpackbits(np.frombuffer(second, np.uint8)).reshape(n, -1)
        for coins in (opened, np.unpackbits(np.frombuffer(first[n:], np.uint8)).reshape(n, -1), answers):
            assert np.all(abs(coins.sum(axis=0, dtype=np.int64) - n / 2) < 2.5 * n**0.5)
        halves = np.unpackbits(outcome.values[role].view(np.uint8)).reshape(n, 16)[:, [*range(8), *range(10, 16)]]
        assert np.all(abs(halves.sum(axis=0, dtype=np.int64) - n / 2) < 2.5 * n**0.5)


def test_an_8_bit_index_for_14_bits_takes_less_than_36_bytes():
    """Everything offline counted, with COTs at what the larger silent sources and the smallest take."""
    cost = split_lookup_cost(AHEAD, 8, bits=8, out_bits=[14])
    ahead = offline_cost(AHEAD, cost.demand)
    bits = cost.payload + ahead.payload
    cots = sum(each.demand.get(kind, 0) for each in (cost, ahead) for kind in ("cot/server", "cot/client")) / 8
    assert (bits, cots, cost.flights) == (250, 20, 2)
    assert bits + 0.28 * cots < 256
    assert bits + 1.38 * cots < 280


def test_the_split_is_the_cheapest():
    assert split(AHEAD, 8, 14) == (6, 2)
    assert split(AHEAD, 1, 1) == (1, 0)
    assert split(AHEAD, 8, 64)[0] > split(AHEAD, 8, 1)[0]
    for profile, bits in ((Profile.PAPER, 8), (AHEAD, 17)):
        with pytest.raises(LocalError, match="split lookup"):
            split(profile, bits, 8)


def test_a_lookup_goes_the_cheaper_way():
    for bits in range(1, 9):
        for width in (1, 4, 14):
            by_split = price(AHEAD, split_lookup_cost(AHEAD, 8, bits=bits, out_bits=[width]))
            assert price(AHEAD, lookup_bits_cost(AHEAD, 8, bits=bits, out_bits=[width])) <= by_split
    # A table of two entries is one OT; one of 256 is a selector.
    assert "cot/server" in lookup_cost(AHEAD, 8, bits=1, out_bits=[3]).demand
    assert "selector/6+2" in lookup_cost(AHEAD, 8, bits=8, out_bits=[14]).demand
    assert (widest(Profile.PAPER), widest(AHEAD)) == (8, 16)


async def test_profile_paper_has_no_split_lookup():
    with pytest.raises(LocalError, match="profile paper"):
        split_lookup_cost(Profile.PAPER, 8, bits=4, out_bits=[3])
    assert Profile.PAPER not in REGISTRY["split_lookup"].profiles


async def test_tables_that_do_not_fit():
    x = ArithmeticShare(np.zeros(2, np.uint8), 3)

    async def refused(tables, out_bits):
        with pytest.raises(LocalError, match="tables of lengths"):
            await run_ahead(lambda party: split_lookup(party, x, tables=tables, out_bits=out_bits), {})

    await refused([np.zeros(7, np.uint8)], [8])
    await refused([np.zeros(8, np.uint64)] * 2, [33, 32])


async def test_a_product_that_does_not_fit():
    word, y = BooleanShare(np.zeros(2, np.uint8), 3), ArithmeticShare(np.zeros(2, np.uint8), 5)
    for bad, out_bits in ((y, 6), (y[:1], 4)):
        with pytest.raises(LocalError, match="times"):
            await run_ahead(lambda party, bad=bad, out=out_bits: bit_vector_product(party, word, bad, out_bits=out), {})
