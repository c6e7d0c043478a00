"""Cost: what a protocol consumes and sends, as a value that composes the way coroutines do.

`a + b` is "first a, then b"; `a | b` is "a and b in parallel forks". A protocol's declared cost is written
with these, in the shape of its coroutine, and must equal the measured cost to the byte and the flight.

Flights are causal depth, and depth composes as a max-plus linear map. Let (d0, d1) be the largest depth each
party has received. A message from party 0 makes d1 = max(d1, d0 + 1) and leaves d0; so every protocol is a
2 x 2 matrix over (max, +), `then` is the matrix product and `alongside` the entry-wise maximum. That is why
an OT whose sender speaks last, followed by one whose sender speaks first, costs three flights and not four.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from types import MappingProxyType
from typing import ParamSpec, cast

import attrs

P = ParamSpec("P")

NEVER = float("-inf")
"""No path of messages from that party to this one."""

Depth = tuple[tuple[float, float], tuple[float, float]]
"""depth[i][j]: messages on the longest causal path from what j knew before to what i knows after."""

IDENTITY: Depth = ((0, NEVER), (NEVER, 0))


def bytes_for(bits: int) -> int:
    """Bytes of a message that packs `bits` bits: the one place where rounding happens."""
    return -(-bits // 8)


def _then(first: Depth, second: Depth) -> Depth:
    def entry(i: int, j: int) -> float:
        return max(second[i][0] + first[0][j], second[i][1] + first[1][j])

    return (entry(0, 0), entry(0, 1)), (entry(1, 0), entry(1, 1))


def _alongside(one: Depth, other: Depth) -> Depth:
    def entry(i: int, j: int) -> float:
        return max(one[i][j], other[i][j])

    return (entry(0, 0), entry(0, 1)), (entry(1, 0), entry(1, 1))


def _frozen_mapping(demand: Mapping[str, int]) -> Mapping[str, int]:
    return MappingProxyType(dict(demand))


@attrs.frozen
class Cost:
    """Payload bytes by sender, depth, and the correlations demanded.

    Attributes:
        sent: payload bytes sent by party 0 and by party 1.
        depth: the max-plus matrix described above.
        demand: correlations consumed, by name; empty for protocols that make their own OTs.
    """

    sent: tuple[int, int] = (0, 0)
    depth: Depth = IDENTITY
    demand: Mapping[str, int] = attrs.field(factory=dict, converter=_frozen_mapping, hash=False)

    @classmethod
    def message(cls, sender: int, bits: int) -> Cost:
        """One message of `bits` payload bits, rounded up to bytes once."""
        if sender == 0:
            return cls(sent=(bytes_for(bits), 0), depth=((0, NEVER), (1, 0)))
        return cls(sent=(0, bytes_for(bits)), depth=((0, 1), (NEVER, 0)))

    @classmethod
    def exchange(cls, bits0: int, bits1: int | None = None) -> Cost:
        """A message each way, neither depending on the other: one flight."""
        other = bits0 if bits1 is None else bits1
        return cls(sent=(bytes_for(bits0), bytes_for(other)), depth=((0, 1), (1, 0)))

    @property
    def payload(self) -> int:
        """Payload bytes, both directions together."""
        return sum(self.sent)

    @property
    def flights(self) -> int:
        """Largest depth of any message, both parties starting at 0."""
        return int(max(max(row) for row in self.depth))

    @property
    def last(self) -> int:
        """The party that is done last, both starting at once; 0 if neither is.

        As sender of an OT to follow it saves a flight: the other party can state its choices without waiting.
        """
        return int(max(self.depth[1]) > max(self.depth[0]))

    def __add__(self, then: Cost) -> Cost:
        return Cost(self._sum_sent(then), _then(self.depth, then.depth), self._sum_demand(then))

    def __or__(self, alongside: Cost) -> Cost:
        return Cost(self._sum_sent(alongside), _alongside(self.depth, alongside.depth), self._sum_demand(alongside))

    def __mul__(self, times: int) -> Cost:
        """The cost of running it `times` times, one after the other: by squaring, so at once for any number."""
        total, doubled = FREE, self
        while times > 0:
            if times & 1:
                total += doubled
            doubled += doubled
            times >>= 1
        return total

    def _sum_sent(self, other: Cost) -> tuple[int, int]:
        return self.sent[0] + other.sent[0], self.sent[1] + other.sent[1]

    def _sum_demand(self, other: Cost) -> dict[str, int]:
        names = {**self.demand, **other.demand}
        return {name: self.demand.get(name, 0) + other.demand.get(name, 0) for name in names}


FREE = Cost()
"""The cost of local work: nothing is sent."""


def parallel(*costs: Cost) -> Cost:
    """The cost of running all of these in parallel forks."""
    return reduce(Cost.__or__, costs, FREE)


def sequence(*costs: Cost) -> Cost:
    """The cost of running these one after the other."""
    return reduce(Cost.__add__, costs, FREE)


def remembered(latest: int) -> Callable[[Callable[P, Cost]], Callable[P, Cost]]:
    """Decorates a formula: the costs of the latest arguments, which must be hashable, are not worked out again.

    Every fork is told its cost, so that a network evaluates the same few formulas thousands of times.
    """

    def keep(formula: Callable[P, Cost]) -> Callable[P, Cost]:
        return cast("Callable[P, Cost]", lru_cache(maxsize=latest)(formula))

    return keep
