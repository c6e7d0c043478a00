"""Lookup: a public table at a shared index, in whichever way sends less.

By OT, party 0 offers T[(x0 + j) mod 2^m] for every j and party 1 takes the one at j = x1, both being left with halves:
a 1-of-2^m OT (SIRNN, section III-F; Dessouky et al., NDSS 2017). Several tables at one index are one OT with longer
messages. Where correlations are made ahead all but the smallest tables go by `split_lookup` instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sirnn import ring
from sirnn.blocks import split_lookup as splitting
from sirnn.blocks.cascade import compose, compose_cost
from sirnn.blocks.split_lookup import split_lookup, split_lookup_cost
from sirnn.blocks.tables import check_tables, example_tables, lookup_clear, merge, unmerge
from sirnn.correlations.kinds import price
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from sirnn.ot.chosen import oblivious_transfer_cost, stream_oblivious_transfer
from sirnn.ot.fields import OtField
from sirnn.party import SERVER, Branch, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

WIDEST = 8
"""Bits of an index in every profile: a 1-of-N OT has N <= 256."""


def widest(profile: Profile) -> int:
    """Most bits an index may have."""
    return splitting.WIDEST if profile.ahead else WIDEST


# ------------------------------------------------------------ additive


def lookup_cost(profile: Profile, n: int, *, bits: int, out_bits: Sequence[int]) -> Cost:
    """In profile `paper` a 1-of-2^bits OT: 256 + 2^bits * sum(out_bits) bits, 2 flights. Otherwise the lower of that
    (`oblivious_transfer_cost`) and a split lookup with its result made additive, 4 flights.
    """
    if _splits(profile, bits, tuple(out_bits), additive=True):
        return _split_cost(profile, n, bits, out_bits)
    return _ot_cost(profile, n, bits, out_bits)


@protocol(
    takes=(Arith("bits"),),
    gives=lambda p: [Arith(width) for width in p["out_bits"]],
    clear=lookup_clear,
    cost=lookup_cost,
    examples=[
        example_tables(bits, *out_bits)
        for bits, out_bits in ((1, (3,)), (3, (5,)), (4, (4, 9)), (5, (9, 13)), (8, (14,)), (7, (64,)))
    ],
)
async def lookup(
    party: Party, x: ArithmeticShare, *, tables: Sequence[Words], out_bits: Sequence[int]
) -> tuple[ArithmeticShare, ...]:
    """Additive shares of tables[k][x] mod 2^out_bits[k], for every k. 2 or 4 flights.

    Raises:
        LocalError: the index has more than `widest` bits, a table is not 2^bits long, or the entries exceed 64 bits
            together.
    """
    check_tables(x.bits, tables, out_bits, widest=widest(party.profile))
    if not _splits(party.profile, x.bits, tuple(out_bits), additive=True):
        halves = await _by_ot(party, x, tables, out_bits, additive=True)
        return tuple(ArithmeticShare(half, width) for half, width in zip(halves, out_bits, strict=True))
    words = await split_lookup(party, x, tables=tables, out_bits=out_bits)

    def convert(word: BooleanShare) -> Branch[ArithmeticShare]:
        cost = _convert_cost(party.profile, x.size, word.bits)
        return cost, lambda p: compose(p, word, bits=word.bits, widenings=0)

    return await party.parallel(*map(convert, words))


def _split_cost(profile: Profile, n: int, bits: int, out_bits: Sequence[int]) -> Cost:
    converting = parallel(*(_convert_cost(profile, n, width) for width in out_bits))
    return split_lookup_cost(profile, n, bits=bits, out_bits=out_bits) + converting


def _convert_cost(profile: Profile, n: int, width: int) -> Cost:
    return compose_cost(profile, n, word_bits=width, bits=width, widenings=0)


# ------------------------------------------------------------ xor


def lookup_bits_cost(profile: Profile, n: int, *, bits: int, out_bits: Sequence[int]) -> Cost:
    """As `lookup_cost`, less what makes the result of a split lookup additive; 2 flights."""
    if _splits(profile, bits, tuple(out_bits), additive=False):
        return split_lookup_cost(profile, n, bits=bits, out_bits=out_bits)
    return _ot_cost(profile, n, bits, out_bits)


@protocol(
    takes=(Arith("bits"),),
    gives=lambda p: [Bool(width) for width in p["out_bits"]],
    clear=lookup_clear,
    cost=lookup_bits_cost,
    examples=[
        example_tables(bits, *out_bits)
        for bits, out_bits in ((1, (1,)), (3, (5,)), (4, (1, 9)), (5, (31,)), (8, (3, 4)), (6, (64,)))
    ],
)
async def lookup_bits(
    party: Party, x: ArithmeticShare, *, tables: Sequence[Words], out_bits: Sequence[int]
) -> tuple[BooleanShare, ...]:
    """Xor shares of the out_bits[k] bits of tables[k][x], for every k. 2 flights.

    A single bit is the same either way: to get one along with additive shares, ask `lookup` for it.

    Raises:
        LocalError: as `lookup`.
    """
    check_tables(x.bits, tables, out_bits, widest=widest(party.profile))
    if _splits(party.profile, x.bits, tuple(out_bits), additive=False):
        return await split_lookup(party, x, tables=tables, out_bits=out_bits)
    halves = await _by_ot(party, x, tables, out_bits, additive=False)
    return tuple(BooleanShare(half, width) for half, width in zip(halves, out_bits, strict=True))


# ------------------------------------------------------------ the two ways


@cache
def _splits(profile: Profile, bits: int, out_bits: tuple[int, ...], *, additive: bool) -> bool:
    """Whether a split lookup sends and draws less than an OT, selector included."""
    if not profile.ahead or bits > WIDEST:
        return profile.ahead
    n = 8  # whole bytes
    by_ot = price(profile, _ot_cost(profile, n, bits, out_bits))
    if additive:
        return price(profile, _split_cost(profile, n, bits, out_bits)) < by_ot
    return price(profile, split_lookup_cost(profile, n, bits=bits, out_bits=out_bits)) < by_ot


def _ot_cost(profile: Profile, n: int, bits: int, out_bits: Sequence[int]) -> Cost:
    if bits > WIDEST:
        raise LocalError(
            f"a lookup at {bits} bits in profile {profile.value}",
            remedy=f"use at most {WIDEST} bits, or a profile that makes correlations ahead",
        )
    return oblivious_transfer_cost(profile, [OtField(n, 1 << bits, sum(out_bits))], sender=SERVER)


async def _by_ot(
    party: Party, x: ArithmeticShare, tables: Sequence[Words], out_bits: Sequence[int], *, additive: bool
) -> list[Words]:
    """Halves of every entry."""
    field = OtField(x.size, 1 << x.bits, sum(out_bits), additive=tuple(out_bits) if additive else ())
    flat = x.words.reshape(-1)
    if party.is_server:
        entries = merge(tables, out_bits)

        def messages(_: int, part: slice) -> Words:
            return rotated(entries, flat[part])

        (halves,) = await stream_oblivious_transfer(party, [field], sender=SERVER, messages=messages)
    else:
        (halves,) = await stream_oblivious_transfer(party, [field], sender=SERVER, choices=[flat])
    return unmerge(halves.reshape(x.shape), out_bits)


def rotated(table: Words, half: Words) -> Words:
    """For each half of an index the entries that the other half 0, 1, .. would choose: (n, len(table)).

    Each is a run of the table written down twice, copied as a whole.
    """
    return sliding_window_view(np.concatenate([table, table[:-1]]), len(table))[half]


def candidates(half: Words, bits: int) -> Words:
    """For each half of an index the values the index has if the other half is 0, 1, ..: (n, 2^bits) uint64."""
    other = np.arange(1 << bits, dtype=np.uint64)
    return (half[:, None].astype(np.uint64) + other) & np.uint64(ring.mask(bits))
