"""Powers of two that a share is below: its top nonzero bit in thermometer code, at the places that matter.

A ripple through its digits (`blocks.ripple`) tells of each, from the lowest power on, whether it is 0. Ands from the
top down make of these whether all digits from a place on are. No digit is ever an additive share of its own, and no
table is looked up, which is how SIRNN, section III-E, finds the most significant nonzero bit: of 15 bits, 4 places take
160 bits in all, that bit 374, both out of correlations made ahead (`blocks.msnzb`, in digits of 5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sirnn import ring
from sirnn.blocks.boolean import bit_and, bit_and_cost
from sirnn.blocks.carry import digits
from sirnn.blocks.ripple import Digit, ripple, ripple_cost
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Bool, Clear, Halves, protocol
from sirnn.shares import ArithmeticShare, BooleanShare

WIDEST_DIGIT = 3
"""Bits of a digit that is tested: two digits of 2 cost more than one of 3, for the And of their flags."""


def _digits(bits: int, powers: Sequence[int]) -> list[Digit]:
    """Lowest first; every power is a digit's place."""
    found: list[Digit] = []
    place = 0
    for width in digits(powers[-1]) if powers[-1] else []:
        found.append(Digit(place, width, carried=place > 0))
        place += width
    for end in (*powers[-2::-1], bits):
        for left in range(-(-(end - place) // WIDEST_DIGIT), 0, -1):
            width = -(-(end - place) // left)
            found.append(Digit(place, width, carried=place > 0, tested=True))
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
    ands = sum(digit.tested for digit in chain) - 1
    return ripple_cost(profile, n, chain, sender=sender) + bit_and_cost(profile, n) * ands


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
    wrap, zeros = await ripple(party, x, chain, sender=sender)
    below, flags = None, {}
    for digit in reversed(chain):
        if not digit.tested:
            break
        zero = zeros[digit.place]
        below = zero if below is None else await bit_and(party, below, zero)
        flags[digit.place] = below
    return wrap, *(flags[power] for power in powers)
