"""Evaluation of plans on shares, bit for bit what they give in clear.

A table is one lookup. A plan in tiers first stretches its input (`compiler.tiers`). Pieces of polynomials take

1. the carry out of the low bits of the input's halves, which makes additive shares of index and rest of them;
2. one lookup of all coefficients at the index, as strings of bits;
3. for each degree a product with the rest, a constant, and a truncation (`compiler.horner`).

Several plans of one input that cut it alike are evaluated together, and do the first two once.

Source: the blocks are those of SIRNN (Rathee et al., S&P 2021), section III, as they are where correlations are made
ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from sirnn import ring
from sirnn.blocks.carry import carry, carry_cost
from sirnn.blocks.cascade import compose, compose_cost
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.split_lookup import split_lookup, split_lookup_cost
from sirnn.compiler.clamp import select, select_cost, sides, sides_cost
from sirnn.compiler.examples import CLAMPED, PIECES, TABLES, TIERED, TOGETHER
from sirnn.compiler.horner import Rest, horner, horner_cost
from sirnn.compiler.layout import Column, layout
from sirnn.compiler.plan import Clamped, Piecewise, Plan, Table, Tiered
from sirnn.compiler.tiers import stretched, stretched_cost
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from sirnn.party import Branch, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

AHEAD = [profile for profile in Profile if profile.ahead]

TABLE_WIDENINGS = 2
"""Flights more that the entry of a table may take to become a number: with two, 16 bits are 72 bits, not 135."""

# ------------------------------------------------------------ any plan


def evaluate_clear(x: Clear, *, plan: Plan) -> Clear:
    """What the plan gives."""
    return plan.evaluate(x)


def evaluate_cost(profile: Profile, n: int, *, plan: Plan) -> Cost:
    """That of a table's lookup, or `evaluate_merged_cost`; before it a stretch, if the pieces are in tiers; beside it a
    clamp and after it a choice, 2 flights, if it has one.
    """
    if isinstance(plan, Clamped):
        inner = evaluate_cost(profile, n, plan=plan.inner)
        return (inner | sides_cost(profile, n, plan)) + select_cost(profile, n, plan)
    if isinstance(plan, Tiered):
        return stretched_cost(profile, n, plan.stretch) + evaluate_cost(profile, n, plan=plan.inner)
    if isinstance(plan, Table):
        return _table_cost(profile, n, plan)
    return evaluate_merged_cost(profile, n, plans=[plan])


@protocol(
    takes=(Arith(lambda p: p["plan"].inp.bits),),
    gives=lambda p: [Arith(p["plan"].out.bits)],
    clear=evaluate_clear,
    cost=evaluate_cost,
    examples=[{"plan": plan} for plan in (*PIECES, *TABLES, *TIERED, *CLAMPED)],
    profiles=AHEAD,
)
async def evaluate(party: Party, x: ArithmeticShare, *, plan: Plan) -> ArithmeticShare:
    """The words that the plan gives for the words of x.

    Args:
        party: this party.
        x: share of words of the plan's input type.
        plan: what both parties evaluate.

    Raises:
        LocalError: the input is of another width.
    """
    _check(x, plan)
    if isinstance(plan, Clamped):
        return await _clamped(party, x, plan)
    if isinstance(plan, Tiered):
        return await evaluate(party, await stretched(party, x, plan.stretch), plan=plan.inner)
    if isinstance(plan, Table):
        return await _table(party, x, plan)
    (y,) = await evaluate_merged(party, x, plans=[plan])
    return y


async def _clamped(party: Party, x: ArithmeticShare, plan: Clamped) -> ArithmeticShare:
    n, profile, inner = x.size, party.profile, plan.inner
    y, (inside, below) = await party.parallel(
        (evaluate_cost(profile, n, plan=inner), lambda p: evaluate(p, x, plan=inner)),
        (sides_cost(profile, n, plan), lambda p: sides(p, x, plan)),
    )
    return await select(party, x, y, inside, below, plan)


def _check(x: ArithmeticShare, plan: Plan) -> None:
    if x.bits != plan.inp.bits:
        raise LocalError(f"a plan for {plan.inp} at {x!r}", remedy="give it words of its input type")


# ------------------------------------------------------------ a table


def _table_cost(profile: Profile, n: int, plan: Table) -> Cost:
    looking = split_lookup_cost(profile, n, bits=plan.read_bits, out_bits=[plan.entry_bits])
    return looking + compose_cost(profile, n, word_bits=plan.entry_bits, bits=plan.out.bits, widenings=TABLE_WIDENINGS)


async def _table(party: Party, x: ArithmeticShare, plan: Table) -> ArithmeticShare:
    entries = _words(Column(plan.entries, plan.entry_bits))
    (entry,) = await split_lookup(party, x.reduce(plan.read_bits), tables=[entries], out_bits=[plan.entry_bits])
    value = await compose(party, entry, bits=plan.out.bits, widenings=TABLE_WIDENINGS)
    return value + party.constant(plan.offset, plan.out.bits, x.shape)


@lru_cache(maxsize=256)
def _words(column: Column) -> Words:
    return ring.from_signed(np.array(column.entries, np.int64), column.bits)


# ------------------------------------------------------------ pieces


def evaluate_merged_clear(x: Clear, *, plans: Sequence[Piecewise]) -> tuple[Clear, ...]:
    """What each plan gives."""
    return tuple(plan.evaluate(x) for plan in plans)


def evaluate_merged_cost(profile: Profile, n: int, *, plans: Sequence[Piecewise]) -> Cost:
    """A carry of the rest's bits, made a number of p or a few more; lookups of up to 64 bits an entry; and for each
    plan, side by side, a product, a truncation and a constant for each degree.
    """
    before = _cut_cost(profile, n, plans)
    before += _coefficients_cost(profile, n, plans)
    return before + parallel(*(_polynomial_cost(profile, n, plan, before) for plan in plans))


@protocol(
    takes=(Arith(lambda p: p["plans"][0].inp.bits),),
    gives=lambda p: [Arith(plan.out.bits) for plan in p["plans"]],
    clear=evaluate_merged_clear,
    cost=evaluate_merged_cost,
    examples=[{"plans": plans} for plans in TOGETHER],
    profiles=AHEAD,
)
async def evaluate_merged(
    party: Party, x: ArithmeticShare, *, plans: Sequence[Piecewise]
) -> tuple[ArithmeticShare, ...]:
    """The words that each of the plans gives for the words of x, for less than one after the other.

    Args:
        party: this party.
        x: share of words of the plans' input type.
        plans: what both parties evaluate: with the same input, and the same bits of it as index.

    Raises:
        LocalError: the plans do not cut the input alike, or it is of another width.
    """
    for plan in plans:
        _check(x, plan)
        if (plan.read_bits, plan.index_bits) != (plans[0].read_bits, plans[0].index_bits):
            raise LocalError("plans that cut their input differently", remedy="evaluate them one by one")
    n, profile = x.size, party.profile
    before = _cut_cost(profile, n, plans)
    index, rest = await _cut(party, x.reshape(-1), plans)
    entries = await _coefficients(party, index, plans)
    before += _coefficients_cost(profile, n, plans)

    def branch(plan: Piecewise, entries: Sequence[BooleanShare | None]) -> Branch[ArithmeticShare]:
        cost = _polynomial_cost(profile, n, plan, before)
        return cost, lambda p: _polynomial(p, plan, entries, rest, before)

    results = await party.parallel(*map(branch, plans, entries))
    return tuple(result.reshape(*x.shape) for result in results)


def _cut_cost(profile: Profile, n: int, plans: Sequence[Piecewise]) -> Cost:
    carrying = carry_cost(profile, n, bits=plans[0].rest_bits)
    return carrying + b2a_cost(profile, n, bits=_carry_bits(plans), sender=carrying.last)


def _carry_bits(plans: Sequence[Piecewise]) -> int:
    """Width of the ring in which the carry is needed: for the index, and for the rest above its own bits."""
    return max(plans[0].index_bits, *(layout(plan).factor_bits - plan.rest_bits for plan in plans))


async def _cut(party: Party, x: ArithmeticShare, plans: Sequence[Piecewise]) -> tuple[ArithmeticShare, Rest]:
    """Index and rest of the input."""
    p, w = plans[0].index_bits, plans[0].rest_bits
    low = x.reduce(w)
    wrapped = await carry(party, low)
    sender = carry_cost(party.profile, x.size, bits=w).last
    number = await b2a(party, wrapped, bits=_carry_bits(plans), sender=sender)
    high = ArithmeticShare(ring.reduce(x.words >> x.words.dtype.type(w), p), p)
    bits = w + number.bits
    above = ArithmeticShare(ring.reduce(number.words, bits), bits) << w
    rest = ArithmeticShare(ring.reduce(low.words, bits), bits) - above
    return high + number.reduce(p), Rest(rest - party.constant(1 << (w - 1), bits, x.shape), low.words, wrapped)


# ------------------------------------------------------------ coefficients


def _lookups(plans: Sequence[Piecewise]) -> list[list[Column]]:
    """All columns that take bits, in lookups of at most 64 bits an entry."""
    lookups: list[list[Column]] = []
    room = 0
    for column in (column for plan in plans for column in layout(plan).columns if column.bits):
        if column.bits > room:
            lookups.append([])
            room = ring.MAX_BITS
        lookups[-1].append(column)
        room -= column.bits
    return lookups


def _widths(columns: Sequence[Column]) -> list[int]:
    return [column.bits for column in columns]


def _coefficients_cost(profile: Profile, n: int, plans: Sequence[Piecewise]) -> Cost:
    bits = plans[0].index_bits
    return parallel(
        *(split_lookup_cost(profile, n, bits=bits, out_bits=_widths(columns)) for columns in _lookups(plans))
    )


async def _coefficients(
    party: Party, index: ArithmeticShare, plans: Sequence[Piecewise]
) -> list[list[BooleanShare | None]]:
    """For each plan its columns' entries; None for those of no bits."""

    def branch(columns: Sequence[Column]) -> Branch[tuple[BooleanShare, ...]]:
        widths, tables = _widths(columns), [_words(column) for column in columns]
        cost = split_lookup_cost(party.profile, index.size, bits=index.bits, out_bits=widths)
        return cost, lambda p: split_lookup(p, index, tables=tables, out_bits=widths)

    found = await party.parallel(*map(branch, _lookups(plans)))
    entries: Iterator[BooleanShare] = (entry for each in found for entry in each)
    return [[next(entries) if column.bits else None for column in layout(plan).columns] for plan in plans]


# ------------------------------------------------------------ one polynomial


async def _polynomial(
    party: Party, plan: Piecewise, entries: Sequence[BooleanShare | None], rest: Rest, before: Cost
) -> ArithmeticShare:
    """The result of a plan whose coefficients are there."""
    value = await horner(party, layout(plan), entries, rest, before=before)
    done = before + horner_cost(party.profile, value.size, layout(plan), before=before)
    wide = await zero_extend(party, value, 0, out_bits=plan.out.bits, sender=done.last)
    return wide + party.constant(plan.offset, plan.out.bits, wide.shape)


def _polynomial_cost(profile: Profile, n: int, plan: Piecewise, before: Cost) -> Cost:
    cost = horner_cost(profile, n, layout(plan), before=before)
    return cost + extend_cost(
        profile, n, bits=plan.result_bits, out_bits=plan.out.bits, msb="zero", sender=(before + cost).last
    )
