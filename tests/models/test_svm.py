"""The SVM: quantisation, twin and file, against the real-valued machine."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import attrs
import numpy as np
import pytest

from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.models.model import ModelShape, load_model, run_twin, save_model
from sirnn.models.svm import LARGEST_SCALING, SvmParameters, SvmShape, quantise_svm, run_svm_float

FOLDER = Path(__file__).parent.parent.parent / "scenarios" / "iris"


def machine(seed: int, centres: int = 5, features: int = 3, classes: int = 3) -> SvmParameters:
    rng = np.random.default_rng(seed)
    return SvmParameters(
        centres=rng.uniform(-2, 2, (centres, features)),
        coefficients=rng.normal(size=(centres, classes)) * 5,
        bias=rng.normal(size=classes),
        mean=tuple(rng.normal(size=features)),
        gain=tuple(rng.uniform(0.5, 1, features)),
        classes=tuple(f"class {index}" for index in range(classes)),
        provenance="random",
    )


@pytest.mark.parametrize("seed", range(5))
def test_fixed_point_is_near_the_real_machine(seed):
    parameters = machine(seed)
    model = quantise_svm(parameters)
    readings = np.random.default_rng(seed + 100).uniform(-1.5, 1.5, (200, 3)) + np.array(parameters.mean)
    twin = run_twin(model, model.shape.encode_recordings(readings))
    scores = model.shape.logits_type.decode(twin.logits)
    weight = np.abs(parameters.coefficients).sum(axis=0).max()
    # A squared distance is truncated to 2^-9 or coarser, and e^-d is no steeper than 1.
    assert np.abs(scores - run_svm_float(parameters, readings)).max() < weight * 2**-7 + model.shape.logits_type.ulp
    assert twin.wrapped == 0


def test_the_farthest_points_do_not_wrap():
    """Opposite corners of the input type: e^-d is 0 there, not e^-(d mod something)."""
    parameters = attrs.evolve(machine(1, centres=1), centres=np.full((1, 3), 3.99), mean=(0,) * 3, gain=(1,) * 3)
    model = quantise_svm(parameters)
    words = model.shape.encode_recordings(np.full((1, 3), -4.0))
    scores = model.shape.logits_type.decode(run_twin(model, words).logits)
    assert np.abs(scores - parameters.bias).max() < 2 * model.shape.logits_type.ulp


def test_a_file_and_a_shape_survive(tmp_path):
    model = quantise_svm(machine(2))
    save_model(model, tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    assert again.shape == model.shape
    assert again.provenance == "random"
    assert all(np.array_equal(array, again.weights.arrays()[name]) for name, array in model.weights.arrays().items())
    assert ModelShape.from_json(model.shape.to_json()) == model.shape


def test_types_that_cannot_hold_a_distance_are_refused():
    shape = quantise_svm(machine(3)).shape
    assert isinstance(shape, SvmShape)
    finer = FixedPoint(shape.types.distance.bits, shape.types.distance.scale + 1)
    with pytest.raises(LocalError, match="distance may not fit"):
        attrs.evolve(shape, types=attrs.evolve(shape.types, distance=finer))


@pytest.mark.parametrize(
    "wrong", [{"features": 0}, {"mean": (0.0,)}, {"gain": (1.0, float("nan"), 1.0)}, {"classes": ("one",)}]
)
def test_shapes_that_make_no_sense_are_refused(wrong):
    with pytest.raises(LocalError):
        attrs.evolve(quantise_svm(machine(4)).shape, **wrong)


@pytest.mark.parametrize("mean", [0.0, -LARGEST_SCALING, LARGEST_SCALING])
@pytest.mark.parametrize("gain", [0.0, 1.0, -LARGEST_SCALING, LARGEST_SCALING, 5e-324])
@pytest.mark.parametrize("reading", [0.0, 100.0, -100.0, 1.7e308, -1.7e308, 5e-324])
def test_every_reading_has_a_word_under_any_scaling(mean, gain, reading):
    shape = attrs.evolve(quantise_svm(machine(5)).shape, mean=(mean,) * 3, gain=(gain,) * 3)
    words, clipped = shape.encode_clipped(np.full(3, reading))  # warnings would be errors
    exact = (Fraction(reading) - Fraction(mean)) * Fraction(gain)
    low, high = shape.input_type.range
    (word,) = set(shape.input_type.decode(words))
    assert abs(Fraction(word) - min(max(exact, Fraction(low)), Fraction(high))) <= Fraction(shape.input_type.ulp)
    assert clipped == (0 if low - 1 < exact < high + 1 else 3)


@pytest.mark.parametrize("wrong", [2 * LARGEST_SCALING, -2 * LARGEST_SCALING, float("inf"), float("nan")])
def test_scalings_that_could_overflow_are_no_shape(wrong):
    for name in ("mean", "gain"):
        with pytest.raises(LocalError, match="absurdly large"):
            attrs.evolve(quantise_svm(machine(5)).shape, **{name: (0.0, wrong, 0.0)})


def test_the_stored_model_is_right_about_irises():
    model = load_model(FOLDER / "model.npz")
    with np.load(FOLDER / "test.npz") as data:
        readings, labels = data["recordings"], data["labels"]
    twin = run_twin(model, model.shape.encode_recordings(readings))
    assert np.mean(twin.prediction == labels) >= 0.95
    assert twin.wrapped == 0
