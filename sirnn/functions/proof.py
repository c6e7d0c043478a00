"""Proof by exhaustion: the worst and mean error of a function over every word of its domain.

The secure protocol opens to the words of its functionality, so running the functionality on every word bounds the
protocol's error with certainty. The real function is taken in double precision, which is precise enough: input words
of at most 53 bits are exact, every `MathFunction.real` is a few well-conditioned operations, each within 4 units of
2^-53, hence its relative error is below `REFERENCE_ERROR` = 2^-48 and, for outputs of b bits, its absolute error
below 2^(b - 49) ULP: 2^-33 for 16 bits. Where a result could depend on that margin (a truncation next to an integer),
it is computed for both ends of the margin and must agree.

Source: SIRNN (Rathee et al., IEEE S&P 2021), section on precision, which tests its functions over all 16-bit inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs
import numpy as np

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import Comparison, MathFunction, Reals
from sirnn.functions.identities import EXHAUSTED, Facts, facts_of, identities_of

REFERENCE_ERROR = 2.0**-48
"""Relative error allowed to the double-precision reference; tests hold it to arbitrary precision."""

_CHUNK = 1 << 20
"""Words evaluated at once: bounds the memory on wide inputs."""


# ------------------------------------------------------------ what is claimed


CLAIMED_BITS = 16
"""Width of the words, in and out, that claims are about."""


@attrs.frozen
class Claim:
    """The bound that holds for a function of 16-bit words, over a square of scales.

    Attributes:
        scales: scales of the input, and of the output, in every combination.
        bound: ULP that no input's error exceeds.
        least: smallest real input it is claimed for.
    """

    scales: range
    bound: float
    least: float = -np.inf


CLAIMS = {
    "exp": Claim(range(8, 15), 2.93),
    "reciprocal": Claim(range(8, 15), 2.20, least=1),
    "rsqrt": Claim(range(4, 14), 4.42, least=0.1),
    "sigmoid": Claim(range(8, 15), 3.20),
    "sqrt": Claim(range(8, 15), 15.68),
    "tanh": Claim(range(8, 15), 3.59),
    "unit_reciprocal": Claim(range(8, 15), 2.20),
}
"""By name, for every function of the catalogue."""


# ------------------------------------------------------------ the proof


@attrs.frozen
class Proof:
    """The error of a function over every word of its domain that has a value the output type can hold.

    Attributes:
        function: name in the catalogue.
        inp: type of the input.
        out: type of the output.
        least: smallest real input that was asked for; -inf for the whole domain.
        inputs: words evaluated.
        worst_ulp: largest |calculated - real|, in ULP of the output type.
        mean_ulp: mean of the same.
        worst_input: integer of the first word with the largest error; the real input is worst_input / 2^inp.scale.
        truncated_ulp_max: largest |trunc(calculated 2^s) - trunc(real 2^s)|, the measure that the paper reports;
            real is in double precision there too, so that tanh of a large number is 1.
        facts: which identities of the function hold of these words; None if there are too many to go through twice.
    """

    function: str
    inp: FixedPoint
    out: FixedPoint
    least: float
    inputs: int
    worst_ulp: float
    mean_ulp: float
    worst_input: int
    truncated_ulp_max: int
    facts: Facts | None

    @property
    def claim(self) -> Claim | None:
        """What is claimed of these types and inputs, if anything is."""
        claim = CLAIMS[self.function]
        types = self.inp.bits == self.out.bits == CLAIMED_BITS and {self.inp.scale, self.out.scale} <= {*claim.scales}
        return claim if types and self.least >= claim.least else None

    @property
    def holds(self) -> bool:
        """Whether the error stays within the claim; true where nothing is claimed."""
        return self.claim is None or self.worst_ulp <= self.claim.bound


def domain(function: MathFunction, inp: FixedPoint, least: float = -np.inf) -> range:
    """The integers a function is defined on, from the real number `least` upwards."""
    whole = function.domain(inp)
    start = whole.start if least == -np.inf else max(whole.start, int(np.ceil(np.ldexp(least, inp.scale))))
    return range(start, whole.stop)


def evaluate(function: MathFunction, integers: range, inp: FixedPoint, out: FixedPoint) -> Comparison:
    """What the functionality gives, beside what the real function is, on every one of these integers.

    Raises:
        LocalError: the function does not serve these types.
    """
    x = ring.from_signed(np.arange(integers.start, integers.stop, dtype=np.int64), inp.bits)
    return function.compare(x, function.clear(x.astype(np.uint64), inp=inp, out=out), inp, out)


def prove(
    function: MathFunction,
    inp: FixedPoint,
    out: FixedPoint,
    *,
    least: float = -np.inf,
    advance: Callable[[int], object] = lambda _: None,
) -> Proof:
    """Evaluate a function on every word of its domain and compare with the real function.

    Words whose real value the output type cannot hold are left out.

    Args:
        function: from the catalogue.
        inp: type of the input; all words of 16 bits take milliseconds, of 32 bits minutes.
        out: type of the output.
        least: smallest real input, where the domain goes further down.
        advance: told after each step how many words it did.

    Raises:
        LocalError: no input has a value that fits, the function does not serve these types, or double precision
            does not decide the largest truncated error.
    """
    tallies = []
    for chunk in _chunks(domain(function, inp, least)):
        tallies.append(_tally(function, chunk, inp, out))
        advance(len(chunk))
    inputs = sum(tally.inputs for tally in tallies)
    if inputs == 0:
        raise LocalError(
            f"{function.name} has no input from {inp} whose value fits {out}", remedy="choose another scale or width"
        )
    worst = max(tallies, key=lambda tally: tally.worst)
    at_least, at_most = (max(tally.truncated[end] for tally in tallies) for end in (0, 1))
    if at_least != at_most:
        raise LocalError(
            f"double precision does not decide the truncated error of {function.name} from {inp} to {out}",
            remedy="use a narrower output type",
        )
    mean = sum(tally.total for tally in tallies) / inputs
    held = [end for tally in tallies if tally.held for end in tally.held]
    found = _facts(function, range(min(held), max(held) + 1), inp, out)
    return Proof(function.name, inp, out, least, inputs, worst.worst, mean, worst.worst_input, at_least, found)


def _facts(function: MathFunction, integers: range, inp: FixedPoint, out: FixedPoint) -> Facts | None:
    """Which identities hold of the words between the first and the last whose value the type can hold."""
    if len(integers) > EXHAUSTED:
        return None
    known = identities_of(lambda some: function.values(some, inp, out), integers)
    return facts_of(lambda some: function.results(some, inp, out), integers, known, inp, out)


@attrs.frozen
class _Tally:
    """Errors of some words: how many, their sum, the worst and where, the worst truncated one from and to; and the
    first and the last word whose value fits, if any does.
    """

    inputs: int = 0
    total: float = 0.0
    worst: float = -1.0
    worst_input: int = 0
    truncated: tuple[int, int] = (0, 0)
    held: tuple[int, int] | None = None


def _chunks(integers: range) -> Iterator[range]:
    return (integers[start : start + _CHUNK] for start in range(0, len(integers), _CHUNK))


def _tally(function: MathFunction, integers: range, inp: FixedPoint, out: FixedPoint) -> _Tally:
    outcome = evaluate(function, integers, inp, out)
    errors, held = outcome.errors, np.flatnonzero(outcome.fits)
    if held.size == 0:
        return _Tally()
    calculated, real = outcome.calculated[held], outcome.real[held]
    margin = REFERENCE_ERROR * np.maximum(np.abs(real), 1)
    worst = float(errors.max())
    # Of words that are equally bad to within the reference's precision, the first, on every machine.
    first = int(held[np.argmax(errors >= worst - 2 * margin)])
    ends = integers[int(held[0])], integers[int(held[-1])]
    return _Tally(held.size, float(errors.sum()), worst, integers[first], _truncated(calculated, real, margin), ends)


def _truncated(calculated: Reals, real: Reals, margin: Reals) -> tuple[int, int]:
    """The largest truncated error, were the reference off by its margin to the best and to the worst side.

    A reference that is an integer is taken at its word, as the paper does: sqrt(4) is 2, and tanh rounds to 1.
    """
    margin = np.where(real == np.rint(real), 0, margin)
    down, up = (np.abs(calculated - np.trunc(real + side * margin)) for side in (-1, 1))
    return int(np.minimum(down, up).max()), int(np.maximum(down, up).max())
