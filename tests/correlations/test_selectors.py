"""Selectors: the three sharings are of one number, uniform, at the declared cost and out of the declared COTs."""

import numpy as np
import pytest

from sirnn.correlations.kinds import kind_cost, make, offline_cost, price
from sirnn.correlations.one_hot import one_hots, one_hots_cost, random_bits, random_bits_cost
from sirnn.correlations.selectors import (
    draw_selectors,
    make_selectors,
    selector_cost,
    selector_kind,
    selector_widths,
)
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from tests.correlations.parties import AHEAD, run_ahead
from tests.ot.parties import declared, measured

WIDTHS = [(1, 0), (1, 1), (2, 0), (1, 2), (3, 2), (2, 4), (6, 2), (6, 6), (7, 3), (8, 0), (9, 1), (10, 6)]


def entries(strings):
    """(n, words) uint64 as (n, 64 words) bits."""
    return np.unpackbits(np.ascontiguousarray(strings).view(np.uint8), axis=1, bitorder="little")


def numbers(first, second):
    """The numbers whose one-hot vectors two halves are; they must be one-hot."""
    vectors = entries(first ^ second)
    assert np.all(vectors.sum(axis=1, dtype=np.int64) == 1)
    return vectors.argmax(axis=1)


def spelled(low, high, first, second):
    """The number of each selector; all three sharings must agree on it."""
    number = (first[0].astype(np.int64) + second[0]) % (1 << (low + high))
    lows, highs = numbers(first[1], second[1]), numbers(first[2], second[2])
    assert np.all(highs < 1 << high)
    assert np.array_equal(lows + (highs << low), number)
    return number


@pytest.mark.parametrize("count", [0, 1, 7, 300])
@pytest.mark.parametrize(("low", "high"), WIDTHS)
async def test_all_sharings_are_of_one_number(low, high, count):
    cost = selector_cost(AHEAD, low, high, count)
    outcome = await run_ahead(lambda party: make_selectors(party, low, high, count), cost.demand, seed=count)
    spelled(low, high, *outcome.values)
    assert measured(outcome) == declared(cost)


def test_the_cost_is_the_formula():
    cost = selector_cost(AHEAD, 6, 2, 8)
    strings = [2**7 - 2 * 6 - 2, 2**3 - 2 * 2 - 2]
    assert cost.payload == sum(strings) + 8 * 7 // 2
    assert cost.flights == 5
    assert cost.demand == {"cot/server": 64, "cot/client": 48}


@pytest.mark.parametrize(("low", "high"), [(3, 2), (7, 1)])
async def test_numbers_and_halves_are_uniform(low, high):
    n = 1 << 14
    cost = selector_cost(AHEAD, low, high, n)
    outcome = await run_ahead(lambda party: make_selectors(party, low, high, n), cost.demand)
    cells = 1 << (low + high)
    number = spelled(low, high, *outcome.values)
    # Chi-square, at five standard deviations: of the numbers, of either party's additive half, and of both together.
    for values in (number, *(half[0] for half in outcome.values), (number + 7 * outcome.values[0][0]) % cells):
        observed = np.bincount(values.astype(np.int64), minlength=cells)
        assert abs(((observed - n / cells) ** 2).sum() * cells / n - cells) < 5 * (2 * cells) ** 0.5
    # Every entry of either half of a vector is a fair coin, whatever the number is.
    for half in outcome.values:
        coins = entries(half[1])[:, : 1 << low].astype(np.int64)
        for value in range(2):
            chosen = coins[number % 2 == value]
            assert np.all(abs(chosen.sum(axis=0) - len(chosen) / 2) < 2.5 * len(chosen) ** 0.5)


async def test_selectors_never_repeat():
    kind = selector_kind(9, 5)
    outcome = await run_ahead(lambda party: draw_selectors(party, 9, 5, 500), {kind: 500})
    for half in outcome.values:
        assert len(np.unique(half[1], axis=0)) == 500


@pytest.mark.parametrize("widths", [(1,), (5,), (3, 3), (1, 8, 2)])
async def test_one_hots_side_by_side(widths):
    n = 40
    drawing = parallel(*(random_bits_cost(width, n) for width in widths))

    async def body(party):
        bits = [await random_bits(party, width, n) for width in widths]
        return [each.halves for each in bits], await one_hots(party, bits)

    outcome = await run_ahead(body, drawing.demand)
    (halves0, strings0), (halves1, strings1) = outcome.values
    for width, a, b, s, t in zip(widths, halves0, halves1, strings0, strings1, strict=True):
        assert np.array_equal(numbers(s, t), (1 << np.arange(width)) @ (a ^ b).astype(np.int64))
    assert measured(outcome) == declared(one_hots_cost(widths, n))


@pytest.mark.parametrize("count", [0, 3])
async def test_drawing_gives_what_was_made(count):
    kind = selector_kind(4, 3)
    outcome = await run_ahead(lambda party: draw_selectors(party, 4, 3, count), {kind: count})
    assert len(spelled(4, 3, *outcome.values)) == count
    assert [array.dtype for array in outcome.values[0]] == [np.uint8, np.uint64, np.uint64]


async def test_kinds_by_name():
    assert selector_kind(6, 2) == "selector/6+2"
    assert selector_widths("selector/6+2") == (6, 2)
    assert selector_widths("cot/server") is None
    cost = kind_cost(AHEAD, "selector/2+1", 9)
    assert cost == selector_cost(AHEAD, 2, 1, 9)
    outcome = await run_ahead(lambda party: make(party, "selector/2+1", 9), cost.demand)
    spelled(2, 1, *outcome.values)


@pytest.mark.parametrize(
    "kind", ["selector/", "selector/6", "selector/6+", "selector/0+3", "selector/11+0", "selector/6+7"]
)
def test_selectors_that_cannot_be(kind):
    with pytest.raises(LocalError, match=r"selector"):
        selector_widths(kind)


async def test_kinds_that_are_not_made_of_others():
    for kind in ("cot/server", "triple"):
        with pytest.raises(LocalError, match=kind):
            kind_cost(AHEAD, kind, 1)


def test_a_demand_is_costed_kind_by_kind():
    demand = {"cot/server": 5, "selector/6+2": 16, "selector/3+0": 8, "selector/4+1": 0}
    assert offline_cost(AHEAD, demand) == selector_cost(AHEAD, 6, 2, 16) | selector_cost(AHEAD, 3, 0, 8)
    assert offline_cost(AHEAD, {"cot/client": 1}) == Cost()
    made = selector_cost(AHEAD, 6, 2, 16)
    assert price(AHEAD, Cost.exchange(8) + Cost(demand={"selector/6+2": 16, "cot/client": 3})) == (
        16 + 3 + 8 * made.payload + sum(made.demand.values())
    )
