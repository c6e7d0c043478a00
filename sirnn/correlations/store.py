"""The store: correlations made ahead, dealt out once each, in an order both parties agree on.

Correlation number i of a kind is two halves that fit together only if both parties spend them on the same thing. A
party runs its forks in whatever order messages arrive, so a fork does not draw from a common heap: it is handed its
exact demand when it is created, in program order, and may neither exceed it nor leave any of it.

A kind is a name, as it stands in `Cost.demand`. Material of a kind is a tuple of arrays, one item in each row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sirnn.crypto.confined import Confined
from sirnn.errors import LocalError

Material: TypeAlias = tuple[npt.NDArray[Any], ...]
"""One party's halves of some correlations of one kind: arrays of one length, a row of each making an item."""

Demand: TypeAlias = Mapping[str, int]
"""How many correlations of each kind."""


ROOT = "/"
"""Who draws from a store that is no fork's."""


def missing(demand: Demand, left: Demand) -> dict[str, int]:
    """What a demand asks for beyond what there is."""
    return {kind: short for kind, count in demand.items() if (short := count - left.get(kind, 0)) > 0}


class Store(Confined):
    """Correlations of one party, by kind. What is taken is gone: nothing is ever dealt out twice.

    Args:
        owner: who draws from it, for error messages: a fork's path.
    """

    def __init__(self, owner: str = ROOT) -> None:
        self._owner = owner
        self._stock: dict[str, deque[Material]] = {}
        self._left: dict[str, int] = {}

    def put(self, kind: str, material: Material) -> None:
        """Add freshly made correlations; both parties add theirs in the same order."""
        if len(material[0]):
            self._stock.setdefault(kind, deque()).append(material)
            self._left[kind] = self.left(kind) + len(material[0])

    def left(self, kind: str) -> int:
        """How many correlations of a kind there are."""
        return self._left.get(kind, 0)

    def missing(self, demand: Demand) -> dict[str, int]:
        """What a demand asks for beyond what there is."""
        return missing(demand, self._left)

    @property
    def remains(self) -> dict[str, int]:
        """Everything there is, by kind."""
        return {kind: count for kind, count in self._left.items() if count}

    def compact(self) -> None:
        """Copy what is little of the array it was made in, so that the rest of that array's memory is free again."""
        for batches in self._stock.values():
            for number, batch in enumerate(batches):
                batches[number] = tuple(map(_compacted, batch))

    def take(self, kind: str, count: int, *, wanted_by: str = "") -> Material:
        """The next `count` correlations of a kind; they leave the store.

        Args:
            kind: their name.
            count: how many, at least 1.
            wanted_by: what asks for them, for the error.

        Raises:
            LocalError: there are fewer, or this process was forked off the store's. Nothing is taken then.
        """
        self._check({kind: count}, wanted_by)
        return self._take(kind, count)

    def _take(self, kind: str, count: int) -> Material:
        self._left[kind] -= count
        batches = self._stock[kind]
        parts: list[Material] = []
        while count:
            batch = batches.popleft()
            size = len(batch[0])
            if size > count:
                batches.appendleft(tuple(array[count:] for array in batch))
                batch, size = tuple(array[:count] for array in batch), count
            parts.append(batch)
            count -= size
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))

    def reserve(self, demand: Demand, owner: str) -> Store:
        """A store of its own for a fork, holding exactly its demand, taken out of this one.

        Raises:
            LocalError: there is less, or this process was forked off the store's. Nothing is taken then.
        """
        self._check(demand, owner)
        reserved = Store(owner)
        for kind, count in demand.items():
            if count:
                reserved.put(kind, self._take(kind, count))
        return reserved

    def settle(self) -> None:
        """Called when a fork is done.

        Raises:
            LocalError: it did not use all it had declared; its cost formula is wrong.
        """
        if self.remains:
            unused = ", ".join(f"{count:,} of {kind}" for kind, count in self.remains.items())
            raise LocalError(
                f"{self._owner} declared more correlations than it used: {unused} are left",
                remedy="correct the cost it was forked with",
            )

    def _check(self, demand: Demand, wanted_by: str) -> None:
        self.stay()
        short = self.missing(demand)
        if short:
            amounts = ", ".join(f"{count:,} more of {kind}" for kind, count in short.items())
            raise LocalError(
                f"{wanted_by or self._owner} needs {amounts} than the store has",
                remedy="prepare the declared demand of what is run: await prepare(party, cost.demand)"
                if self._owner == ROOT
                else "correct the cost it was forked with",
            )


def _compacted(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    whole = array.base
    return array.copy() if isinstance(whole, np.ndarray) and 2 * array.nbytes < whole.nbytes else array
