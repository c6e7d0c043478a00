"""Where random correlated OTs come from: the contract that IKNP, SoftSpoken and Ferret fulfil.

A batch of n random COTs in one direction is an array of n 128-bit rows at each party. The COT sender, who holds a
secret Delta with lowest bit 1, has rows q whose lowest bit is 0; the receiver has rows

    t_j = q_j ^ (r_j & Delta),       so that the lowest bit of t_j is its random choice bit r_j.

Nothing else is stored: hash(q_j) and hash(q_j ^ Delta) are the two pads of a random OT, and hash(t_j) is the chosen
one. A source belongs to one party and one direction; the two directions have independent Deltas. Sources are secure
against semi-honest parties.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sirnn.cost import Cost
from sirnn.crypto.confined import Confined
from sirnn.crypto.hashing import Blocks
from sirnn.party import Party

CHOICE = np.uint64(1)
"""The bit of a row's low word that holds the choice."""

Progress: TypeAlias = Callable[[int], None]
"""Told from time to time how many COTs of the running call are finished."""


class Source(Confined, ABC):
    """A way to make random correlated OTs in one direction, at one party: set up once, then extend at will.

    What it holds fits the keys of one session: `set_up` and `extend` bind it to that of the party they are given.

    Attributes:
        sender: role of the party that holds Delta.
    """

    sender: int

    @abstractmethod
    def set_up_cost(self) -> Cost:
        """What `set_up` sends, exactly."""

    @abstractmethod
    async def set_up(self, party: Party) -> None:
        """Agree on keys, once, starting from those in `party.ot`.

        Raises:
            LocalError: the party is not set up, this source is already, or it belongs to another session.
            PeerError: the other party sent a message of another length.
        """

    @abstractmethod
    def yields(self, count: int) -> int:
        """How many COTs `extend` makes when asked for `count`: at least that many, and the same at both parties."""

    @abstractmethod
    def cost(self, count: int) -> Cost:
        """What the next `extend(party, count)` sends, exactly."""

    @abstractmethod
    async def extend(self, party: Party, count: int, *, progress: Progress | None = None) -> Blocks:
        """Make random COTs: `yields(count)` rows, shape (., 2) uint64, in the form described above.

        Both parties call it at the same point, on a channel of its own or between other messages.

        Args:
            party: this party.
            count: COTs wanted.
            progress: told from time to time how many are finished.

        Raises:
            LocalError: this source is not set up, or belongs to another session.
            PeerError: the other party sent a message of another length.
        """


def choices(rows: Blocks) -> npt.NDArray[np.uint8]:
    """The receiver's random choice bits, (n,) uint8."""
    return rows.view(np.uint8)[:, 0] & np.uint8(CHOICE)
