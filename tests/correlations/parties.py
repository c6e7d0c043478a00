"""Two parties with correlations made ahead, in the simulator: a dealer of the tests hands them their COTs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from sirnn.channel import Phase
from sirnn.correlations.kinds import make, offline_cost
from sirnn.correlations.store import Material, Store
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.ot.keys import ExtensionKeys, OtKeys, ReceiverKeys, SenderKeys
from sirnn.ot.rows import COTS
from sirnn.ot.source import CHOICE
from sirnn.party import Party
from sirnn.profile import Profile
from tests.harness import Outcome, run_both

AHEAD = Profile.EXACT


@cache
def ot_keys() -> tuple[OtKeys, OtKeys]:
    """What set-up leaves at both parties, from a seed."""
    randomness = InsecureSeededRandomness(2024)
    senders, receivers = [], []
    for _ in range(2):
        seeds, secret = randomness.words((2, 128, 2), 64), randomness.bits(128)
        secret[0] = 1
        senders.append(SenderKeys.from_bits(secret, seeds[secret, np.arange(128)]))
        receivers.append(ReceiverKeys(seeds[0], seeds[1]))
    return tuple(OtKeys(ExtensionKeys(senders[role], receivers[1 - role])) for role in (0, 1))


def deal(sender: int, count: int, seed: int) -> list[Material]:
    """Random COTs in normal form (`sirnn.ot.source`), server's half first."""
    randomness = InsecureSeededRandomness(1000 + 2 * seed + sender)
    delta = ot_keys()[sender].narrow.sender.secret
    q, r = randomness.words((count, 2), 64), randomness.bits(count).astype(np.uint64)
    q[:, 0] &= ~CHOICE
    t = q ^ (np.negative(r)[:, None] & delta)
    return [(q,), (t,)] if sender == 0 else [(t,), (q,)]


async def fill(party: Party, demand: Mapping[str, int], seed: int = 0) -> None:
    """Put exactly this demand into the party's store."""
    made = offline_cost(AHEAD, demand)
    for sender, kind in enumerate(COTS):
        count = demand.get(kind, 0) + made.demand.get(kind, 0)
        party.store.put(kind, deal(sender, count, seed)[party.role])
    with party.channel.phase(Phase.OFFLINE):
        for kind in sorted(kind for kind, count in demand.items() if kind not in COTS and count):
            party.store.put(kind, await make(party, kind, demand[kind]))


async def run_ahead(body: Callable[[Party], Awaitable[Any]], demand: Mapping[str, int], *, seed: int = 0) -> Outcome:
    """Run `body(party)` at both parties, whose stores hold exactly `demand`; it must use all of it."""

    def at(role):
        async def run(channel):
            party = Party(
                channel,
                randomness=InsecureSeededRandomness(2 * seed + role),
                session=b"test",
                profile=AHEAD,
                ot=ot_keys()[role],
                store=Store(),
            )
            await fill(party, demand, seed)
            result = await body(party)
            party.store.settle()
            return result

        return run

    return await run_both(at(0), at(1))
