"""Proof of a plan's error: by exhaustion where the domain has at most 2^24 words, or if asked; else by intervals.

By exhaustion the plan is evaluated on every word of the domain. By intervals it is evaluated on a dense grid, the first
and last words of every segment included. Around the grid,

* whatever is truncated, a result is an integer in a band around a real polynomial (`rounding`), at every word;
* between neighbours on the grid, the real function, the polynomial and their difference are assumed to stray from their
  chords by at most half the largest second difference next to them: four times what a parabola does, and all that a
  kink does.

That assumption is all that is not proved, and it is why such a proof is called "intervals".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import attrs
import numpy as np

from sirnn import ring
from sirnn.compiler.frames import cut
from sirnn.compiler.plan import Bent, Clamped, Inner, Line, Piecewise, Plan, Symmetric, Tiered
from sirnn.compiler.real import Reals
from sirnn.compiler.rounding import band
from sirnn.compiler.target import Int64s, Target, every, tabulate, values_of
from sirnn.compiler.task import Task
from sirnn.functions.identities import EXHAUSTED, Facts, Identities, facts_of, identities_of, reach_of

CHUNK = 1 << 19
"""Words evaluated at once: bounds the memory on wide inputs."""

GRID = 1 << 22
"""Words of a wider range that are evaluated."""

LEAST_GRID = 64
"""Words of each segment of it, at least."""

SPARE = 2.0**-20
"""ULP that doubles may be off a polynomial of integers."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many words of how many were evaluated."""

EXHAUSTIVE = "exhaustive"
"""Every word was evaluated."""

INTERVALS = "intervals"
"""A grid of words was evaluated, and the function is assumed to be as smooth between them as it is on them."""

ASSUMED = "between the words evaluated, f strays from its chords by at most half its second differences there"
"""What is not proved by intervals, in a line."""


@attrs.frozen
class Proof:
    """The error of a plan.

    Attributes:
        method: how it is known.
        words: how many words were evaluated.
        max_ulp: the largest |result - real value| in ULP of the output; a bound of it if the method is intervals.
        mean_ulp: the mean of the same; an estimate likewise.
        worst_input: integer of the first input with the largest error, or the largest bound.
        overflows: words, of those evaluated, whose real value the output cannot hold, so that an end of its type was
            asked for instead; their errors are from there.
    """

    method: str
    words: int
    max_ulp: float
    mean_ulp: float
    worst_input: int
    overflows: int


@attrs.frozen(eq=False)
class _Piece:
    """Some integers in ascending order, and the error at each: its bound nearby, and what it is."""

    integers: Int64s
    bounds: Reals
    errors: Reals
    overflows: int


def prove(plan: Plan, target: Target, *, progress: Progress | None = None) -> Proof:
    """The error of a plan on the whole domain. Going through 2^32 words takes some ten minutes.

    Raises:
        LocalError: the function has no value somewhere, or one the output type cannot hold.
    """
    exhaustive = target.task.exhaust or is_short(target)
    total, words, overflows, worst, worst_input = 0.0, 0, 0, -1.0, target.domain.start
    for part, run, rest_bits in _runs(plan, target):
        errors, evaluated = 0.0, 0
        exhausted = exhaustive or len(run) <= EXHAUSTED
        for piece in _evaluated(plan, target, run) if exhausted else _gridded(part, rest_bits, plan, target, run):
            errors, evaluated = errors + float(piece.errors.sum()), evaluated + piece.integers.size
            if exhaustive and progress is not None:
                progress(words + evaluated, len(target.domain))
            overflows += piece.overflows
            if piece.bounds.max() > worst:
                worst, worst_input = float(piece.bounds.max()), int(piece.integers.flat[np.argmax(piece.bounds)])
        total, words = total + errors / evaluated * len(run), words + evaluated
    method = EXHAUSTIVE if exhaustive else INTERVALS
    return Proof(method, words, worst, total / len(target.domain), worst_input, overflows)


def identities(target: Target) -> Identities | None:
    """What holds of the function exactly; None if its domain has too many words to go through them all."""
    return identities_of(lambda integers: target.at(integers)[0], target.domain) if is_short(target) else None


def facts(plan: Plan, target: Target, known: Identities) -> Facts:
    """Which of the function's identities hold of every word of a plan, and its least and greatest result."""
    return facts_of(lambda integers: _results(plan, integers), target.domain, known, target.inp, target.out)


def reach(plan: Plan, task: Task) -> tuple[int, int]:
    """The least and the greatest integer that a plan gives on the domain: exactly where its words can all be gone
    through, else by the function's own range, on as many words as a wide input is seen at, and the error allowed.
    """
    target = tabulate(task)
    if is_short(target):
        return reach_of(lambda integers: _results(plan, integers), task.domain)
    low, high = plan.out.int_range
    return max(low, int(np.ceil(target.low - task.max_ulp))), min(high, int(np.floor(target.high + task.max_ulp)))


def is_short(target: Target) -> bool:
    """Whether all words of the domain are evaluated without being asked for."""
    return len(target.domain) <= EXHAUSTED


def errors_at(plan: Plan, target: Target, integers: Int64s) -> tuple[Reals, int]:
    """The error at integers of the domain in ULP, and how many of them overflow.

    Raises:
        LocalError: as `prove`; or a result does not fit the plan's ring.
    """
    goal, overflows = values_of(target.task, integers)
    return np.abs(_results(plan, integers) - goal), overflows


def _results(plan: Plan, integers: Int64s) -> Int64s:
    return plan.out.to_int(plan.evaluate(ring.from_signed(integers, plan.inp.bits).astype(np.uint64)))


# ------------------------------------------------------------ every word


def _evaluated(plan: Plan, target: Target, run: range) -> Iterator[_Piece]:
    for start in range(run.start, run.stop, CHUNK):
        integers = every(range(start, min(start + CHUNK, run.stop)))
        errors, overflows = errors_at(plan, target, integers)
        yield _Piece(integers, errors, errors, overflows)


# ------------------------------------------------------------ a grid of words


def _parts(plan: Plan, domain: range) -> list[tuple[Inner | Line, range]]:
    """The integers of the domain by the part of the plan that is for them."""
    if isinstance(plan, Bent):
        _, negative, others = cut(domain, (0, -1))
        return [(plan.below, negative), (plan.above, others)]
    if isinstance(plan, Clamped):
        inside, below, above = cut(domain, (plan.inside.start, plan.inside.stop - 1))
        return [(plan.inner, inside), (plan.below, below), (plan.above, above)]
    return [(plan, domain)]


def _runs(plan: Plan, target: Target) -> Iterator[tuple[Inner | Line, range, int]]:
    """The integers of the domain by what gives their results, and the bits of a segment of it."""
    for part, run in ((part, run) for part, run in _parts(plan, target.domain) if len(run)):
        if isinstance(part, Tiered) and isinstance(part.inner, Piecewise):
            for place, tier in enumerate(part.stretch.tiers):
                width = max(0, part.inner.rest_bits - tier.shift)
                yield from ((part, some, width) for some in part.stretch.runs(place, run))
        else:
            yield part, run, part.rest_bits if isinstance(part, Piecewise | Symmetric) else target.inp.bits


def _gridded(part: Inner | Line, rest_bits: int, plan: Plan, target: Target, run: range) -> Iterator[_Piece]:
    """Bounds on a grid of a run of more words than a table has."""
    blocks = range(run.start >> rest_bits, ((run.stop - 1) >> rest_bits) + 1)
    seen = max(LEAST_GRID, min(GRID // len(blocks), 1 << rest_bits))
    at_once = max(1, CHUNK // seen)
    for start in range(blocks.start, blocks.stop, at_once):
        first = every(range(start, min(start + at_once, blocks.stop)))[:, None] << rest_bits
        least, most = np.maximum(first, run.start), np.minimum(first + (1 << rest_bits), run.stop) - 1
        for low in range(0, seen - 1, CHUNK):  # neighbouring stretches of a long segment share a word
            places = np.arange(low, min(low + CHUNK, seen - 1) + 1)
            integers = least + (most - least) * places // (seen - 1)
            goal, overflows = values_of(target.task, integers)
            middle, stray = _band(part, integers)
            bounds = np.minimum(
                np.abs(goal - middle) + _sag(integers, goal - middle) + stray, _apart(integers, goal, middle, stray)
            )
            if not _holds(part, integers, middle, stray):
                bounds[:] = np.inf
            yield _Piece(integers, bounds, np.abs(_results(plan, integers) - goal), overflows)


def _pieces(part: Inner | Line) -> Piecewise | Symmetric | None:
    """Those that give the results, if any do."""
    inner = part.inner if isinstance(part, Tiered) else part
    return inner if isinstance(inner, Piecewise | Symmetric) else None


def _band(part: Inner | Line, integers: Int64s) -> tuple[Reals, Reals]:
    """In ULP, a real polynomial and how far from it the results can be."""
    if isinstance(part, Line):
        return (part.slope * integers + part.constant).astype(np.float64), np.zeros(1)
    pieces = _pieces(part)
    if pieces is None:
        raise AssertionError("a table has fewer words than are all evaluated")
    if isinstance(pieces, Symmetric):
        return _mirrored_band(pieces, integers)
    words = part.stretch(integers) if isinstance(part, Tiered) else integers & ring.mask(pieces.read_bits)
    index, rest = words >> pieces.rest_bits, (words & ring.mask(pieces.rest_bits)) - (1 << (pieces.rest_bits - 1))
    rows = [np.array(row, dtype=np.int64)[index] for row in pieces.coefficients]
    middle, stray = band(rows, pieces.shifts, pieces.drops, rest)
    return middle + pieces.offset, stray


def _mirrored_band(part: Symmetric, integers: Int64s) -> tuple[Reals, Reals]:
    """The same of an odd function that is rounded; of an even one, its negative where x < 0."""
    index, rest = part.cut(integers)
    intercepts, slopes = (np.array(row, dtype=np.int64)[index] for row in part.coefficients)
    odd = np.sign(integers + 0.5) * (np.ldexp(intercepts + 0.5, part.shift) + slopes * rest)
    half = (1 - 2.0**-part.drop) / 2
    middle = np.ldexp(odd, -part.drop) + (part.constant + 1) / 2 - half
    return (middle if part.sign < 0 else _opposed(part, integers, middle)), np.full(1, half)


def _opposed(part: Symmetric, integers: Int64s, values: Reals) -> Reals:
    """An even function by the odd one that is evaluated for it, or the other way round."""
    opposed: Reals = np.where(integers < 0, -values - part.slope * integers, values)
    return opposed


def _holds(part: Inner | Line, integers: Int64s, middle: Reals, stray: Reals) -> bool:
    """Whether all results near these integers are surely those of the plan's ring."""
    pieces = _pieces(part)
    if pieces is None or pieces.result_bits == pieces.out.bits:
        return True
    if isinstance(pieces, Symmetric) and pieces.sign > 0:
        middle = _opposed(pieces, integers, middle)
    reach = stray + _sag(integers, middle) + SPARE
    # What the last truncation is of is an integer, the result that rounded down.
    drop = pieces.drops[0] if isinstance(pieces, Piecewise) else pieces.drop
    low = np.floor(np.ldexp(np.ceil(np.ldexp((middle - reach).min() + 1, drop) - 1), -drop))
    high = np.floor((middle + reach).max())
    return bool(pieces.offset <= low and high < pieces.offset + (1 << (pieces.result_bits - 1)))


def _apart(integers: Int64s, goal: Reals, middle: Reals, stray: Reals) -> Reals:
    """How far results near each integer of the grid can be from values near it, by their least and greatest alone."""
    reach, bent = stray + _sag(integers, middle) + SPARE, _sag(integers, goal)
    low, high = _nearby(np.ceil(middle - reach))[0], _nearby(np.floor(middle + reach))[1]
    apart: Reals = np.maximum(high - _nearby(goal - bent)[0], _nearby(goal + bent)[1] - low)
    return apart


def _nearby(values: Reals) -> tuple[Reals, Reals]:
    """The least and the greatest of each value and its neighbours, rows by segment."""
    padded = np.pad(values, ((0, 0), (1, 1)), mode="edge")
    around = padded[:, :-2], values, padded[:, 2:]
    return np.minimum.reduce(around), np.maximum.reduce(around)


def _sag(integers: Int64s, values: Reals) -> Reals:
    """How far, near each integer of the grid, a function of these values is taken to be from its chord."""
    steps = np.diff(integers, axis=1)
    slopes = np.diff(values, axis=1) / np.maximum(steps, 1)
    turns = np.abs(np.diff(slopes, axis=1)) * np.maximum(steps[:, 1:], steps[:, :-1])
    # Of an interval the larger of the second differences at its ends, and of an end the larger of its intervals.
    turns = np.pad(turns, ((0, 0), (1, 1)), mode="edge")
    sags = np.pad(np.maximum(turns[:, 1:], turns[:, :-1]) / 2 * (steps > 1), ((0, 0), (1, 1)))
    largest: Reals = np.maximum(sags[:, 1:], sags[:, :-1])
    return largest
