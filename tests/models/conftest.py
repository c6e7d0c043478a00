"""Random networks and recordings for the tests of models."""

from __future__ import annotations

import numpy as np
import pytest

from tests.models.networks import CHANNELS, STEPS, network


@pytest.fixture(params=[(None, None), (2, None), (None, 3), (2, 3)], ids=str)
def parameters(request):
    return network(1, *request.param)


@pytest.fixture
def recordings():
    return np.random.default_rng(2).normal(size=(50, STEPS, CHANNELS)).astype(np.float32)
