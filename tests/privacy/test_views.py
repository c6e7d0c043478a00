"""What either party sees of any protocol is noise to it; see `simulator.privacy.views`."""

from __future__ import annotations

import pytest

from simulator.privacy.views import leaks_in_views
from tests.privacy.cases import VIEWED, name, runs


@pytest.mark.parametrize(("spec", "params", "profile"), VIEWED, ids=map(name, VIEWED))
async def test_what_a_party_sees_is_noise(spec, params, profile):
    found = await leaks_in_views(spec, params, profile, runs=runs(spec, params, profile))
    assert not found, "\n".join(map(str, found))
