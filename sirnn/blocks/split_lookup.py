"""Split lookup: a public table at a shared index, for about the square root of the table's length.

A selector made ahead is a random number r, additively shared and as the one-hot vectors of its low and high bits. The
parties open c = x - r. Then T[x] = T[c + r], and its sum over all low parts, weighted with the low vector, is local:
it makes a share of u_h for each high part h. The high vector picks one of them,

    T[x] = u_0 ^ sum over h > 0 of e_h (u_h ^ u_0),

by a COT both ways for each h. c is uniform, and r is used for nothing else; tables at one index are merged, so that
one selector serves them all. Sent in all, with the selector and about n 2^m entry bits: 4 sqrt(n 2^m) bits.

The one-hot form of a lookup is that of Keller, Orsini, Rotaru, Scholl, Soria-Vazquez, Vivek (CRYPTO 2017); the split
trades the length of its vectors for products.

Where the index is not cut (high = 0), a party's half is a function of its half of the vector, which is uniform up to
its parity: it lies in the span of the table's entries and need not be a uniform word. It is as good as one, being
independent of the index and of all the other party holds; and its owner chose it, in effect, by its own half.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from sirnn import ring
from sirnn.blocks.tables import check_tables, example_tables, lookup_clear, merge, unmerge
from sirnn.correlations.kinds import price
from sirnn.correlations.selectors import WIDEST_HIGH, WIDEST_LOW, draw_selectors, selector_kind
from sirnn.cost import Cost, bytes_for, remembered
from sirnn.errors import LocalError
from sirnn.kernels.bitpack import pack, unpack
from sirnn.kernels.scan import scan
from sirnn.ot.correlated import ask_both_ways
from sirnn.ot.fields import CotField
from sirnn.ot.rows import drawn
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

WIDEST = WIDEST_LOW + WIDEST_HIGH
"""Bits of an index. All of the table is gone through for each lookup: 65,536 entries at 16 bits."""


@cache
def split(profile: Profile, bits: int, width: int) -> tuple[int, int]:
    """How an index of `bits` bits is best cut, (low, high), for entries of `width` bits: by all bits sent and drawn.

    Raises:
        LocalError: this profile makes nothing ahead, or the index is too wide.
    """
    if not profile.ahead or bits > WIDEST:
        raise LocalError(
            f"a split lookup at {bits} bits in profile {profile.value}",
            remedy=f"use at most {WIDEST} bits, and a profile that makes correlations ahead",
        )
    lows = range(max(1, bits - WIDEST_HIGH), min(WIDEST_LOW, bits) + 1)
    low = min(lows, key=lambda low: price(profile, _cost(8, low, bits - low, width)))
    return low, bits - low


def split_lookup_cost(profile: Profile, n: int, *, bits: int, out_bits: Sequence[int]) -> Cost:
    """A selector; 2 bits + 2 (2^high - 1) (width + 1) bits and a COT each way for every high part; 2 flights."""
    width = sum(out_bits)
    low, high = split(profile, bits, width)
    return _cost(n, low, high, width)


@remembered(512)
def _cost(n: int, low: int, high: int, width: int) -> Cost:
    picks = n * ((1 << high) - 1)
    picking = drawn(picks, sender=0) | drawn(picks, sender=1)
    opening = Cost.exchange(8 * (bytes_for(n * (low + high)) + bytes_for(picks)))
    answers = Cost.exchange(picks * width) if high else Cost()
    return Cost(demand={selector_kind(low, high): n}) + picking + opening + answers


@protocol(
    takes=(Arith("bits"),),
    gives=lambda p: [Bool(width) for width in p["out_bits"]],
    clear=lookup_clear,
    cost=split_lookup_cost,
    examples=[
        example_tables(bits, *out_bits)
        for bits, out_bits in (
            (1, (1,)),
            (2, (3,)),
            (4, (1, 9)),
            (5, (31,)),
            (6, (64,)),
            (8, (14,)),
            (8, (20, 9, 7)),
            (12, (1,)),
            (12, (16, 33)),
            (15, (16,)),
        )
    ],
    profiles=[profile for profile in Profile if profile.ahead],
)
async def split_lookup(
    party: Party, x: ArithmeticShare, *, tables: Sequence[Words], out_bits: Sequence[int]
) -> tuple[BooleanShare, ...]:
    """Xor shares of the out_bits[k] bits of tables[k][x], for every k. 2 flights.

    Raises:
        LocalError: the profile makes nothing ahead, the index has more than 16 bits, a table is not 2^bits long, or
            the entries exceed 64 bits together.
    """
    check_tables(x.bits, tables, out_bits, widest=WIDEST)
    table, width = merge(tables, out_bits), sum(out_bits)
    low, high = split(party.profile, x.bits, width)
    number, lows, highs = await draw_selectors(party, low, high, x.size)
    picks = _bits(highs, 1 << high)
    asked = await ask_both_ways(party, [CotField(picks.size, width, xor=True)], [picks.reshape(-1)])

    # The choices of the second step do not depend on c, so they travel with it.
    mine = ring.reduce(x.words.reshape(-1) - number, x.bits)
    opening = pack([(mine, x.bits)])
    theirs = await party.channel.exchange(opening + asked.message, len(opening) + asked.expects)
    (other,) = unpack(theirs[: len(opening)], [(x.size, x.bits)])

    sums = np.empty((1 << high, x.size), table.dtype)
    scan(ring.reduce(mine + other, x.bits), lows, np.concatenate([table, table[: 1 << low]]), low, high, sums)
    if not high:
        entry = sums[0]
    else:
        differences = sums[1:] ^ sums[0]
        (crossed,) = await asked.answer(party, theirs[len(opening) :], [differences.reshape(-1)])
        picked = (differences * picks) ^ crossed.reshape(picks.shape)
        entry = sums[0] ^ np.bitwise_xor.reduce(picked, axis=0)
    parts = unmerge(entry, out_bits)
    return tuple(BooleanShare(part.reshape(x.shape), each) for part, each in zip(parts, out_bits, strict=True))


def _bits(strings: Words, entries: int) -> Words:
    """Entries 1, 2, .. of one-hot vectors of a single word, (entries - 1, n) uint8."""
    places = np.arange(1, entries, dtype=np.uint64)
    return ((strings[:, 0] >> places[:, None]) & np.uint64(1)).astype(np.uint8)
