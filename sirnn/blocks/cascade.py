"""Cascade: sums of shared bits times powers of two, in rings that grow as the sum does.

    sum over terms of  bit * 2^place * factor        the factor being 1, or one number shared by all such terms

A term costs as many bits as the ring it is shared in (B2A or MUX: SIRNN, section III-A). So the smallest terms are
summed in a ring that just holds them with a bit to spare on top; that bit is 0, which makes widening the ring one small
COT; then the next larger terms are added there, and so on. `arrange` finds the cheapest grouping. 12 bits become a
number modulo 2^13 for 48 bits and 15 COTs instead of 90 and 12; an 8-bit word times a 9-bit number, modulo 2^18, takes
209 bits instead of 248.

All products are made at once (`gather`). Widening does not change the low bits of anybody's share, which can be used in
the meantime (`low_bits`); the rings are then widened one after the other (`widen`), a flight each as the parties take
turns as senders.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.conversion import mux_across
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.multiplication import bit_planes
from sirnn.correlations.kinds import COT_BITS
from sirnn.cost import FREE, Cost, parallel, remembered, sequence
from sirnn.ot.correlated import correlated_ot, correlated_ot_cost, cot_both_ways_cost
from sirnn.ot.fields import CotField
from sirnn.party import CLIENT, SERVER, Branch, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

# ------------------------------------------------------------ the arrangement


@attrs.frozen
class Term:
    """A shared bit times 2^place times a factor.

    Attributes:
        place: 0 or more.
        factor: the least and the most the shared factor can be; None for 1.
    """

    place: int
    factor: tuple[int, int] | None = None

    @property
    def least(self) -> int:
        return min(0, self.factor[0]) << self.place if self.factor else 0

    @property
    def most(self) -> int:
        return max(0, self.factor[1] if self.factor else 1) << self.place


@attrs.frozen(cache_hash=True)
class Group:
    """Terms that are added up in one ring, on top of those of the groups before.

    Attributes:
        terms: smallest first.
        bits: of the ring.
        least: what the sum of these and all before is at least.
    """

    terms: tuple[Term, ...]
    bits: int
    least: int


Groups: TypeAlias = tuple[Group, ...]


@cache
def arrange(terms: tuple[Term, ...], bits: int, *, widenings: int, narrowest: int = 1) -> Groups:
    """The cheapest grouping.

    Args:
        terms: in any order; all different, with places below `bits`.
        bits: width of the ring of the result.
        widenings: the most there may be.
        narrowest: width of a ring, at least.
    """
    ordered = sorted(terms, key=lambda term: term.most - term.least)
    # best[stop]: over the groupings of the first `stop` terms: price, groups.
    best: list[list[tuple[int, Groups]]] = [[] for _ in range(len(ordered) + 1)]
    best[0] = [(0, ())]
    for stop in range(1, len(ordered) + 1):
        least, most = (sum(getattr(term, end) for term in ordered[:stop]) for end in ("least", "most"))
        width = bits if stop == len(ordered) else max(narrowest, (most - least).bit_length() + 1)
        if width > bits:
            continue
        for start in range(stop):
            group = Group(tuple(ordered[start:stop]), width, least)
            for price, before in best[start]:
                if not before or (before[-1].bits < width and len(before) <= widenings):
                    widening = 1 + width - before[-1].bits + COT_BITS if before else 0
                    best[stop].append((price + widening + _price(group), (*before, group)))
        best[stop] = _undominated(best[stop])
    return min(best[-1], key=lambda found: found[0])[1] if ordered else (Group((), bits, 0),)


def _undominated(found: list[tuple[int, Groups]]) -> list[tuple[int, Groups]]:
    """The cheapest of each number of groups."""
    kept: dict[int, tuple[int, Groups]] = {}
    for price, groups in sorted(found, key=lambda each: each[0]):
        kept.setdefault(len(groups), (price, groups))
    return list(kept.values())


def _price(group: Group) -> int:
    one_way = sum(1 + field.bits + COT_BITS for field in _unit_fields(1, (group,)))
    return one_way + sum(2 * (1 + field.bits + COT_BITS) for field in _factor_fields(1, (group,)))


def _placed(groups: Groups, *, factor: bool) -> list[tuple[Term, int]]:
    """The terms with or without the factor, and the widths of their products. That of two bits is doubled."""
    every = [(term, group.bits - term.place - (not factor)) for group in groups for term in group.terms]
    return [(term, width) for term, width in every if (term.factor is not None) is factor and width > 0]


def _unit_fields(n: int, groups: Groups) -> list[CotField]:
    return [CotField(n, width) for _, width in _placed(groups, factor=False)]


def _factor_fields(n: int, groups: Groups) -> list[CotField]:
    return [CotField(n, width) for _, width in _placed(groups, factor=True)]


def factor_bits(groups: Groups) -> int:
    """Width of the ring in which the shared factor is needed; 0 if no term has it."""
    return max((width for _, width in _placed(groups, factor=True)), default=0)


# ------------------------------------------------------------ all products


async def gather(
    party: Party,
    n: int,
    groups: Groups,
    bits: Mapping[Term, Words],
    factor: ArithmeticShare | None = None,
    *,
    sender: int = SERVER,
) -> list[ArithmeticShare]:
    """Each group's own sum in the ring of the group, flat.

    Args:
        party: this party.
        n: sums of each group.
        groups: as arranged.
        bits: this party's xor half of each term's bit, (n,) uint8.
        factor: (n,) share in a ring of at least `factor_bits`, if a term has it.
        sender: of the OTs for the terms without it.

    Raises:
        LocalError: the store is short.

    Cost: `gather_cost`, 2 flights.
    """
    units, scaled = (_placed(groups, factor=with_factor) for with_factor in (False, True))
    branches: list[Branch[list[Words]]] = []
    if units:
        fields = _unit_fields(n, groups)
        planes = [bits[term] for term, _ in units]
        branches.append(
            (
                _units_cost(party.profile, n, groups, sender),
                lambda p: _bit_products(p, fields, planes, sender),
            )
        )
    if scaled and factor is not None:
        words = factor.words
        branches.append((_scaled_cost(party.profile, n, groups), lambda p: _muxes(p, scaled, bits, words)))
    found = itertools.chain(*await party.parallel(*branches))
    products = {term: product for (term, _), product in zip(units + scaled, found, strict=True)}
    return [_sum(group, bits, products, factor, n) for group in groups]


@remembered(512)
def gather_cost(profile: Profile, n: int, groups: Groups, *, sender: int = SERVER) -> Cost:
    """Both directions for terms with the factor, one for the others; side by side, 2 flights."""
    return parallel(_units_cost(profile, n, groups, sender), _scaled_cost(profile, n, groups))


@remembered(512)
def _units_cost(profile: Profile, n: int, groups: Groups, sender: int) -> Cost:
    fields = _unit_fields(n, groups)
    return correlated_ot_cost(profile, fields, sender=sender) if fields else FREE


@remembered(512)
def _scaled_cost(profile: Profile, n: int, groups: Groups) -> Cost:
    fields = _factor_fields(n, groups)
    return cot_both_ways_cost(profile, fields) if fields else FREE


async def _bit_products(party: Party, fields: Sequence[CotField], planes: Sequence[Words], sender: int) -> list[Words]:
    if party.role != sender:
        return await correlated_ot(party, fields, sender=sender, choices=planes)
    widened = [ring.reduce(plane, field.bits) for plane, field in zip(planes, fields, strict=True)]
    return await correlated_ot(party, fields, sender=sender, correlations=widened)


async def _muxes(
    party: Party, scaled: Sequence[tuple[Term, int]], bits: Mapping[Term, Words], words: Words
) -> list[Words]:
    fields = [CotField(words.size, width) for _, width in scaled]
    return await mux_across(party, fields, [bits[term] for term, _ in scaled], words)


def _sum(
    group: Group, bits: Mapping[Term, Words], products: Mapping[Term, Words], factor: ArithmeticShare | None, n: int
) -> ArithmeticShare:
    dtype = ring.dtype_for(group.bits)
    total = np.zeros(n, dtype)
    for term in group.terms:
        own = bits[term].astype(dtype)
        across = products[term].astype(dtype) if term in products else np.zeros_like(own)
        if term.factor is not None and factor is not None:
            own = own * factor.words.astype(dtype) + across
        else:
            own = own - (across << dtype.type(1))  # b0 + b1 - 2 b0 b1
        total += own << dtype.type(term.place)
    return ArithmeticShare(ring.reduce(total, group.bits), group.bits)


# ------------------------------------------------------------ one ring after the other


def low_bits(sums: Sequence[ArithmeticShare], bits: int) -> ArithmeticShare:
    """What `widen` will return modulo 2^bits, share for share; bits is at most the width of the first ring."""
    total = sums[0].reduce(bits)
    for each in sums[1:]:
        total += each.reduce(bits)
    return total


async def widen(
    party: Party, groups: Groups, sums: Sequence[ArithmeticShare], *, sender: int = SERVER
) -> ArithmeticShare:
    """The sum of all groups in the ring of the last.

    Args:
        party: this party.
        groups: as arranged.
        sums: as gathered.
        sender: of the first OT.

    Cost: `widen_cost`.
    """
    total = sums[0]
    for before, group, own in zip(groups, groups[1:], sums[1:], strict=False):
        # From 0 on, with a top bit of 0.
        lifted = total + party.constant(-before.least, before.bits, total.shape)
        wide = await zero_extend(party, lifted, 0, out_bits=group.bits, sender=sender)
        total = wide + own + party.constant(before.least, group.bits, total.shape)
        sender = 1 - sender
    return total


@remembered(512)
def widen_cost(profile: Profile, n: int, groups: Groups, *, sender: int = SERVER) -> Cost:
    """A COT and 1 bit more than the ring grows by, for each group but the first; 1 + widenings flights."""
    return sequence(
        *(
            extend_cost(profile, n, bits=narrow.bits, out_bits=wide.bits, msb="zero", sender=sender ^ index & 1)
            for index, (narrow, wide) in enumerate(itertools.pairwise(groups))
        )
    )


# ------------------------------------------------------------ a number


def compose_clear(x: Clear) -> Clear:
    """The number."""
    return x


@remembered(512)
def compose_cost(profile: Profile, n: int, *, word_bits: int, bits: int, widenings: int, sender: int = SERVER) -> Cost:
    """All products of bits, then the widenings: 2 flights and at most `widenings` more."""
    groups = _number(word_bits, bits, widenings)
    made = gather_cost(profile, n, groups, sender=sender)
    return made + widen_cost(profile, n, groups, sender=1 - sender)


def _number(word_bits: int, bits: int, widenings: int) -> Groups:
    return arrange(tuple(Term(place) for place in range(min(word_bits, bits))), bits, widenings=widenings)


@protocol(
    takes=(Bool("word_bits"),),
    gives=(Arith("bits"),),
    clear=compose_clear,
    cost=compose_cost,
    examples=[
        {"word_bits": word_bits, "bits": bits, "widenings": widenings, "sender": sender}
        for word_bits, bits, widenings in (
            (1, 1, 0),
            (1, 1, 4),
            (3, 1, 0),
            (3, 1, 1),
            (1, 4, 0),
            (4, 4, 0),
            (5, 3, 0),
            (7, 16, 0),
            (16, 16, 0),
            (9, 64, 0),
            (2, 4, 0),
            (2, 4, 2),
            (5, 6, 3),
            (12, 13, 3),
            (16, 16, 2),
            (7, 40, 1),
            (64, 64, 0),
            (64, 64, 9),
        )
        for sender in (SERVER, CLIENT)
    ],
)
async def compose(party: Party, x: BooleanShare, *, bits: int, widenings: int, sender: int = SERVER) -> ArithmeticShare:
    """Words of xor-shared bits, as additive shares modulo 2^bits, in a cascade.

    Args:
        party: this party.
        x: words of any number of bits.
        bits: of the result, more or fewer than those of x.
        widenings: the most there may be: fewer flights for more bits. They are placed by what they save where COTs are
            made ahead.
        sender: of the first OTs.
    """
    groups = _number(x.bits, bits, widenings)
    planes = bit_planes(x.words.reshape(-1), min(x.bits, bits))
    halves = {Term(place): plane for place, plane in enumerate(planes)}
    sums = await gather(party, x.size, groups, halves, sender=sender)
    return (await widen(party, groups, sums, sender=1 - sender)).reshape(*x.shape)


PRIMITIVES = (gather, widen)
"""They take groups, which are no parameters of a registered protocol; `compose` and plans are tested in their place."""
