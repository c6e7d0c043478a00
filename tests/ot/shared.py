"""What the tests of OTs on messages share: both ways of making them, test data, and a look at what is sent."""

from __future__ import annotations

import numpy as np
import pytest

from sirnn import ring
from sirnn.profile import Profile

PROFILES = pytest.mark.parametrize("profile", [Profile.PAPER, Profile.EXACT], ids=lambda profile: profile.value)
DIRECTIONS = pytest.mark.parametrize("sender", [0, 1])


def words(shape, bits, seed=0):
    """Test data, no secret: uniform words, the largest one among them."""
    data = ring.reduce(np.random.default_rng(seed).integers(0, 2**64, shape, dtype=np.uint64), bits)
    data.reshape(-1)[:1] = ring.mask(bits)
    return data


def recording(party, sent):
    """The party itself, which from now on notes what it sends, alone or in exchange."""
    send, exchange = party.channel.send, party.channel.exchange

    async def recorded(payload):
        sent.append(bytes(payload))
        await send(payload)

    async def exchanged(payload, nbytes):
        sent.append(bytes(payload))
        return await exchange(payload, nbytes)

    party.channel.send, party.channel.exchange = recorded, exchanged
    return party
