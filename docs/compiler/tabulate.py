"""Writes docs/compiler/library.csv: every library function at many types, with its plan, errors and cost.

    python docs/compiler/tabulate.py

Input and output have one type. Types that cannot hold a function's values without saturation are left out where the
library does not saturate by itself; every error is over all words of the domain.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from sirnn.compiler.compiled import describe
from sirnn.compiler.library import LIBRARY
from sirnn.compiler.search import compile_function
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint

TABLE = Path(__file__).parent / "library.csv"

TYPES = [FixedPoint(8, scale) for scale in (3, 4, 5, 6)] + [FixedPoint(16, scale) for scale in range(6, 15)]

HEADER = [
    "function",
    "bits",
    "scale",
    "plan",
    "max_ulp",
    "mean_ulp",
    "overflows",
    "bytes_per_instance",
    "flights_online",
    "proven",
]


def rows() -> Iterator[list[object]]:
    """A row for every function and type that it can be compiled for."""
    for name in LIBRARY:
        for kind in TYPES:
            try:
                made = compile_function(name, inp=kind, out=kind, cache=False)
            except LocalError:
                continue
            errors = [f"{made.max_ulp:.4f}", f"{made.mean_ulp:.4f}", made.proof.overflows]
            cost = [f"{made.bytes_per_instance:.1f}", made.flights, made.proof.method]
            yield [name, kind.bits, kind.scale, describe(made.plan), *errors, *cost]


if __name__ == "__main__":
    with TABLE.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows()])
