"""Plans compiled afresh, and how far they are from the real function by another way than the compiler's."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sirnn import ring
from sirnn.compiler import proof
from sirnn.compiler.search import compile_function
from sirnn.fixedpoint import FixedPoint

WORDS = FixedPoint(16, 12)


def compiled(f, inp, out, **options):
    return compile_function(f, inp=inp, out=out, cache=False, **options)


@lru_cache
def of_16_bits(name):
    """A library function of 16 bits at scale 12, compiled once for all tests that look at it."""
    return compiled(name, WORDS, WORDS)


def distances(made, real):
    """|result - real value| in ULP at every input of the domain, worked out apart from the compiler."""
    inp, out, domain = made.plan.inp, made.plan.out, made.task.domain
    integers = np.arange(domain.start, domain.stop)
    results = out.to_int(made.plan.evaluate(ring.from_signed(integers, inp.bits).astype(np.uint64)))
    with np.errstate(all="ignore"):
        exact = real(integers * 2.0**-inp.scale) * 2.0**out.scale
    return np.abs(results - np.clip(exact, *out.int_range) if made.task.saturate else results - exact)


def prove_on_fewer_words(patch):
    """Have long runs proved by intervals on a coarser grid, which bounds the error as well, if less closely."""
    patch.setattr(proof, "EXHAUSTED", 1 << 18)
    patch.setattr(proof, "GRID", 1 << 16)
