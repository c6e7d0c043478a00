"""Stretching on shares: the word that a plan in tiers is evaluated on.

    u = u_0 + sum over finer tiers j of  1{t < 2^reach_j} (u_j - u_(j-1)),     u_j = t 2^shift_j + offset_j

Which powers of two t is below takes one chain of carries (`blocks.powers`). Then there is one MUX for each finer tier,
all at once; as u_j - u_(j-1) is a multiple of 2^shift_(j-1), each is narrower than the one before.

Source: SIRNN (Rathee et al., S&P 2021), section III-E, normalises by the most significant nonzero bit, that is with a
tier for every power of two, and takes it from digits and their lookups.
"""

from __future__ import annotations

from sirnn import ring
from sirnn.blocks.conversion import b2a, b2a_cost, mux, mux_cost
from sirnn.blocks.powers import below_powers, below_powers_cost
from sirnn.compiler.stretch import Stretch
from sirnn.cost import FREE, Cost, parallel
from sirnn.party import Branch, Party
from sirnn.profile import Profile
from sirnn.shares import ArithmeticShare, BooleanShare


async def stretched(party: Party, x: ArithmeticShare, stretch: Stretch) -> ArithmeticShare:
    """The stretched words of words, in their ring.

    Args:
        party: this party.
        x: share of words of any shape.
        stretch: the map.

    Raises:
        LocalError: x has fewer bits than are read.

    Cost: `stretched_cost`.
    """
    t = (x.reduce(stretch.read_bits) - party.constant(stretch.origin, stretch.read_bits, x.shape)) * stretch.step
    wrap, *below = await below_powers(party, t, powers=_powers(stretch))
    wide = await _widened(party, t, wrap, stretch)
    u = wide + party.constant(stretch.tiers[0].offset, stretch.bits, x.shape)

    def finer(place: int, flag: BooleanShare) -> Branch[ArithmeticShare]:
        coarse, fine = stretch.tiers[place : place + 2]
        bits = stretch.bits - coarse.shift
        factor, apart = (1 << fine.shift - coarse.shift) - 1, fine.offset - coarse.offset >> coarse.shift
        more = wide.reduce(bits) * factor + party.constant(apart, bits, x.shape)
        return mux_cost(party.profile, x.size, bits=bits), lambda p: mux(p, flag, more)

    added = await party.parallel(*(finer(place, flag) for place, flag in enumerate(below)))
    for coarse, more in zip(stretch.tiers, added, strict=False):
        u += ArithmeticShare(ring.reduce(more.words, stretch.bits), stretch.bits) << coarse.shift
    return u


def stretched_cost(profile: Profile, n: int, stretch: Stretch) -> Cost:
    """Powers below which it is, and MUXes; for longer words the B2A of a wrap between them."""
    chain = below_powers_cost(profile, n, bits=stretch.read_bits, powers=_powers(stretch))
    muxes = (mux_cost(profile, n, bits=stretch.bits - tier.shift) for tier in stretch.tiers[:-1])
    return chain + _widened_cost(profile, n, stretch, chain.last) + parallel(*muxes)


def _powers(stretch: Stretch) -> list[int]:
    return [tier.reach for tier in stretch.tiers[1:]]


async def _widened(party: Party, t: ArithmeticShare, wrap: BooleanShare, stretch: Stretch) -> ArithmeticShare:
    """t in the ring of the stretched words."""
    more = stretch.bits - stretch.read_bits
    if more <= 0:
        return t.reduce(stretch.bits)
    sender = below_powers_cost(party.profile, t.size, bits=stretch.read_bits, powers=_powers(stretch)).last
    number = await b2a(party, wrap, bits=more, sender=sender)
    above = ArithmeticShare(ring.reduce(number.words, stretch.bits), stretch.bits) << stretch.read_bits
    return ArithmeticShare(ring.reduce(t.words, stretch.bits), stretch.bits) - above


def _widened_cost(profile: Profile, n: int, stretch: Stretch, sender: int) -> Cost:
    more = stretch.bits - stretch.read_bits
    return b2a_cost(profile, n, bits=more, sender=sender) if more > 0 else FREE


PRIMITIVES = (stretched,)
"""It takes a plan's stretch; `evaluate` is tested in its place."""
