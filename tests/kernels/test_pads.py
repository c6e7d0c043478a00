"""The loops around hashing rows of COTs, against numpy and against the words of their docstrings."""

import numpy as np
import pytest

from sirnn.kernels.pads import both_inputs, chosen_pads, message_pads, xor_low, xor_low_both


def words(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 2**64, shape, dtype=np.uint64)


@pytest.mark.parametrize("n", [0, 1, 77])
def test_both_inputs(n):
    rows, delta = words(n, 2), words(2, seed=1)
    flips = (words(n, seed=2) & np.uint64(1)).astype(np.uint8)
    out = np.empty((n, 2, 2), np.uint64)
    both_inputs(rows, flips, delta, out)
    for k in (0, 1):
        selected = np.where((flips ^ k)[:, None] == 1, delta, np.zeros(2, np.uint64))
        assert np.array_equal(out[:, k], rows ^ selected)


@pytest.mark.parametrize("n", [0, 1, 77])
def test_xor_low(n):
    a, b = words(n, 2, 2), words(n, 2, 2, seed=1)
    zeros, ones, alone = (np.empty(n, np.uint64) for _ in range(3))
    xor_low_both(a, b, zeros, ones)
    assert np.array_equal(zeros, a[:, 0, 0] ^ b[:, 0, 0])
    assert np.array_equal(ones, a[:, 1, 0] ^ b[:, 1, 0])
    xor_low(a[:, 1], b[:, 1], alone)
    assert np.array_equal(alone, ones)


def slices(pads, place, bits):
    """Slice number `place` of every pad, (n, words) uint64: as many as fit are in each word."""
    per = 64 // bits
    return (pads[:, place // per] >> np.uint64(place % per * bits)) & np.uint64(2**bits - 1)


@pytest.mark.parametrize("bits", [1, 2, 7, 13, 32, 33, 64])
@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 16, 31])
def test_pads_of_messages_and_of_the_chosen_one(count, bits):
    n, levels = 20, (count - 1).bit_length()
    width = -(-(1 << (levels - 1)) // (64 // bits))
    zeros, ones = words(levels, n, width), words(levels, n, width, seed=1)
    pads = np.empty((n, count), np.dtype(f"uint{max(8, 1 << (bits - 1).bit_length())}"))
    message_pads(zeros, ones, bits, pads)
    for k in range(count):
        expected = np.zeros(n, np.uint64)
        for s in range(levels):
            expected ^= slices((ones if k >> s & 1 else zeros)[s], k % (1 << s), bits)
        assert np.array_equal(pads[:, k], expected)

    choices = np.arange(n, dtype=np.uint64) % np.uint64(count)
    known = np.array(
        [[(ones if int(c) >> s & 1 else zeros)[s, j] for j, c in enumerate(choices)] for s in range(levels)]
    )
    chosen = np.empty(n, np.uint64)
    chosen_pads(known, choices, bits, chosen)
    assert np.array_equal(chosen, pads[np.arange(n), choices.astype(int)])
