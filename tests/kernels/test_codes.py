"""Rows beside codewords: what numpy's broadcasting gives."""

from __future__ import annotations

import numpy as np
import pytest

from sirnn.kernels.codes import beside


@pytest.mark.parametrize(("rows", "offsets", "blocks"), [(0, 3, 1), (1, 1, 1), (5, 2, 1), (3, 16, 2), (16, 256, 2)])
def test_every_row_beside_every_codeword(rows, offsets, blocks):
    rng = np.random.default_rng(rows)
    mine, theirs = (rng.integers(0, 1 << 64, (n, 2 * blocks), np.uint64, endpoint=False) for n in (rows, offsets))
    found = beside(mine, theirs)
    assert found.shape == (blocks, rows, offsets, 2)
    together = mine[:, None, :] ^ theirs
    for block in range(blocks):
        assert np.array_equal(found[block], together[:, :, 2 * block : 2 * block + 2])
