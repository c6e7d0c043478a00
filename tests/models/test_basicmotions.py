"""The scenario's stored files: real data, the trained network and its quantised twin."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from sirnn.models.fastgrnn import FastGrnnParameters, run_float
from sirnn.models.model import load_model, run_twin

FOLDER = Path(__file__).parents[2] / "scenarios" / "basicmotions"


@pytest.fixture(scope="module")
def test_set():
    with np.load(FOLDER / "test.npz", allow_pickle=False) as file:
        return file["recordings"], file["labels"]


@pytest.fixture(scope="module")
def model():
    return load_model(FOLDER / "model.npz")


def accuracy(prediction, labels):
    return float(np.mean(prediction == labels))


def test_the_test_set_is_whole(test_set, model):
    recordings, labels = test_set
    assert recordings.shape == (40, 100, 6)
    assert list(np.bincount(labels)) == [10, 10, 10, 10]
    assert model.shape.classes == ("badminton", "running", "standing", "walking")


def test_accuracy_in_real_numbers_and_in_fixed_point(test_set, model):
    recordings, labels = test_set
    real = run_float(FastGrnnParameters.load(FOLDER / "parameters.npz"), recordings)
    twin = run_twin(model, model.shape.encode_recordings(recordings))
    assert accuracy(real.prediction, labels) >= 0.95
    assert accuracy(twin.prediction, labels) >= accuracy(real.prediction, labels) - 1 / 40
    assert np.abs(model.shape.types.logits.decode(twin.logits) - real.logits).max() < 0.1


def test_the_types_hold_the_test_set_with_a_margin(test_set, model):
    recordings, _ = test_set
    twin = run_twin(model, model.shape.encode_recordings(recordings))
    peaks = run_float(FastGrnnParameters.load(FOLDER / "parameters.npz"), recordings).peaks
    assert twin.wrapped == 0
    for name, peak in peaks.items():
        assert 1.5 * peak < getattr(model.shape.types, name).range[1]


def test_noise_and_gain_do_not_wrap_either(test_set, model):
    recordings, _ = test_set
    rng = np.random.default_rng(3)
    louder = recordings * rng.uniform(0.5, 2, size=(40, 1, 6)) + rng.normal(size=recordings.shape)
    assert run_twin(model, model.shape.encode_recordings(louder)).wrapped == 0


def test_the_demo_recording_is_the_one_the_scenario_names(test_set, model):
    scenario = tomllib.loads((FOLDER / "scenario.toml").read_text())
    recordings, labels = test_set
    recording = np.load(FOLDER / "recording.npy", allow_pickle=False)
    index = scenario["default_recording"]
    assert np.array_equal(recording, recordings[index])
    assert (FOLDER / scenario["model"]).exists()
    assert (FOLDER / scenario["recordings"]).exists()
    twin = run_twin(model, model.shape.encode_recordings(recording)[None])
    assert model.shape.classes[int(twin.prediction[0])] == model.shape.classes[int(labels[index])] == "running"


def test_the_model_is_the_rounded_parameters(model):
    reals = FastGrnnParameters.load(FOLDER / "parameters.npz").weights.arrays()
    for name, spec in model.shape.tensors.items():
        assert np.array_equal(model.weights.arrays()[name], np.rint(np.ldexp(reals[name], spec.type.scale)))


def test_weights_are_8_bits_and_values_at_most_16(model):
    types = model.shape.types
    for name in ("input_weights", "hidden_weights", "class_weights", "zeta"):
        assert getattr(types, name).bits == 8
    for name in ("input", "preactivation", "gate", "candidate", "mix", "hidden", "logits"):
        assert getattr(types, name).bits <= 16
