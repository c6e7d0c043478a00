"""Public tables, and several of them merged into one with wider entries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.protocol import Clear, Params
from sirnn.ring import Words


def lookup_clear(x: Clear, *, tables: Sequence[Words]) -> tuple[Clear, ...]:
    """Each table's entry at x."""
    return tuple(table.astype(np.uint64)[x] for table in tables)


def check_tables(bits: int, tables: Sequence[Words], out_bits: Sequence[int], *, widest: int) -> None:
    """Refuse tables that an index of `bits` bits does not fit, or whose entries exceed 64 bits together.

    Raises:
        LocalError: they do not fit.
    """
    if bits > widest or sum(out_bits) > ring.MAX_BITS or any(table.shape != (1 << bits,) for table in tables):
        lengths = [len(table) for table in tables]
        raise LocalError(
            f"tables of lengths {lengths} and widths {list(out_bits)} at an index of {bits} bits",
            remedy=f"at most {widest} index bits, 2^bits entries each, {ring.MAX_BITS} bits an entry in all",
        )


def merge(tables: Sequence[Words], out_bits: Sequence[int]) -> Words:
    """One table whose entries hold the low out_bits[k] bits of every table's, the first table's lowest."""
    total = sum(out_bits)
    merged, place = np.zeros(tables[0].shape, ring.dtype_for(total)), 0
    for table, width in zip(tables, out_bits, strict=True):
        merged |= ring.reduce(ring.reduce(table, width), total) << merged.dtype.type(place)
        place += width
    return merged


def unmerge(words: Words, out_bits: Sequence[int]) -> list[Words]:
    """The parts of merged entries; of a half of an entry, that half of every part."""
    parts, place = [], 0
    for width in out_bits:
        parts.append(ring.reduce(words >> words.dtype.type(place), width))
        place += width
    return parts


def example_tables(bits: int, *out_bits: int) -> Params:
    """Parameters of a lookup in tables with no pattern to hide behind: multiples of the golden ratio."""
    index = np.arange(1 << bits, dtype=np.uint64) + np.uint64(1)
    tables = [
        ring.reduce((index * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(5 + place), width)
        for place, width in enumerate(out_bits)
    ]
    return {"bits": bits, "out_bits": list(out_bits), "tables": tables}
