"""The LPN encoder against ten plain gathers."""

import numpy as np
import pytest

from sirnn.kernels.lpn import FIELD_BITS, WORDS_PER_ROW, add_sums


def uniform(shape, seed):
    return np.random.default_rng(seed).integers(0, 2**64, shape, dtype=np.uint64)


def indices(words, k):
    """The (n, 10) indices that words name: three fields of each word, and what is left of all three."""
    words = [int(word) for word in words]
    field, left = (1 << FIELD_BITS) - 1, 64 - 3 * FIELD_BITS
    rows = []
    for row in zip(*[iter(words)] * WORDS_PER_ROW, strict=True):
        fields = [word >> FIELD_BITS * place & field for word in row for place in range(3)]
        tenth = sum(word >> 3 * FIELD_BITS << left * place for place, word in enumerate(row))
        rows.append([index % k for index in (*fields, tenth)])
    return np.array(rows, np.int64).reshape(-1, 10)


@pytest.mark.parametrize("k", [2, 256, 1 << 16, 1 << FIELD_BITS])
@pytest.mark.parametrize("n", [0, 1, 7, 1000])
def test_against_numpy(k, n):
    rows, table, words = uniform((n, 2), 1), uniform((k, 2), 2), uniform(WORDS_PER_ROW * n, 3)
    expected = rows ^ np.bitwise_xor.reduce(table[indices(words, k)], axis=1)
    kept = table.copy(), words.copy()
    add_sums(rows, table, words)
    assert np.array_equal(rows, expected)
    assert np.array_equal(table, kept[0])
    assert np.array_equal(words, kept[1])


def test_every_bit_of_an_index_has_a_bit_of_its_own():
    """Setting one bit of the words changes one bit of one index, and every index has all its bits."""
    k = 1 << FIELD_BITS
    seen = set()
    for bit in range(64 * WORDS_PER_ROW):
        words = np.zeros(WORDS_PER_ROW, np.uint64)
        words[bit // 64] = np.uint64(1) << np.uint64(bit % 64)
        table = np.zeros((k, 2), np.uint64)
        table[:, 0] = np.arange(k)  # the sum of ten rows is the sum of the ten indices
        row = np.zeros((1, 2), np.uint64)
        add_sums(row, table, words)
        (named,) = indices(words, k)
        changed = np.flatnonzero(named)
        assert len(changed) <= 1
        assert int(row[0, 0]) == int(named.sum())
        seen.update((int(place), int(named[place])) for place in changed)
    assert seen == {(place, 1 << bit) for place in range(10) for bit in range(FIELD_BITS)}
