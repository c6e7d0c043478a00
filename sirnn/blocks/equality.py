"""Equality: whether two private numbers are the same, and whether a share is of zero.

The numbers are cut into 4-bit digits; one 1-of-16 OT of a single bit gives a share of "equal" for each, and a tree of
ANDs joins them (SIRNN, section III-A). A digit of one bit needs no OT: two bits are equal if their xor is 0, and that
is shared already.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.boolean import NO_PAIRS, AndPool, Bits, and_gates_cost, and_pool_cost
from sirnn.blocks.comparison import WIDTHS
from sirnn.blocks.digits import digit_widths
from sirnn.cost import FREE, Cost, parallel, sequence
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
from sirnn.party import SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, Private, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare, PrivateValue

DIGIT = 4
"""Bits of a leaf: 1-of-16 OTs."""

# ------------------------------------------------------------ two private numbers


def equal_clear(x: Clear, y: Clear) -> Clear:
    """1{x = y}."""
    same: Clear = (x == y).astype(np.uint64)
    return same


def equal_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """In profile `paper` 272 bits a digit and 148 an AND, one fewer than digits; else 19 and 4.

    2 + ceil(log2(bits / 4)) flights, none for a bit.
    """
    leaves, layers = _leaves_cost(profile, n, bits), _layers(len(digit_widths(bits, DIGIT)))
    if not layers:
        return leaves
    gates = [and_gates_cost(n * pairs, 0) for pairs in layers]
    return parallel(leaves, and_pool_cost(profile, n * sum(layers), 0)) + sequence(*gates)


def _leaves_cost(profile: Profile, n: int, bits: int) -> Cost:
    fields = _leaf_fields(n, bits)
    return oblivious_transfer_cost(profile, fields, sender=SERVER) if fields else FREE


@protocol(
    takes=(Private("bits", owner=0), Private("bits", owner=1)),
    gives=(Bool(),),
    clear=equal_clear,
    cost=equal_cost,
    examples=WIDTHS,
)
async def equal(party: Party, x: PrivateValue, y: PrivateValue) -> BooleanShare:
    """A share of 1{x = y} for party 0's x and party 1's y, arrays of one shape. 16 bits: 1,532 bits, 4 flights."""
    mine, layers = (x if party.is_server else y).known(), _layers(len(digit_widths(x.bits, DIGIT)))
    flat = mine.reshape(-1)
    if not layers:
        digits = await _leaves(party, flat, x.bits)
    else:
        n, ands = flat.size, flat.size * sum(layers)
        digits, pool = await party.parallel(
            (_leaves_cost(party.profile, n, x.bits), lambda p: _leaves(p, flat, x.bits)),
            (and_pool_cost(party.profile, ands, 0), lambda p: AndPool.make(p, ands, 0)),
        )
    for pairs in layers:
        left, right = (np.concatenate(digits[start : 2 * pairs : 2]) for start in (0, 1))
        joined, _ = await pool.gates(party, (left, right), NO_PAIRS)
        digits = [*np.split(joined, pairs), *digits[2 * pairs :]]
    return BooleanShare(digits[0].reshape(mine.shape))


def _layers(digits: int) -> list[int]:
    """ANDs in each layer of the tree: neighbours meet, an odd last one passes."""
    layers = []
    while digits > 1:
        layers.append(digits // 2)
        digits -= digits // 2
    return layers


def _leaf_fields(n: int, bits: int) -> list[OtField]:
    return [OtField(n, 1 << width, 1) for width in digit_widths(bits, DIGIT) if width > 1]


async def _leaves(party: Party, mine: Words, bits: int) -> list[Bits]:
    """Shares of "equal" for each digit, lowest first."""
    fields = _leaf_fields(mine.size, bits)
    digits = [
        (mine >> mine.dtype.type(DIGIT * place)).astype(np.uint8) & np.uint8(ring.mask(width))
        for place, width in enumerate(digit_widths(bits, DIGIT))
    ]
    # Only the top digit can be a single bit. 1{a = b} = 1 ^ a ^ b.
    lone = [digit ^ np.uint8(party.is_server) for digit in digits[len(fields) :]]
    if not fields:
        return lone
    if not party.is_server:
        return [*await oblivious_transfer(party, fields, sender=SERVER, choices=digits[: len(fields)]), *lone]
    messages = [
        (digit[:, None] == np.arange(field.choices, dtype=np.uint8)).astype(np.uint8)
        for digit, field in zip(digits, fields, strict=False)
    ]
    return [*await oblivious_transfer(party, fields, sender=SERVER, messages=messages), *lone]


# ------------------------------------------------------------ a share of zero


def is_zero_clear(x: Clear) -> Clear:
    """1{x = 0}."""
    zero: Clear = (x == 0).astype(np.uint64)
    return zero


def is_zero_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """One equality."""
    return equal_cost(profile, n, bits=bits)


@protocol(takes=(Arith("bits"),), gives=(Bool(),), clear=is_zero_clear, cost=is_zero_cost, examples=WIDTHS)
async def is_zero(party: Party, x: ArithmeticShare) -> BooleanShare:
    """A share of 1{x = 0}: party 0's half equals minus party 1's."""
    mine = x if party.is_server else -x
    values = [PrivateValue(owner, x.shape, x.bits, mine.words if owner == party.role else None) for owner in (0, 1)]
    return await equal(party, *values)
