"""Rows of a product, added up as they come, in any blocks and from any width to any other."""

import numpy as np
import pytest

from sirnn import ring
from sirnn.kernels.rows import add_rows


@pytest.mark.parametrize("bits", [5, 16, 38, 64])
@pytest.mark.parametrize("cut", [1, 4, 100])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 2), (6, 1, 4)])
def test_blocks_of_rows_add_up(bits, cut, shape):
    depth, dtype = shape[1], ring.dtype_for(bits)
    total, expected = (np.zeros((shape[0], shape[2]), dtype) for _ in range(2))
    for places, width in ((0, bits), (3, max(1, bits - 3))):
        words = np.random.default_rng(bits).integers(0, 2**64, shape, dtype=np.uint64)
        rows = ring.reduce(words, width).reshape(-1, shape[2])
        for first in range(0, len(rows), cut):
            add_rows(rows[first : first + cut], first, depth, places, total)
        expected += (rows.reshape(shape).astype(np.uint64).sum(axis=1) << np.uint64(places)).astype(dtype)
    assert np.array_equal(ring.reduce(total, bits), ring.reduce(expected, bits))
