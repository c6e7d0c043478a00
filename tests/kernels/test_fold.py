"""The inner loops of SoftSpoken against numpy, leaf by leaf."""

import numpy as np
import pytest

from sirnn.kernels.fold import count_up, fold


@pytest.mark.parametrize("k", [0, 2, 4, 6, 8])
@pytest.mark.parametrize(("groups", "m"), [(1, 1), (1, 128), (3, 2), (2, 7), (0, 4), (2, 0)])
def test_fold(k, groups, m):
    rng = np.random.default_rng(k)
    leaves = rng.integers(0, 2**64, (groups, 1 << k, m), dtype=np.uint64)
    parts = rng.integers(0, 2**64, (groups, k, m), dtype=np.uint64)
    numbers = np.arange(1 << k)
    expected = [parts[:, b] ^ np.bitwise_xor.reduce(leaves[:, numbers >> b & 1 == 1], axis=1) for b in range(k)]
    total = np.bitwise_xor.reduce(leaves, axis=1)
    fold(leaves, parts)
    for b in range(k):
        assert np.array_equal(parts[:, b], expected[b])
    assert np.array_equal(leaves[:, 0], total)


def test_fold_into_a_part_of_an_array():
    leaves = np.random.default_rng(0).integers(0, 2**64, (2, 4, 3), dtype=np.uint64)
    expected = np.stack([leaves[:, 1] ^ leaves[:, 3], leaves[:, 2] ^ leaves[:, 3]], axis=1)
    parts = np.zeros((6, 2, 3), np.uint64)
    fold(leaves, parts[2:4])
    assert np.array_equal(parts[2:4], expected)
    assert not parts[:2].any()
    assert not parts[4:].any()


@pytest.mark.parametrize(("n", "m"), [(0, 3), (3, 0), (1, 1), (7, 5), (256, 64)])
def test_count_up(n, m):
    seeds = np.random.default_rng(n).integers(0, 2**64, (n, 2), dtype=np.uint64)
    blocks = np.full((n, m, 2), 12345, np.uint64)  # whatever was there is overwritten
    count_up(seeds, blocks)
    assert np.array_equal(blocks[:, :, 0], seeds[:, :1] ^ np.arange(m, dtype=np.uint64))
    assert np.array_equal(blocks[:, :, 1], np.broadcast_to(seeds[:, 1:], (n, m)))
