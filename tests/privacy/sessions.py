"""Sessions for the privacy tests: small, seeded, watched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from simulator.simulation import simulate
from sirnn.channel import Channel, Phase
from sirnn.correlations.supply import SOURCES
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.ot.ferret import Ferret
from sirnn.ot.lpn import LpnParameters
from sirnn.ot.softspoken import SoftSpoken
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.session import start_session

FEW_TREES = LpnParameters("few trees", 8, 300, 4)
"""Ferret on a scale that tells nothing of LPN, and as much of everything else as its large sizes."""

SMALL_SOURCES = {
    **{name: make for name, make in SOURCES.items() if not name.startswith("ferret")},
    "ferret": lambda sender: Ferret(FEW_TREES, sender, SoftSpoken(8, sender)),
}


async def both(
    program: Callable[[Party], Awaitable[Any]], *, seed: int = 0, profile: Profile = Profile.EXACT
) -> tuple[Any, Any]:
    """What a program returns at either party of a session that is seeded, and named by constant nonces if wanted."""

    async def body(channel: Channel) -> Any:
        randomness = InsecureSeededRandomness(2 * seed + channel.role)
        return await program(await start_session(channel, profile=profile, randomness=randomness))

    return (await simulate(body, body)).values


def extending(name: str, count: int) -> Callable[[Party], Awaitable[Any]]:
    """A program: set up a source in each direction and make random COTs twice."""

    async def program(party: Party) -> Any:
        made = []
        for sender in (0, 1):
            source = SMALL_SOURCES[name](sender)
            with party.channel.phase(Phase.SETUP):
                await source.set_up(party)
            made += [await source.extend(party, count) for _ in range(2)]
        return made

    return program
