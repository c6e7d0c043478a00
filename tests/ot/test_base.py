"""Base OTs: each party gets exactly the keys it chose, and bad group elements are refused."""

import numpy as np
import pytest

from sirnn.crypto import group
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.errors import PeerError
from sirnn.ot.base import base_ots, base_ots_cost
from sirnn.party import Party
from tests.harness import run_both
from tests.ot.parties import declared, measured, run_parties

CHOICES = [np.array(bits, np.uint8) for bits in ([0, 1, 1, 0, 1], [1, 1, 0, 0, 0])]


async def test_each_party_gets_the_keys_it_chose():
    outcome = await run_parties(lambda party: base_ots(party, CHOICES[party.role]), keys=False)
    for role, mine in enumerate(outcome.values):
        theirs = outcome.values[1 - role]
        for i, choice in enumerate(CHOICES[role]):
            pair = (theirs.keys0[i].tobytes(), theirs.keys1[i].tobytes())
            assert mine.chosen[i].tobytes() == pair[choice]
            assert mine.chosen[i].tobytes() != pair[1 - choice]
    every = [row.tobytes() for value in outcome.values for keys in (value.keys0, value.keys1) for row in keys]
    assert len(set(every)) == len(every) == 20
    assert measured(outcome) == declared(base_ots_cost(5))


async def test_no_ots_at_all():
    outcome = await run_parties(lambda party: base_ots(party, np.empty(0, np.uint8)), keys=False)
    assert [value.chosen.shape for value in outcome.values] == [(0, 2), (0, 2)]
    assert measured(outcome) == declared(base_ots_cost(0))


def honest(channel):
    return base_ots(Party(channel, randomness=InsecureSeededRandomness(1), session=b"test"), CHOICES[0])


ELEMENT = group.base_multiply((5).to_bytes(32, "little"))


@pytest.mark.parametrize("bad", [group.IDENTITY, b"\xff" * 32, (1).to_bytes(32, "little")])
@pytest.mark.parametrize("late", [False, True])
async def test_invalid_elements_are_the_peers_fault(bad, late):
    async def hostile(channel):
        await channel.exchange(ELEMENT if late else bad, 32)
        await channel.exchange(ELEMENT * 4 + bad, 5 * 32)

    with pytest.raises(PeerError, match="invalid group element"):
        await run_both(honest, hostile)


async def test_an_answer_that_is_the_announcement_is_refused():
    """B = A would make the key of choice 1 the hash of the identity, which anyone knows."""

    async def hostile(channel):
        announced = await channel.exchange(ELEMENT, 32)
        await channel.exchange(announced * 5, 5 * 32)

    with pytest.raises(PeerError, match="invalid group element"):
        await run_both(honest, hostile)


async def test_repeated_answers_still_give_different_keys():
    async def repeating(channel):
        await channel.exchange(ELEMENT, 32)
        await channel.exchange(group.base_multiply((7).to_bytes(32, "little")) * 5, 5 * 32)

    outcome = await run_both(honest, repeating)
    assert len({key.tobytes() for key in (*outcome.values[0].keys0, *outcome.values[0].keys1)}) == 10
