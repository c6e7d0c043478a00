"""The kinds of correlations that are made out of random COTs: what each costs, and how to make it.

Raw COTs are not made here: they come from a `sirnn.ot.source.Source`, and are themselves part of what these cost.
"""

from __future__ import annotations

from collections.abc import Mapping

from sirnn.correlations.selectors import make_selectors, selector_bytes, selector_cost, selector_widths
from sirnn.correlations.store import Material
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from sirnn.ot.rows import COTS, ROW_BYTES
from sirnn.party import Party
from sirnn.profile import Profile

COT_BITS = 1
"""Bits that a random COT is taken to cost when two ways to the same result are weighed: a silent source makes them for
0.3 to 1.4. It decides what is run, so both parties use this number, whatever their source."""


async def make(party: Party, kind: str, count: int) -> Material:
    """Make correlations of one kind, out of the COTs in the party's store.

    Raises:
        LocalError: there is no such kind, or the store is short.

    Cost: `kind_cost`.
    """
    low, high = _widths(kind)
    return await make_selectors(party, low, high, count)


def kind_cost(profile: Profile, kind: str, count: int) -> Cost:
    """What `make` sends, and the COTs it uses."""
    low, high = _widths(kind)
    return selector_cost(profile, low, high, count)


def offline_cost(profile: Profile, demand: Mapping[str, int]) -> Cost:
    """Everything in a demand that is not a raw COT, the kinds made side by side."""
    return parallel(*(kind_cost(profile, kind, count) for kind, count in demand.items() if kind not in COTS and count))


def kind_bytes(kind: str) -> int:
    """Bytes that one correlation takes at a party."""
    if kind in COTS:
        return ROW_BYTES
    return selector_bytes(*_widths(kind))


def price(profile: Profile, cost: Cost) -> int:
    """Bits that a cost comes to with everything it demands, a COT counting `COT_BITS`; to weigh alternatives."""
    ahead = offline_cost(profile, cost.demand)
    cots = sum(each.demand.get(kind, 0) for each in (cost, ahead) for kind in COTS)
    return 8 * (cost.payload + ahead.payload) + COT_BITS * cots


def _widths(kind: str) -> tuple[int, int]:
    widths = selector_widths(kind)
    if widths is None:
        raise LocalError(f"no correlation is made out of others and called {kind}", remedy="leave raw COTs to prepare")
    return widths


PRIMITIVES = (make,)
"""Not a protocol on shares: it has tests of its own."""
