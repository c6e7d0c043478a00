"""Every test of this folder runs on every backend."""

from functools import partial

import pytest

from tests import harness


@pytest.fixture(params=harness.BACKENDS)
def over(request):
    return request.param


@pytest.fixture
def run_both(over):
    """Run both bodies; returns the outcome or raises what stopped them."""
    return partial(harness.run_both, over=over)


@pytest.fixture
def run_pair(over):
    """Run both bodies; errors are left in `outcomes`."""
    return partial(harness.run_pair, over=over)
