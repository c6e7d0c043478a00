"""No block is hashed twice under one key, no key made twice, no random OT spent twice: `simulator.privacy.ledger`."""

from __future__ import annotations

import pytest

from simulator.privacy.ledger import spent_twice
from tests.privacy.cases import CASES, NAMES


@pytest.mark.parametrize(("spec", "params", "profile"), CASES, ids=NAMES)
async def test_nothing_is_used_twice(spec, params, profile):
    found = await spent_twice(spec, params, profile)
    assert not found, "\n".join(found)
