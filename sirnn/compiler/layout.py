"""Layout: what is looked up for a plan of pieces, and the ring of every intermediate number.

A plan says what comes out. How narrow its rings may be follows from its tables: they say how large each intermediate
number can get, and a number with room to spare on top is cheap to extend (`blocks.extension`). Of every polynomial

* the highest coefficients are looked up less their minimum, so that they are unsigned;
* a constant that is added before a truncation is cut in two: its guard bits, those below the bits that are kept, join
  the product that is truncated, and the rest is added afterwards.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import attrs

from sirnn.blocks.carry import digits
from sirnn.blocks.cascade import Groups, Term, arrange, factor_bits
from sirnn.compiler.plan import Integers, Piecewise, Symmetric

Range: TypeAlias = tuple[int, int]


@attrs.frozen(cache_hash=True)
class Column:
    """Something that is looked up at the index.

    Attributes:
        entries: 2^index_bits integers, not negative.
        bits: of an entry; 0 if all of them are 0.
    """

    entries: Integers
    bits: int

    @classmethod
    def of(cls, entries: list[int]) -> Column:
        return cls(tuple(entries), max(entries).bit_length())


@attrs.frozen(cache_hash=True)
class Step:
    """One step of Horner's rule: product + constant, truncated.

    z = product + guard 2^guard_place is truncated by `drop`; then rest 2^rest_place + base is added.

    Attributes:
        guard: low bits of the constant, in z.
        guard_place: where they go.
        rest: the others, less their minimum.
        rest_place: where they go.
        base: what is left of the rest.
        ring: bits of the ring of z + lift.
        lift: added to z, so that it is not negative and its top bit is 0 unless ring = bits + drop; what `base` makes
            up for is a multiple of 2^drop, what is left rounds.
        drop: bits of z that are dropped.
        bits: of the ring of the result.
    """

    guard: Column
    guard_place: int
    rest: Column
    rest_place: int
    base: int
    ring: int
    lift: int
    drop: int
    bits: int

    @property
    def columns(self) -> list[Column]:
        return [self.guard, self.rest]

    @property
    def rest_bits(self) -> int:
        """Width of the ring in which the rest is needed; none if it is 0 or less."""
        return self.bits - self.rest_place

    @property
    def widenings(self) -> int:
        """How many rings can be widened one after the other while the truncation's carry is computed."""
        return len(digits(self.drop)) if self.drop else 0


@attrs.frozen(cache_hash=True)
class Layout:
    """How a plan is evaluated once its input is cut into index and rest.

    Attributes:
        top: the coefficients of the highest degree, less `top_base`.
        top_base: their minimum.
        rest_bits: w, bits of the input below the index.
        groups: how the first step's product and guard bits are added up.
        steps: highest degree first.
    """

    top: Column
    top_base: int
    rest_bits: int
    groups: Groups
    steps: tuple[Step, ...]

    @property
    def columns(self) -> list[Column]:
        """All that is looked up, what takes no bits included."""
        return [self.top, *(column for step in self.steps for column in step.columns)]

    @property
    def factor_bits(self) -> int:
        """Width of the ring in which the rest of the input is needed as a number."""
        return self.steps[0].ring if self.top_base else factor_bits(self.groups)


@lru_cache(maxsize=256)
def layout(plan: Piecewise) -> Layout:
    """The layout of a plan."""
    half = 1 << (plan.rest_bits - 1)
    values: list[Range] = [(entry, entry) for entry in plan.coefficients[-1]]
    ranges: list[list[Range]] = []
    for degree in range(plan.degree - 1, -1, -1):
        shift, drop, row = plan.shifts[degree], plan.drops[degree], plan.coefficients[degree]
        guard, place = _cut(shift, drop)
        products = [_product(value, (-half, half - 1)) for value in values]
        sums = [
            _plus(product, (entry & (1 << guard) - 1) << shift) for product, entry in zip(products, row, strict=True)
        ]
        ranges.append(sums)
        values = [
            _plus((a >> drop, b >> drop), entry >> guard << place) for (a, b), entry in zip(sums, row, strict=True)
        ]
    steps: list[Step] = []
    bits = plan.result_bits
    for degree, sums in enumerate(reversed(ranges)):
        steps.insert(0, _step(plan.coefficients[degree], plan.shifts[degree], plan.drops[degree], sums, bits))
        bits = steps[0].ring
    base = min(plan.coefficients[-1])
    top = Column.of([entry - base for entry in plan.coefficients[-1]])
    return Layout(top, base, plan.rest_bits, _first_groups(top, steps[0], (-half, half - 1)), tuple(steps))


@lru_cache(maxsize=256)
def mirrored_layout(plan: Symmetric) -> Layout:
    """The layout of a plan for either sign of x: guard and rest of an intercept are complemented where x < 0.

    The rest is looked up with its sign, its top bit, inverted: so it is no less than 0, and its complement stands for
    the complement. What all entries share of it is public (`common_bits`).
    """
    intercepts, slopes = plan.coefficients
    guard_bits, half = plan.drop - plan.shift, 1 << (plan.rest_bits - 1)
    rounding = (1 << (plan.shift - 1)) + ((plan.constant + 1) % 2 << (plan.drop - 1))
    guards = [entry & (1 << guard_bits) - 1 for entry in intercepts]
    sums = [
        _plus(_product((slope, slope), (-half, half - 1)), (either << plan.shift) + rounding)
        for slope, guard in zip(slopes, guards, strict=True)
        for either in (guard, guard ^ (1 << guard_bits) - 1)
    ]
    lift, ring = _lifted(sums, plan.drop, plan.result_bits)
    rests = [entry >> guard_bits for entry in intercepts]
    sign = 1 << max(max(entry, ~entry).bit_length() for entry in rests)
    rest_bits = min(sign.bit_length(), plan.result_bits)
    step = Step(
        guard=Column(tuple(guards), guard_bits),
        guard_place=plan.shift,
        rest=Column(tuple((entry + sign) & (1 << rest_bits) - 1 for entry in rests), rest_bits),
        rest_place=0,
        base=(plan.constant + 1) // 2 - plan.offset - sign - (lift >> plan.drop),
        ring=ring,
        lift=lift + rounding,
        drop=plan.drop,
        bits=plan.result_bits,
    )
    least = min(slopes)
    top = Column.of([slope - least for slope in slopes])
    return Layout(top, least, plan.rest_bits, _first_groups(top, step, (-half, half - 1)), (step,))


def common_bits(column: Column) -> int:
    """How many top bits all entries have in common."""
    differing = max(entry ^ column.entries[0] for entry in column.entries)
    return column.bits - differing.bit_length()


def _cut(shift: int, drop: int) -> tuple[int, int]:
    """How many bits of a constant are guard bits, and where the others go after the truncation."""
    guard = max(0, drop - shift)
    return guard, shift + guard - drop


def _step(row: Integers, shift: int, drop: int, sums: list[Range], bits: int) -> Step:
    guard, place = _cut(shift, drop)
    lift, ring = _lifted(sums, drop, bits)
    rests = [entry >> guard for entry in row]
    least_rest = min(rests)
    rest = Column.of([entry - least_rest for entry in rests])
    return Step(
        guard=Column.of([entry & (1 << guard) - 1 for entry in row]),
        guard_place=shift,
        rest=attrs.evolve(rest, bits=max(0, min(rest.bits, bits - place))),
        rest_place=place,
        base=(least_rest << place) - (lift >> drop),
        ring=ring,
        lift=lift,
        drop=drop,
        bits=bits,
    )


def _lifted(sums: list[Range], drop: int, bits: int) -> tuple[int, int]:
    """The multiple of 2^drop with which sums are not negative, and the ring for them that leaves the top bit 0; or, if
    that is narrower, the one where nothing is left to extend.
    """
    least, most = min(low for low, _ in sums), max(high for _, high in sums)
    lift = -(least >> drop) << drop
    return lift, min(max((most + lift).bit_length() + 1, drop + 1), bits + drop)


def _first_groups(top: Column, step: Step, factor: Range) -> Groups:
    terms = [Term(place, factor) for place in range(min(top.bits, step.ring))]
    terms += [
        Term(step.guard_place + place) for place in range(step.guard.bits) if step.guard_place + place < step.ring
    ]
    return arrange(tuple(terms), step.ring, widenings=step.widenings, narrowest=max(1, step.drop))


def _product(value: Range, factor: Range) -> Range:
    corners = [a * b for a in value for b in factor]
    return min(corners), max(corners)


def _plus(value: Range, constant: int) -> Range:
    return value[0] + constant, value[1] + constant
