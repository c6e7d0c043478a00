"""Set-up: keys that fit together, independent in each direction, at the declared cost."""

import numpy as np
import pytest

from sirnn.channel import Phase
from sirnn.errors import LocalError
from sirnn.ot.chosen import oblivious_transfer
from sirnn.ot.correlated import correlated_ot
from sirnn.ot.fields import CotField, OtField
from sirnn.ot.setup import set_up, set_up_cost
from sirnn.profile import Profile
from tests.ot.parties import declared, measured, run_parties


async def made(party):
    await set_up(party)
    return party.ot


async def test_seeds_match_and_secrets_are_independent():
    outcome = await run_parties(made, keys=False)
    server, client = outcome.values
    secrets = set()
    for mine, theirs in ((server, client), (client, server)):
        for sending, receiving in ((mine.narrow, theirs.narrow), (mine.wide, theirs.wide)):
            bits = np.unpackbits(sending.sender.secret.view(np.uint8), bitorder="little")
            seeds = np.stack([receiving.receiver.seeds0, receiving.receiver.seeds1])
            assert np.array_equal(sending.sender.seeds, seeds[bits, np.arange(len(bits))])
            assert not np.any(np.all(seeds[0] == seeds[1], axis=1))
            secrets.update(sending.sender.secret.tolist())
        assert mine.narrow.sender.secret[0] & np.uint64(1)  # the lowest bit of Delta is 1
    assert len(secrets) == 12  # every word of every secret: 2, 4, 2 and 4
    assert "[" not in repr(server)


async def test_cost_and_where_it_is_booked():
    outcome = await run_parties(made, keys=False)
    assert measured(outcome, Phase.SETUP) == declared(set_up_cost(Profile.PAPER))
    assert measured(outcome, Phase.SETUP) == ((8224, 8224), 3)
    assert measured(outcome) == ((0, 0), 0)
    assert all(scope.split("/")[0] == "setup" for _, scope in outcome.ledgers[0])


async def test_a_second_set_up_is_refused():
    with pytest.raises(LocalError, match="set up already"):
        await run_parties(made)


@pytest.mark.parametrize(
    "call",
    [
        lambda party: correlated_ot(party, [CotField(0, 1)], sender=0, correlations=[EMPTY], choices=[EMPTY]),
        lambda party: oblivious_transfer(
            party, [OtField(0, 2, 1)], sender=0, messages=[EMPTY.reshape(0, 2)], choices=[EMPTY]
        ),
    ],
)
async def test_transfers_need_a_set_up(call):
    with pytest.raises(LocalError, match="no OT keys"):
        await run_parties(call, keys=False)


EMPTY = np.empty(0, np.uint8)


async def test_seeds_decide_everything():
    digests = [(await run_parties(made, keys=False, seed=seed, digest=True)).digests for seed in (1, 1, 2)]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]
