"""Two parties in the simulator, set up once for the whole run of the tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sirnn.channel import Channel, Phase
from sirnn.cost import Cost
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.ot.keys import OtKeys
from sirnn.ot.setup import set_up
from sirnn.party import Party
from sirnn.profile import Profile
from tests.correlations.parties import run_ahead
from tests.harness import Outcome, run_both

Body = Callable[[Party], Awaitable[Any]]

_KEYS: list[OtKeys] = []


async def run_parties(body: Body, *, seed: int = 0, keys: bool = True, digest: bool = False) -> Outcome:
    """Run `body(party)` at both parties, with OT keys unless told otherwise."""

    def at(role: int) -> Callable[[Channel], Awaitable[Any]]:
        async def run(channel: Channel) -> Any:
            randomness = InsecureSeededRandomness(2 * seed + role)
            return await body(Party(channel, randomness=randomness, session=b"test", ot=_KEYS[role] if keys else None))

        return run

    if keys and not _KEYS:
        _KEYS.extend((await run_parties(_made, seed=1000, keys=False)).values)
    return await run_both(at(0), at(1), digest=digest)


async def _made(party: Party) -> OtKeys:
    await set_up(party)
    assert party.ot is not None
    return party.ot


async def run_for(profile: Profile, cost: Cost, body: Body, *, seed: int = 0) -> Outcome:
    """Run `body(party)` in a profile, with exactly what `cost` demands made ahead; it must use all of it."""
    return await (run_ahead(body, cost.demand, seed=seed) if profile.ahead else run_parties(body, seed=seed))


def measured(outcome: Outcome, phase: Phase = Phase.ONLINE) -> tuple[tuple[int, int], int]:
    """Payload bytes by sender, and flights; both parties must have counted the same."""
    server, client = (outcome.traffic(role, phase) for role in (0, 1))
    assert server == client.mirrored()
    return (server.sent, client.sent), server.flights


def declared(cost: Cost) -> tuple[tuple[int, int], int]:
    """A declared cost in the same form."""
    return cost.sent, cost.flights
