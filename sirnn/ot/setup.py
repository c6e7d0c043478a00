"""Set-up of a session's OT keys: the only public-key cryptography there is, once, before anything else."""

from __future__ import annotations

from sirnn.channel import Phase
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.ot.base import base_ots, base_ots_cost
from sirnn.ot.extension import NARROW, REPETITION, WIDE, extend_receiver
from sirnn.ot.keys import ExtensionKeys, OtKeys, ReceiverKeys, SenderKeys
from sirnn.ot.pads import receiver_pads, sender_pads
from sirnn.ot.rows import Offer
from sirnn.party import Party
from sirnn.profile import Profile

BLOCK_BITS = 128


async def set_up(party: Party) -> None:
    """Make the keys of the OT extensions and leave them in `party.ot`.

    128 base OTs in each direction key the narrow extensions. In profile `paper`, 256 random OTs of those key the wide
    ones, the sender of a wide extension being the receiver of the OTs that choose its seeds. Booked as set-up, under
    the scope `setup`.

    Raises:
        LocalError: the party has keys already; a second set-up would be a waste and a sign of confusion.
        PeerError: the other party sent something that no honest one sends.

    Cost: `set_up_cost(profile)`.
    """
    if party.ot is not None:
        raise LocalError("this party is set up already", remedy="call set_up once per session")
    with party.channel.phase(Phase.SETUP), party.scope("setup"):
        secret = party.randomness.bits(NARROW)
        secret[0] = 1  # the lowest bit of Delta: that of a row can then hold the choice (sirnn.ot.source)
        base = await base_ots(party, secret)
        narrow = ExtensionKeys(SenderKeys.from_bits(secret, base.chosen), ReceiverKeys(base.keys0, base.keys1))
        party.ot = OtKeys(narrow, None if party.profile.ahead else await _wide_keys(party, narrow))


def set_up_cost(profile: Profile) -> Cost:
    """Two flights of base OTs: 4,128 bytes from each party; in profile `paper` one more of 4,096 bytes each."""
    return base_ots_cost(NARROW) if profile.ahead else base_ots_cost(NARROW) + Cost.exchange(NARROW * WIDE)


async def _wide_keys(party: Party, narrow: ExtensionKeys) -> ExtensionKeys:
    """256 random OTs in each direction at once."""
    keys = [party.fresh_key(f"wide keys, sender {sender}") for sender in (0, 1)]
    bits = party.randomness.bits(WIDE)
    made = Offer(keys[party.role], WIDE, narrow)
    message, rows = extend_receiver(narrow.receiver, keys[1 - party.role], REPETITION[bits])
    r, flips = made.rows(await party.channel.exchange(message.tobytes(), made.message_bytes))
    seeds0, seeds1 = sender_pads(made.key, r, flips, made.delta, bits=BLOCK_BITS)
    chosen = receiver_pads(keys[1 - party.role], rows, bits=BLOCK_BITS)
    return ExtensionKeys(SenderKeys.from_bits(bits, chosen), ReceiverKeys(seeds0, seeds1))


PRIMITIVES = (set_up,)
"""What the protocol suite leaves to tests of its own."""
