"""No error and no repr carries a private value: counts, shapes and ranges only."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from sirnn.cli.eval import read_integers
from sirnn.cli.query import read_recordings
from sirnn.compiler.methods import method
from sirnn.errors import SirnnError
from sirnn.fixedpoint import FixedPoint
from sirnn.models.model import Model, run_twin
from sirnn.models.quantise import quantise
from sirnn.models.svm import quantise_svm
from sirnn.nn.inference import Answer
from sirnn.nn.service import Reply, as_batch, as_reals
from sirnn.profile import Profile
from sirnn.shares import ArithmeticShare, PrivateValue
from tests.models.networks import network
from tests.models.test_svm import machine
from tests.nn.sessions import small_model

MARKER = 13579
"""A value that must not be seen; it is in every array, out of every range."""

REAL = float(MARKER)
MODEL = small_model(1)
TYPE = FixedPoint(8, 4)


def saved(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    return tmp_path / "x.npy"


def weights(**changes):
    return attrs.evolve(MODEL.weights, **changes)


def with_nan():
    return np.array([REAL, np.nan])


RAISES = {
    "encode": lambda _: TYPE.encode([1.0, REAL]),
    "encode nan": lambda _: TYPE.encode(with_nan()),
    "recording nan": lambda _: MODEL.shape.encode_recordings(np.resize(with_nan(), (4, 3))),
    "recording shape": lambda _: MODEL.shape.encode_recordings(np.full(5, REAL)),
    "recording text": lambda _: MODEL.shape.encode_recordings([[str(MARKER), "x"]]),
    "reals nan": lambda _: as_reals(with_nan()),
    "reals text": lambda _: as_reals([str(MARKER)]),
    "reals ragged": lambda _: as_reals([[REAL], [REAL, 1.0]]),
    "batch": lambda _: as_batch(np.full((2, 2), REAL), MODEL.shape),
    "twin": lambda _: run_twin(MODEL, np.full((2, 2), MARKER, np.uint16)),
    "query nan": lambda path: read_recordings(saved(path, with_nan())),
    "query text": lambda path: read_recordings(saved(path, np.array([str(MARKER)]))),
    "eval type": lambda path: read_integers(
        saved(path, np.array([1, MARKER])), method(Profile.EXACT, "exp", inp=TYPE, out=FixedPoint(8, 6))
    ),
    "eval domain": lambda path: read_integers(
        saved(path, np.array([1, MARKER])),
        method(Profile.EXACT, "exp", inp=FixedPoint(16, 12), out=FixedPoint(16, 12)),
    ),
    "weights range": lambda _: Model(MODEL.shape, weights(class_weights=np.full((3, 3), MARKER))),
    "weights shape": lambda _: Model(MODEL.shape, weights(class_weights=np.full((2, 3), MARKER))),
    "weights zeta": lambda _: Model(MODEL.shape, weights(nu=np.array(-MARKER))),
    "quantise": lambda _: quantise(
        attrs.evolve(network(1), weights=attrs.evolve(network(1).weights, nu=np.array(REAL))), np.zeros((2, 1, 3))
    ),
    "quantise svm": lambda _: quantise_svm(attrs.evolve(machine(1), centres=np.full((5, 3), REAL))),
}


@pytest.mark.parametrize("name", RAISES)
def test_errors_carry_no_value(name, tmp_path):
    with pytest.raises(SirnnError) as caught:
        RAISES[name](tmp_path)
    error = caught.value
    assert str(MARKER) not in f"{error} {error!r} {error.args}"


WORDS = np.full(3, MARKER, np.uint16)
SHARE = ArithmeticShare(WORDS, 16)

REPRS = [
    SHARE,
    PrivateValue.mine(1, WORDS, 16),
    Answer(SHARE, WORDS, (MARKER,)),
    Reply(MODEL.shape, 1, WORDS, (MARKER,), SHARE),
    Model(MODEL.shape, MODEL.weights),
    attrs.evolve(machine(1), bias=np.full(3, REAL), centres=np.full((5, 3), REAL)),
    attrs.evolve(network(1), weights=attrs.evolve(network(1).weights, nu=np.array(REAL))),
    weights(nu=np.array(MARKER)),
    attrs.evolve(run_twin(MODEL, np.zeros((1, 4, 3), np.uint16)), logits=WORDS),
]


@pytest.mark.parametrize("thing", REPRS, ids=lambda thing: type(thing).__name__)
def test_reprs_carry_no_value(thing):
    assert str(MARKER) not in repr(thing) + str(thing)
