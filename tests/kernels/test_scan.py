"""The scan of a split lookup against indexing in numpy."""

import numpy as np
import pytest

from sirnn.kernels.scan import scan


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize(("low", "high"), [(1, 0), (1, 1), (3, 2), (5, 0), (6, 2), (7, 1), (8, 3)])
def test_against_indexing(low, high, dtype):
    rng = np.random.default_rng(low + high)
    n, size, entries = 50, 1 << low, 1 << (low + high)
    table = rng.integers(0, np.iinfo(dtype).max, entries, dtype=dtype, endpoint=True)
    opened = rng.integers(0, entries, n).astype(np.uint16)
    opened[:2] = 0, entries - 1
    bits = rng.integers(0, 2, (n, size), dtype=np.uint8)
    words = np.zeros((n, max(1, size // 64)), np.uint64)
    words.view(np.uint8)[:, : -(-size // 8)] = np.packbits(bits, axis=1, bitorder="little")
    sums = np.empty((1 << high, n), dtype)
    scan(opened, words, np.concatenate([table, table[:size]]), low, high, sums)
    for h in range(1 << high):
        at = (opened[:, None].astype(int) + (h << low) + np.arange(size)) % entries
        assert np.array_equal(sums[h], np.bitwise_xor.reduce(np.where(bits, table[at], 0), axis=1))
