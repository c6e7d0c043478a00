"""Set-up of a session's OT keys: the only public-key cryptography there is, once, before anything else."""

from __future__ import annotations

import attrs

from sirnn.channel import Phase
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from sirnn.ot.base import base_ots, base_ots_cost
from sirnn.ot.extension import NARROW, WIDE
from sirnn.ot.keys import ExtensionKeys, OtKeys, ReceiverKeys, SenderKeys
from sirnn.ot.transfer import random_ot, random_ot_cost
from sirnn.party import Party
from sirnn.profile import Profile


async def set_up(party: Party) -> None:
    """Make the keys of all four OT extensions and leave them in `party.ot`.

    128 base OTs in each direction key the narrow extensions; 256 random OTs of those key the wide ones, the sender of
    a wide extension being the receiver of the OTs that choose its seeds. Booked as set-up, under the scope `setup`.

    Raises:
        LocalError: the party has keys already; a second set-up would be a waste and a sign of confusion.
        PeerError: the other party sent something that no honest one sends.

    Cost: `set_up_cost()`: 8,224 bytes from each party, 3 flights.
    """
    if party.ot is not None:
        raise LocalError("this party is set up already", remedy="call set_up once per session")
    with party.channel.phase(Phase.SETUP), party.scope("setup"):
        secret = party.randomness.bits(NARROW)
        base = await base_ots(party, secret)
        narrow = ExtensionKeys(SenderKeys.from_bits(secret, base.chosen), ReceiverKeys(base.keys0, base.keys1))
        party.ot = OtKeys(narrow)
        outcome = await party.parallel(
            lambda fork: random_ot(fork, WIDE, sender=0),
            lambda fork: random_ot(fork, WIDE, sender=1),
        )
        sent, received = outcome[party.role], outcome[1 - party.role]
        wide = ExtensionKeys(SenderKeys.from_bits(*received), ReceiverKeys(*sent))
        party.ot = attrs.evolve(party.ot, wide=wide)


def set_up_cost() -> Cost:
    """Two flights of base OTs and one of random OTs."""
    return base_ots_cost(NARROW) + parallel(*(random_ot_cost(Profile.PAPER, WIDE, sender=sender) for sender in (0, 1)))


PRIMITIVES = (set_up,)
"""What the protocol suite leaves to tests of its own."""
