"""A session: from a bare channel to a party that can run protocols.

Hello first (do both run the same thing?), then the OT keys; both are booked as set-up, once per session. In profiles
that make correlations ahead the party comes with an empty store: `sirnn.correlations.prepare` fills it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from sirnn.channel import Channel
from sirnn.correlations.prepare import prepare
from sirnn.correlations.store import Store
from sirnn.correlations.supply import Supply
from sirnn.crypto.randomness import Randomness, SystemRandomness
from sirnn.errors import LocalError
from sirnn.handshake import NONCE_BYTES, hello
from sirnn.ot.setup import set_up
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.version import PROTOCOL_VERSION, __version__

Facts: TypeAlias = Mapping[str, str]
"""What a party says of itself in its hello."""


async def start_session(
    channel: Channel,
    *,
    profile: Profile = Profile.PAPER,
    agree: Facts = MappingProxyType({}),
    tell: Facts = MappingProxyType({}),
    check: Callable[[Facts, Facts], None] | None = None,
    randomness: Randomness | None = None,
    supply: Supply | None = None,
    refill: bool = False,
) -> Party:
    """Greet the peer, agree on what is to be run, and make the OT keys.

    Args:
        channel: the root channel of a fresh connection.
        profile: how functions are evaluated; both parties must name the same.
        agree: what both must say alike.
        tell: what this party says besides; nothing secret.
        check: called with this party's facts and the peer's before any work is done; raises what is wrong with them.
        randomness: the party's secret randomness; the operating system's by default. Seeded randomness is
            refused on a channel that leaves the process.
        supply: how random OTs are made ahead; chosen by demand by default. Both parties must be given the same, and
            every session one of its own.
        refill: prepare what is missing whenever the store is short, at the price of waiting for it online; by default
            a short store is an error.

    Returns:
        A party whose set-up is done.

    Raises:
        PeerError: the parties disagree about a fact, or the peer broke the protocol.
        LocalError: seeded randomness outside the simulator, or a supply that has served a session.
    """
    own = randomness or SystemRandomness()
    supply = supply or Supply()
    if supply.is_bound:
        raise LocalError("this supply has served a session", remedy="give every session a Supply of its own")
    agreed = {"protocol": str(PROTOCOL_VERSION), "profile": profile.value, **_ahead(profile, supply, refill), **agree}
    facts = {**agreed, "release": __version__, **tell}
    agreement = await hello(channel, facts, must_match=tuple(agreed), nonce=own.bytes(NONCE_BYTES))
    supply.bind(agreement.session)
    if check is not None:
        with channel.scope("hello"):
            check(facts, agreement.peer)
    party = Party(
        channel,
        randomness=own,
        session=agreement.session,
        profile=profile,
        store=Store() if profile.ahead else None,
        supply=supply if profile.ahead else None,
        refill=prepare if profile.ahead and refill else None,
    )
    await set_up(party)
    return party


def _ahead(profile: Profile, supply: Supply, refill: bool) -> Facts:
    """What both must say alike about how correlations are made ahead, if they are."""
    if not profile.ahead:
        return {}
    return {"random OTs": f"{supply.source} at {supply.megabits_per_second:g} Mbit/s", "refill": str(refill)}
