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

from collections.abc import Sequence

from sirnn import ring
from sirnn.blocks.carry import carry, carry_cost
from sirnn.blocks.cascade import compose, compose_cost
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.split_lookup import split_lookup, split_lookup_cost
from sirnn.compiler.clamp import (
    bent,
    bent_cost,
    folds,
    select,
    select_cost,
    sides,
    sides_above,
    sides_above_cost,
    sides_cost,
)
from sirnn.compiler.coefficients import look_up, look_up_cost, words
from sirnn.compiler.examples import BENT, CLAMPED, PIECES, SYMMETRIC, TABLES, TIERED, TOGETHER
from sirnn.compiler.horner import Rest, horner, horner_cost
from sirnn.compiler.layout import Column, layout
from sirnn.compiler.plan import Bent, Clamped, Piecewise, Plan, Symmetric, Table, Tiered
from sirnn.compiler.symmetric import Cut, cut, cut_cost, odd, odd_cost, unfolded, unfolded_cost
from sirnn.compiler.tiers import stretched, stretched_cost
from sirnn.cost import FREE, Cost, parallel, remembered
from sirnn.errors import LocalError
from sirnn.party import Branch, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.shares import ArithmeticShare, BooleanShare

AHEAD = [profile for profile in Profile if profile.ahead]

TABLE_WIDENINGS = 2
"""Flights more that the entry of a table may take to become a number: with two, 16 bits are 72 bits, not 135."""

# ------------------------------------------------------------ any plan


def evaluate_clear(x: Clear, *, plan: Plan) -> Clear:
    """What the plan gives."""
    return plan.evaluate(x)


@remembered(64)
def evaluate_cost(profile: Profile, n: int, *, plan: Plan) -> Cost:
    """That of a table's lookup, of a cut and a mirrored line (`symmetric`), or `evaluate_merged_cost`; before it a
    stretch, if the pieces are in tiers; beside it a clamp and after it a choice, if it has one.
    """
    if isinstance(plan, Clamped):
        return _inside_cost(profile, n, plan) + select_cost(profile, n, plan)
    if isinstance(plan, Bent):
        return bent_cost(profile, n, plan)
    if isinstance(plan, Tiered):
        return stretched_cost(profile, n, plan.stretch) + evaluate_cost(profile, n, plan=plan.inner)
    if isinstance(plan, Symmetric):
        return cut_cost(profile, n, plan) + _mirrored_cost(profile, n, plan, folded=False)
    if isinstance(plan, Table):
        return _table_cost(profile, n, plan)
    return evaluate_merged_cost(profile, n, plans=[plan])


@protocol(
    takes=(Arith(lambda p: p["plan"].inp.bits),),
    gives=lambda p: [Arith(p["plan"].out.bits)],
    clear=evaluate_clear,
    cost=evaluate_cost,
    examples=[{"plan": plan} for plan in (*PIECES, *TABLES, *SYMMETRIC, *TIERED, *CLAMPED, *BENT)],
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
        return await select(party, x, *await _inside(party, x, plan), plan)
    if isinstance(plan, Bent):
        return await bent(party, x, plan)
    if isinstance(plan, Tiered):
        return await evaluate(party, await stretched(party, x, plan.stretch), plan=plan.inner)
    if isinstance(plan, Symmetric):
        return await _mirrored(party, x, await cut(party, x.reshape(-1), plan), plan, folded=False)
    if isinstance(plan, Table):
        return await _table(party, x, plan)
    (y,) = await evaluate_merged(party, x, plans=[plan])
    return y


def _check(x: ArithmeticShare, plan: Plan) -> None:
    if x.bits != plan.inp.bits:
        raise LocalError(f"a plan for {plan.inp} at {x!r}", remedy="give it words of its input type")


# ------------------------------------------------------------ inside a clamp


async def _inside(
    party: Party, x: ArithmeticShare, plan: Clamped
) -> tuple[ArithmeticShare, BooleanShare, BooleanShare | None]:
    """What the inner plan gives, and where x lies."""
    n, profile, inner = x.size, party.profile, plan.inner
    if not isinstance(inner, Symmetric) or inner.read_bits < plan.inside_bits:
        y, (inside, below) = await party.parallel(
            (evaluate_cost(profile, n, plan=inner), lambda p: evaluate(p, x, plan=inner)),
            (sides_cost(profile, n, plan), lambda p: sides(p, x, plan)),
        )
        return y, inside, below
    # One carry tells the sign inside, and where the top bits are.
    sender, folded = cut_cost(profile, n, inner).last, folds(plan)
    parts = await cut(party, x.reshape(-1), inner)
    y, (inside, below) = await party.parallel(
        (
            _mirrored_cost(profile, n, inner, folded=folded),
            lambda p: _mirrored(p, x, parts, inner, folded=folded),
        ),
        (
            sides_above_cost(profile, n, plan, sender=sender),
            lambda p: sides_above(p, x, parts.wrapped.reshape(*x.shape), plan, sender=sender),
        ),
    )
    return y, inside, below


def _inside_cost(profile: Profile, n: int, plan: Clamped) -> Cost:
    inner = plan.inner
    if not isinstance(inner, Symmetric) or inner.read_bits < plan.inside_bits:
        return evaluate_cost(profile, n, plan=inner) | sides_cost(profile, n, plan)
    cutting = cut_cost(profile, n, inner)
    made = _mirrored_cost(profile, n, inner, folded=folds(plan))
    return cutting + (made | sides_above_cost(profile, n, plan, sender=cutting.last))


# ------------------------------------------------------------ mirrored lines


async def _mirrored(party: Party, x: ArithmeticShare, parts: Cut, plan: Symmetric, *, folded: bool) -> ArithmeticShare:
    """What the plan gives; only its odd function if that is still to be clamped."""
    value = (await odd(party, parts, plan)).reshape(*x.shape)
    return value if folded else await unfolded(party, x, value, parts.sign.reshape(*x.shape), plan)


@remembered(64)
def _mirrored_cost(profile: Profile, n: int, plan: Symmetric, *, folded: bool) -> Cost:
    return odd_cost(profile, n, plan) + (FREE if folded else unfolded_cost(profile, n, plan))


# ------------------------------------------------------------ a table


def _table_cost(profile: Profile, n: int, plan: Table) -> Cost:
    looking = split_lookup_cost(profile, n, bits=plan.read_bits, out_bits=[plan.entry_bits])
    return looking + compose_cost(profile, n, word_bits=plan.entry_bits, bits=plan.out.bits, widenings=TABLE_WIDENINGS)


async def _table(party: Party, x: ArithmeticShare, plan: Table) -> ArithmeticShare:
    entries = words(Column(plan.entries, plan.entry_bits))
    (entry,) = await split_lookup(party, x.reduce(plan.read_bits), tables=[entries], out_bits=[plan.entry_bits])
    value = await compose(party, entry, bits=plan.out.bits, widenings=TABLE_WIDENINGS)
    return value + party.constant(plan.offset, plan.out.bits, x.shape)


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


def _columns(plans: Sequence[Piecewise]) -> list[Column]:
    return [column for plan in plans for column in layout(plan).columns]


def _coefficients_cost(profile: Profile, n: int, plans: Sequence[Piecewise]) -> Cost:
    return look_up_cost(profile, n, bits=plans[0].index_bits, columns=_columns(plans))


async def _coefficients(
    party: Party, index: ArithmeticShare, plans: Sequence[Piecewise]
) -> list[list[BooleanShare | None]]:
    """For each plan its columns' entries; None for those of no bits."""
    entries = iter(await look_up(party, index, _columns(plans)))
    return [[next(entries) for _ in layout(plan).columns] for plan in plans]


# ------------------------------------------------------------ one polynomial


async def _polynomial(
    party: Party, plan: Piecewise, entries: Sequence[BooleanShare | None], rest: Rest, before: Cost
) -> ArithmeticShare:
    """The result of a plan whose coefficients are there."""
    value = await horner(party, layout(plan), entries, rest, before=before)
    done = before + horner_cost(party.profile, value.size, layout(plan), before=before)
    wide = await zero_extend(party, value, 0, out_bits=plan.out.bits, sender=done.last)
    return wide + party.constant(plan.offset, plan.out.bits, wide.shape)


@remembered(64)
def _polynomial_cost(profile: Profile, n: int, plan: Piecewise, before: Cost) -> Cost:
    cost = horner_cost(profile, n, layout(plan), before=before)
    return cost + extend_cost(
        profile, n, bits=plan.result_bits, out_bits=plan.out.bits, msb="zero", sender=(before + cost).last
    )
