"""Comparison: millionaires', and the wrap of a share, which everything else hangs on.

Party 0's x and party 1's y are cut into digits of a few bits; one 1-of-N OT per digit gives shares of "greater" and
"equal" for that digit, and a tree of ANDs merges them from the top: greater = greater_high ^ (equal_high &
greater_low).
The digit below all others never needs its equality, and a merge that keeps equality spends a pair of
ANDs with the common operand equal_high (CrypTFlow2, CCS 2020; SIRNN, section III-A).

wrap(x0, x1) = 1{x0 + x1 >= 2^bits} = 1{x0 > 2^bits - 1 - x1}: what a share hides when it is read in a wider ring.
If the top bit of x is known, the wrap follows from the shares' own top bits and one small OT.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.boolean import AndPool, Bits, and_gates_cost, and_pool_cost
from sirnn.cost import FREE, Cost, parallel, remembered, sequence
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
from sirnn.party import SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, Halves, Msb, Private, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare, PrivateValue

KnownMsb: TypeAlias = BooleanShare | int | None
"""What is known of a top bit: a share of it, the public bit, or nothing."""

WIDTHS = [{"bits": bits} for bits in (1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31, 32, 33, 63, 64)]


# ------------------------------------------------------------ the merge tree


@attrs.frozen
class _Merge:
    """Merge digit `high` into digit `low`, keeping equality or not."""

    low: int
    high: int
    keep_equal: bool


def _digit(profile: Profile) -> int:
    """Bits of a leaf. The paper's 1-of-16 OTs spread a fixed price; without one, fewer messages are cheaper."""
    return 3 if profile.ahead else 4


def _widths(profile: Profile, bits: int) -> list[int]:
    """Digit widths, lowest first; the top one may be short."""
    digit = _digit(profile)
    return [min(digit, bits - start) for start in range(0, bits, digit)]


def _levels(digits: int, equality: bool) -> list[list[_Merge]]:
    """The merges of each level of the tree; after the last, digit 0 holds the answer."""
    levels, step = [], 1
    while step < digits:
        lows = range(0, digits - step, 2 * step)
        levels.append([_Merge(low, low + step, equality or low > 0) for low in lows])
        step *= 2
    return levels


def _counts(merges: list[_Merge]) -> tuple[int, int]:
    pairs = sum(merge.keep_equal for merge in merges)
    return len(merges) - pairs, pairs


def _leaf_fields(profile: Profile, n: int, bits: int, equality: bool) -> list[OtField]:
    widths = _widths(profile, bits)
    return [OtField(n, 1 << width, 2 if equality or digit > 0 else 1) for digit, width in enumerate(widths)]


@remembered(512)
def _compare_cost(profile: Profile, n: int, bits: int, *, equality: bool) -> Cost:
    leaves = _leaves_cost(profile, n, bits, equality)
    levels = [_counts(merges) for merges in _levels(len(_widths(profile, bits)), equality)]
    if not levels:
        return leaves
    singles, pairs = (n * sum(column) for column in zip(*levels, strict=True))
    gates = [and_gates_cost(n * single, n * pair) for single, pair in levels]
    return parallel(leaves, and_pool_cost(profile, singles, pairs)) + sequence(*gates)


@remembered(512)
def _leaves_cost(profile: Profile, n: int, bits: int, equality: bool) -> Cost:
    return oblivious_transfer_cost(profile, _leaf_fields(profile, n, bits, equality), sender=SERVER)


async def _leaves(party: Party, mine: Words, bits: int, equality: bool) -> tuple[list[Bits], list[Bits]]:
    """Shares of greater and equal for each digit, as flat arrays of bits."""
    fields = _leaf_fields(party.profile, mine.size, bits, equality)
    digits = [
        (mine >> mine.dtype.type(_digit(party.profile) * index)).astype(np.uint8) & np.uint8(field.choices - 1)
        for index, field in enumerate(fields)
    ]
    if party.is_server:
        messages = [_answers(field.choices, field.bits)[digit] for digit, field in zip(digits, fields, strict=True)]
        halves = await oblivious_transfer(party, fields, sender=SERVER, messages=messages)
    else:
        halves = await oblivious_transfer(party, fields, sender=SERVER, choices=digits)
    return [half & np.uint8(1) for half in halves], [half >> np.uint8(1) for half in halves]


@cache
def _answers(choices: int, bits: int) -> Words:
    """For every digit of party 0 the messages to each digit of party 1: greater, and equal above it if of two bits."""
    digits = np.arange(choices, dtype=np.uint8)
    greater, equal = digits[:, None] > digits, digits[:, None] == digits
    answers: Words = greater.astype(np.uint8)
    return answers | equal.astype(np.uint8) << np.uint8(1) if bits == 2 else answers


async def _compare(party: Party, mine: Words, bits: int, *, equality: bool) -> tuple[BooleanShare, BooleanShare]:
    """Shares of 1{x > y} and, if asked for, of 1{x = y}; party 0 gives x and party 1 gives y."""
    flat, levels = mine.reshape(-1), _levels(len(_widths(party.profile, bits)), equality)
    if not levels:
        greater, equal = await _leaves(party, flat, bits, equality)
    else:
        singles, pairs = (flat.size * sum(column) for column in zip(*map(_counts, levels), strict=True))
        (greater, equal), pool = await party.parallel(
            (
                _leaves_cost(party.profile, flat.size, bits, equality),
                lambda p: _leaves(p, flat, bits, equality),
            ),
            (and_pool_cost(party.profile, singles, pairs), lambda p: AndPool.make(p, singles, pairs)),
        )
    for merges in levels:
        await _merge(party, pool, merges, greater, equal)
    return BooleanShare(greater[0].reshape(mine.shape)), BooleanShare(equal[0].reshape(mine.shape))


async def _merge(party: Party, pool: AndPool, merges: list[_Merge], greater: list[Bits], equal: list[Bits]) -> None:
    """One level of the tree, in place."""
    single = [merge for merge in merges if not merge.keep_equal]
    paired = [merge for merge in merges if merge.keep_equal]

    def gather(source: list[Bits], digits: list[int]) -> Bits:
        return np.concatenate([source[digit] for digit in digits]) if digits else np.zeros(0, dtype=np.uint8)

    product, (left, right) = await pool.gates(
        party,
        (gather(greater, [m.low for m in single]), gather(equal, [m.high for m in single])),
        (
            gather(equal, [m.high for m in paired]),
            gather(greater, [m.low for m in paired]),
            gather(equal, [m.low for m in paired]),
        ),
    )
    n = greater[0].size
    for place, merge in enumerate(single):
        greater[merge.low] = product[place * n : place * n + n] ^ greater[merge.high]
    for place, merge in enumerate(paired):
        part = slice(place * n, place * n + n)
        greater[merge.low], equal[merge.low] = left[part] ^ greater[merge.high], right[part]


# ------------------------------------------------------------ millionaires'


def millionaires_clear(x: Clear, y: Clear) -> Clear:
    """1{x > y}, unsigned."""
    return (x > y).astype(np.uint64)


def millionaires_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """An OT a digit and an AND, or a pair of them, a merge; 2 + ceil(log2(digits)) flights.

    Profile `paper`: 4-bit digits of 288 bits (the lowest 272), 148 bits an AND, 278 a pair. Else 3-bit digits of 17
    bits (the lowest 10), 4 bits an AND, 6 a pair.
    """
    return _compare_cost(profile, n, bits, equality=False)


@protocol(
    takes=(Private("bits", owner=0), Private("bits", owner=1)),
    gives=(Bool(),),
    clear=millionaires_clear,
    cost=millionaires_cost,
    examples=WIDTHS,
)
async def millionaires(party: Party, x: PrivateValue, y: PrivateValue) -> BooleanShare:
    """Yao's millionaires': a share of 1{x > y} for party 0's x and party 1's y, unsigned.

    In profile `paper`, 16 bits: 1,710 bits, 4 flights.
    """
    greater, _ = await _compare(party, (x if party.is_server else y).known(), x.bits, equality=False)
    return greater


# ------------------------------------------------------------ wrap


def wrap_clear(x0: Clear, x1: Clear, *, bits: int) -> Clear:
    """1{x0 + x1 >= 2^bits} over the integers."""
    return (x0 > np.uint64(ring.mask(bits)) - x1).astype(np.uint64)


def wrap_cost(profile: Profile, n: int, *, bits: int, msb: str = "unknown") -> Cost:
    """Millionaires' if the top bit is unknown, else one OT, 2 flights.

    130 bits for a public top bit and 260 for a shared one in profile `paper`, else 2 and 5.
    """
    if msb == "unknown":
        return _compare_cost(profile, n, bits, equality=False)
    return oblivious_transfer_cost(profile, [OtField(n, 4 if msb == "shared" else 2, 1)], sender=SERVER)


@protocol(
    takes=(Halves("bits"), Msb()),
    gives=(Bool(),),
    clear=wrap_clear,
    cost=wrap_cost,
    examples=[{"bits": w["bits"], "msb": msb} for w in WIDTHS for msb in ("unknown", "zero", "one", "shared")],
)
async def wrap(party: Party, x: ArithmeticShare, msb: KnownMsb = None) -> BooleanShare:
    """A share of 1{x0 + x1 >= 2^bits}: whether the halves of x wrap around (SIRNN, sections III-A and III-E).

    Args:
        party: this party.
        x: any share.
        msb: the top bit of x, if it is known: public or shared; that makes it far cheaper.
    """
    if msb is not None:
        return await _wrap_from_msb(party, x, msb)
    mine = x.words if party.is_server else ring.reduce(~x.words, x.bits)
    greater, _ = await _compare(party, mine, x.bits, equality=False)
    return greater


async def _wrap_from_msb(party: Party, x: ArithmeticShare, msb: BooleanShare | int) -> BooleanShare:
    """With top bits m of x and m0, m1 of its halves, wrap = m0 & m1 ^ (m0 ^ m1) & ~m."""
    shared = isinstance(msb, BooleanShare)
    field = [OtField(x.size, 4 if shared else 2, 1)]
    top = ring.top_bit(x.words, x.bits).reshape(-1, 1)
    given = msb.words.reshape(-1, 1) if isinstance(msb, BooleanShare) else np.uint8(msb)
    if party.is_server:
        theirs = np.arange(field[0].choices, dtype=np.uint8)
        m1, m = theirs & np.uint8(1), theirs >> np.uint8(1) ^ given
        message = top & m1 ^ (top ^ m1) & (m ^ np.uint8(1))
        (half,) = await oblivious_transfer(party, field, sender=SERVER, messages=[message])
    else:
        choice = top | given << np.uint8(1) if shared else top
        (half,) = await oblivious_transfer(party, field, sender=SERVER, choices=[choice[:, 0]])
    return BooleanShare(half.reshape(x.shape))


def wrap_and_all_ones_clear(x0: Clear, x1: Clear, *, bits: int) -> tuple[Clear, Clear]:
    """1{x0 + x1 >= 2^bits} and 1{x0 + x1 = 2^bits - 1}."""
    complement = np.uint64(ring.mask(bits)) - x1
    return (x0 > complement).astype(np.uint64), (x0 == complement).astype(np.uint64)


def wrap_and_all_ones_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """As `millionaires_cost`, but every digit keeps its equality and every merge is a pair."""
    return _compare_cost(profile, n, bits, equality=True)


@protocol(
    takes=(Halves("bits"),),
    gives=(Bool(), Bool()),
    clear=wrap_and_all_ones_clear,
    cost=wrap_and_all_ones_cost,
    examples=WIDTHS,
)
async def wrap_and_all_ones(party: Party, x: ArithmeticShare) -> tuple[BooleanShare, BooleanShare]:
    """Shares of whether the halves wrap, and of whether they add up to all ones (SIRNN, section III-A)."""
    mine = x.words if party.is_server else ring.reduce(~x.words, x.bits)
    return await _compare(party, mine, x.bits, equality=True)


# ------------------------------------------------------------ top bit


def msb_clear(x: Clear, *, bits: int) -> Clear:
    """Bit bits - 1."""
    return x >> np.uint64(bits - 1)


def msb_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """One wrap of bits - 1 bits; nothing for a single bit."""
    return wrap_cost(profile, n, bits=bits - 1) if bits > 1 else FREE


@protocol(takes=(Arith("bits"),), gives=(Bool(),), clear=msb_clear, cost=msb_cost, examples=WIDTHS)
async def msb(party: Party, x: ArithmeticShare) -> BooleanShare:
    """A share of the top bit: the halves' own top bits and the carry from below (CrypTFlow2, CCS 2020)."""
    own = BooleanShare(ring.top_bit(x.words, x.bits))
    if x.bits == 1:
        return own
    return own ^ await wrap(party, x.reduce(x.bits - 1))


def known(msb: KnownMsb) -> str:
    """What cost formulas call this knowledge of a top bit."""
    if isinstance(msb, BooleanShare):
        return "shared"
    return "unknown" if msb is None else ("zero", "one")[msb]


def invert(party: Party, bit: BooleanShare) -> BooleanShare:
    """Not, locally: one party flips its half."""
    return BooleanShare(bit.words ^ np.uint8(party.is_server))


def invert_known(party: Party, msb: KnownMsb) -> KnownMsb:
    """The same knowledge of the opposite bit."""
    if isinstance(msb, BooleanShare):
        return invert(party, msb)
    return None if msb is None else 1 - msb
