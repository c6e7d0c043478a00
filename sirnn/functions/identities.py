"""Identities: what holds of a real function exactly, and whether it holds of the words that stand for it.

A bound of the error says nothing of them: within 1.5 ULP tanh(0) may be a word beside 0, tanh(-x) another number than
-tanh(x), and a larger x may have a smaller result. Where every word is evaluated they are facts, like the error itself:

    zero        f(0), where a word is exactly that: tanh(0) = 0, sigmoid(0) = 1/2, exp(0) = 1
    symmetric   f(-x) = constant - f(x), or f(x) + slope x, for x > 0: tanh is odd, sigmoid(-x) = 1 - sigmoid(x)
    monotone    f never falls, or never rises

Beside them stand the least and the greatest result, on which other computations rely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from sirnn.fixedpoint import FixedPoint

Int64s: TypeAlias = npt.NDArray[np.int64]

Reals: TypeAlias = npt.NDArray[np.float64]

EQUAL = 1e-6
"""ULP by which doubles may differ that are the same number."""

REFERENCE_ERROR = 2.0**-46
"""Part of a value by which they may."""

EXHAUSTED = 1 << 24
"""Words of a domain that are gone through without being asked to."""

CHUNK = 1 << 19
"""Words evaluated at once: bounds the memory on wide inputs."""

ZERO, SYMMETRIC, MONOTONE = "zero", "symmetric", "monotone"

NAMES = (ZERO, SYMMETRIC, MONOTONE)


# ------------------------------------------------------------ of a real function


@attrs.frozen
class Symmetry:
    """f(-x) = sign f(x) + constant + slope x, in ULP and in words of the input.

    Attributes:
        sign: -1 or 1.
        constant: an integer, in ULP of the output.
        slope: an integer, in ULP for each word of the input.
    """

    sign: int
    constant: int = 0
    slope: int = 0

    def mirror(self, sizes: Int64s, values: Reals | Int64s) -> Reals:
        """f(-x) by f(x), or the other way round with the negatives of x."""
        return np.asarray(self.sign * values + self.constant + self.slope * sizes, dtype=np.float64)

    def holds(self, sizes: Int64s, values: Reals, opposite: Reals) -> bool:
        """Whether real values at x and at -x are so."""
        tolerance = EQUAL + REFERENCE_ERROR * (np.abs(values) + np.abs(opposite))
        return bool(np.all(np.abs(self.mirror(sizes, values) - opposite) <= tolerance))


def symmetries(sizes: Int64s, values: Reals, opposite: Reals) -> Iterator[Symmetry]:
    """The only ones there can be, by values at sizes from 0 up: odd, by the first, and even, by the last."""
    yield Symmetry(-1, constant=round(2 * float(values[0])))
    yield Symmetry(1, slope=round(float(opposite[-1] - values[-1]) / int(sizes[-1])))


@attrs.frozen
class Identities:
    """What holds of a real function.

    Attributes:
        zero: f(0) in ULP, if that is an integer; None if it is not, or nobody asks for it.
        symmetry: None if there is none, or the domain does not reach as far below 0 as above, but for one word.
        order: 1 if f never falls, -1 if it never rises, 0 if it does both.
    """

    zero: int | None
    symmetry: Symmetry | None
    order: int

    @property
    def names(self) -> tuple[str, ...]:
        """Of those that it has."""
        has = self.zero is not None, self.symmetry is not None, self.order != 0
        return tuple(name for name, does in zip(NAMES, has, strict=True) if does)


def identities_of(values_at: Callable[[Int64s], Reals], domain: range) -> Identities:
    """What holds of a real function, by its values at every integer of its domain.

    Args:
        values_at: real values in ULP of the output, at integers of the input.
        domain: of the integers on which it is asked for.
    """
    zero, least, most, last = None, 0.0, 0.0, np.empty(0)
    if 0 in domain:
        value = float(values_at(np.zeros(1, np.int64))[0])
        zero = round(value) if abs(value - round(value)) <= EQUAL else None
    for integers in chunks(domain):
        values = np.concatenate([last, values_at(integers)])
        steps, slack = np.diff(values), EQUAL + REFERENCE_ERROR * np.abs(values[1:])
        least, most = min(least, (steps + slack).min(initial=0.0)), max(most, (steps - slack).max(initial=0.0))
        last = values[-1:]
    return Identities(zero, _symmetry(values_at, domain), 1 if least >= 0 else -1 if most <= 0 else 0)


def _symmetry(values_at: Callable[[Int64s], Reals], domain: range) -> Symmetry | None:
    sizes = mirrored(domain)
    if sizes is None:
        return None
    ends = np.array([0, sizes.stop - 1], dtype=np.int64)
    for found in symmetries(ends, values_at(ends), values_at(-ends)):
        if all(found.holds(each, values_at(each), values_at(-each)) for each in chunks(sizes)):
            return found
    return None


def mirrored(domain: range) -> range | None:
    """The sizes of the words of a domain that reaches as far below 0 as above, but for one word; None of another."""
    reach = domain.stop - 1
    return range(reach + 1) if reach >= 1 and -domain.start - reach in (0, 1) else None


def chunks(domain: range) -> Iterator[Int64s]:
    """All integers of a domain, in ascending order."""
    for start in range(domain.start, domain.stop, CHUNK):
        yield np.arange(start, min(start + CHUNK, domain.stop), dtype=np.int64)


# ------------------------------------------------------------ of the words


@attrs.frozen
class Fact:
    """Whether an identity of the real function holds of its words.

    Attributes:
        name: one of NAMES.
        says: the identity, in real numbers.
        breaches: inputs at which it does not hold.
        first: integer of the first of them, None if there is none.
    """

    name: str
    says: str
    breaches: int
    first: int | None

    @property
    def kept(self) -> bool:
        """Whether it holds of every word."""
        return not self.breaches


@attrs.frozen
class Facts:
    """What holds of all words of a function.

    Attributes:
        least: integer of the smallest result.
        greatest: of the largest.
        identities: those of the real function.
    """

    least: int
    greatest: int
    identities: tuple[Fact, ...]

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the identities that hold."""
        return tuple(fact.name for fact in self.identities if fact.kept)


def facts_of(
    results_at: Callable[[Int64s], Int64s], domain: range, identities: Identities, inp: FixedPoint, out: FixedPoint
) -> Facts:
    """What holds of the words, by evaluating every one of them.

    Args:
        results_at: integers of the results, at integers of the input.
        domain: of the integers on which the function is asked for.
        identities: of the real function.
        inp: type of the input.
        out: type of the output.
    """
    least, greatest, last = out.int_range[1], out.int_range[0], np.empty(0, np.int64)
    breaches: dict[str, tuple[int, int | None]] = dict.fromkeys(identities.names, (0, None))

    def note(name: str, integers: Int64s, broken: npt.NDArray[np.bool_]) -> None:
        count, first = breaches[name]
        if np.any(broken):
            breaches[name] = count + int(np.count_nonzero(broken)), first if count else int(integers[broken.argmax()])

    for integers in chunks(domain):
        results = results_at(integers)
        least, greatest = min(least, int(results.min())), max(greatest, int(results.max()))
        if identities.order:
            steps = identities.order * np.diff(np.concatenate([last, results]))
            note(MONOTONE, integers[-steps.size :] if steps.size else integers, steps < 0)
        last = results[-1:]
    if identities.zero is not None:
        origin = np.zeros(1, np.int64)
        note(ZERO, origin, results_at(origin) != identities.zero)
    if identities.symmetry is not None:
        for sizes in chunks((mirrored(domain) or range(0))[1:]):
            opposite = identities.symmetry.mirror(sizes, results_at(sizes))
            note(SYMMETRIC, sizes, opposite != results_at(-sizes))
    facts = (Fact(name, _says(name, identities, inp, out), *found) for name, found in breaches.items())
    return Facts(least, greatest, tuple(facts))


def _says(name: str, identities: Identities, inp: FixedPoint, out: FixedPoint) -> str:
    if name == ZERO:
        return f"f(0) = {(identities.zero or 0) * out.ulp:g}"
    if name == MONOTONE:
        return "never falls" if identities.order > 0 else "never rises"
    found = identities.symmetry or Symmetry(1)
    if found.sign < 0:
        return f"f(-x) = {found.constant * out.ulp:g} - f(x)" if found.constant else "f(-x) = -f(x)"
    slope = found.slope * out.ulp / inp.ulp
    times = "" if abs(slope) == 1 else f"{abs(slope):g} "
    return f"f(-x) = f(x) {'-' if slope < 0 else '+'} {times}x" if slope else "f(-x) = f(x)"


def reach_of(results_at: Callable[[Int64s], Int64s], domain: range) -> tuple[int, int]:
    """The least and the greatest result, by evaluating every word."""
    ends = [(int(results.min()), int(results.max())) for results in map(results_at, chunks(domain))]
    return min(low for low, _ in ends), max(high for _, high in ends)
