"""The secure FastGRNN is its plaintext twin word for word, at exactly the declared cost."""

from __future__ import annotations

from types import SimpleNamespace

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.simulation import run_simulation
from sirnn.models.model import Model, run_twin
from sirnn.nn import fastgrnn as fastgrnn_module
from sirnn.nn.fastgrnn import _product_bits
from sirnn.nn.inference import Reveal
from sirnn.nn.service import answer, ask
from tests.harness import BACKENDS
from tests.models.networks import coarse_functions
from tests.nn.sessions import (
    assert_costs_what_is_declared,
    assert_is_the_twin,
    infer_both,
    opened,
    small_model,
    some_recordings,
)

RANKS = [(None, None), (2, None), (None, 1), (2, 2)]


@pytest.fixture(autouse=True, scope="module")
def coarse():
    """Networks of many types need not wait for the compiler: what it makes is run in `test_stored_model`."""
    with coarse_functions():
        yield


@pytest.mark.parametrize("over", BACKENDS)
@pytest.mark.parametrize("reveals", Reveal)
@pytest.mark.parametrize("ranks", RANKS, ids=str)
async def test_the_network_is_its_twin(ranks, reveals, over):
    model = small_model(1, *ranks)
    recordings = some_recordings(model, 2)
    outcome = await infer_both(model, recordings, reveals=reveals, over=over)
    assert_is_the_twin(outcome, model, recordings, reveals)
    assert_costs_what_is_declared(outcome, model, 2, reveals)


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_a_batch_costs_the_flights_of_one(count):
    model = small_model(2)
    recordings = some_recordings(model, count)
    outcome = await infer_both(model, recordings)
    assert_is_the_twin(outcome, model, recordings)
    assert_costs_what_is_declared(outcome, model, count)
    alone = await infer_both(model, recordings[:1])
    assert outcome.traffic(0).flights == alone.traffic(0).flights


@pytest.mark.parametrize("ranks", [(None, None), (2, 2)], ids=str)
async def test_values_that_wrap_around_wrap_alike(ranks):
    # Biases at the very end of what their rings hold push half of all sums beyond.
    shape, weights = (small := small_model(1, *ranks)).shape, small.weights
    brink = attrs.evolve(
        weights,
        gate_bias=np.full_like(weights.gate_bias, shape.preactivation_accumulator.int_range[1]),
        candidate_bias=np.full_like(weights.candidate_bias, shape.preactivation_accumulator.int_range[0]),
        class_bias=np.full_like(weights.class_bias, shape.class_accumulator.int_range[1]),
    )
    model = Model(shape, brink)
    recordings = some_recordings(model, 5)
    assert run_twin(model, model.shape.encode_recordings(recordings)).wrapped > 0
    assert_is_the_twin(await infer_both(model, recordings), model, recordings)


@settings(max_examples=6)
@given(seed=st.integers(0, 2**32 - 1), ranks=st.sampled_from(RANKS), headroom=st.sampled_from([0.3, 2.0, 8.0]))
def test_random_networks(seed, ranks, headroom):
    model = small_model(seed, *ranks, headroom=headroom)
    recordings = some_recordings(model, 2, seed=seed)

    async def server(channel):
        return await answer(channel, model=model, reveals=Reveal.LOGITS)

    async def client(channel):
        return await ask(channel, recordings, reveals=Reveal.LOGITS)

    _, reply = run_simulation(server, client).values
    assert np.array_equal(reply.words, run_twin(model, model.shape.encode_recordings(recordings)).logits)


@pytest.mark.parametrize("headroom", [1.0, 64.0], ids=["narrow", "wide"])
async def test_an_update_wider_than_its_products(headroom):
    # A coarse hidden state needs an accumulator beyond the width of mix times candidate: the product is extended.
    model = small_model(4, headroom=headroom)
    t, update = model.shape.types, model.shape.update_accumulator
    wider = _product_bits(t.mix, t.candidate, update) > t.mix.bits + t.candidate.bits
    assert wider is (headroom == 64.0)
    recordings = some_recordings(model, 2)
    outcome = await infer_both(model, recordings, reveals=Reveal.LOGITS)
    assert_is_the_twin(outcome, model, recordings, Reveal.LOGITS)
    assert_costs_what_is_declared(outcome, model, 2, Reveal.LOGITS)


async def test_other_sizes():
    # An odd number of classes, a state wider than a reading, one step only.
    model = small_model(6, hidden=7, classes=tuple("abcde"))
    model = Model(attrs.evolve(model.shape, steps=1), model.weights)
    recordings = some_recordings(model, 3)
    outcome = await infer_both(model, recordings)
    assert_is_the_twin(outcome, model, recordings)
    assert_costs_what_is_declared(outcome, model, 3)


# ------------------------------------------------------------ which class


def with_logits(model, *logits):
    """The model with one step, and logits that are these integers whatever the recording."""
    shift = model.shape.class_accumulator.scale - model.shape.types.logits.scale
    weights = attrs.evolve(
        model.weights,
        class_weights=np.zeros_like(model.weights.class_weights),
        class_bias=np.array(logits) << shift,
    )
    return Model(attrs.evolve(model.shape, steps=1), weights)


LOW, HIGH = -(1 << 15), (1 << 15) - 1  # of the logits, 16 bits


@pytest.mark.parametrize(
    ("logits", "best"),
    [
        ((5, 5, 5), 0),
        ((4, 5, 5), 1),
        ((5, 4, 5), 0),
        ((-7, -6, -7), 1),
        ((-1, 0, -1), 1),
        ((LOW, LOW, HIGH), 2),
        ((HIGH, LOW, LOW), 0),
        ((LOW, LOW, LOW), 0),
        ((LOW, -1, LOW), 1),
        ((LOW, LOW, LOW + 1), 2),
    ],
    ids=str,
)
async def test_the_first_of_the_largest_logits_wins(logits, best):
    model = with_logits(small_model(1), *logits)
    recordings = some_recordings(model, 1)
    assert model.shape.types.logits.int_range == (LOW, HIGH)
    for reveals in Reveal:
        outcome = await infer_both(model, recordings, reveals=reveals)
        assert model.shape.types.logits.to_int(opened(outcome)).tolist() == [list(logits)]
        assert outcome.values[1].classes == (best,)
        assert_is_the_twin(outcome, model, recordings, reveals)


# ------------------------------------------------------------ who holds what


@pytest.mark.parametrize("ranks", RANKS, ids=str)
async def test_the_client_never_holds_a_weight(ranks, monkeypatch):
    held = {}

    class Spied(fastgrnn_module._Network):
        def __init__(self, party, shape, model):
            super().__init__(party, shape, model)
            held[party.role] = (model, self.weights)

    monkeypatch.setattr(fastgrnn_module, "_Network", Spied)
    model = small_model(1, *ranks)
    await infer_both(model, some_recordings(model, 1))
    assert held[0][0] is model
    assert held[1][0] is None
    assert held[0][1].keys() == held[1][1].keys() == model.weights.arrays().keys()
    for name, value in held[0][1].items():
        assert np.array_equal(value.words, model.words(name))
        assert held[1][1][name].words is None


def test_a_model_given_to_the_client_by_mistake_is_left_alone():
    model = small_model(1)
    for is_server in (True, False):
        weights = fastgrnn_module._Network(SimpleNamespace(is_server=is_server), model.shape, model).weights
        assert {value.words is None for value in weights.values()} == {not is_server}


async def test_neither_share_of_the_logits_says_anything():
    # The same model and recording twice: the logits are the same and neither party's half of them is.
    model = small_model(1)
    recordings = some_recordings(model, 5)
    first, second = [await infer_both(model, recordings) for _ in range(2)]
    assert np.array_equal(opened(first), opened(second))
    for role in (0, 1):
        mine = [outcome.values[role].logits.words for outcome in (first, second)]
        assert np.count_nonzero(mine[0] == mine[1]) < 3  # of 15 words of 16 bits


@pytest.mark.parametrize("over", BACKENDS)
async def test_progress_is_told_after_every_step(over):
    told = []
    model = small_model(1)
    recordings = some_recordings(model, 1)
    await infer_both(model, recordings, over=over, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
