"""Clamping on shares: where an input lies, and the straight lines outside.

    y = above(x) + inside (inner(x) - above(x)) + below (below(x) - above(x))

A line is local: its slope makes up for what the input's ring lacks. Where both lines have one slope, which is mostly 0,
the last term is a shared bit times a public number.

Without anything inside, a line on either side of 0 takes the sign alone (`bent`).

Where an even function's lines are mirror images of one another, as those of gelu are, its odd one is clamped, by one
line for all words outside, and then unfolded (`symmetric`), for which the sign of x is needed instead of `below`.

The top bits tell where the input lies. A few of them index a table; of many, all equal means that adding the sign to
them gives 0.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.boolean import bit_and, bit_and_cost
from sirnn.blocks.carry import carry, carry_cost
from sirnn.blocks.comparison import invert, msb, msb_cost
from sirnn.blocks.conversion import b2a, b2a_cost, mux, mux_cost
from sirnn.blocks.equality import is_zero, is_zero_cost
from sirnn.blocks.lookup import lookup_bits, lookup_bits_cost
from sirnn.compiler.plan import Bent, Clamped, Line, Symmetric
from sirnn.compiler.symmetric import unfolded, unfolded_cost
from sirnn.cost import FREE, Cost, remembered
from sirnn.party import SERVER, Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

MAX_TABLE_BITS = 7
"""Top bits that index a table, in two flights and for little more than comparing them takes."""


def folds(plan: Clamped) -> bool:
    """Whether the odd function is clamped in place of the even one, which saves the MUX from one line to the other."""
    inner, above, below = plan.inner, plan.above, plan.below
    if not isinstance(inner, Symmetric) or inner.sign < 0 or inner.read_bits < plan.inside_bits:
        return False
    mirrored = Line(-above.slope - inner.slope, 0)
    return above.constant == 0 and below == mirrored != above


# ------------------------------------------------------------ where the input lies


async def sides(party: Party, x: ArithmeticShare, plan: Clamped) -> tuple[BooleanShare, BooleanShare | None]:
    """Whether x is inside, and whether it is below, or None if it cannot be; if the plan folds, whether it is negative.

    By the top bits, which a carry out of the others makes an additive share of.

    Cost: `sides_cost`.
    """
    low, _ = _cut(plan)
    if not low:
        return await sides_above(party, x, None, plan)
    sender = carry_cost(party.profile, x.size, bits=low).last
    return await sides_above(party, x, await carry(party, x.reduce(low)), plan, sender=sender)


@remembered(64)
def sides_cost(profile: Profile, n: int, plan: Clamped) -> Cost:
    """A carry of the low bits, and `sides_above_cost`."""
    low, _ = _cut(plan)
    carrying = carry_cost(profile, n, bits=low) if low else FREE
    return carrying + sides_above_cost(profile, n, plan, sender=carrying.last)


async def sides_above(
    party: Party, x: ArithmeticShare, carried: BooleanShare | None, plan: Clamped, *, sender: int = SERVER
) -> tuple[BooleanShare, BooleanShare | None]:
    """What `sides` gives, where the carry out of the bits that do not matter is there; None if there are none.

    Cost: `sides_above_cost`.
    """
    low, top = _cut(plan)
    high = ArithmeticShare(ring.reduce(x.words >> x.words.dtype.type(low), top), top)
    if carried is not None:
        high += await b2a(party, carried, bits=top, sender=sender)
    if top > MAX_TABLE_BITS:
        return await _compared(party, high, plan)
    tables = _flags(plan)
    flags = await lookup_bits(party, high, tables=tables, out_bits=[1] * len(tables))
    return flags[0], flags[1] if len(flags) > 1 else None


@remembered(64)
def sides_above_cost(profile: Profile, n: int, plan: Clamped, *, sender: int = SERVER) -> Cost:
    """The carry made a number of the top bits; then of few top bits a lookup of one bit or two, of many their sign,
    made a number again, an equality and an AND.
    """
    low, top = _cut(plan)
    if top > MAX_TABLE_BITS:
        looking = _compared_cost(profile, n, plan)
    else:
        looking = lookup_bits_cost(profile, n, bits=top, out_bits=[1] * len(_flags(plan)))
    return b2a_cost(profile, n, bits=top, sender=sender) + looking if low else looking


def _cut(plan: Clamped) -> tuple[int, int]:
    """Bits that do not matter and bits that do: of a signed input, the sign of the inner plan is among the latter."""
    low = plan.inside_bits - plan.inp.signed
    return low, plan.inp.bits - low


def _flags(plan: Clamped) -> list[Words]:
    """Tables over the top bits: inside, and below if it can be, or negative."""
    _, top = _cut(plan)
    index = np.arange(1 << top)
    if not plan.inp.signed:
        return [(index == 0).astype(np.uint8)]
    inside = (index == 0) | (index == len(index) - 1)
    negative = index >= len(index) // 2
    return [each.astype(np.uint8) for each in (inside, negative if folds(plan) else negative & ~inside)]


async def _compared(party: Party, high: ArithmeticShare, plan: Clamped) -> tuple[BooleanShare, BooleanShare | None]:
    """Of a signed input, the top bits are all equal if they and the sign are 0 together, modulo what they hold."""
    if not plan.inp.signed:
        return await is_zero(party, high), None
    sender = msb_cost(party.profile, high.size, bits=high.bits).last
    sign = await msb(party, high)
    inside = await is_zero(party, high + await b2a(party, sign, bits=high.bits, sender=sender))
    return inside, sign if folds(plan) else await bit_and(party, sign, invert(party, inside))


def _compared_cost(profile: Profile, n: int, plan: Clamped) -> Cost:
    _, top = _cut(plan)
    zero = is_zero_cost(profile, n, bits=top)
    if not plan.inp.signed:
        return zero
    sign = msb_cost(profile, n, bits=top)
    below = FREE if folds(plan) else bit_and_cost(profile, n)
    return sign + b2a_cost(profile, n, bits=top, sender=sign.last) + zero + below


# ------------------------------------------------------------ the straight lines


async def select(
    party: Party,
    x: ArithmeticShare,
    y: ArithmeticShare,
    inside: BooleanShare,
    below: BooleanShare | None,
    plan: Clamped,
) -> ArithmeticShare:
    """y inside, and outside the plan's lines of x; if the plan folds, y is the odd function, and `below` the sign.

    Cost: `select_cost`, 2 flights, or 4 if the plan folds.
    """
    profile, bits, inner = party.profile, y.bits, plan.inner
    above = _line(party, x, plan.above, bits)
    if folds(plan) and isinstance(inner, Symmetric) and below is not None:
        return await unfolded(party, x, above + await mux(party, inside, y - above), below, inner)
    kept, correction = await party.parallel(
        (mux_cost(profile, x.size, bits=bits), lambda p: mux(p, inside, y - above)),
        (_below_cost(profile, x.size, plan), lambda p: _below(p, x, below, plan)),
    )
    return above + kept + correction


def select_cost(profile: Profile, n: int, plan: Clamped) -> Cost:
    """A MUX, and a second one or a B2A for inputs below; or, if the plan folds, one for those that are negative."""
    choosing, inner = mux_cost(profile, n, bits=plan.out.bits), plan.inner
    if folds(plan) and isinstance(inner, Symmetric):
        return choosing + unfolded_cost(profile, n, inner)
    return choosing | _below_cost(profile, n, plan)


def _line(party: Party, x: ArithmeticShare, line: Line, bits: int) -> ArithmeticShare:
    words = ArithmeticShare(ring.reduce(x.words, bits), bits)
    return words * line.slope + party.constant(line.constant, bits, x.shape)


def _step(plan: Clamped | Bent) -> Line:
    """The line below less that above."""
    return Line(plan.below.slope - plan.above.slope, plan.below.constant - plan.above.constant)


def _step_places(plan: Clamped | Bent) -> int:
    """How often 2 divides a constant step, at most the output's bits."""
    step = _step(plan).constant % (1 << plan.out.bits)
    return (step & -step).bit_length() - 1 if step else plan.out.bits


async def _below(party: Party, x: ArithmeticShare, below: BooleanShare | None, plan: Clamped | Bent) -> ArithmeticShare:
    step, bits, places = _step(plan), plan.out.bits, _step_places(plan)
    if below is None or (not step.slope and places == bits):
        return party.constant(0, bits, x.shape)
    if step.slope:
        return await mux(party, below, _line(party, x, step, bits))
    number = await b2a(party, below, bits=bits - places)
    return ArithmeticShare(ring.reduce(number.words, bits), bits) * step.constant


def _below_cost(profile: Profile, n: int, plan: Clamped | Bent) -> Cost:
    step, places = _step(plan), _step_places(plan)
    if not plan.inp.signed or (not step.slope and places == plan.out.bits):
        return FREE
    if step.slope:
        return mux_cost(profile, n, bits=plan.out.bits)
    return b2a_cost(profile, n, bits=plan.out.bits - places)


# ------------------------------------------------------------ nothing but straight lines


async def bent(party: Party, x: ArithmeticShare, plan: Bent) -> ArithmeticShare:
    """The plan's line above 0, and what that below is more where x is negative; local if they are one.

    Cost: `bent_cost`.
    """
    above = _line(party, x, plan.above, plan.out.bits)
    if plan.straight:
        return above
    return above + await _below(party, x, await _sign(party, x.reduce(plan.read_bits), plan), plan)


async def _sign(party: Party, x: ArithmeticShare, plan: Bent) -> BooleanShare:
    if plan.compared:
        return await msb(party, x)
    own = BooleanShare(ring.top_bit(x.words, x.bits))
    return own ^ await carry(party, x.reduce(x.bits - 1)) if x.bits > 1 else own


def _sign_cost(profile: Profile, n: int, plan: Bent) -> Cost:
    if plan.compared:
        return msb_cost(profile, n, bits=plan.read_bits)
    return carry_cost(profile, n, bits=plan.read_bits - 1) if plan.read_bits > 1 else FREE


def bent_cost(profile: Profile, n: int, plan: Bent) -> Cost:
    """A carry of all bits that are read but the top one, or a comparison, and a MUX or, of parallel lines, a B2A."""
    return FREE if plan.straight else _sign_cost(profile, n, plan) + _below_cost(profile, n, plan)


PRIMITIVES = (sides, sides_above, select, bent)
"""They take a plan, as `evaluate` does, which is tested in their place."""
