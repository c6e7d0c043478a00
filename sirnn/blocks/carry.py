"""Carry: the wrap of a share, by a ripple through its digits (`blocks.ripple`).

wrap(x0, x1) = 1{x0 + x1 >= 2^bits}. 2-bit digits are cheapest: 10 bits and 3 COTs, an 8-bit wrap 35 bits and 11 COTs.

A carry may be taken on through higher bits (`carry_on`), which makes one chain of the wraps of two lengths.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import WIDTHS, wrap_clear
from sirnn.blocks.ripple import Digit, ripple, ripple_cost
from sirnn.cost import Cost, remembered
from sirnn.errors import LocalError
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Bool, Clear, Halves, protocol
from sirnn.shares import ArithmeticShare, BooleanShare


def digits(bits: int) -> list[int]:
    """Widths of the digits, lowest first: 2 bits each. An odd bit goes to the lowest, where no carry comes in."""
    return [min(bits, 2 + bits % 2)] + [2] * ((bits - 2) // 2)


def _chain(bits: int) -> list[Digit]:
    widths = digits(bits)
    return [Digit(sum(widths[:index]), width, index > 0) for index, width in enumerate(widths)]


def _chain_above(bits: int) -> list[Digit]:
    """Where a carry comes in: an odd bit by itself."""
    widths = [1] * (bits % 2) + [2] * (bits // 2)
    return [Digit(sum(widths[:index]), width, True) for index, width in enumerate(widths)]


# ------------------------------------------------------------ from the low end


@remembered(512)
def carry_cost(profile: Profile, n: int, *, bits: int, sender: int = SERVER) -> Cost:
    """5 (or 10) bits for the lowest 2 (or 3) bits and 10 for each 2 that follow; 1 + digits flights."""
    return ripple_cost(profile, n, _chain(bits), sender=sender)


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
    wrapped, _ = await ripple(party, x, _chain(x.bits), sender=sender)
    return wrapped


# ------------------------------------------------------------ from a carry on


def carry_on_clear(x0: Clear, x1: Clear, carried: Clear, *, bits: int) -> Clear:
    """1{x0 + x1 + carried >= 2^bits}."""
    # Without the sum, which may exceed 64 bits.
    room = np.uint64(ring.mask(bits)) - x0
    wraps: Clear = ((x1 > room) | ((x1 == room) & (carried == 1))).astype(np.uint64)
    return wraps


@remembered(512)
def carry_on_cost(profile: Profile, n: int, *, bits: int, sender: int = SERVER) -> Cost:
    """10 bits for each 2 bits, and 5 for an odd one; 1 + digits flights. Free for none."""
    return ripple_cost(profile, n, _chain_above(bits), sender=sender)


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
    wrapped, _ = await ripple(party, x, _chain_above(x.bits), sender=sender, carried=carried)
    return wrapped
