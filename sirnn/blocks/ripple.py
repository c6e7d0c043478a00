"""Ripple: the carry through a chain of digits, for the fewest bits rather than the fewest flights.

From the low end, one 1-of-N OT a digit: both parties put their digit and their half of the carry so far into it, and
get halves of the next carry. No equality of digits is ever shared, as in a tree of them (`blocks.comparison`). The
parties take turns as senders, so that whoever hears of a carry first chooses next: each digit takes one flight. For a
bit more each message may also say whether the digit is 0, the carry into it included.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import attrs
import numpy as np

from sirnn import ring
from sirnn.cost import Cost, sequence
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare


@attrs.frozen
class Digit:
    """`width` bits from `place` on.

    Attributes:
        place: of its lowest bit.
        width: its bits.
        carried: whether a carry comes in.
        tested: whether it is told if the digit is 0.
    """

    place: int
    width: int
    carried: bool
    tested: bool = False

    @property
    def known_bits(self) -> int:
        """Bits that each party puts in: its digit, and its half of the carry."""
        return self.width + self.carried

    def field(self, n: int) -> OtField:
        """The OTs for n of them."""
        return OtField(n, 1 << self.known_bits, 1 + self.tested)


async def ripple(
    party: Party, x: ArithmeticShare, chain: Sequence[Digit], *, sender: int, carried: BooleanShare | None = None
) -> tuple[BooleanShare, dict[int, BooleanShare]]:
    """The carry out of the top digit; and by its place, whether each digit that is tested is 0.

    Args:
        party: this party.
        x: any share.
        chain: its digits, lowest first.
        sender: of the first OT.
        carried: what comes into the first digit; nothing if None.

    Cost: `ripple_cost`.
    """
    words = x.words.reshape(-1)
    half = np.zeros(x.size, np.uint8) if carried is None else carried.words.reshape(-1).astype(np.uint8)
    zeros: dict[int, BooleanShare] = {}
    for digit in chain:
        own = (words >> words.dtype.type(digit.place)).astype(np.uint8) & np.uint8(ring.mask(digit.width))
        known, field = own | half << np.uint8(digit.width), [digit.field(x.size)]
        if party.role == sender:
            (said,) = await oblivious_transfer(party, field, sender=sender, messages=[_messages(digit)[known]])
        else:
            (said,) = await oblivious_transfer(party, field, sender=sender, choices=[known])
        half = said & np.uint8(1)
        if digit.tested:
            zeros[digit.place] = BooleanShare((said >> np.uint8(1)).reshape(x.shape))
        sender = 1 - sender
    return BooleanShare(half.reshape(x.shape)), zeros


def ripple_cost(profile: Profile, n: int, chain: Sequence[Digit], *, sender: int) -> Cost:
    """An OT a digit; 1 + digits flights."""
    return sequence(
        *(
            oblivious_transfer_cost(profile, [digit.field(n)], sender=sender ^ index & 1)
            for index, digit in enumerate(chain)
        )
    )


@cache
def _messages(digit: Digit) -> Words:
    """The carry out of a digit, and above it whether it is 0, for what the sender and the receiver know of it."""
    known = np.arange(1 << digit.known_bits, dtype=np.uint8)
    own, half = known & np.uint8(ring.mask(digit.width)), known >> np.uint8(digit.width)
    total = own[:, None] + own + (half[:, None] ^ half)
    zero = (total & np.uint8(ring.mask(digit.width)) == 0) & digit.tested
    out: Words = (total >> np.uint8(digit.width) | zero.astype(np.uint8) << np.uint8(1)).astype(np.uint8)
    return out


PRIMITIVES = (ripple,)
"""It takes digits, no parameter of a registered protocol; `carry` and `below_powers` are tested in its place."""
