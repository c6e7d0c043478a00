"""Supply: which sources of random COTs a session uses, and those it has set up so far.

A small demand is made by SoftSpoken, which takes 4 KB to set up and 15 bits a COT; a large one by Ferret, whose set-up
takes 74,000 COTs of SoftSpoken and which then sends next to nothing. Of Ferret's parameter sets the larger send less
and compute longer. `choose` weighs set-up, bits and computing by what they take on the network at hand; a source given
by name overrides it. Both parties must be told the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import attrs

from sirnn.crypto.confined import Confined
from sirnn.errors import LocalError
from sirnn.ot.ferret import Ferret
from sirnn.ot.iknp import Iknp
from sirnn.ot.lpn import PARAMETERS, LpnParameters
from sirnn.ot.softspoken import DIGIT_BITS, SoftSpoken
from sirnn.ot.source import Source

AUTO = "auto"
"""Choose by demand and network."""

MEGABITS_PER_SECOND = 1000.0
"""The network assumed if none is named."""


def _ferret(parameters: LpnParameters, sender: int) -> Source:
    return Ferret(parameters, sender, SoftSpoken(max(DIGIT_BITS), sender))


SOURCES: dict[str, Callable[[int], Source]] = {
    "iknp": Iknp,
    **{f"softspoken-{k}": partial(SoftSpoken, k) for k in DIGIT_BITS},
    **{f"ferret-{name}": partial(_ferret, parameters) for name, parameters in PARAMETERS.items()},
}
"""Ways to make random COTs, by name; each makes a source for one direction."""

NANOSECONDS = {
    "softspoken-8": 180.0,
    "ferret-b10": 20.0,
    "ferret-b11": 27.0,
    "ferret-b12": 29.0,
    "ferret-b13": 45.0,
}
"""What a COT takes to compute at one party, on one core of the kind used for the project's measurements; only their
ratios matter much. Sources that are never the best choice are not listed."""


@attrs.define
class Supply(Confined):
    """The sources of one session at one party. They grow from its keys, so it serves no other.

    Attributes:
        source: name of the source to use, or `AUTO`.
        megabits_per_second: of the network, for the choice.
    """

    source: str = attrs.field(default=AUTO)
    megabits_per_second: float = MEGABITS_PER_SECOND
    _ready: dict[tuple[str, int], Source] = attrs.field(factory=dict, init=False)

    @source.validator
    def _known(self, _: object, name: str) -> None:
        if name != AUTO and name not in SOURCES:
            raise LocalError(
                f"no source of random OTs is called {name}", remedy=f"choose from {AUTO}, {', '.join(SOURCES)}"
            )

    def choose(self, count: int, sender: int) -> str:
        """The name of the source for `count` COTs in one direction: the one that takes least time."""
        if self.source != AUTO:
            return self.source

        def seconds(name: str) -> float:
            source = self.get(name, sender)
            first = 0.0 if self.is_ready(name, sender) else self._seconds(name, source.set_up_cost().payload, 0)
            return first + self._seconds(name, source.cost(count).payload, source.yields(count))

        return min(NANOSECONDS, key=seconds)

    def _seconds(self, name: str, nbytes: int, cots: int) -> float:
        return 8e-6 * nbytes / self.megabits_per_second + 1e-9 * NANOSECONDS[name] * cots

    def get(self, name: str, sender: int) -> Source:
        """The source of that name and direction; perhaps not set up yet."""
        return self._ready.get((name, sender)) or SOURCES[name](sender)

    def is_ready(self, name: str, sender: int) -> bool:
        """Whether it is set up."""
        return (name, sender) in self._ready

    def keep(self, name: str, source: Source) -> None:
        """Remember a source that was set up."""
        self._ready[name, source.sender] = source
