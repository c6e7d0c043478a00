"""Symmetry on shares: lines for |x|, evaluated for x of either sign.

Cut into X 2^w + low by a carry, as any input, x has its run of |x| at X where x >= 0 and at the complement of X where
x < 0; and if d is the place of |x| in its run, e = low - 2^(w-1) is d or -d. So slope times e is the odd function's
product for either sign, and only the intercept changes: to its complement, which each party makes locally of its half,
with its half of x's sign. What the sign costs is

* the rest of the chain of digits: from the carry out of the low w bits on, to that out of all bits but the top one;
* a MUX of X with its complement, for the index;
* for an even function, a MUX at the end.

The index has a bit less than that of as many runs for x of either sign, which about halves a lookup.

Source: the blocks are those of SIRNN (Rathee et al., S&P 2021), section III, as they are where correlations are made
ahead. SIRNN evaluates sigmoid and tanh by |x| too, for which it negates x and the result.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.carry import carry, carry_cost, carry_on, carry_on_cost
from sirnn.blocks.conversion import b2a, b2a_cost, mux, mux_cost
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.compiler.coefficients import look_up, look_up_cost
from sirnn.compiler.horner import Rest, horner, horner_cost
from sirnn.compiler.layout import Column, common_bits, mirrored_layout
from sirnn.compiler.plan import Symmetric
from sirnn.cost import FREE, Cost, remembered
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

# ------------------------------------------------------------ the cut


@attrs.frozen(eq=False, repr=False)
class Cut:
    """An input in its parts, (n,).

    Attributes:
        high: its bits above the rest, but for the sign, as a number.
        rest: of its bits below these.
        wrapped: whether the halves of all bits below the sign wrap.
        sign: whether it is negative, as far as it is read.
    """

    high: ArithmeticShare
    rest: Rest
    wrapped: BooleanShare
    sign: BooleanShare


async def cut(party: Party, x: ArithmeticShare, plan: Symmetric) -> Cut:
    """The parts of x, (n,), by one chain of digits.

    Cost: `cut_cost`.
    """
    n, profile, w = x.size, party.profile, plan.rest_bits
    low = x.reduce(w)
    high = ArithmeticShare(ring.reduce(x.words >> x.words.dtype.type(w), plan.index_bits), plan.index_bits)
    carried = await carry(party, low)
    sender = carry_cost(profile, n, bits=w).last
    number, wrapped = await party.parallel(
        (_carried_cost(profile, n, plan), lambda p: b2a(p, carried, bits=_carry_bits(plan), sender=sender)),
        (
            carry_on_cost(profile, n, bits=high.bits, sender=sender),
            lambda p: carry_on(p, high, carried, sender=sender),
        ),
    )
    bits = w + number.bits
    above = ArithmeticShare(ring.reduce(number.words, bits), bits) << w
    centred = ArithmeticShare(ring.reduce(low.words, bits), bits) - above - party.constant(1 << (w - 1), bits, x.shape)
    own = BooleanShare(ring.top_bit(ring.reduce(x.words, plan.read_bits), plan.read_bits))
    return Cut(high + number.reduce(high.bits), Rest(centred, low.words, carried), wrapped, own ^ wrapped)


@remembered(64)
def cut_cost(profile: Profile, n: int, plan: Symmetric) -> Cost:
    """A carry of all bits but the sign, the one on its way made a number of the index's bits or a few more."""
    carrying = carry_cost(profile, n, bits=plan.rest_bits)
    on = carry_on_cost(profile, n, bits=plan.index_bits, sender=carrying.last)
    return carrying + (_carried_cost(profile, n, plan) | on)


@remembered(64)
def _carried_cost(profile: Profile, n: int, plan: Symmetric) -> Cost:
    return b2a_cost(profile, n, bits=_carry_bits(plan), sender=carry_cost(profile, n, bits=plan.rest_bits).last)


def _carry_bits(plan: Symmetric) -> int:
    """Width of the ring in which the carry is needed: for the index, and for the rest above its own bits."""
    return max(plan.index_bits, mirrored_layout(plan).factor_bits - plan.rest_bits)


# ------------------------------------------------------------ the odd function


async def odd(party: Party, parts: Cut, plan: Symmetric) -> ArithmeticShare:
    """The plan's odd function, or odd but for a constant, of an input whose parts are there, (n,).

    Cost: `odd_cost`.
    """
    n, profile, cutting = parts.high.size, party.profile, cut_cost(party.profile, parts.high.size, plan)
    # X, or -1 - X: its complement.
    flipped = -(parts.high << 1) - party.constant(1, plan.index_bits, parts.high.shape)
    index = parts.high + await mux(party, parts.sign, flipped)
    entries = _complemented(party, await look_up(party, index, _columns(plan)), parts.sign, plan)
    before = cutting + _indexed_cost(profile, n, plan)
    value = await horner(party, mirrored_layout(plan), entries, parts.rest, before=before)
    done = before + horner_cost(profile, n, mirrored_layout(plan), before=before)
    wide = await zero_extend(party, value, 0, out_bits=plan.out.bits, sender=done.last)
    return wide + party.constant(plan.offset, plan.out.bits, wide.shape)


def odd_cost(profile: Profile, n: int, plan: Symmetric) -> Cost:
    """A MUX of the index, a lookup, a product with its truncation, and an extension."""
    before, layout = cut_cost(profile, n, plan), mirrored_layout(plan)
    cost = _indexed_cost(profile, n, plan)
    cost += horner_cost(profile, n, layout, before=before + cost)
    sender = (before + cost).last
    return cost + extend_cost(profile, n, bits=plan.result_bits, out_bits=plan.out.bits, msb="zero", sender=sender)


@remembered(64)
def _indexed_cost(profile: Profile, n: int, plan: Symmetric) -> Cost:
    choosing = mux_cost(profile, n, bits=plan.index_bits)
    return choosing + look_up_cost(profile, n, bits=plan.index_bits, columns=_columns(plan))


def _columns(plan: Symmetric) -> list[Column]:
    """What is looked up: the slopes, and of the layout's other columns the bits that their entries differ in."""
    top, *others = mirrored_layout(plan).columns
    return [top, *map(_differing, others)]


def _differing(column: Column) -> Column:
    bits = column.bits - common_bits(column)
    return Column(tuple(entry & (1 << bits) - 1 for entry in column.entries), bits)


def _complemented(
    party: Party, found: Sequence[BooleanShare | None], sign: BooleanShare, plan: Symmetric
) -> list[BooleanShare | None]:
    """The entries of the layout's columns, all but the slopes complemented where x < 0. Local."""
    _, *others = mirrored_layout(plan).columns
    whole = [_whole(party, entry, column, sign) for entry, column in zip(found[1:], others, strict=True)]
    return [found[0], *whole]


def _whole(party: Party, entry: BooleanShare | None, column: Column, sign: BooleanShare) -> BooleanShare | None:
    if not column.bits:
        return None
    flips: Words = np.negative(ring.reduce(sign.words, column.bits))
    looked_up = flips if entry is None else flips ^ ring.reduce(entry.words, column.bits)
    common = column.entries[0] >> (width := column.bits - common_bits(column)) << width
    public = flips.dtype.type(common if party.is_server else 0)
    return BooleanShare(ring.reduce(looked_up ^ public, column.bits), column.bits)


# ------------------------------------------------------------ the function


async def unfolded(
    party: Party, x: ArithmeticShare, value: ArithmeticShare, sign: BooleanShare, plan: Symmetric
) -> ArithmeticShare:
    """The plan's function by its odd one: the same, or, if it is even, -value - slope x where x < 0.

    Args:
        party: this party.
        x: the input.
        value: the odd function of it, of the same shape.
        sign: of x, likewise.
        plan: says which.

    Cost: `unfolded_cost`.
    """
    if plan.sign < 0:
        return value
    words = ArithmeticShare(ring.reduce(x.words, value.bits), value.bits)
    return value - await mux(party, sign, (value << 1) + words * plan.slope)


def unfolded_cost(profile: Profile, n: int, plan: Symmetric) -> Cost:
    """A MUX, if it is even."""
    return FREE if plan.sign < 0 else mux_cost(profile, n, bits=plan.out.bits)


PRIMITIVES = (cut, odd, unfolded)
"""They take a plan, as `evaluate` does, which is tested in their place."""
