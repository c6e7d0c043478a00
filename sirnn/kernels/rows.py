"""Sums of the rows that a matrix product is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sirnn.kernels.compiled import compiled

Words = npt.NDArray[Any]


@compiled
def add_rows(rows: Words, first: int, depth: int, places: int, total: Words) -> None:
    """total[(first + j) // depth] += 2^places * rows[j] for every j, modulo the width of the total's dtype.

    Args:
        rows: (n, d3) of any unsigned dtype.
        first: number of the first row among all of them.
        depth: rows that add up to one of the total.
        places: 0..63.
        total: (d1, d3) of any unsigned dtype, changed.
    """
    shift = np.uint64(places)
    row, left = first // depth, depth - first % depth
    for j in range(len(rows)):
        for i in range(rows.shape[1]):
            total[row, i] += np.uint64(rows[j, i]) << shift
        left -= 1
        if left == 0:
            row, left = row + 1, depth
