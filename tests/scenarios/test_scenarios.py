"""Every scenario that comes with the package, on the plaintext twin: it is whole, and quantising cost it nothing.

The secure run of every recording takes most of a minute and is a command: `sirnn run basicmotions --all`.
"""

from __future__ import annotations

import numpy as np
import pytest

from simulator.network import NETWORKS
from sirnn.cli.scenario import DEFAULT, load_scenario, scenario_names
from sirnn.models.fastgrnn import FastGrnnParameters, run_float
from sirnn.models.model import run_twin


@pytest.fixture(scope="module", params=scenario_names())
def scenario(request):
    return load_scenario(request.param)


@pytest.fixture(scope="module")
def twin(scenario):
    return run_twin(scenario.model, scenario.model.shape.encode_recordings(scenario.recordings))


def right(trace, scenario):
    return int(np.sum(trace.prediction == scenario.labels))


def test_the_default_is_one_of_them():
    assert DEFAULT in scenario_names()


def test_it_is_whole(scenario):
    shape = scenario.model.shape
    assert scenario.recordings.shape == (len(scenario.labels), *shape.input_shape)
    assert scenario.network in NETWORKS
    assert scenario.some([scenario.default_recording]).shape == (1, *shape.input_shape)
    assert scenario.title
    assert set(scenario.labels) == set(range(len(shape.classes)))  # every class is there to be found


def test_it_is_right_in_fixed_point(scenario, twin):
    assert right(twin, scenario) >= 0.95 * len(scenario.labels)


def test_quantising_the_network_costs_at_most_one_recording():
    scenario = load_scenario(DEFAULT)
    parameters = FastGrnnParameters.load(scenario.model_path.with_name("parameters.npz"))
    real = run_float(parameters, scenario.recordings)
    twin = run_twin(scenario.model, scenario.model.shape.encode_recordings(scenario.recordings))
    assert right(real, scenario) >= 0.95 * len(scenario.labels)
    assert abs(right(twin, scenario) - right(real, scenario)) <= 1
    assert np.count_nonzero(twin.prediction != real.prediction) <= 1


def test_nothing_wraps_around(twin):
    assert twin.wrapped == 0


def test_the_default_recording_is_a_good_example(scenario, twin):
    index = scenario.default_recording
    assert twin.prediction[index] == scenario.labels[index]


def test_the_batch_is_the_recordings_one_by_one(scenario, twin):
    for index in range(0, len(scenario.recordings), 7):
        words = scenario.model.shape.encode_recordings(scenario.some([index]))
        assert np.array_equal(run_twin(scenario.model, words).logits[0], twin.logits[index])
