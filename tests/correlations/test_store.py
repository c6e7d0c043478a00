"""The store: everything once, in order, to whom it was promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn.correlations.store import Store
from sirnn.errors import LocalError


def filled(*sizes):
    """A store of numbered items of one kind, in batches of these sizes."""
    store, first = Store(), 0
    for size in sizes:
        numbers = np.arange(first, first + size)
        store.put("number", (numbers, np.stack([numbers, -numbers], axis=1)))
        first += size
    return store


@given(st.lists(st.integers(0, 20), max_size=6), st.lists(st.integers(1, 15), max_size=12))
def test_items_come_once_and_in_order(batches, asked):
    store, taken = filled(*batches), 0
    for count in asked:
        if count > sum(batches) - taken:
            with pytest.raises(LocalError, match=f"{count - (sum(batches) - taken)} more of number"):
                store.take("number", count)
        else:
            numbers, pairs = store.take("number", count)
            assert numbers.tolist() == list(range(taken, taken + count))
            assert np.array_equal(pairs, np.stack([numbers, -numbers], axis=1))
            taken += count
        assert store.left("number") == sum(batches) - taken


def test_a_fork_gets_its_demand_and_no_more():
    store = filled(5, 5)
    first, second = store.reserve({"number": 4}, "/a"), store.reserve({"number": 3, "other": 0}, "/b")
    assert second.take("number", 2)[0].tolist() == [4, 5]
    assert first.take("number", 4)[0].tolist() == [0, 1, 2, 3]
    first.settle()
    with pytest.raises(LocalError, match="/b declared more correlations than it used: 1 of number"):
        second.settle()
    with pytest.raises(LocalError, match="/a needs 1 more of number"):
        first.take("number", 1)
    assert store.remains == {"number": 3}


def test_a_demand_that_cannot_be_met_takes_nothing():
    store = filled(5)
    with pytest.raises(LocalError, match=r"/fork needs 1 more of number, 2 more of other.*prepare"):
        store.reserve({"number": 6, "other": 2}, "/fork")
    assert store.left("number") == 5
    assert store.missing({"number": 7, "other": 2}) == {"number": 2, "other": 2}
    assert store.missing({"number": 5}) == {}


def test_nothing_is_shown_of_what_is_in_it():
    assert "[" not in repr(filled(3))
