"""The model that comes with the package, with its real plans, securely, on real recordings."""

from __future__ import annotations

import attrs

from sirnn.cli.scenario import DEFAULT, load_scenario
from sirnn.models.model import Model
from sirnn.nn.inference import Reveal
from tests.nn.sessions import assert_costs_what_is_declared, assert_is_the_twin, infer_both

STEPS = 25
"""Of 100: the demo's test has all of one recording."""


async def test_a_batch_of_three_recordings():
    scenario = load_scenario(DEFAULT)
    model = Model(attrs.evolve(scenario.model.shape, steps=STEPS), scenario.model.weights)
    recordings = scenario.some([0, 17, 39])[:, :STEPS]
    outcome = await infer_both(model, recordings, reveals=Reveal.LOGITS)
    assert_is_the_twin(outcome, model, recordings, Reveal.LOGITS)
    assert_costs_what_is_declared(outcome, model, 3, Reveal.LOGITS)
