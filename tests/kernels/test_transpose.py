"""The bit transpose against numpy's, bit by bit."""

import numpy as np
import pytest

from sirnn.kernels.transpose import transpose


def bits_of(words):
    return np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")


@pytest.mark.parametrize("w", [64, 128, 256])
@pytest.mark.parametrize("n", [0, 1, 8, 63, 64, 65, 128, 1000, 4096])
def test_against_numpy(w, n):
    columns = np.random.default_rng(n).integers(0, 2**64, (w, 2 * -(-n // 128)), dtype=np.uint64)
    kept = columns.copy()
    rows = transpose(columns, n)
    assert rows.shape == (n, w // 64)
    assert np.array_equal(bits_of(rows), bits_of(columns).T[:n] if n else np.empty((0, w)))
    assert np.array_equal(columns, kept)
