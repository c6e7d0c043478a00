"""Targets: the real function at every input word that a plan must get right, in ULP of the output.

Of short inputs every word is tabulated; of wide ones, words are looked up as they are needed. Words outside the
function's domain may come out as anything. A value that no output word is near is a reason to refuse, or is replaced by
the nearest end of the type if the caller asked to saturate.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.compiler.plan import MAX_RING_BITS
from sirnn.compiler.real import Reals
from sirnn.compiler.task import Task
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint

Int64s: TypeAlias = npt.NDArray[np.int64]

Bools: TypeAlias = npt.NDArray[np.bool_]

MAX_READ_BITS = 32
"""Bits of an input that a plan may read."""

TABULATED_BITS = 17
"""Bits of input that are tabulated; of more, samples are fitted."""

SAMPLES = 1 << 16
"""Words that stand for a wide range: half of them evenly over it, half of them the denser the nearer to 0."""


@attrs.frozen(eq=False)
class Target:
    """What is asked of a plan.

    Attributes:
        task: the function, its types and its domain.
        read_bits: the fewest low bits of the input that tell the integers of the domain apart.
        table: real values in ULP of the output at all of the domain in ascending order; None if the input is wide.
        low: the least of the values; of a wide input, the least at `spread`.
        high: the greatest, likewise.
        known: integers of a wide input that are looked at whatever else is.
    """

    task: Task
    read_bits: int
    table: Reals | None
    low: float
    high: float
    known: tuple[int, ...]

    @property
    def inp(self) -> FixedPoint:
        """Type of the input."""
        return self.task.inp

    @property
    def out(self) -> FixedPoint:
        """Type of the output."""
        return self.task.out

    @property
    def domain(self) -> range:
        """Integers of the input on which the function is asked for."""
        return self.task.domain

    def at(self, words: Int64s) -> tuple[Reals, Bools]:
        """By the low `read_bits` of words: real values in ULP, 0 where nothing is asked, and whether anything is.

        Raises:
            LocalError: as `values`.
        """
        integers = self.domain.start + ((words - self.domain.start) & ring.mask(self.read_bits))
        asked = integers < self.domain.stop
        integers = np.minimum(integers, self.domain.stop - 1)
        values = values_of(self.task, integers)[0] if self.table is None else self.table[integers - self.domain.start]
        return np.where(asked, values, 0.0), asked

    def within(self, domain: range) -> Target:
        """What is asked on a part of the domain."""
        part = tabulate(attrs.evolve(self.task, domain=domain))
        return attrs.evolve(part, known=tuple(integer for integer in self.known if integer in domain))

    def some(self, run: range) -> Int64s:
        """Integers of a run of the domain in ascending order: all of them, or of a wide input enough."""
        if self.table is not None:
            return every(run)
        known = [integer for integer in self.known if integer in run]
        return np.union1d(spread(run), np.array(known, dtype=np.int64))

    @property
    def origin(self) -> int | None:
        """The word of 0; None if nothing is asked of it."""
        return 0 if 0 in self.domain else None

    @property
    def known_words(self) -> Int64s:
        """The low bits of those that are known."""
        return np.array(self.known, dtype=np.int64) & ring.mask(self.read_bits)

    @property
    def steps(self) -> Int64s:
        """How far apart words are of which something is asked, in parts of the range; none where they are next to each
        other.
        """
        return np.empty(0, np.int64)

    def words(self) -> Int64s:
        """All low bits that can be read."""
        return np.arange(1 << self.read_bits, dtype=np.int64)


def tabulate(task: Task) -> Target:
    """The real function of a task on its domain.

    Raises:
        LocalError: the domain is empty, outside the type or wider than 2^32 words; the output is wider than any ring;
            or as `values_of`.
    """
    inp, domain = task.inp, task.domain
    _check_domain(domain, inp, task.name)
    if task.out.bits > MAX_RING_BITS:
        raise LocalError(
            f"{task.name} to {task.out}",
            remedy=f"a plan's results have at most {MAX_RING_BITS} bits: choose a narrower output and extend it",
        )
    words = domain.stop - domain.start  # not len, which refuses 2^64
    read_bits = max(1, (words - 1).bit_length(), task.cut[0] if task.cut else 1)
    if read_bits > MAX_READ_BITS:
        raise LocalError(
            f"{task.name} on {words:,} words of {inp}",
            remedy=f"at most 2^{MAX_READ_BITS} can be read: truncate the input, or give a narrower domain",
        )
    tabulated = read_bits <= TABULATED_BITS
    values, _ = values_of(task, every(domain) if tabulated else spread(domain))
    return Target(task, read_bits, values if tabulated else None, float(values.min()), float(values.max()), ())


def every(run: range) -> Int64s:
    """All integers of a run."""
    return np.arange(run.start, run.stop, dtype=np.int64)


def spread(run: range, most: int = SAMPLES) -> Int64s:
    """At most `most` integers of a run, its ends and those nearest to 0 among them, ascending."""
    if len(run) <= most:
        return every(run)
    evenly = run.start + np.arange(most // 2, dtype=np.int64) * (len(run) - 1) // (most // 2 - 1)
    reach = float(max(abs(run.start), abs(run.stop)))
    nearing = np.rint(np.geomspace(1, reach, most // 4)).astype(np.int64)
    found = np.unique(np.concatenate([evenly, nearing, -nearing, [0]]))
    kept: Int64s = found[(found >= run.start) & (found < run.stop)]
    return kept


def values_of(task: Task, integers: Int64s) -> tuple[Reals, int]:
    """The function at integers of the input in ULP of the output, those that the output type cannot hold brought to its
    ends if the task saturates, and how many these are.

    Raises:
        LocalError: the function has no value somewhere, or its value is further beyond the output type than the error
            allowed, and the task does not saturate.
    """
    with np.errstate(all="ignore"):
        values = np.asarray(task.real(np.ldexp(integers.astype(np.float64), -task.inp.scale)), dtype=np.float64)
    if values.shape != integers.shape:
        raise LocalError(f"{task.name} turns {integers.shape} numbers into {values.shape}", remedy="work elementwise")
    _check_defined(task, integers.ravel(), values.ravel())
    return _held(task, integers, values)


def _check_domain(domain: range, inp: FixedPoint, name: str) -> None:
    low, high = inp.int_range
    if not domain:
        raise LocalError(f"{name} is not defined anywhere on {inp}", remedy="choose another type or domain")
    if domain.step != 1 or domain.start < low or domain.stop - 1 > high:
        raise LocalError(f"{domain} is no run of integers of {inp}", remedy=f"stay within [{low}, {high}]")


def _check_defined(task: Task, integers: Int64s, values: Reals) -> None:
    undefined = np.isnan(values) if task.saturate else ~np.isfinite(values)
    if np.any(undefined):
        first = int(np.argmax(undefined))
        raise LocalError(
            f"{task.name} is {values[first]} at x = {_input(task, integers[first])}",
            remedy="give a domain without that input" + ("" if np.isnan(values[first]) else ", or saturate"),
        )


def _held(task: Task, integers: Int64s, values: Reals) -> tuple[Reals, int]:
    with np.errstate(over="ignore"):
        scaled: Reals = np.ldexp(values, task.out.scale)
    low, high = task.out.int_range
    # Where the ends may stand for more they do from there on, so that nothing jumps.
    reach = 0 if task.saturate else task.max_ulp
    outside = (scaled < low - reach) | (scaled > high + reach)
    count = int(np.count_nonzero(outside))
    if count and not task.saturate:
        first = int(np.argmax(outside))
        raise LocalError(
            f"{task.name} is {values.flat[first]:g} at x = {_input(task, integers.flat[first])}, beyond {task.out}, "
            f"which holds {task.out.range[0]:g} to {task.out.range[1]:g}",
            remedy="choose another output type, give a domain without that input, or saturate",
        )
    return np.where(outside, np.clip(scaled, low, high), scaled) if count else scaled, count


def _input(task: Task, integer: np.int64) -> str:
    return f"{integer * task.inp.ulp:g} (the word {integer})"
