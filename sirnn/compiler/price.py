"""Prices: what a plan costs, everything made ahead for it included, to weigh one against another."""

from __future__ import annotations

import attrs

from sirnn.compiler.evaluate import evaluate_cost
from sirnn.compiler.plan import Plan
from sirnn.correlations.kinds import price
from sirnn.correlations.prepare import plan as plan_ahead
from sirnn.cost import Cost
from sirnn.profile import Profile

COUNT = 65_536
"""Instances of a batch that prices are for, unless another number is asked for."""

FLIGHT_BITS = 12
"""Bits of an instance that a plan must save for each flight more, unless something else is said. In a batch of COUNT
that is a third of what SIRNN's LAN sends both ways in a flight: little, but a byte is not bought with ten flights.
"""


@attrs.frozen
class Link:
    """A network, as far as it decides between plans.

    Attributes:
        latency: seconds one way.
        bits_per_second: of each direction; infinite for no limit.
    """

    latency: float
    bits_per_second: float


@attrs.frozen
class Price:
    """What an instance costs in a batch.

    Attributes:
        bits: sent for one instance, online and ahead, a random COT counting as one bit.
        flights: online, of the batch.
    """

    bits: float
    flights: int

    def weight(self, link: Link | None, count: int, flight_bits: int = FLIGHT_BITS) -> float:
        """Seconds of a batch on a network; bits of an instance where none is given, a flight being worth some."""
        if link is None:
            return self.bits + self.flights * flight_bits
        return self.flights * link.latency + count * self.bits / (2 * link.bits_per_second)


def price_of(profile: Profile, plan: Plan, count: int = COUNT) -> Price:
    """The price of a plan in a batch of `count`.

    Raises:
        LocalError: the profile has no protocol for it.
    """
    cost = evaluate_cost(profile, count, plan=plan)
    return Price(price(profile, cost) / count, cost.flights)


@attrs.frozen
class Bill:
    """The exact cost of a batch.

    Attributes:
        online: of the evaluation.
        offline: of all that is made ahead, random COTs included, set-up excluded.
        count: instances.
    """

    online: Cost
    offline: Cost
    count: int

    @property
    def bytes_per_instance(self) -> float:
        """Payload bytes, online and offline."""
        return (self.online.payload + self.offline.payload) / self.count


def bill(profile: Profile, plan: Plan, count: int = COUNT) -> Bill:
    """The exact cost of a plan in a batch of `count`, with the sources of random COTs a session chooses.

    Raises:
        LocalError: the profile has no protocol for it.
    """
    online = evaluate_cost(profile, count, plan=plan)
    return Bill(online, plan_ahead(profile, online.demand).offline, count)
