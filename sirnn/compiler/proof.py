"""Proof by exhaustion: the error of a plan at every word asked for."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import numpy as np

from sirnn import ring
from sirnn.compiler.plan import Plan
from sirnn.compiler.real import Reals
from sirnn.compiler.target import Int64s, Target

CHUNK = 1 << 20
"""Words evaluated at once: bounds the memory on wide inputs."""

EXHAUSTIVE = "exhaustive"
"""Every word was evaluated."""


@attrs.frozen
class Proof:
    """The error of a plan.

    Attributes:
        method: how it is known.
        words: how many words were evaluated.
        max_ulp: the largest |result - real value| in ULP of the output.
        mean_ulp: the mean of the same.
        worst_input: integer of the first input with the largest error.
        overflows: words whose real value the output cannot hold, so that an end of its type was asked for instead;
            their errors are from there.
    """

    method: str
    words: int
    max_ulp: float
    mean_ulp: float
    worst_input: int
    overflows: int


def prove(plan: Plan, target: Target) -> Proof:
    """Evaluate a plan on every word of the domain and compare with the real values."""
    total, worst, worst_input = 0.0, -1.0, 0
    for integers, errors in errors_of(plan, target):
        total += float(errors.sum())
        if errors.max() > worst:
            worst, worst_input = float(errors.max()), int(integers[np.argmax(errors)])
    words = len(target.domain)
    return Proof(EXHAUSTIVE, words, worst, total / words, worst_input, target.overflows)


def errors_of(plan: Plan, target: Target) -> Iterator[tuple[Int64s, Reals]]:
    """The integers of the domain in ascending order, and the error of each in ULP, in chunks."""
    for start in range(target.domain.start, target.domain.stop, CHUNK):
        integers = np.arange(start, min(start + CHUNK, target.domain.stop), dtype=np.int64)
        results = target.out.to_int(plan.evaluate(ring.from_signed(integers, target.inp.bits).astype(np.uint64)))
        yield integers, np.abs(results - target.goal[integers & ring.mask(target.read_bits)])
