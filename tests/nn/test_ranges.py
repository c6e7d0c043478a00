"""What the gate can be decides whether a model is taken: beyond 1 the mix may be negative, and products go wrong."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from sirnn.compiler.methods import planned
from sirnn.compiler.plan import Table
from sirnn.compiler.task import make_task
from sirnn.errors import LocalError
from sirnn.models.fastgrnn_shape import FastGrnnShape
from sirnn.models.model import Model, run_twin
from sirnn.nn.inference import Reveal
from sirnn.profile import Profile
from tests.nn.sessions import assert_is_the_twin, infer_both, opened, small_model, some_recordings

MODEL = small_model(1)
TYPES = MODEL.shape.types


def gate(highest, lowest=0):
    """A sigmoid in a table whose words are from `lowest` to 1 and `highest` ULP."""
    inp, out = TYPES.preactivation, TYPES.gate
    words = np.arange(1 << inp.bits, dtype=np.uint64)
    values = np.rint((1 << out.scale) / (1 + np.exp(-8 * inp.to_int(words) * inp.ulp))).astype(np.int64)
    values = np.where(values == 1 << out.scale, values + highest, np.where(values == 0, lowest, values))
    plan = Table(inp, out, tuple((values - lowest).tolist()), out.bits, offset=lowest)
    return planned(make_task("sigmoid", inp=inp, out=out), plan)


def use(monkeypatch, method):
    monkeypatch.setattr(FastGrnnShape, "_gate", lambda *_: method)


def without_nu():
    """The next state of a unit whose gate is 1 is then the last one, and below that it changes sign."""
    bias = np.full_like(MODEL.weights.gate_bias, MODEL.shape.preactivation_accumulator.int_range[1] // 2)
    return attrs.evolve(MODEL.weights, nu=np.array(0), gate_bias=bias)


def test_a_gate_beyond_1_is_refused(monkeypatch):
    use(monkeypatch, gate(highest=1))
    assert gate(highest=1).reach() == (0, (1 << TYPES.gate.scale) + 1)
    with pytest.raises(LocalError, match=r"z being up to \+1 ULP from 1"):
        Model(MODEL.shape, without_nu())


async def test_a_gate_beyond_1_would_make_products_wrong(monkeypatch):
    """As often as the mix is far below 0: the wrap of its halves is then another than that of a number above it."""
    use(monkeypatch, gate(highest=2000))
    monkeypatch.setattr(FastGrnnShape, "check_weights", lambda *_: None)
    model = Model(MODEL.shape, without_nu())
    recordings = some_recordings(model, 8)
    outcome = await infer_both(model, recordings, reveals=Reveal.LOGITS)
    assert not np.array_equal(opened(outcome), run_twin(model, model.shape.encode_recordings(recordings)).logits)


@pytest.mark.parametrize(("highest", "nu"), [(0, 0), (1, 1)])
async def test_a_mix_that_cannot_be_negative_is_taken(monkeypatch, highest, nu):
    use(monkeypatch, gate(highest))
    model = Model(MODEL.shape, attrs.evolve(without_nu(), nu=np.array(nu * int(MODEL.weights.zeta))))
    recordings = some_recordings(model, 2)
    assert_is_the_twin(await infer_both(model, recordings), model, recordings)


def test_a_negative_gate_is_refused(monkeypatch):
    use(monkeypatch, gate(highest=0, lowest=-1))
    with pytest.raises(LocalError, match="the gate can be -1 ULP in profile paper"):
        Model(MODEL.shape, MODEL.weights)


@pytest.mark.parametrize("profile", Profile)
def test_the_gate_of_quantised_models_is_at_most_1(profile):
    least, greatest = MODEL.shape._gate(profile).reach()
    assert 0 <= least < greatest <= 1 << TYPES.gate.scale
