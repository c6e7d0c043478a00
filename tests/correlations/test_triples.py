"""Random ANDs out of COTs: they are ANDs, uniform, never the same twice, and nothing is sent."""

import numpy as np
import pytest

from sirnn.correlations.triples import and_triples, and_triples_cost
from sirnn.errors import LocalError
from tests.correlations.parties import AHEAD, run_ahead
from tests.ot.parties import measured


async def made(singles, pairs, seed=0):
    """Both parties' halves, (8, n) bits each: a, b, c and d, e, f, g, h where there are as many of both."""
    demand = and_triples_cost(AHEAD, singles, pairs).demand
    return await run_ahead(lambda party: and_triples(party, singles, pairs), demand, seed=seed)


@pytest.mark.parametrize(("singles", "pairs"), [(0, 0), (1, 0), (0, 1), (3, 5), (70, 0), (5000, 3000)])
async def test_products_hold(singles, pairs):
    outcome = await made(singles, pairs)
    (mine, theirs) = ([*halves[0], *halves[1]] for halves in outcome.values)
    assert [len(bits) for bits in mine] == [singles] * 3 + [pairs] * 5
    a, b, c, d, e, f, g, h = (x ^ y for x, y in zip(mine, theirs, strict=True))
    assert np.array_equal(c, a & b)
    assert np.array_equal(g, d & e)
    assert np.array_equal(h, d & f)
    assert measured(outcome) == ((0, 0), 0)


async def test_halves_are_uniform_and_independent():
    n = 20000
    outcome = await made(n, n)
    first, second = (np.array([*halves[0], *halves[1]], np.int64) for halves in outcome.values)
    # Every half by itself and every two of one party's: products too, as their halves are masked.
    for party in (first, second):
        signs = 1 - 2 * party
        assert np.all(abs(signs.sum(axis=1)) < 5 * n**0.5)
        correlations = signs @ signs.T
        assert np.all(abs(correlations[~np.eye(8, dtype=bool)]) < 5 * n**0.5)
    # And so are the operands, which neither knows.
    operands = 1 - 2 * (first ^ second)[[0, 1, 3, 4, 5]]
    assert np.all(abs(operands.sum(axis=1)) < 5 * n**0.5)


async def test_two_calls_differ():
    demand = and_triples_cost(AHEAD, 400, 0).demand

    async def body(party):
        return [(await and_triples(party, 200, 0))[0] for _ in range(2)]

    outcome = await run_ahead(body, demand)
    for one, two in outcome.values:
        assert not np.array_equal(one, two)


async def test_a_short_store_is_refused():
    with pytest.raises(LocalError, match="cot/"):
        await run_ahead(lambda party: and_triples(party, 2, 2), and_triples_cost(AHEAD, 2, 1).demand)
