"""Proof by exhaustion: the worst and mean error of a function over every word of its domain.

The secure protocol opens to the words of its functionality, so running the functionality on every word bounds the
protocol's error with certainty. The real function is taken in double precision, which is precise enough: input words
of at most 53 bits are exact, every `MathFunction.real` is a few correctly conditioned operations of less than 4 ULP of
2^-53 each, hence its relative error is below `REFERENCE_ERROR` = 2^-48 and, for outputs of b bits, its absolute error
below 2^(b - 49) ULP: 2^-33 for 16 bits. Where a result could depend on that margin (a truncation next to an
integer), it is computed for both ends of the margin and must agree.

Source: SIRNN (Rathee et al., IEEE S&P 2021), section on precision, which tests its functions over all 16-bit inputs.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS, MathFunction, Reals

REFERENCE_ERROR = 2.0**-48
"""Relative error allowed to the double-precision reference; tests hold it to arbitrary precision."""

_CHUNK = 1 << 20
"""Words evaluated at once: bounds the memory on wide inputs."""


# ------------------------------------------------------------ what is claimed


@attrs.frozen
class Claim:
    """The bound that holds for a function of 16-bit words to 16-bit words, over a square of scales.

    Attributes:
        scales: scales of the input, and of the output, in every combination.
        bound: ULP that no input's error exceeds.
        least: smallest real input it is claimed for.
    """

    scales: range
    bound: float
    least: float = -np.inf

    bits = 16


CLAIMS = {
    "exp": Claim(range(8, 15), 2.93),
    "reciprocal": Claim(range(8, 15), 2.20),
    "sigmoid": Claim(range(8, 15), 3.19),
    "tanh": Claim(range(8, 15), 3.59),
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
        inputs: words evaluated.
        worst_ulp: largest |calculated - real|, in ULP of the output type.
        mean_ulp: mean of the same.
        worst_input: integer of the first word with the largest error; the real input is worst_input / 2^inp.scale.
        truncated_ulp_max: largest |trunc(calculated 2^s) - trunc(real 2^s)|, the measure that the paper reports.
    """

    function: str
    inp: FixedPoint
    out: FixedPoint
    inputs: int
    worst_ulp: float
    mean_ulp: float
    worst_input: int
    truncated_ulp_max: int

    @property
    def claim(self) -> Claim | None:
        """What is claimed of these types, if anything is."""
        claim = CLAIMS[self.function]
        claimed = self.inp.bits == self.out.bits == claim.bits
        return claim if claimed and self.inp.scale in claim.scales and self.out.scale in claim.scales else None

    @property
    def holds(self) -> bool:
        """Whether the error stays within the claim; true where nothing is claimed."""
        return self.claim is None or self.worst_ulp <= self.claim.bound


def domain(function: MathFunction, inp: FixedPoint, least: float = -np.inf) -> range:
    """The integers a function is defined on, from the real number `least` upwards."""
    whole = function.domain(inp)
    start = whole.start if least == -np.inf else max(whole.start, int(np.ceil(np.ldexp(least, inp.scale))))
    return range(start, whole.stop)


def calculated_and_real(
    function: MathFunction, integers: range, inp: FixedPoint, out: FixedPoint
) -> tuple[Reals, Reals]:
    """What the functionality gives and what the real function is, both in ULP of the output type.

    Raises:
        LocalError: the function does not serve these types.
    """
    x = ring.from_signed(np.arange(integers.start, integers.stop, dtype=np.int64), inp.bits)
    y = function.clear(x.astype(np.uint64), inp=inp, out=out)
    real: Reals = np.ldexp(function.real(inp.decode(x)), out.scale)
    return out.to_int(y).astype(np.float64), real


def prove(
    function: MathFunction,
    inp: FixedPoint,
    out: FixedPoint,
    *,
    integers: range | None = None,
    advance: Callable[[int], object] = lambda _: None,
) -> Proof:
    """Evaluate a function on every word and compare with the real function.

    Words whose real value the output type cannot hold are left out.

    Args:
        function: from the catalogue.
        inp: type of the input; 32 bits take minutes.
        out: type of the output.
        integers: what to evaluate it on, the whole domain unless given; see `domain`.
        advance: told how many words each step has done.

    Raises:
        LocalError: the domain is empty, the function does not serve these types, or double precision does not
            decide the largest truncated error.
    """
    integers = function.domain(inp) if integers is None else integers
    low, high = out.int_range
    inputs, total, worst, worst_input, truncated = 0, 0.0, -1.0, 0, (0, 0)
    for start in range(integers.start, integers.stop, _CHUNK):
        chunk = range(start, min(start + _CHUNK, integers.stop))
        calculated, real = calculated_and_real(function, chunk, inp, out)
        margin = REFERENCE_ERROR * np.maximum(np.abs(real), 1)
        held = np.flatnonzero((low <= real) & (real <= high))
        advance(len(chunk))
        if held.size == 0:
            continue
        errors = np.abs(calculated - real)[held]
        # The first of all words that are as bad as the worst to within the reference's precision.
        place = int(held[np.argmax(errors >= errors.max() - 2 * margin[held])])
        if errors.max() > worst:
            worst, worst_input = float(errors.max()), start + place
        inputs, total = inputs + held.size, total + float(errors.sum())
        truncated = _larger(truncated, _truncated_range(calculated[held], real[held], margin[held]))
    if inputs == 0:
        raise LocalError(
            f"{function.name} has no input from {inp} whose value fits {out}", remedy="choose another scale or width"
        )
    if truncated[0] != truncated[1]:
        raise LocalError(
            f"double precision does not decide the truncated error of {function.name} from {inp} to {out}",
            remedy="use a narrower output type",
        )
    return Proof(function.name, inp, out, inputs, worst, total / inputs, worst_input, truncated[0])


def _truncated_range(calculated: Reals, real: Reals, margin: Reals) -> tuple[int, int]:
    """The largest truncated error, were the reference off by its margin in the best and in the worst way."""
    ends = [np.abs(calculated - np.trunc(real + sign * margin)) for sign in (-1, 1)]
    return int(np.minimum(*ends).max()), int(np.maximum(*ends).max())


def _larger(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return max(a[0], b[0]), max(a[1], b[1])


def claimed_domain(name: str, inp: FixedPoint) -> range:
    """The integers that the claim of a function is about."""
    return domain(FUNCTIONS[name], inp, CLAIMS[name].least)
