"""All privacy checks of one protocol, as one verdict."""

from __future__ import annotations

from simulator.privacy.ledger import spent_twice
from simulator.privacy.seeds import unchanged
from simulator.privacy.views import RUNS, leaks_in_views
from sirnn.profile import Profile
from sirnn.protocol import Params, ProtocolSpec


async def check_privacy(
    spec: ProtocolSpec, params: Params, profile: Profile, *, runs: int = RUNS, seed: int = 0
) -> list[str]:
    """What a protocol gives away, in words that name the party and the message; empty if nothing was found.

    Args:
        spec: the registered protocol.
        params: its parameters.
        profile: of the sessions it is run in.
        runs: of the view test, on each choice of halves; more of them see weaker patterns.
        seed: of inputs and randomness.
    """
    leaks = [str(leak) for leak in await leaks_in_views(spec, params, profile, runs=runs, seed=seed)]
    return (
        leaks + await unchanged(spec, params, profile, seed=seed) + await spent_twice(spec, params, profile, seed=seed)
    )
