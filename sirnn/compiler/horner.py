"""Horner's rule on shares, in the rings of a layout.

The first product is of looked-up bits and the rest of the input (`blocks.cascade`), all later ones are of a shared
number and that rest, whose halves each party knows as short numbers. Each step ends with an exact truncation: the carry
out of what is dropped, while rings above it are still being widened.

Where one OT follows another, its sender is the party that is done last with what came before, which saves a flight
each time (`Cost.last`). That is why costs here are told what came `before`.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.carry import carry, carry_cost
from sirnn.blocks.cascade import (
    Group,
    Groups,
    Term,
    compose,
    compose_cost,
    gather,
    gather_cost,
    low_bits,
    widen,
    widen_cost,
)
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.multiplication import bit_planes
from sirnn.blocks.sums import WeightedSums
from sirnn.compiler.layout import Layout, Step
from sirnn.cost import FREE, Cost, remembered
from sirnn.ot.correlated import cot_both_ways_cost, stream_cot_both_ways
from sirnn.ot.fields import CotField
from sirnn.party import Branch, Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare


@attrs.frozen(eq=False, repr=False)
class Rest:
    """The low bits of an input, (n,).

    Attributes:
        number: shared, centred.
        low: this party's own, below 2^w.
        carry: whether the halves' low bits wrap.
    """

    number: ArithmeticShare
    low: Words
    carry: BooleanShare


async def horner(
    party: Party, layout: Layout, entries: Sequence[BooleanShare | None], rest: Rest, *, before: Cost
) -> ArithmeticShare:
    """The polynomial whose coefficients were looked up, in the ring of the last step.

    Args:
        party: this party.
        layout: of the plan.
        entries: of its columns, (n,); None for columns of no bits.
        rest: what the polynomial is of.
        before: the cost of what was done so far.

    Cost: `horner_cost`.
    """
    n, profile = rest.low.size, party.profile
    value: ArithmeticShare | None = None
    for index, step in enumerate(layout.steps):
        guard, constant = entries[1 + 2 * index : 3 + 2 * index]
        product = _first_cost(profile, n, layout) if value is None else _later_cost(profile, n, layout, step)

        async def truncated(
            p: Party,
            step: Step = step,
            value: ArithmeticShare | None = value,
            guard: BooleanShare | None = guard,
            after: Cost = before + product,
        ) -> ArithmeticShare:
            if value is None:
                return await _truncate(p, step, layout.groups, await _first(p, layout, entries[0], guard, rest), after)
            made = await _later(p, layout, step, value, guard, rest)
            return await _truncate(p, step, _alone(step), [made], after)

        quotient, shift = await party.parallel(
            (product + _truncate_cost(profile, n, layout, index, before + product), truncated),
            _constant(profile, n, step, constant, before),
        )
        value = quotient + shift
        before += _step_cost(profile, n, layout, index, before)
    return value or party.constant(0, layout.steps[-1].bits, (n,))


@remembered(64)
def horner_cost(profile: Profile, n: int, layout: Layout, *, before: Cost) -> Cost:
    """All steps, one after the other; beside each its constant, which takes no longer."""
    total = FREE
    for index in range(len(layout.steps)):
        total += _step_cost(profile, n, layout, index, before + total)
    return total


@remembered(64)
def _step_cost(profile: Profile, n: int, layout: Layout, index: int, before: Cost) -> Cost:
    step = layout.steps[index]
    product = _later_cost(profile, n, layout, step) if index else _first_cost(profile, n, layout)
    truncating = _truncate_cost(profile, n, layout, index, before + product)
    return (product + truncating) | _constant_cost(profile, n, step, before)


# ------------------------------------------------------------ products


async def _first(
    party: Party, layout: Layout, top: BooleanShare | None, guard: BooleanShare | None, rest: Rest
) -> list[ArithmeticShare]:
    """Bits times the rest, plus guard bits: the sums of the layout's groups."""
    step = layout.steps[0]
    terms = [term for group in layout.groups for term in group.terms]
    bits: dict[Term, Words] = {}
    for term in terms:
        word, place = (guard, term.place - step.guard_place) if term.factor is None else (top, term.place)
        if word is not None:
            bits[term] = word.bit(place).words
    sums = await gather(party, rest.low.size, layout.groups, bits, rest.number)
    if layout.top_base:
        sums[-1] = sums[-1] + rest.number.reduce(step.ring) * layout.top_base
    return sums


@remembered(64)
def _first_cost(profile: Profile, n: int, layout: Layout) -> Cost:
    return gather_cost(profile, n, layout.groups)


async def _later(
    party: Party, layout: Layout, step: Step, value: ArithmeticShare, guard: BooleanShare | None, rest: Rest
) -> ArithmeticShare:
    """A number times the rest, plus guard bits."""
    n, profile = value.size, party.profile
    product, added = await party.parallel(
        (
            cot_both_ways_cost(profile, _product_fields(n, layout, step)),
            lambda p: _times(p, layout, step, value, rest),
        ),
        (
            _guard_cost(profile, n, step),
            lambda p: _guard(p, step, guard, n),
        ),
    )
    return product + added


@remembered(64)
def _later_cost(profile: Profile, n: int, layout: Layout, step: Step) -> Cost:
    return cot_both_ways_cost(profile, _product_fields(n, layout, step)) | _guard_cost(profile, n, step)


def _product_fields(n: int, layout: Layout, step: Step) -> list[CotField]:
    """For each of the low bits, and for their carry above them."""
    return [CotField(n, step.ring - place) for place in range(min(layout.rest_bits + 1, step.ring))]


async def _times(party: Party, layout: Layout, step: Step, value: ArithmeticShare, rest: Rest) -> ArithmeticShare:
    """value (low0 + low1 - 2^w carry - 2^(w-1)): either party's low bits are the choices for the other's half of it."""
    fields = _product_fields(value.size, layout, step)
    w, words, carried = layout.rest_bits, value.words, rest.carry.words
    dtype = words.dtype
    # carry (v0 + v1) with carry = c0 + c1 - 2 c0 c1; its sign in the sum is the opposite.
    signed = np.where(carried == 1, words, np.negative(words))
    planes = [*bit_planes(rest.low, w), carried][: len(fields)]
    sums = WeightedSums((value.size, 1), step.ring)

    def factors(number: int, part: slice) -> Words:
        return words[part] if number < w else signed[part]

    await stream_cot_both_ways(party, fields, factors, planes, sums.add)
    total = words * (rest.low.astype(dtype) - dtype.type(1 << (w - 1))) + sums.reduced()[:, 0].astype(dtype)
    if len(fields) > w:
        total -= (words * carried) << dtype.type(w)
    return ArithmeticShare(ring.reduce(total, step.ring), step.ring)


async def _guard(party: Party, step: Step, guard: BooleanShare | None, n: int) -> ArithmeticShare:
    bits = step.ring - step.guard_place
    if guard is None or bits <= 0:
        return party.constant(0, step.ring, (n,))
    return _placed(await compose(party, guard, bits=bits, widenings=0), step.guard_place)


def _guard_cost(profile: Profile, n: int, step: Step) -> Cost:
    bits = step.ring - step.guard_place
    if not step.guard.bits or bits <= 0:
        return FREE
    return compose_cost(profile, n, word_bits=step.guard.bits, bits=bits, widenings=0)


def _placed(share: ArithmeticShare, place: int) -> ArithmeticShare:
    """2^place times a number known modulo what that leaves of the ring."""
    bits = share.bits + place
    return ArithmeticShare(ring.reduce(share.words, bits), bits) << place


# ------------------------------------------------------------ truncation


def _alone(step: Step) -> Groups:
    """The groups of a sum that is in its final ring as it is."""
    return (Group((), step.ring, 0),)


async def _truncate(
    party: Party, step: Step, groups: Groups, sums: list[ArithmeticShare], before: Cost
) -> ArithmeticShare:
    """floor((sum + lift) / 2^drop) in the ring of the step's result."""
    n, profile, sender = sums[0].size, party.profile, before.last
    sums[-1] = sums[-1] + party.constant(step.lift % (1 << step.ring), step.ring, (n,))
    total, carried = await party.parallel(
        (widen_cost(profile, n, groups, sender=sender), lambda p: widen(p, groups, sums, sender=sender)),
        (_carry_cost(profile, n, step, sender), lambda p: _carry(p, step, sums, sender)),
    )
    bits = step.ring - step.drop
    quotient = ArithmeticShare(ring.reduce(total.words >> total.words.dtype.type(step.drop), bits), bits) + carried
    at = before + (widen_cost(profile, n, groups, sender=sender) | _carry_cost(profile, n, step, sender))
    return await zero_extend(party, quotient, 0, out_bits=step.bits, sender=at.last)


@remembered(64)
def _truncate_cost(profile: Profile, n: int, layout: Layout, index: int, before: Cost) -> Cost:
    step, sender = layout.steps[index], before.last
    widening = FREE if index else widen_cost(profile, n, layout.groups, sender=sender)
    cost = widening | _carry_cost(profile, n, step, sender)
    last = (before + cost).last
    return cost + extend_cost(profile, n, bits=step.ring - step.drop, out_bits=step.bits, msb="zero", sender=last)


async def _carry(party: Party, step: Step, sums: Sequence[ArithmeticShare], sender: int) -> ArithmeticShare:
    """What the dropped bits' halves carry into the others."""
    n, bits = sums[0].size, step.ring - step.drop
    if not step.drop:
        return party.constant(0, bits, (n,))
    wrapped = await carry(party, low_bits(sums, step.drop), sender=sender)
    last = carry_cost(party.profile, n, bits=step.drop, sender=sender)
    return await b2a(party, wrapped, bits=bits, sender=last.last)


@remembered(64)
def _carry_cost(profile: Profile, n: int, step: Step, sender: int) -> Cost:
    if not step.drop:
        return FREE
    cost = carry_cost(profile, n, bits=step.drop, sender=sender)
    return cost + b2a_cost(profile, n, bits=step.ring - step.drop, sender=cost.last)


# ------------------------------------------------------------ constants


def _constant(
    profile: Profile, n: int, step: Step, entry: BooleanShare | None, before: Cost
) -> Branch[ArithmeticShare]:
    """What is added after the truncation."""

    async def run(party: Party) -> ArithmeticShare:
        base = party.constant(step.base % (1 << step.bits), step.bits, (n,))
        if entry is None:
            return base
        sender = before.last
        number = await compose(party, entry, bits=step.rest_bits, widenings=step.widenings, sender=sender)
        return base + _placed(number, step.rest_place)

    return _constant_cost(profile, n, step, before), run


@remembered(64)
def _constant_cost(profile: Profile, n: int, step: Step, before: Cost) -> Cost:
    if not step.rest.bits:
        return FREE
    return compose_cost(
        profile,
        n,
        word_bits=step.rest.bits,
        bits=step.rest_bits,
        widenings=step.widenings,
        sender=before.last,
    )


PRIMITIVES = (horner,)
"""It takes a layout, which is no parameter of a registered protocol; plans are tested in its place."""
