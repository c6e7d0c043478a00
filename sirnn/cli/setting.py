"""How a run is made: over what, with which randomness, and where its random OTs come from."""

from __future__ import annotations

import math

import attrs

from simulator.network import NETWORKS
from sirnn.correlations.prepare import plan
from sirnn.correlations.supply import AUTO, Supply
from sirnn.cost import Cost
from sirnn.crypto.randomness import InsecureSeededRandomness, Randomness
from sirnn.ot.lpn import PARAMETERS
from sirnn.profile import Profile

LAN = "lan"

IDEAL = "ideal"

FERRET = "ferret-"

SMALLEST_FERRET = FERRET + min(PARAMETERS.values(), key=lambda each: each.outputs).name


@attrs.frozen
class Setting:
    """How a run of both parties is made.

    Attributes:
        over: "sim", both in this process, or "tcp", two processes.
        network: the simulated network.
        seed: makes a simulated run reproducible; None for the system's randomness.
        ot: source of random OTs, by its name in `sirnn.correlations.supply.SOURCES`, or "auto".
    """

    over: str = "sim"
    network: str = LAN
    seed: int | None = None
    ot: str = AUTO

    def supply(self) -> Supply:
        """A fresh supply; over TCP, that of a network assumed to be fast."""
        if self.over != "sim":
            return Supply(self.ot)
        link = NETWORKS[self.network]
        return Supply(self.ot, min(link.bandwidth(role) or math.inf for role in (0, 1)) / 1e6)

    def randomness(self, role: int) -> Randomness | None:
        """Reproducible randomness of a party, or None: the system's."""
        return None if self.seed is None else InsecureSeededRandomness(2 * self.seed + role)

    def rehearsal(self, profile: Profile, declared: Cost) -> Setting:
        """A setting for a tiny job in this process, which takes the same code paths as one of this cost here.

        All sizes of Ferret share their code, so the smallest one stands for each.
        """
        sources = plan(profile, declared.demand, supply=self.supply()).sources
        names = [name for name in sources if name is not None]
        silent = any(name.startswith(FERRET) for name in names)
        return Setting(network=IDEAL, ot=SMALLEST_FERRET if silent else (names or [AUTO])[0])
