"""Lookup: a public table at a shared index.

Party 0 offers T[(x0 + j) mod 2^m] - r for every j, and party 1 takes the one at j = x1: a 1-of-2^m OT
(SIRNN, section III-F; Dessouky et al., NDSS 2017). With xor in place of the difference the entry is xor-shared.
Several tables at one index are one OT with longer messages.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sirnn import ring
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.ot.transfer import OtField, oblivious_transfer, oblivious_transfer_cost
from sirnn.party import SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, Params, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

WIDEST = 8
"""A 1-of-N OT of this profile has N <= 256."""


def lookup_clear(x: Clear, *, tables: Sequence[Words]) -> tuple[Clear, ...]:
    """Each table's entry at x."""
    return tuple(table.astype(np.uint64)[x] for table in tables)


def lookup_cost(profile: Profile, n: int, *, bits: int, out_bits: Sequence[int]) -> Cost:
    """A 1-of-2^bits OT of the tables' widths together: 256 + 2^bits * sum(out_bits) bits, 2 flights."""
    return oblivious_transfer_cost(profile, [OtField(n, 1 << bits, sum(out_bits))], sender=SERVER)


def _example(bits: int, *out_bits: int) -> Params:
    """Tables with no pattern to hide behind: multiples of the golden ratio."""
    index = np.arange(1 << bits, dtype=np.uint64) + np.uint64(1)
    tables = [
        ring.reduce((index * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(5 + place), width)
        for place, width in enumerate(out_bits)
    ]
    return {"bits": bits, "out_bits": list(out_bits), "tables": tables}


@protocol(
    takes=(Arith("bits"),),
    gives=lambda p: [Arith(width) for width in p["out_bits"]],
    clear=lookup_clear,
    cost=lookup_cost,
    examples=[_example(1, 3), _example(3, 5), _example(4, 4, 9), _example(5, 9, 13), _example(8, 14), _example(7, 64)],
)
async def lookup(
    party: Party, x: ArithmeticShare, *, tables: Sequence[Words], out_bits: Sequence[int]
) -> tuple[ArithmeticShare, ...]:
    """Additive shares of tables[k][x] mod 2^out_bits[k], for every k. 2 flights.

    Raises:
        LocalError: the index has more than 8 bits, a table is not 2^bits long, or the entries exceed 64 bits together.
    """
    halves = await _look_up(party, x, tables, out_bits, np.subtract)
    return tuple(ArithmeticShare(half, width) for half, width in zip(halves, out_bits, strict=True))


@protocol(
    takes=(Arith("bits"),),
    gives=lambda p: [Bool(width) for width in p["out_bits"]],
    clear=lookup_clear,
    cost=lookup_cost,
    examples=[_example(1, 1), _example(3, 5), _example(4, 1, 9), _example(5, 31), _example(8, 3, 4), _example(6, 64)],
)
async def lookup_bits(
    party: Party, x: ArithmeticShare, *, tables: Sequence[Words], out_bits: Sequence[int]
) -> tuple[BooleanShare, ...]:
    """Xor shares of the out_bits[k] bits of tables[k][x], for every k. 2 flights.

    A single bit is the same either way: to get one along with additive shares, ask `lookup` for it.

    Raises:
        LocalError: as `lookup`.
    """
    halves = await _look_up(party, x, tables, out_bits, np.bitwise_xor)
    return tuple(BooleanShare(half, width) for half, width in zip(halves, out_bits, strict=True))


async def _look_up(
    party: Party, x: ArithmeticShare, tables: Sequence[Words], out_bits: Sequence[int], hide: np.ufunc
) -> list[Words]:
    """Halves of every entry; `hide` takes a mask away from an entry."""
    if x.bits > WIDEST or sum(out_bits) > ring.MAX_BITS or any(table.shape != (1 << x.bits,) for table in tables):
        lengths = [len(table) for table in tables]
        raise LocalError(
            f"tables of lengths {lengths} and widths {list(out_bits)} at an index of {x.bits} bits",
            remedy=f"at most {WIDEST} index bits, 2^bits entries each, {ring.MAX_BITS} bits an entry in all",
        )
    total = sum(out_bits)
    field, flat = [OtField(x.size, 1 << x.bits, total)], x.words.reshape(-1)
    if not party.is_server:
        (packed,) = await oblivious_transfer(party, field, sender=SERVER, choices=[flat])
        return [part.reshape(x.shape) for part in _unpack(packed, out_bits)]
    masks = [party.randomness.words(flat.shape, width) for width in out_bits]
    index = candidates(flat, x.bits)
    message, place = np.zeros(index.shape, dtype=ring.dtype_for(total)), 0
    for table, mask, width in zip(tables, masks, out_bits, strict=True):
        entry = ring.reduce(hide(ring.reduce(table, width)[index], mask[:, None]), width)
        message |= ring.reduce(entry, total) << message.dtype.type(place)
        place += width
    await oblivious_transfer(party, field, sender=SERVER, messages=[message])
    return [mask.reshape(x.shape) for mask in masks]


def candidates(half: Words, bits: int) -> Words:
    """For each half of an index the values the index has if the other half is 0, 1, ..: (n, 2^bits) uint64."""
    other = np.arange(1 << bits, dtype=np.uint64)
    return (half[:, None].astype(np.uint64) + other) & np.uint64(ring.mask(bits))


def _unpack(packed: Words, widths: Sequence[int]) -> list[Words]:
    parts, place = [], 0
    for width in widths:
        parts.append(ring.reduce(packed >> packed.dtype.type(place), width))
        place += width
    return parts
