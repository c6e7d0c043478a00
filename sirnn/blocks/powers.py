"""Powers of two that a share is below: its top nonzero bit in thermometer code, at the places that matter.

A chain of digits as for a carry (`blocks.carry`). From the lowest power on, each digit's OT says one bit more: whether
the digit is 0, the carry into it included. Ands from the top down make of these whether all digits from a place on are.
No digit is ever an additive share of its own, and no table is looked up, which is what finding the most significant
nonzero bit takes else (SIRNN, section III-E): of 15 bits at 4 places 122 bits and 23 COTs, in place of some 340 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.boolean import bit_and, bit_and_cost
from sirnn.blocks.carry import digits
from sirnn.cost import Cost, sequence
from sirnn.errors import LocalError
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Bool, Clear, Halves, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

WIDEST_DIGIT = 3
"""Bits of a digit that is tested: two digits of 2 cost more than one of 3, for the And of their flags."""


@attrs.frozen
class _Digit:
    """`width` bits from `place` on; `tested` for 0 or not, with a carry coming in or not."""

    place: int
    width: int
    tested: bool

    @property
    def known_bits(self) -> int:
        """Bits that each party puts in: its digit, and its half of the carry unless the digit is the lowest."""
        return self.width + (self.place > 0)

    def field(self, n: int) -> OtField:
        return OtField(n, 1 << self.known_bits, 1 + self.tested)


def _digits(bits: int, powers: Sequence[int]) -> list[_Digit]:
    """Lowest first; every power is a digit's place."""
    found, place = [], 0
    for width in digits(powers[-1]) if powers[-1] else []:
        found.append(_Digit(place, width, False))
        place += width
    for end in (*powers[-2::-1], bits):
        count = -(-(end - place) // WIDEST_DIGIT)
        for left in range(count, 0, -1):
            width = -(-(end - place) // left)
            found.append(_Digit(place, width, True))
            place += width
    return found


def below_powers_clear(x0: Clear, x1: Clear, *, bits: int, powers: Sequence[int]) -> tuple[Clear, ...]:
    """1{x0 + x1 >= 2^bits}, and 1{x < 2^power} for each power."""
    mask = np.uint64(ring.mask(bits))
    x = (x0 + x1) & mask
    return (x0 > mask - x1).astype(np.uint64), *((x >> np.uint64(power) == 0).astype(np.uint64) for power in powers)


def below_powers_cost(profile: Profile, n: int, *, bits: int, powers: Sequence[int], sender: int = SERVER) -> Cost:
    """An OT a digit, one flight each as the parties take turns; then an And for each tested digit but the top one."""
    chain = _digits(bits, powers)
    transfers = (
        oblivious_transfer_cost(profile, [digit.field(n)], sender=sender ^ index & 1)
        for index, digit in enumerate(chain)
    )
    return sequence(*transfers) + bit_and_cost(profile, n) * (sum(digit.tested for digit in chain) - 1)


@protocol(
    takes=(Halves("bits"),),
    gives=lambda p: [Bool()] * (1 + len(p["powers"])),
    clear=below_powers_clear,
    cost=below_powers_cost,
    examples=[
        {"bits": bits, "powers": powers}
        for bits, powers in (
            (1, (0,)),
            (2, (1,)),
            (3, (2, 1, 0)),
            (5, (3, 0)),
            (8, (1,)),
            (15, (13, 11, 9, 7)),
            (16, (15, 8)),
            (33, (30, 24)),
            (64, (63, 40, 5)),
        )
    ]
    + [{"bits": 9, "powers": (5, 2), "sender": CLIENT}],
    profiles=[profile for profile in Profile if profile.ahead],
)
async def below_powers(
    party: Party, x: ArithmeticShare, *, powers: Sequence[int], sender: int = SERVER
) -> tuple[BooleanShare, ...]:
    """Whether the halves of x wrap around, and whether x < 2^power for each of the powers.

    Args:
        party: this party.
        x: any share.
        powers: descending exponents, at least one, all below the bits of x.
        sender: of the first OT; best the party that is done last with what came before (`Cost.last`).

    Raises:
        LocalError: there are no powers, or they are not descending, or not below the bits of x.
    """
    if not powers or not all(high > low for high, low in zip((x.bits, *powers), (*powers, -1), strict=True)):
        raise LocalError(f"powers {list(powers)} of {x!r}", remedy="give descending ones, below its bits")
    chain = _digits(x.bits, powers)
    wrap, zeros = await _chain(party, x, chain, sender)
    below, flags = None, {}
    for digit in reversed(chain):
        if not digit.tested:
            break
        zero = zeros[digit.place]
        below = zero if below is None else await bit_and(party, below, zero)
        flags[digit.place] = below
    return wrap, *(flags[power] for power in powers)


async def _chain(
    party: Party, x: ArithmeticShare, chain: Sequence[_Digit], sender: int
) -> tuple[BooleanShare, dict[int, BooleanShare]]:
    """The carry out of the top digit; and by its place whether each tested digit is 0."""
    words = x.words.reshape(-1)
    half, zeros = np.zeros(x.size, np.uint8), {}
    for digit in chain:
        own = (words >> words.dtype.type(digit.place)).astype(np.uint8) & np.uint8(ring.mask(digit.width))
        known = own | half << np.uint8(digit.width)
        if party.role == sender:
            messages = _said(digit)[known]
            (said,) = await oblivious_transfer(party, [digit.field(x.size)], sender=sender, messages=[messages])
        else:
            (said,) = await oblivious_transfer(party, [digit.field(x.size)], sender=sender, choices=[known])
        half = said & np.uint8(1)
        if digit.tested:
            zeros[digit.place] = BooleanShare((said >> np.uint8(1)).reshape(x.shape))
        sender = 1 - sender
    return BooleanShare(half.reshape(x.shape)), zeros


@cache
def _said(digit: _Digit) -> Words:
    """The carry out of a digit, and above it whether it is 0, for what the sender and the receiver know."""
    known = np.arange(1 << digit.known_bits, dtype=np.uint8)
    own, half = known & np.uint8(ring.mask(digit.width)), known >> np.uint8(digit.width)
    total = own[:, None] + own + (half[:, None] ^ half)
    carried = total >> np.uint8(digit.width)
    zero = total & np.uint8(ring.mask(digit.width)) == 0
    out: Words = (carried | (zero & digit.tested).astype(np.uint8) << np.uint8(1)).astype(np.uint8)
    return out
