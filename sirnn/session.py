"""A session: from a bare channel to a party that can run protocols.

Hello first (do both run the same thing?), then the OT keys; both are booked as set-up, once per session.
"""

from __future__ import annotations

from collections.abc import Mapping

from sirnn.channel import Channel
from sirnn.crypto.randomness import Randomness, SystemRandomness
from sirnn.handshake import NONCE_BYTES, hello
from sirnn.ot.setup import set_up
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.version import PROTOCOL_VERSION, __version__


async def start_session(
    channel: Channel,
    *,
    profile: Profile = Profile.PAPER,
    facts: Mapping[str, str] | None = None,
    randomness: Randomness | None = None,
) -> Party:
    """Greet the peer, agree on what is to be run, and make the OT keys.

    Args:
        channel: the root channel of a fresh connection.
        profile: how functions are evaluated; both parties must name the same.
        facts: whatever else both must agree on, such as the digest of a model's shape.
        randomness: the party's secret randomness; the operating system's by default. Seeded randomness is
            refused on a channel that leaves the process.

    Returns:
        A party whose set-up is done.

    Raises:
        PeerError: the parties disagree about a fact, or the peer broke the protocol.
        LocalError: seeded randomness outside the simulator.
    """
    own = randomness or SystemRandomness()
    agreed = {"protocol": str(PROTOCOL_VERSION), "profile": profile.value, **(facts or {})}
    facts_sent = {**agreed, "release": __version__}
    agreement = await hello(channel, facts_sent, must_match=tuple(agreed), nonce=own.bytes(NONCE_BYTES))
    party = Party(channel, randomness=own, session=agreement.session, profile=profile)
    await set_up(party)
    return party
