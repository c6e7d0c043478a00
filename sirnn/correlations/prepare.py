"""Prepare: make the correlations of a declared demand, in bulk, before the inputs are known.

    cost = sigmoid_cost(party.profile, n, inp=inp, out=out)
    await prepare(party, cost.demand)        # offline
    y = await sigmoid(party, x, ...)         # online

First the random COTs of both directions, side by side; then what is made from them. Sent bytes are booked in the
offline phase, what a source needs once per session as set-up. What is left over stays in the store for the next time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs

from sirnn.channel import Phase
from sirnn.correlations.kinds import make, offline_cost
from sirnn.correlations.store import Demand, Material, Store, missing
from sirnn.correlations.supply import Supply
from sirnn.cost import FREE, Cost, parallel
from sirnn.errors import LocalError
from sirnn.ot.rows import COTS
from sirnn.ot.source import Source
from sirnn.party import Branch, Party
from sirnn.profile import Profile

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being made, how many are done, and how many there will be."""


Sources: TypeAlias = tuple[str | None, str | None]
"""Names of sources by who sends; None where no COTs are missing."""


@attrs.frozen
class Plan:
    """What preparing a demand takes.

    Attributes:
        cots: random COTs to be made, by who sends them.
        derived: what is to be made out of COTs, by kind.
        sources: where the COTs come from.
        set_up: cost of setting these up, those that are not yet.
        offline: cost of everything else.
    """

    cots: tuple[int, int]
    derived: dict[str, int]
    sources: Sources
    set_up: Cost
    offline: Cost


def plan(profile: Profile, demand: Demand, store: Store | None = None, supply: Supply | None = None) -> Plan:
    """How a demand would be prepared, and the exact cost; nothing is run.

    Args:
        profile: of the session.
        demand: correlations by kind, as in `Cost.demand`.
        store: what there is already; nothing by default.
        supply: the session's sources; a fresh one by default.
    """
    return plan_beyond(profile, demand, store.remains if store else {}, supply or Supply())


def plan_beyond(profile: Profile, demand: Demand, left: Demand, supply: Supply, sources: Sources | None = None) -> Plan:
    """`plan` where so many correlations are left, by the sources named if any are."""
    derived = {kind: count for kind, count in sorted(missing(demand, left).items()) if kind not in COTS}
    making = offline_cost(profile, derived)
    needed = [demand.get(kind, 0) + making.demand.get(kind, 0) - left.get(kind, 0) for kind in COTS]
    cots = (max(0, needed[0]), max(0, needed[1]))
    names = [_source(supply, count, sender, sources) for sender, count in enumerate(cots)]
    used = [supply.get(name, sender) for sender, name in enumerate(names) if name is not None]
    new = [source for source in used if not supply.is_ready(names[source.sender] or "", source.sender)]
    extending = parallel(*(source.cost(cots[source.sender]) for source in used))
    return Plan(
        cots,
        derived,
        (names[0], names[1]),
        set_up=parallel(*(source.set_up_cost() for source in new)),
        offline=attrs.evolve(extending + making, demand={}),
    )


def _source(supply: Supply, count: int, sender: int, sources: Sources | None) -> str | None:
    if not count:
        return None
    return supply.choose(count, sender) if sources is None else sources[sender]


async def prepare(
    party: Party,
    demand: Demand,
    *,
    progress: Progress | None = None,
    sources: Sources | None = None,
    resumed: bool = False,
) -> Plan:
    """Bring the party's store up to a demand; make nothing that it has already.

    Args:
        party: the root party of a session, not a fork, whose demand was fixed when it was made.
        demand: correlations by kind, as in `Cost.demand`.
        progress: told how far the random COTs are.
        sources: where COTs are to come from; chosen by the demand by default.
        resumed: this goes on with what an earlier call began: its flights are counted on.

    Returns:
        What was done and what it cost.

    Raises:
        LocalError: the party has no store, or is a fork.
        PeerError: the other party prepares something else.
    """
    planned = await equip(party, demand, sources)
    store, supply = _stocked(party)
    store.compact()
    with party.channel.phase(Phase.OFFLINE, resumed=resumed), party.scope("prepare"):
        await _make_cots(party, supply, store, planned, progress)
        await _make_derived(party, store, planned)
    return planned


async def equip(party: Party, demand: Demand, sources: Sources | None = None) -> Plan:
    """Set up the sources that preparing a demand takes, those that are not yet. `prepare` begins with it.

    Returns:
        The plan as it was before.

    Raises:
        LocalError: the party has no store, or is a fork.
    """
    store, supply = _stocked(party)
    planned = plan_beyond(party.profile, demand, store.remains, supply, sources)
    new = [
        (name, supply.get(name, sender))
        for sender, name in enumerate(planned.sources)
        if name is not None and not supply.is_ready(name, sender)
    ]
    with party.channel.phase(Phase.SETUP), party.scope("setup"):
        await party.parallel(*((FREE, source.set_up) for _, source in new))
    for name, source in new:
        supply.keep(name, source)
    return planned


def _stocked(party: Party) -> tuple[Store, Supply]:
    if party.store is None or party.supply is None:
        raise LocalError(
            "this party cannot prepare anything",
            remedy="start the session with a profile that prepares, and prepare at its root rather than in a fork",
        )
    return party.store, party.supply


async def _make_cots(party: Party, supply: Supply, store: Store, planned: Plan, progress: Progress | None) -> None:
    def extend(source: Source) -> Callable[[Party], Awaitable[Material]]:
        count = planned.cots[source.sender]
        kind, total = COTS[source.sender], source.yields(count)
        tell = None if progress is None else (lambda done: progress(kind, done, total))

        async def run(p: Party) -> Material:
            return (await source.extend(p, count, progress=tell),)

        return run

    sources = [supply.get(name, sender) for sender, name in enumerate(planned.sources) if name is not None]
    made = await party.parallel(*((FREE, extend(source)) for source in sources))
    for source, rows in zip(sources, made, strict=True):
        store.put(COTS[source.sender], rows)


async def _make_derived(party: Party, store: Store, planned: Plan) -> None:
    def branch(kind: str, count: int) -> Branch[Material]:
        return offline_cost(party.profile, {kind: count}), lambda p: make(p, kind, count)

    made = await party.parallel(*(branch(kind, count) for kind, count in planned.derived.items()))
    for kind, material in zip(planned.derived, made, strict=True):
        store.put(kind, material)


PRIMITIVES = (prepare, equip)
"""Not protocols on shares."""
