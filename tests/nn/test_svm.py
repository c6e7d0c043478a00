"""The SVM on shares equals its twin word for word, and costs what it declares."""

from __future__ import annotations

import numpy as np
import pytest

from sirnn.channel import Phase
from sirnn.models.model import run_twin
from sirnn.models.svm import quantise_svm
from sirnn.nn.inference import Reveal, infer_cost
from sirnn.nn.service import answer, ask
from sirnn.profile import Profile
from sirnn.ring import reduce
from tests.harness import BACKENDS, run_both, total
from tests.models.test_svm import machine


@pytest.mark.parametrize("over", BACKENDS)
@pytest.mark.parametrize("reveals", Reveal)
async def test_secure_equals_twin(over, reveals):
    parameters = machine(7)
    model = quantise_svm(parameters)
    readings = np.random.default_rng(8).uniform(-1, 1, (9, 3)) + np.array(parameters.mean)
    outcome = await run_both(
        lambda channel: answer(channel, model=model, reveals=reveals),
        lambda channel: ask(channel, readings, reveals=reveals),
        over=over,
    )
    server, client = outcome.values
    twin = run_twin(model, model.shape.encode_recordings(readings))
    logits = reduce(server.logits.words + client.logits.words, client.logits.bits)
    assert np.array_equal(logits, twin.logits)
    assert client.classes == tuple(twin.prediction)
    declared = infer_cost(Profile.LEAN, model.shape, len(readings), reveals=reveals)
    for role in (0, 1):
        counted = total(outcome.ledgers[role], Phase.ONLINE)
        sent = (counted.sent, counted.received) if role == 0 else (counted.received, counted.sent)
        assert sent == declared.sent
        assert counted.flights == declared.flights
