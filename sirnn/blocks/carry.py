"""Carry: the wrap of a share, digit by digit, for the fewest bits rather than the fewest flights.

From the low end, one 1-of-N OT a digit: both parties put their digit and their half of the carry so far into it, and
get halves of the next carry. No equality of digits is ever shared, as in a tree of them (`blocks.comparison`). The
parties take turns as senders, so that whoever hears of a carry first chooses next: each digit takes one flight.

wrap(x0, x1) = 1{x0 + x1 >= 2^bits}. 2-bit digits are cheapest: 10 bits and 3 COTs, an 8-bit wrap 35 bits and 11 COTs.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import WIDTHS, wrap_clear
from sirnn.cost import Cost, sequence
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Bool, Halves, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare


def digits(bits: int) -> list[int]:
    """Widths of the digits, lowest first: 2 bits each. An odd bit goes to the lowest, where no carry comes in."""
    return [min(bits, 2 + bits % 2)] + [2] * ((bits - 2) // 2)


def carry_cost(profile: Profile, n: int, *, bits: int, sender: int = SERVER) -> Cost:
    """5 (or 10) bits for the lowest 2 (or 3) bits and 10 for each 2 that follow; 1 + digits flights."""
    fields = enumerate(_fields(n, bits))
    return sequence(*(oblivious_transfer_cost(profile, [field], sender=sender ^ index & 1) for index, field in fields))


def _fields(n: int, bits: int) -> list[OtField]:
    return [OtField(n, 1 << (width + (index > 0)), 1) for index, width in enumerate(digits(bits))]


@protocol(
    takes=(Halves("bits"),),
    gives=(Bool(),),
    clear=wrap_clear,
    cost=carry_cost,
    examples=[*WIDTHS, {"bits": 6, "sender": CLIENT}, {"bits": 9, "sender": CLIENT}],
    profiles=[profile for profile in Profile if profile.ahead],
)
async def carry(party: Party, x: ArithmeticShare, *, sender: int = SERVER) -> BooleanShare:
    """A share of 1{x0 + x1 >= 2^bits}: whether the halves of x wrap around.

    Args:
        party: this party.
        x: any share.
        sender: of the first OT; best the party that is done last with what came before (`Cost.last`).
    """
    words, place = x.words.reshape(-1), 0
    half = np.zeros(x.size, np.uint8)
    for index, (width, field) in enumerate(zip(digits(x.bits), _fields(x.size, x.bits), strict=True)):
        digit = (words >> words.dtype.type(place)).astype(np.uint8) & np.uint8(ring.mask(width))
        known = digit | half << np.uint8(width)
        if party.role == sender:
            messages = _next_carries(width, index > 0)[known]
            (half,) = await oblivious_transfer(party, [field], sender=sender, messages=[messages])
        else:
            (half,) = await oblivious_transfer(party, [field], sender=sender, choices=[known])
        sender, place = 1 - sender, place + width
    return BooleanShare(half.reshape(x.shape))


@cache
def _next_carries(width: int, carried: bool) -> Words:
    """The carry out of a digit, for what the sender and the receiver know: a digit, and above it half a carry in."""
    known = np.arange(1 << (width + carried), dtype=np.uint8)
    digit, half = known & np.uint8(ring.mask(width)), known >> np.uint8(width)
    total = digit[:, None] + digit + (half[:, None] ^ half)
    out: Words = (total >> np.uint8(width)).astype(np.uint8)
    return out
