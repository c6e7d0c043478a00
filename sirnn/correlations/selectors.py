"""Selectors: what one lookup at a shared index of m = low + high bits needs, made ahead.

A selector is a random number r of m bits, shared three ways: additively modulo 2^m, as the one-hot vector of its low
bits, and as that of its high bits. Its kind is called "selector/low+high". A lookup uses it up: a second index opened
against the same r would give away the difference of the two.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.correlations.one_hot import (
    Strings,
    as_number,
    as_number_cost,
    one_hots,
    one_hots_cost,
    random_bits,
    random_bits_cost,
)
from sirnn.correlations.store import Material
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from sirnn.ot.pads import WORD_BITS
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words

PREFIX = "selector/"

WIDEST_LOW = 10
"""Bits: a one-hot vector of 128 bytes."""

WIDEST_HIGH = WORD_BITS.bit_length() - 1
"""Bits: a one-hot vector of one word."""


def selector_kind(low: int, high: int) -> str:
    """The name of selectors of `low` and `high` bits, in stores and in `Cost.demand`."""
    return f"{PREFIX}{low}+{high}"


def selector_widths(kind: str) -> tuple[int, int] | None:
    """(low, high) of a kind of selectors; None if it is another kind.

    Raises:
        LocalError: they are called selectors but no selector has such widths.
    """
    if not kind.startswith(PREFIX):
        return None
    low, plus, high = kind.removeprefix(PREFIX).partition("+")
    if not (plus and low.isdecimal() and high.isdecimal()):
        raise LocalError(f"no correlation is called {kind}", remedy=f"say {selector_kind(6, 2)}, for example")
    return _checked(int(low), int(high))


def selector_bytes(low: int, high: int) -> int:
    """Bytes that a selector takes at a party."""
    strings = max(1, (1 << low) // WORD_BITS) + 1
    return ring.dtype_for(low + high).itemsize + WORD_BITS // 8 * strings


async def make_selectors(party: Party, low: int, high: int, count: int) -> Material:
    """Make selectors out of COTs from the store.

    Args:
        party: this party.
        low: bits of the low part, 1..10.
        high: bits of the high part, 0..6.
        count: how many.

    Returns:
        This party's halves: additive shares of r, (n,) words of low + high bits; one-hot vectors of its low bits,
        (n, ceil(2^low / 64)) uint64; and of its high bits, (n, 1) uint64. The vector of no bits is the constant 1.

    Raises:
        LocalError: other widths, or the store is short of COTs.

    Cost: `selector_cost`.
    """
    parts = [await random_bits(party, width, count) for width in _parts(low, high)]

    async def strings_of(p: Party) -> list[Strings]:
        return await one_hots(p, parts)

    async def number_of(p: Party) -> Words:
        return await as_number(p, parts)

    number_cost, strings_cost = _costs(low, high, count)
    number, strings = await party.parallel((number_cost, number_of), (strings_cost, strings_of))
    return (number, strings[0], strings[1] if high else _constant(party, count))


async def draw_selectors(party: Party, low: int, high: int, count: int) -> Material:
    """Selectors from the party's store, as `make_selectors` returns them.

    Raises:
        LocalError: the store is short, or this profile keeps none.
    """
    if count:
        return await party.draw(selector_kind(low, high), count)
    words = max(1, (1 << low) // WORD_BITS)
    empty = (np.empty((0, width), np.uint64) for width in (words, 1))
    return (np.empty(0, ring.dtype_for(low + high)), *empty)


def selector_cost(_profile: Profile, low: int, high: int, count: int) -> Cost:
    """The bits drawn; then the additive shares and the one-hot vectors side by side, max(low, high) - 1 flights."""
    drawing = parallel(*(random_bits_cost(width, count) for width in _parts(low, high)))
    return drawing + parallel(*_costs(low, high, count))


def _parts(low: int, high: int) -> list[int]:
    return [width for width in _checked(low, high) if width]


def _costs(low: int, high: int, count: int) -> tuple[Cost, Cost]:
    return as_number_cost(low + high, count), one_hots_cost(_parts(low, high), count)


def _checked(low: int, high: int) -> tuple[int, int]:
    if not (1 <= low <= WIDEST_LOW and 0 <= high <= WIDEST_HIGH):
        raise LocalError(
            f"a selector of {low} low and {high} high bits",
            remedy=f"use 1..{WIDEST_LOW} low bits and at most {WIDEST_HIGH} high ones",
        )
    return low, high


def _constant(party: Party, count: int) -> Strings:
    return np.full((count, 1), int(party.is_server), np.uint64)


PRIMITIVES = (make_selectors, draw_selectors)
"""Not protocols on shares: they have tests of their own."""
