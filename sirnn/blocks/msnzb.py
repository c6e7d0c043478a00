"""The most significant nonzero bit, and normalisation by it.

The value is cut into digits; a lookup on each gives the index its own top bit would have in the whole value (0 if the
digit is 0) and whether it is 0. From the bottom up, index = index_digit + (digit is 0) * index_below: one MUX a digit,
in the ring of the result from the start, so that nothing is extended and no flag is ANDed (SIRNN, section III-E, spends
both). Every lookup and MUX has masks of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from sirnn import ring
from sirnn.blocks.conversion import mux, mux_cost
from sirnn.blocks.digits import digit_decompose, digit_decompose_cost, digit_widths
from sirnn.blocks.lookup import lookup, lookup_bits, lookup_bits_cost, lookup_cost
from sirnn.blocks.scaling import scale, scale_cost
from sirnn.cost import Cost, parallel, sequence
from sirnn.errors import LocalError
from sirnn.party import Branch, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

DIGIT_BITS = 8
"""The widest lookup that one 1-of-256 OT can make."""

APART = -1
"""As `zero`: 0 gets an index that no other value has."""

V = TypeVar("V")

# ------------------------------------------------------------ index


def msnzb_bits(bits: int, zero: int = 0) -> int:
    """Width of the index of a value of `bits` bits: ceil(log2 bits), and one code more if 0 is kept apart."""
    return max(1, (bits - 1 - zero).bit_length())


def msnzb_clear(x: Clear, *, bits: int, zero: int = 0) -> Clear:
    """Index of the top nonzero bit; `zero` modulo the index's ring for 0."""
    index = np.full(x.shape, zero & ring.mask(msnzb_bits(bits, zero)), dtype=np.uint64)
    for place in range(bits):
        index[x >> np.uint64(place) != 0] = place
    return index


def msnzb_cost(profile: Profile, n: int, *, bits: int, digit_bits: int = DIGIT_BITS, zero: int = 0) -> Cost:
    """The digits, a lookup on each at once, and a MUX for each but the lowest."""
    widths, index_bits = digit_widths(bits, digit_bits), msnzb_bits(bits, zero)
    lookups = [
        lookup_cost(profile, n, bits=width, out_bits=_entry_bits(place, index_bits))
        for place, width in enumerate(widths)
    ]
    return sequence(
        digit_decompose_cost(profile, n, bits=bits, digit_bits=digit_bits),
        parallel(*lookups),
        mux_cost(profile, n, bits=index_bits) * (len(widths) - 1),
    )


def _entry_bits(place: int, index_bits: int) -> list[int]:
    """The index, and whether the digit is 0, which says nothing of the lowest."""
    return [index_bits, 1] if place else [index_bits]


WIDTHS = [
    {"bits": bits, "digit_bits": digit, "zero": zero}
    for bits, digit in ((1, 8), (2, 8), (4, 2), (5, 2), (8, 8), (15, 8), (16, 8), (20, 6), (31, 8), (64, 8))
    for zero in (0, APART)
]


@protocol(
    takes=(Arith("bits"),),
    gives=(Arith(lambda p: msnzb_bits(p["bits"], p["zero"])),),
    clear=msnzb_clear,
    cost=msnzb_cost,
    examples=WIDTHS,
)
async def msnzb(party: Party, x: ArithmeticShare, *, digit_bits: int = DIGIT_BITS, zero: int = 0) -> ArithmeticShare:
    """The index of the most significant nonzero bit: a share of `msnzb_bits`. Any width 1..64.

    At 15 bits, profile `paper`: 3,282 bits and 9 flights.

    Args:
        party: this party.
        x: any share.
        digit_bits: width of the digits, at most 8; wide ones take few comparisons and large lookups.
        zero: what to say for 0: 0 as the paper does, or `APART` for an index of its own (-1 in the index's ring).

    Raises:
        LocalError: `zero` is neither, or `digit_bits` is not in 1..8.
    """
    if zero not in (0, APART) or not 1 <= digit_bits <= DIGIT_BITS:
        raise LocalError(
            f"no index with digits of {digit_bits} bits and {zero} for 0",
            remedy=f"use 1 <= digit_bits <= {DIGIT_BITS}, and 0 or {APART} for 0",
        )
    index_bits = msnzb_bits(x.bits, zero)
    digits = await digit_decompose(party, x, digit_bits=digit_bits)

    def look_up(place: int) -> Branch[tuple[ArithmeticShare, ...]]:
        digit, widths = digits[place], _entry_bits(place, index_bits)
        indices = _indices(digit.bits, place * digit_bits, 0 if place else zero, index_bits)
        is_zero = (np.arange(indices.size) == 0).astype(np.uint8)
        tables = [indices, is_zero][: len(widths)]
        cost = lookup_cost(party.profile, x.size, bits=digit.bits, out_bits=widths)
        return cost, lambda p: lookup(p, digit, tables=tables, out_bits=widths)

    (index,), *upper = await party.parallel(*(look_up(place) for place in range(len(digits))))
    for own, is_zero in upper:
        # Modulo 2 an additive share is a xor share.
        index = own + await mux(party, BooleanShare(is_zero.words), index)
    return index


def _indices(width: int, start: int, zero: int, index_bits: int) -> Words:
    """The index of the top bit of every digit of that width which begins at bit `start`, `zero` for digit 0."""
    values = [zero, *(start + value.bit_length() - 1 for value in range(1, 1 << width))]
    return ring.from_signed(np.array(values), index_bits)


# ------------------------------------------------------------ one-hot


def msnzb_one_hot_clear(x: Clear, *, bits: int, zero: int = 0) -> Clear:
    """Only the top nonzero bit of x; for 0 bit 0 or, if it is kept apart, none."""
    top = np.uint64(1) << msnzb_clear(x, bits=bits)
    return top if zero == 0 else np.where(x == 0, np.uint64(0), top)


def msnzb_one_hot_cost(profile: Profile, n: int, *, bits: int, digit_bits: int = DIGIT_BITS, zero: int = 0) -> Cost:
    """The index and a lookup at it."""
    index = msnzb_cost(profile, n, bits=bits, digit_bits=digit_bits, zero=zero)
    return index + lookup_bits_cost(profile, n, bits=msnzb_bits(bits, zero), out_bits=[bits])


@protocol(
    takes=(Arith("bits"),),
    gives=(Bool("bits"),),
    clear=msnzb_one_hot_clear,
    cost=msnzb_one_hot_cost,
    examples=WIDTHS,
)
async def msnzb_one_hot(
    party: Party, x: ArithmeticShare, *, digit_bits: int = DIGIT_BITS, zero: int = 0
) -> BooleanShare:
    """The most significant nonzero bit and nothing else: a xor share as wide as x. Any width 1..64.

    For x = 0 bit 0 is set, as MSNZB(0) = 0 in the paper; with `zero=APART` no bit is.

    Raises:
        LocalError: as `msnzb`.
    """
    index = await msnzb(party, x, digit_bits=digit_bits, zero=zero)
    words = [1 << place if place < x.bits else 0 for place in range(1 << index.bits)]
    table = np.array(words, dtype=ring.dtype_for(x.bits))
    (one_hot,) = await lookup_bits(party, index, tables=[table], out_bits=[x.bits])
    return one_hot


# ------------------------------------------------------------ normalisation


def by_index(bits: int, entry: Callable[[int], V], *, zero: V, unused: V) -> list[V]:
    """A table over the index with 0 apart: `entry(k)` at k < bits, `zero` at the last place, which is -1."""
    gap = (1 << msnzb_bits(bits, APART)) - bits - 1
    return [*(entry(place) for place in range(bits)), *[unused] * gap, zero]


def normalise_clear(x: Clear, *, bits: int) -> tuple[Clear, Clear]:
    """x shifted up until its top bit is set, and the index that bit had; for 0 the top bit alone, and -1."""
    index = msnzb_clear(x, bits=bits, zero=APART)
    apart = index == np.uint64(ring.mask(msnzb_bits(bits, APART)))
    top = np.uint64(1 << (bits - 1))
    return np.where(apart, top, x << (np.uint64(bits - 1) - np.where(apart, np.uint64(0), index))), index


def normalise_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """The index, and scaling by it."""
    index = msnzb_cost(profile, n, bits=bits, zero=APART)
    return index + scale_cost(profile, n, bits=bits, index_bits=msnzb_bits(bits, APART))


@protocol(
    takes=(Arith("bits"),),
    gives=(Arith("bits"), Arith(lambda p: msnzb_bits(p["bits"], APART))),
    clear=normalise_clear,
    cost=normalise_cost,
    examples=[{"bits": bits} for bits in (1, 2, 5, 8, 15, 16, 32, 64)],
)
async def normalise(party: Party, x: ArithmeticShare) -> tuple[ArithmeticShare, ArithmeticShare]:
    """x 2^(bits - 1 - k) in its own ring and k, the index of its top nonzero bit: x as a value in [1, 2) times 2^k.

    0 is read as a half: the top bit alone, and k = -1 in its ring of `msnzb_bits(bits, APART)` bits. So the top bit of
    the normalised value is publicly 1, whatever x is.
    """
    index = await msnzb(party, x, zero=APART)
    top = x.bits - 1
    factors = by_index(x.bits, lambda place: 1 << (top - place), zero=0, unused=0)
    offsets = by_index(x.bits, lambda _: 0, zero=1 << top, unused=0)
    return await scale(party, x, index, factors=factors, offsets=offsets), index
