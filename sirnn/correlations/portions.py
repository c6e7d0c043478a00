"""Portions: the correlations of a long computation, made piece by piece, so that no more than a piece lies ready.

A computation is declared as the costs of its steps, which run one after the other at the root of a session. Steps whose
demand together comes to at most `PORTION_COTS` random COTs make a portion, which is made right before its first step.
A step is never cut. Both parties derive the portions from the declared costs alone, and so does whoever wants to know
what it will take: a computation of one portion is one that is prepared whole.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import attrs

from sirnn.channel import Phase
from sirnn.correlations.kinds import kind_bytes, offline_cost
from sirnn.correlations.prepare import Plan, Progress, equip, plan_beyond, prepare
from sirnn.correlations.store import Demand
from sirnn.correlations.supply import Supply
from sirnn.cost import Cost, sequence
from sirnn.ot.rows import COTS
from sirnn.party import Party
from sirnn.profile import Profile

PORTION_COTS = 1 << 25
"""Random COTs of a portion, both directions together: 512 MB of rows at a party."""

Ready: TypeAlias = Callable[[], Awaitable[None]]
"""Called by a computation before each of its steps."""


async def always_ready() -> None:
    """For computations whose correlations are all there, or that need none."""


# ------------------------------------------------------------ what it will take


@attrs.frozen
class Schedule:
    """How the correlations of a computation will be made.

    Attributes:
        total: what that takes, as if it were one plan.
        portions: the demand of each portion, by the number of its first step.
        memory: bytes of correlations that lie ready at a party, at most.
    """

    total: Plan
    portions: dict[int, Demand]
    memory: int


def schedule(profile: Profile, steps: Sequence[Cost], supply: Supply | None = None) -> Schedule:
    """The portions of a computation, and their exact cost; nothing is run.

    Args:
        profile: of the session.
        steps: the costs of the computation's steps.
        supply: the session's sources; a fresh one by default.
    """
    supply = supply or Supply()
    portions = _portions(profile, steps)
    whole = plan_beyond(profile, _together(portions), {}, supply)
    left, plans, memory = dict.fromkeys(COTS, 0), [], 0
    for demand in portions.values():
        planned = plan_beyond(profile, demand, left, supply, whole.sources)
        plans.append(planned)
        for sender, (kind, name) in enumerate(zip(COTS, planned.sources, strict=True)):
            left[kind] += 0 if name is None else supply.get(name, sender).yields(planned.cots[sender])
        memory = max(memory, sum(kind_bytes(kind) * count for kind, count in (left | planned.derived).items()))
        used = offline_cost(profile, planned.derived).demand
        for kind in COTS:
            left[kind] -= demand.get(kind, 0) + used.get(kind, 0)
    total = attrs.evolve(
        whole,
        cots=(sum(each.cots[0] for each in plans), sum(each.cots[1] for each in plans)),
        offline=sequence(*(each.offline for each in plans)),
    )
    return Schedule(total, portions, memory)


def _portions(profile: Profile, steps: Sequence[Cost]) -> dict[int, Demand]:
    """Demands by first step; a step that takes more than a portion by itself is one."""
    different = {id(step): step for step in steps}  # the steps of a network are one cost many times over
    cots = {name: _cots(profile, step) for name, step in different.items()}
    starts, full = [0], 0
    for number, step in enumerate(steps):
        size = cots[id(step)]
        if full and full + size > PORTION_COTS:
            starts.append(number)
            full = 0
        full += size
    stops = [*starts[1:], len(steps)]
    return {start: sequence(*steps[start:stop]).demand for start, stop in zip(starts, stops, strict=True)}


def _together(portions: dict[int, Demand]) -> Demand:
    return sequence(*(Cost(demand=demand) for demand in portions.values())).demand


def _cots(profile: Profile, step: Cost) -> int:
    """COTs of both directions that a step takes, with those that its other correlations are made of."""
    making = offline_cost(profile, step.demand).demand
    return sum(demand.get(kind, 0) for demand in (step.demand, making) for kind in COTS)


# ------------------------------------------------------------ making them


class Portions:
    """Makes the portions of a computation at one party, each when its first step is due.

    Args:
        party: the root party of a session, with an empty store.
        steps: the costs of the computation's steps.
        stage: told when a portion is begun and when the computation goes on.
        progress: see `prepare`.
    """

    def __init__(
        self, party: Party, steps: Sequence[Cost], *, stage: Callable[[Phase], None], progress: Progress | None = None
    ) -> None:
        self._party = party
        self._schedule = schedule(party.profile, steps, party.supply)
        self._stage = stage
        self._progress = progress
        self._step = 0

    async def begin(self) -> None:
        """Set up the sources and make the first portion.

        Raises:
            LocalError: the party has no store, or is a fork.
            PeerError: the other party prepares something else.
        """
        await equip(self._party, _together(self._schedule.portions), self._schedule.total.sources)
        self._stage(Phase.OFFLINE)
        await self._make(0)

    async def ready(self) -> None:
        """Before every step, in turn: make the portion that begins with it, if one does."""
        if self._step and self._step in self._schedule.portions:
            self._stage(Phase.OFFLINE)
            await self._make(self._step)
            self._stage(Phase.ONLINE)
        self._step += 1

    async def _make(self, step: int) -> None:
        demand, sources = self._schedule.portions[step], self._schedule.total.sources
        await prepare(self._party, demand, progress=self._progress, sources=sources, resumed=step > 0)


PRIMITIVES = (always_ready,)
"""Not a protocol on shares."""
