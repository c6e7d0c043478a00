"""Carry: the wrap of a share, digit by digit, for the fewest bits rather than the fewest flights.

From the low end, one 1-of-N OT a digit: both parties put their digit and their half of the carry so far into it, and
get halves of the next carry. No equality of digits is ever shared, as in a tree of them (`blocks.comparison`). The
parties take turns as senders, so that whoever hears of a carry first chooses next: each digit takes one flight.

wrap(x0, x1) = 1{x0 + x1 >= 2^bits}. 2-bit digits are cheapest: 10 bits and 3 COTs, an 8-bit wrap 35 bits and 11 COTs.

A carry may be taken on through higher bits (`carry_on`), which makes one chain of the wraps of two lengths.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import WIDTHS, wrap_clear
from sirnn.cost import Cost, sequence
from sirnn.errors import LocalError
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Bool, Clear, Halves, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare


def digits(bits: int) -> list[int]:
    """Widths of the digits, lowest first: 2 bits each. An odd bit goes to the lowest, where no carry comes in."""
    return [min(bits, 2 + bits % 2)] + [2] * ((bits - 2) // 2)


def digits_above(bits: int) -> list[int]:
    """Widths of the digits where a carry comes in, lowest first: 2 bits each, an odd bit by itself."""
    return [1] * (bits % 2) + [2] * (bits // 2)


# ------------------------------------------------------------ from the low end


def carry_cost(profile: Profile, n: int, *, bits: int, sender: int = SERVER) -> Cost:
    """5 (or 10) bits for the lowest 2 (or 3) bits and 10 for each 2 that follow; 1 + digits flights."""
    return _rippled_cost(profile, _fields(n, digits(bits), carried=False), sender)


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
    return await _rippled(party, x, digits(x.bits), None, sender)


# ------------------------------------------------------------ from a carry on


def carry_on_clear(x0: Clear, x1: Clear, carried: Clear, *, bits: int) -> Clear:
    """1{x0 + x1 + carried >= 2^bits}."""
    # Without the sum, which may exceed 64 bits.
    room = np.uint64(ring.mask(bits)) - x0
    wraps: Clear = ((x1 > room) | ((x1 == room) & (carried == 1))).astype(np.uint64)
    return wraps


def carry_on_cost(profile: Profile, n: int, *, bits: int, sender: int = SERVER) -> Cost:
    """10 bits for each 2 bits, and 5 for an odd one; 1 + digits flights. Free for none."""
    return _rippled_cost(profile, _fields(n, digits_above(bits), carried=True), sender)


@protocol(
    takes=(Halves("bits"), Bool()),
    gives=(Bool(),),
    clear=carry_on_clear,
    cost=carry_on_cost,
    examples=[{"bits": bits} for bits in (1, 2, 3, 8, 9, 16, 31, 64)] + [{"bits": 9, "sender": CLIENT}],
    profiles=[profile for profile in Profile if profile.ahead],
)
async def carry_on(party: Party, x: ArithmeticShare, carried: BooleanShare, *, sender: int = SERVER) -> BooleanShare:
    """A share of 1{x0 + x1 + carried >= 2^bits}: whether the halves of x wrap around when a carry comes in.

    Args:
        party: this party.
        x: any share.
        carried: what comes in, of the same shape.
        sender: of the first OT; best the party that is done last with the carry (`Cost.last`).

    Raises:
        LocalError: the shapes differ.
    """
    if carried.shape != x.shape:
        raise LocalError(f"a carry of shape {carried.shape} into words of shape {x.shape}", remedy="broadcast first")
    return await _rippled(party, x, digits_above(x.bits), carried, sender)


# ------------------------------------------------------------ digit by digit


def _fields(n: int, widths: Sequence[int], *, carried: bool) -> list[OtField]:
    return [OtField(n, 1 << (width + (carried or index > 0)), 1) for index, width in enumerate(widths)]


def _rippled_cost(profile: Profile, fields: Sequence[OtField], sender: int) -> Cost:
    return sequence(
        *(oblivious_transfer_cost(profile, [field], sender=sender ^ index & 1) for index, field in enumerate(fields))
    )


async def _rippled(
    party: Party, x: ArithmeticShare, widths: Sequence[int], carried: BooleanShare | None, sender: int
) -> BooleanShare:
    """The carry out of the digits of these widths."""
    words, place = x.words.reshape(-1), 0
    half = np.zeros(x.size, np.uint8) if carried is None else carried.words.reshape(-1).astype(np.uint8)
    for width, field in zip(widths, _fields(x.size, widths, carried=carried is not None), strict=True):
        digit = (words >> words.dtype.type(place)).astype(np.uint8) & np.uint8(ring.mask(width))
        known = digit | half << np.uint8(width)
        if party.role == sender:
            messages = _next_carries(width, field.choices > 1 << width)[known]
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
