"""Plans on shares: every bit as in clear, and exactly the declared cost."""

import itertools

import attrs
import numpy as np
import pytest

from simulator.check import Case, check_values, exhaustive_case, random_case, run_case
from sirnn import ring
from sirnn.blocks.carry import carry_cost, digits
from sirnn.blocks.cascade import Term, arrange
from sirnn.blocks.comparison import wrap_cost
from sirnn.compiler.evaluate import evaluate, evaluate_cost, evaluate_merged, evaluate_merged_cost
from sirnn.compiler.examples import (
    CLAMPED,
    PIECES,
    SYMMETRIC,
    TABLES,
    TOGETHER,
    example_pieces,
    example_table,
    scattered,
)
from sirnn.compiler.layout import layout
from sirnn.compiler.plan import Piecewise
from sirnn.correlations.kinds import offline_cost, price
from sirnn.cost import FREE, Cost
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY
from sirnn.shares import ArithmeticShare
from tests.correlations.parties import AHEAD, run_ahead
from tests.ot.parties import declared, measured

EVERY = [*PIECES, *TABLES, *SYMMETRIC, *CLAMPED]

ONE, SEVERAL = REGISTRY["evaluate"], REGISTRY["evaluate_merged"]

SIGMOID = example_pieces(16, 7, (0, 16383), (0, 127), shifts=(7,), drops=(9,), out_bits=16)
"""The shape of a sigmoid's plan, scale 12 to 12: 8-bit slopes, 15-bit constants, 9 dropped bits."""


async def check_ahead(case: Case) -> None:
    """Run a case out of a store with exactly its declared demand: value, bytes and flights."""
    cost = case.declared(AHEAD)
    outcome = await run_ahead(lambda party: run_case(party, case, scope="case"), cost.demand, seed=case.size)
    check_values(case, *outcome.values)
    assert measured(outcome) == declared(cost)


def all_words(plans, seed=0):
    """A case of every word of the input type, randomly shared."""
    bits, rng = plans[0].inp.bits, np.random.default_rng(seed)
    words = np.arange(1 << bits, dtype=np.uint64)
    mask = rng.integers(0, 1 << bits, words.size, dtype=np.uint64)
    halves = (ring.reduce(mask, bits), ring.reduce(words - mask, bits))
    spec, params = (ONE, {"plan": plans[0]}) if len(plans) == 1 else (SEVERAL, {"plans": plans})
    return Case(spec, params, "all words", words.size, (words,), (halves,))


# ------------------------------------------------------------ values


@pytest.mark.parametrize("plan", [plan for plan in EVERY if plan.inp.bits <= 8], ids=repr)
async def test_every_word_and_every_sharing(plan):
    await check_ahead(exhaustive_case(ONE, {"plan": plan}))


@pytest.mark.parametrize("plans", [plans for plans in TOGETHER if plans[0].inp.bits <= 8], ids=len)
async def test_every_word_and_every_sharing_together(plans):
    await check_ahead(exhaustive_case(SEVERAL, {"plans": plans}))


@pytest.mark.parametrize("plan", [SIGMOID, *(plan for plan in EVERY if plan.inp.bits > 8)], ids=repr)
async def test_all_words(plan):
    await check_ahead(all_words([plan]))


@pytest.mark.parametrize("seed", range(12))
async def test_pieces_of_any_shape(seed):
    """Coefficients, cuts and rings drawn at random, 6-bit inputs with every sharing."""
    rng = np.random.default_rng(seed)
    index_bits, degree = int(rng.integers(1, 6)), 1 + seed % 3
    ranges = [tuple(sorted(int(end) for end in rng.integers(-70, 70, 2))) for _ in range(degree + 1)]
    shifts, drops = (tuple(int(places) for places in rng.integers(0, 6, degree)) for _ in range(2))
    fits = bool(rng.integers(2))
    plan = example_pieces(
        6, index_bits, *ranges, shifts=shifts, drops=drops, out_bits=40 if fits else 7, fits=fits, offset=seed - 5
    )
    await check_ahead(exhaustive_case(ONE, {"plan": plan}))


async def test_one_polynomial_for_all_words():
    """Nothing to look up at all."""
    inp, out = FixedPoint(6, 0), FixedPoint(12, 0)
    plan = Piecewise(inp, out, 2, [[4] * 4, [3] * 4], [4, 3], [False, False], [1], [2], 12)
    assert not any(column.bits for column in layout(plan).columns)
    await check_ahead(exhaustive_case(ONE, {"plan": plan}))


@pytest.mark.parametrize("plan", [SIGMOID, TABLES[0], CLAMPED[0]], ids=repr)
@pytest.mark.parametrize("size", [0, 1, 3, 200])
async def test_any_number_of_instances(plan, size):
    await check_ahead(random_case(ONE, {"plan": plan}, size, seed=size))


async def test_a_wide_table():
    plan = example_table(16, entry_bits=16, out_bits=16, read_bits=15)
    await check_ahead(random_case(ONE, {"plan": plan}, 3000, seed=1))


async def test_shapes_are_kept():
    plans = TOGETHER[0]
    x = ArithmeticShare(np.arange(6, dtype=np.uint8).reshape(2, 3), 6)

    async def body(party):
        return await evaluate(party, x, plan=plans[0]), *await evaluate_merged(party, x, plans=plans)

    cost = evaluate_cost(AHEAD, 6, plan=plans[0]) + evaluate_merged_cost(AHEAD, 6, plans=plans)
    outcome = await run_ahead(body, cost.demand)
    for value, other, plan in zip(*outcome.values, [plans[0], *plans], strict=True):
        got = (value + other).words
        assert got.shape == (2, 3)
        assert np.array_equal(got, plan.evaluate(2 * x.words.astype(np.uint64)))


async def test_profile_lean_is_as_exact():
    for profile in (Profile.EXACT, Profile.LEAN):
        assert profile in ONE.profiles
        assert profile in SEVERAL.profiles
    exact, lean = (evaluate_cost(profile, 100, plan=SIGMOID) for profile in (Profile.EXACT, Profile.LEAN))
    assert exact == lean
    assert Profile.PAPER not in ONE.profiles


async def test_words_of_another_width():
    x = ArithmeticShare(np.zeros(2, np.uint8), 5)
    with pytest.raises(LocalError, match="input type"):
        await run_ahead(lambda party: evaluate(party, x, plan=PIECES[0]), {})


async def test_plans_that_cut_differently():
    x = ArithmeticShare(np.zeros(2, np.uint8), 6)
    with pytest.raises(LocalError, match="differently"):
        await run_ahead(lambda party: evaluate_merged(party, x, plans=PIECES[:2]), {})


# ------------------------------------------------------------ costs


def bits_and_cots(cost: Cost, n: int) -> tuple[float, float]:
    ahead = offline_cost(AHEAD, cost.demand)
    cots = sum(each.demand.get(kind, 0) for each in (cost, ahead) for kind in ("cot/server", "cot/client"))
    return 8 * (cost.payload + ahead.payload) / n, cots / n


def test_a_sigmoid_takes_less_than_76_bytes():
    """Everything offline counted, with COTs at what the larger silent sources take."""
    cost = evaluate_cost(AHEAD, 8000, plan=SIGMOID)
    bits, cots = bits_and_cots(cost, 8000)
    assert (bits + 0.4 * cots) / 8 < 76
    assert (bits + 1.4 * cots) / 8 < 86
    assert cost.flights <= 17


def test_merging_saves_what_is_shared():
    one = price(AHEAD, evaluate_cost(AHEAD, 800, plan=SIGMOID))
    both = price(AHEAD, evaluate_merged_cost(AHEAD, 800, plans=[SIGMOID, SIGMOID]))
    shared = carry_cost(AHEAD, 800, bits=9)
    assert one < both < 2 * one - price(AHEAD, shared)
    assert (
        evaluate_merged_cost(AHEAD, 800, plans=[SIGMOID, SIGMOID]).flights
        == evaluate_cost(AHEAD, 1, plan=SIGMOID).flights
    )


def test_a_carry_takes_fewer_bits_and_more_flights_than_a_wrap():
    for bits in (5, 8, 9, 12, 16):
        assert sum(digits(bits)) == bits
        rippled, tree = carry_cost(AHEAD, 800, bits=bits), wrap_cost(AHEAD, 800, bits=bits)
        assert price(AHEAD, rippled) < price(AHEAD, tree)
        assert rippled.flights == 1 + len(digits(bits))


def test_the_party_that_is_done_last():
    to_client, to_server = Cost.message(0, 8), Cost.message(1, 8)
    assert (FREE.last, to_client.last, to_server.last) == (0, 1, 0)
    assert ((to_client + to_server).last, Cost.exchange(8).last) == (0, 0)


# ------------------------------------------------------------ rings


def test_a_layout_holds_what_occurs():
    """The rings that the first product is added up in, against all its values."""
    plan = PIECES[1]
    step = layout(plan).steps[0]
    words = np.arange(64)
    index, rest = words >> plan.rest_bits, words % (1 << plan.rest_bits) - (1 << (plan.rest_bits - 1))
    slopes, guards = np.array(plan.coefficients[1])[index], np.array(step.guard.entries)[index]
    z = slopes * rest + (guards << step.guard_place) + step.lift
    assert z.min() >= 0
    assert step.ring == step.bits + step.drop or z.max() < 1 << (step.ring - 1)


def test_groups_are_arranged_for_the_least():
    terms = tuple(Term(place) for place in range(12))
    prices = []
    for widenings in range(6):
        groups = arrange(terms, 13, widenings=widenings)
        assert len(groups) <= widenings + 1
        assert groups[-1].bits == 13
        assert {term for group in groups for term in group.terms} == set(terms)
        for before, after in itertools.pairwise(groups):
            assert before.bits < after.bits
        most = 0
        for group in groups[:-1]:
            most += sum(term.most for term in group.terms)
            assert most < 1 << (group.bits - 1)
        prices.append(sum(2 * (group.bits - term.place) for group in groups for term in group.terms))
    assert prices == sorted(prices, reverse=True)
    assert arrange(terms, 13, widenings=5, narrowest=9)[0].bits >= 9


def test_scattered_integers_cover_their_range():
    assert set(scattered(200, -3, 3)) == set(range(-3, 4))
    assert attrs.fields_dict(Piecewise).keys() >= {"coefficients"}
