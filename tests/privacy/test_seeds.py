"""All that is secret comes of the parties' own randomness; see `simulator.privacy.seeds`."""

from __future__ import annotations

import pytest

from simulator.privacy.seeds import unchanged
from tests.privacy.cases import CASES, NAMES


@pytest.mark.parametrize(("spec", "params", "profile"), CASES, ids=NAMES)
async def test_nothing_secret_follows_from_what_both_know(spec, params, profile):
    found = await unchanged(spec, params, profile)
    assert not found, "\n".join(found)
