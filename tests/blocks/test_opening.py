"""In and out of sharing: what a party puts in comes out at whom it is opened to, and putting in sends nothing."""

from __future__ import annotations

import numpy as np
import pytest

from sirnn import ring
from sirnn.blocks.opening import reveal, reveal_cost, share_input
from sirnn.crypto.randomness import SystemRandomness
from sirnn.errors import LocalError
from sirnn.party import CLIENT, SERVER
from sirnn.profile import Profile
from sirnn.session import start_session
from sirnn.shares import PrivateValue
from tests.harness import BACKENDS, run_both


@pytest.mark.parametrize("over", BACKENDS)
@pytest.mark.parametrize("owner", [SERVER, CLIENT])
@pytest.mark.parametrize("to", [SERVER, CLIENT])
async def test_a_shared_input_comes_out_as_it_was(over, owner, to):
    words = ring.reduce(np.arange(12, dtype=np.uint64).reshape(3, 4) * np.uint64(4567), 13)

    async def body(channel):
        party = await start_session(channel, randomness=SystemRandomness())
        known = party.role == owner
        value = PrivateValue.mine(owner, words, 13) if known else PrivateValue.theirs(party.role, words.shape, 13)
        share = share_input(party, value)
        return known or not share.words.any(), await reveal(party, share, to=to)

    outcome = await run_both(body, body, over=over)
    assert all(silent for silent, _ in outcome.values)
    assert np.array_equal(outcome.values[to][1], words)
    assert outcome.values[1 - to][1] is None
    declared = reveal_cost(Profile.PAPER, words.size, bits=13, to=to)
    assert (outcome.traffics[0].sent, outcome.traffics[0].received) == declared.sent


def test_only_the_owner_knows_a_private_value():
    theirs = PrivateValue.theirs(SERVER, (2,), 8)
    assert theirs.owner == CLIENT
    with pytest.raises(LocalError, match="does not know"):
        theirs.known()
