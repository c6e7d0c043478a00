"""A model as data: files, shapes, digests, and what is refused."""

from __future__ import annotations

import json

import attrs
import numpy as np
import pytest

from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.models.archive import read_archive, write_archive
from sirnn.models.fastgrnn import FastGrnnParameters, FastGrnnWeights
from sirnn.models.model import Model, ModelShape, accumulator, load_model, save_model
from sirnn.models.quantise import quantise
from tests.models.networks import network


@pytest.fixture
def model(parameters, recordings):
    return quantise(parameters, recordings)


@pytest.fixture
def plain(recordings):
    return quantise(network(1), recordings)


def with_weights(model, **arrays):
    return Model(model.shape, attrs.evolve(model.weights, **arrays))


def with_types(model, **types):
    return attrs.evolve(model.shape, types=attrs.evolve(model.shape.types, **types))


def test_round_trip(model, tmp_path):
    save_model(model, tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    assert again.shape == model.shape
    assert again.provenance == model.provenance == "random"
    assert again.weights.arrays().keys() == model.weights.arrays().keys()
    for name, array in model.weights.arrays().items():
        assert np.array_equal(again.weights.arrays()[name], array)
        assert np.array_equal(again.words(name), model.words(name))


def test_weights_of_8_bits_are_stored_in_8_bits(model, tmp_path):
    save_model(model, tmp_path / "m.npz")
    _, arrays = read_archive(tmp_path / "m.npz", kind="sirnn-model", version=1)
    assert arrays["input_weights"].dtype == np.int8
    assert arrays["gate_bias"].dtype == np.int32


def test_parameters_round_trip(parameters, tmp_path):
    parameters.save(tmp_path / "p.npz")
    again = FastGrnnParameters.load(tmp_path / "p.npz")
    assert (again.classes, again.input_limit, again.provenance) == (parameters.classes, 4.0, "random")
    for name, array in parameters.weights.arrays().items():
        assert np.array_equal(again.weights.arrays()[name], array)


def test_parameters_are_not_a_model_and_the_reverse(plain, tmp_path):
    network(1).save(tmp_path / "p.npz")
    save_model(plain, tmp_path / "m.npz")
    with pytest.raises(LocalError, match="not a sirnn-model file"):
        load_model(tmp_path / "p.npz")
    with pytest.raises(LocalError, match="not a sirnn-fastgrnn-parameters file"):
        FastGrnnParameters.load(tmp_path / "m.npz")


def test_parameters_that_lack_one(tmp_path):
    network(1).save(tmp_path / "p.npz")
    metadata, arrays = read_archive(tmp_path / "p.npz", kind="sirnn-fastgrnn-parameters", version=1)
    del arrays["nu"]
    write_archive(tmp_path / "p.npz", kind="sirnn-fastgrnn-parameters", version=1, metadata=metadata, arrays=arrays)
    with pytest.raises(LocalError, match="lacks a parameter"):
        FastGrnnParameters.load(tmp_path / "p.npz")


# ------------------------------------------------------------------------------------------------ damaged model files


@pytest.fixture
def tamper(plain, tmp_path):
    """Store a model, change its parts, and give the path of the changed file."""

    def change(edit):
        path = tmp_path / "m.npz"
        save_model(plain, path)
        metadata, arrays = read_archive(path, kind="sirnn-model", version=1)
        edit(metadata, arrays)
        write_archive(path, kind="sirnn-model", version=1, metadata=metadata, arrays=arrays)
        return path

    return change


@pytest.mark.parametrize(
    ("problem", "edit"),
    [
        ("holds a 'lstm'", lambda m, a: m.update(architecture="lstm")),
        ("model shape", lambda m, a: m.pop("shape")),
        ("model shape", lambda m, a: m["shape"].pop("steps")),
        ("model shape", lambda m, a: m["shape"].update(steps="100")),
        ("model shape", lambda m, a: m["shape"].update(extra=1)),
        ("model shape", lambda m, a: m["shape"].update(types=[])),
        ("model shape", lambda m, a: m["shape"]["types"]["gate"].update(signed="false")),
        ("model with steps 0", lambda m, a: m["shape"].update(steps=0)),
        ("model with hidden 100000", lambda m, a: m["shape"].update(hidden=100_000)),
        ("integers", lambda m, a: m["shape"].update(hidden=6)),
        ("a ring of 0 bits", lambda m, a: m["shape"]["types"]["gate"].update(bits=0)),
        ("absurdly", lambda m, a: m["shape"]["types"]["input"].update(scale=10**9)),
        ("lacks weights", lambda m, a: a.pop("zeta")),
        ("lacks weights", lambda m, a: a.update(surplus=np.zeros(2, dtype=np.int8))),
        ("surplus weights: input_reduction", lambda m, a: a.update(input_reduction=np.zeros((3, 2), dtype=np.int8))),
        ("weights gate_bias are", lambda m, a: a.update(gate_bias=a["gate_bias"][:-1])),
        ("weights nu are float64", lambda m, a: a.update(nu=np.array(0.5))),
        ("weights input_weights do not fit", lambda m, a: a.update(input_weights=a["input_weights"].astype(int) + 200)),
        ("NaN", lambda m, a: a.update(nu=np.array(np.nan))),
    ],
)
def test_a_damaged_model_file_is_refused_with_a_remedy(tamper, problem, edit):
    with pytest.raises(LocalError, match=problem) as caught:
        load_model(tamper(edit))
    assert caught.value.remedy


def test_an_undamaged_one_is_not(tamper):
    load_model(tamper(lambda metadata, arrays: None))


# ------------------------------------------------------------------------------------------------ shapes


def test_a_shape_survives_json(model):
    assert ModelShape.from_json(model.shape.to_json()) == model.shape


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "3", '"x"', "{}", '{"steps": 1}', "[" * 100_000])
def test_a_shape_that_is_not_one(text):
    with pytest.raises(LocalError, match="model shape"):
        ModelShape.from_json(text)


def test_the_shape_tells_nothing_of_the_weights(plain):
    changed = with_weights(plain, input_weights=np.zeros_like(plain.weights.input_weights))
    assert changed.shape.to_json() == plain.shape.to_json()


def test_a_model_does_not_print_its_weights(plain):
    assert "FastGrnnWeights" not in repr(plain)
    assert "array" not in repr(plain)
    assert repr(plain.weights).startswith("FastGrnnWeights(input_weights(3, 5), hidden_weights(5, 5), gate_bias(5,)")


def test_the_digest_follows_every_public_field(plain):
    shape = plain.shape
    others = [
        attrs.evolve(shape, steps=8),
        attrs.evolve(shape, channels=4),
        attrs.evolve(shape, hidden=6),
        attrs.evolve(shape, classes=("left", "right", "stop")),
        attrs.evolve(shape, classes=("right", "left", "straight")),
        with_types(plain, input=FixedPoint(16, 10)),
        with_types(plain, gate=FixedPoint(15, 12)),
    ]
    assert len({shape.digest(), *(other.digest() for other in others)}) == len(others) + 1
    assert shape.digest() == ModelShape.from_json(shape.to_json()).digest()
    assert len(json.dumps(shape.digest())) == 66


@pytest.mark.parametrize(
    ("problem", "types"),
    [
        ("unsigned", {"hidden": FixedPoint(16, 12, signed=False)}),
        ("no accumulator", {"mix": FixedPoint(14, 40)}),  # TR cannot add digits
        ("no accumulator", {"hidden_weights": FixedPoint(32, 6)}),  # a factor wider than the ring
        ("too wide", {"preactivation": FixedPoint(40, 11)}),
        ("cannot hold 1.0", {"gate": FixedPoint(13, 12)}),
        ("a rank without types", {"input_code": FixedPoint(16, 12)}),
    ],
)
def test_types_that_do_not_fit_together_are_refused(plain, problem, types):
    with pytest.raises(LocalError, match=problem):
        with_types(plain, **types)


def test_an_accumulator_is_as_wide_as_its_truncation_needs():
    value, weight, out = FixedPoint(16, 12), FixedPoint(8, 6), FixedPoint(16, 11)
    assert accumulator(out, (value, weight)) == FixedPoint(23, 18)
    assert accumulator(out, (value, weight), (value, FixedPoint(8, 9))) == FixedPoint(26, 21)


@pytest.mark.parametrize("classes", [(), ("only",), ("a", ""), ("a", "b" * 101)])
def test_class_names_are_checked(plain, classes):
    with pytest.raises(LocalError, match="class names"):
        attrs.evolve(plain.shape, classes=classes)


def test_integers_out_of_their_type_are_refused(plain):
    with pytest.raises(LocalError, match="weights zeta do not fit"):
        with_weights(plain, zeta=np.array(128))
    with pytest.raises(LocalError, match="weights zeta do not fit"):
        with_weights(plain, zeta=np.array(-129))


def test_a_mix_that_could_turn_negative_is_refused(plain):
    nu = plain.weights.nu
    with_weights(plain, zeta=np.array(0), nu=np.array(0))
    for arrays in ({"zeta": np.array(-1)}, {"nu": -nu}, {"nu": np.array((1 << 20) - 1)}):
        with pytest.raises(LocalError, match="can leave its type"):
            with_weights(plain, **arrays)


# ------------------------------------------------------------------------------------------------ recordings


@pytest.mark.parametrize("reading", [100.0, -100.0, 1e308, -1e308])
def test_readings_beyond_the_range_take_its_end_and_are_counted(plain, reading):
    recording = np.zeros((7, 3))
    recording[2, 1] = reading
    words, clipped = plain.shape.encode_clipped(recording)
    low, high = plain.shape.input_type.int_range
    expected = np.zeros((7, 3))
    expected[2, 1] = low if reading < 0 else high
    assert np.array_equal(plain.shape.input_type.to_int(words), expected)
    assert clipped == 1


@pytest.mark.parametrize("shape", [(), (7,), (3, 7), (7, 4), (8, 3), (2, 8, 3)])
def test_a_recording_of_another_shape_is_refused(plain, shape):
    with pytest.raises(LocalError, match="7 steps of 3 channels"):
        plain.shape.encode_recordings(np.zeros(shape))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_in_a_recording_is_refused(plain, bad):
    reading = np.zeros((7, 3))
    reading[3, 1] = bad
    with pytest.raises(LocalError, match="NaN or infinity"):
        plain.shape.encode_recordings(reading)


def test_a_recording_that_is_not_numbers_is_refused(plain):
    with pytest.raises(LocalError, match="not an array of numbers"):
        plain.shape.encode_recordings([["a"] * 3] * 7)


def test_fields_of_weights_are_the_tensors_of_a_factored_shape(recordings):
    shape = quantise(network(1, 2, 3), recordings).shape
    assert shape.tensors.keys() == {field.name for field in attrs.fields(FastGrnnWeights)}
