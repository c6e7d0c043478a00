"""The plaintext twin: against real numbers, against an independent evaluation in ring words, and when values wrap."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.sigmoid import sigmoid_clear
from sirnn.functions.tanh import tanh_clear
from sirnn.models.fastgrnn import run_float
from sirnn.models.model import run_twin
from sirnn.models.quantise import quantise
from sirnn.profile import Profile
from tests.models.networks import coarse_functions, network


def test_it_follows_the_real_network(parameters, recordings):
    model = quantise(parameters, recordings)
    twin = run_twin(model, model.shape.encode_recordings(recordings))
    real = run_float(parameters, recordings)
    assert twin.wrapped == 0
    assert np.abs(model.shape.types.logits.decode(twin.logits) - real.logits).max() < 0.1
    agree = twin.prediction == real.prediction
    assert agree.mean() > 0.9


def in_ring_words(model, words, profile):
    """The same computation on words, every sum and product reduced to its accumulator's ring: what shares do."""
    s, t = model.shape, model.shape.types

    def weights(name, bits):
        return ring.from_signed(model.weights.arrays()[name].astype(np.int64), bits).astype(np.uint64)

    def widen(x, kind, bits):
        return ring.from_signed(kind.to_int(x), bits).astype(np.uint64)

    def tr(x, source, target):
        kept = (x & np.uint64(ring.mask(source.bits))) >> np.uint64(source.scale - target.scale)
        assert source.bits - (source.scale - target.scale) == target.bits
        return kept

    def product(x, kind, name, weight_kind, acc):
        x = widen(x, kind, acc.bits) @ weights(name, acc.bits)
        return x << np.uint64(acc.scale - kind.scale - weight_kind.scale)

    def project(x, kind, side, acc):
        code, reduction = getattr(t, f"{side}_code"), getattr(t, f"{side}_reduction")
        if code is not None:
            inner = getattr(s, f"{side}_code_accumulator")
            x, kind = tr(product(x, kind, f"{side}_reduction", reduction, inner), inner, code), code
        return product(x, kind, f"{side}_weights", getattr(t, f"{side}_weights"), acc)

    acc, mix_acc, update_acc = s.preactivation_accumulator, s.mix_accumulator, s.update_accumulator
    h = np.zeros((words.shape[0], s.hidden), dtype=np.uint64)
    for step in range(s.steps):
        total = project(words[:, step], t.input, "input", acc) + project(h, t.hidden, "hidden", acc)
        z = tr(total + weights("gate_bias", acc.bits), acc, t.preactivation)
        c = tr(total + weights("candidate_bias", acc.bits), acc, t.preactivation)
        if profile is Profile.LEAN:
            z, c = (s.methods(profile)[place].clear(word) for place, word in (("gate", z), ("candidate", c)))
        else:
            z = sigmoid_clear(z, inp=t.preactivation, out=t.gate)
            c = tanh_clear(c, inp=t.preactivation, out=t.candidate)
        rest = widen((np.uint64(1 << t.gate.scale) - z) & np.uint64(ring.mask(t.gate.bits)), t.gate, mix_acc.bits)
        g = tr(rest * weights("zeta", mix_acc.bits) + weights("nu", mix_acc.bits), mix_acc, t.mix)
        fresh = widen(g, t.mix, update_acc.bits) * widen(c, t.candidate, update_acc.bits)
        kept = widen(z, t.gate, update_acc.bits) * widen(h, t.hidden, update_acc.bits)
        fresh <<= np.uint64(update_acc.scale - t.mix.scale - t.candidate.scale)
        kept <<= np.uint64(update_acc.scale - t.gate.scale - t.hidden.scale)
        h = tr(fresh + kept, update_acc, t.hidden)
    acc = s.class_accumulator
    total = product(h, t.hidden, "class_weights", t.class_weights, acc) + weights("class_bias", acc.bits)
    return h, tr(total, acc, t.logits)


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("headroom", [2.0, 0.4])  # with the second, values wrap around
def test_it_equals_the_computation_in_ring_words(parameters, recordings, headroom, profile, monkeypatch):
    monkeypatch.setattr("sirnn.models.quantise.FINEST_SCALE", 14)
    model = quantise(parameters, recordings, headroom=headroom)
    words = model.shape.encode_recordings(recordings)
    with coarse_functions():
        twin = run_twin(model, words, profile)
        hidden, logits = in_ring_words(model, words, profile)
    assert np.array_equal(twin.hidden[-1], hidden)
    assert np.array_equal(twin.logits, logits)
    assert (twin.wrapped > 0) == (headroom < 1)


def test_one_step_by_hand():
    """A network of one number: every intermediate worked out by hand with the types' scales."""
    recordings = np.ones((1, 1, 3))
    model = quantise(network(1), recordings)
    zero = {name: np.zeros_like(array) for name, array in model.weights.arrays().items()}
    t, s = model.shape.types, model.shape
    weights = attrs.evolve(
        model.weights,
        **zero,
    )
    weights = attrs.evolve(
        weights,
        candidate_bias=np.full(5, 1 << s.preactivation_accumulator.scale),  # c = tanh(1), z = sigmoid(0)
        zeta=np.array(64),  # a half at scale 7
        nu=np.array(1 << (s.mix_accumulator.scale - 3)),  # an eighth
        class_bias=np.array([3, 2, 1]) << s.class_accumulator.scale,
    )
    twin = run_twin(attrs.evolve(model, weights=weights), s.encode_recordings(recordings))
    h = (0.5 * 0.5 + 0.125) * np.tanh(1.0)
    assert np.abs(t.hidden.decode(twin.hidden[0, 0]) - h).max() < 4 * t.gate.ulp
    assert list(t.logits.decode(twin.logits[0])) == [3.0, 2.0, 1.0]
    assert list(twin.prediction) == [0]


def test_batches_are_independent(recordings):
    model = quantise(network(1), recordings)
    words = model.shape.encode_recordings(recordings)
    together = run_twin(model, words)
    alone = run_twin(model, words[7:8])
    assert np.array_equal(together.logits[7:8], alone.logits)
    assert np.array_equal(together.hidden[:, 7:8], alone.hidden)


def test_recordings_of_another_shape_are_refused(recordings):
    model = quantise(network(1), recordings)
    with pytest.raises(LocalError, match="7 steps of 3 channels"):
        run_twin(model, np.zeros((2, 3, 7), dtype=np.uint16))


def test_every_type_holds_what_was_seen(parameters, recordings):
    types = quantise(parameters, recordings).shape.types
    peaks = run_float(parameters, recordings).peaks
    for name, peak in peaks.items():
        assert 2 * peak <= -getattr(types, name).range[0]
    assert types.input == FixedPoint(16, 13)


def test_more_headroom_means_coarser_scales(recordings):
    close, wide = (quantise(network(1), recordings, headroom=headroom).shape.types for headroom in (1.0, 64.0))
    assert wide.preactivation.scale < close.preactivation.scale
    assert wide.hidden.scale < close.hidden.scale


def test_a_code_is_no_finer_than_its_products(recordings):
    """The smaller a code, the finer its scale, but no product of the first factor has bits beyond its own scale."""
    types = quantise(network(1, 2, 3), recordings, headroom=1e-3).shape.types
    assert types.input_code.scale <= types.input.scale + types.input_reduction.scale
    assert types.hidden_code.scale <= types.hidden.scale + types.hidden_reduction.scale


def test_a_weight_that_rounds_past_its_type_takes_the_coarser_one(recordings):
    parameters = network(1)
    weights = attrs.evolve(parameters.weights, class_weights=np.full((5, 3), 0.999))
    model = quantise(attrs.evolve(parameters, weights=weights), recordings)
    assert model.shape.types.class_weights == FixedPoint(8, 6)
    assert np.all(model.weights.class_weights == 64)


def test_zeta_near_one_takes_the_last_word_of_its_type(recordings):
    parameters = network(1)
    weights = attrs.evolve(parameters.weights, zeta=np.array(0.9999))
    assert int(quantise(attrs.evolve(parameters, weights=weights), recordings).weights.zeta) == 127


def test_a_bias_that_does_not_fit_is_refused(recordings):
    parameters = network(1)
    weights = attrs.evolve(parameters.weights, nu=np.array(5.0))
    with pytest.raises(LocalError, match="does not fit"):
        quantise(attrs.evolve(parameters, weights=weights), recordings)


def test_a_network_of_zeros_is_refused(recordings):
    parameters = network(1)
    weights = attrs.evolve(parameters.weights, input_weights=np.zeros((3, 5)))
    with pytest.raises(LocalError, match="check the recordings and the weights"):
        quantise(attrs.evolve(parameters, weights=weights), recordings)
