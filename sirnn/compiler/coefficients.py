"""Coefficients: columns of tables looked up at one shared index, as strings of bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from sirnn import ring
from sirnn.blocks.split_lookup import split_lookup, split_lookup_cost
from sirnn.compiler.layout import Column
from sirnn.cost import Cost, parallel
from sirnn.party import Branch, Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare


async def look_up(party: Party, index: ArithmeticShare, columns: Sequence[Column]) -> list[BooleanShare | None]:
    """The entry of each column at the index; None for columns of no bits.

    Args:
        party: this party.
        index: any shape.
        columns: of 2^index.bits entries each.

    Cost: `look_up_cost`, 2 flights.
    """

    def branch(columns: Sequence[Column]) -> Branch[tuple[BooleanShare, ...]]:
        widths, tables = _widths(columns), [words(column) for column in columns]
        cost = split_lookup_cost(party.profile, index.size, bits=index.bits, out_bits=widths)
        return cost, lambda p: split_lookup(p, index, tables=tables, out_bits=widths)

    found = await party.parallel(*map(branch, _lookups(columns)))
    entries: Iterator[BooleanShare] = (entry for each in found for entry in each)
    return [next(entries) if column.bits else None for column in columns]


def look_up_cost(profile: Profile, n: int, *, bits: int, columns: Sequence[Column]) -> Cost:
    """Lookups of up to 64 bits an entry, side by side."""
    return parallel(
        *(split_lookup_cost(profile, n, bits=bits, out_bits=_widths(lookup)) for lookup in _lookups(columns))
    )


def _lookups(columns: Sequence[Column]) -> list[list[Column]]:
    """All columns that take bits, in lookups of at most 64 bits an entry."""
    lookups: list[list[Column]] = []
    room = 0
    for column in (column for column in columns if column.bits):
        if column.bits > room:
            lookups.append([])
            room = ring.MAX_BITS
        lookups[-1].append(column)
        room -= column.bits
    return lookups


def _widths(columns: Sequence[Column]) -> list[int]:
    return [column.bits for column in columns]


@lru_cache(maxsize=256)
def words(column: Column) -> Words:
    """A column as a table for lookups."""
    return ring.from_signed(np.array(column.entries, np.int64), column.bits)


PRIMITIVES = (look_up,)
"""It takes columns, which are no parameter of a registered protocol; plans are tested in its place."""
