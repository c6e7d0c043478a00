"""The model that comes with the package, securely, on real recordings."""

from __future__ import annotations

from sirnn.cli.scenario import DEFAULT, load_scenario
from sirnn.nn.inference import Reveal
from tests.nn.sessions import assert_costs_what_is_declared, assert_is_the_twin, infer_both


async def test_a_batch_of_three_recordings():
    scenario = load_scenario(DEFAULT)
    recordings = scenario.some([0, 17, 39])
    outcome = await infer_both(scenario.model, recordings, reveals=Reveal.LOGITS)
    assert_is_the_twin(outcome, scenario.model, recordings, Reveal.LOGITS)
    assert_costs_what_is_declared(outcome, scenario.model, 3, Reveal.LOGITS)
