"""Products as they come out of correlated OTs, block by block, added up at once."""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.kernels.rows import add_rows
from sirnn.ot.correlated import Correlate
from sirnn.ring import Words


class WeightedSums:
    """Sums of rows of shares, where those of field i count 2^i: `add` is a `sirnn.ot.correlated.Collect`.

    Args:
        shape: of the sums, (rows, columns).
        bits: of their ring.
        depth: rows of shares that add up to one of the sums.
    """

    def __init__(self, shape: tuple[int, int], bits: int, *, depth: int = 1) -> None:
        self._bits, self._depth = bits, depth
        self._total = np.zeros(shape, ring.dtype_for(bits))

    def add(self, number: int, part: slice, rows: Words) -> None:
        """Take in some shares of a field."""
        add_rows(rows.reshape(len(rows), -1), part.start, self._depth, number, self._total)

    def reduced(self) -> Words:
        """The sums, of the shape given."""
        return ring.reduce(self._total, self._bits)


def in_every_field(words: Words) -> Correlate:
    """The same correlations in every field."""
    return lambda _, part: words[part]
