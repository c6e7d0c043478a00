"""The arithmetic of correlated OTs: whoever chose c ends with shares of c times the correlation, in every dtype."""

import numpy as np
import pytest

from sirnn import ring
from sirnn.kernels.correlate import correct_sums, correct_xors, take_sums, take_xors


@pytest.mark.parametrize("bits", [1, 3, 8, 9, 16, 31, 33, 63, 64])
@pytest.mark.parametrize("repeat", [1, 4])
@pytest.mark.parametrize("xor", [False, True])
@pytest.mark.parametrize("pad_dtype", [np.uint64, None])
def test_both_sides_fit_together(bits, repeat, xor, pad_dtype):
    rng, n, dtype = np.random.default_rng(bits), 50, ring.dtype_for(bits)
    mask = np.uint64(ring.mask(bits))
    # Pads may be wider than the ring; what is above it must not matter.
    top = np.iinfo(pad_dtype or dtype).max
    zeros, ones = (rng.integers(0, top, n * repeat, dtype=pad_dtype or dtype, endpoint=True) for _ in range(2))
    correlation = ring.reduce(rng.integers(0, 2**64, n * repeat, dtype=np.uint64), bits)
    choices = rng.integers(0, 2, n, dtype=np.uint8)
    sent, kept, taken = (np.empty(n * repeat, dtype) for _ in range(3))
    (correct_xors if xor else correct_sums)(zeros, ones, correlation, mask, sent, kept)
    spread = np.repeat(choices, repeat)
    pads = np.where(spread == 1, ones, zeros)
    (take_xors if xor else take_sums)(pads, sent, choices, repeat, mask, taken)
    for words in (sent, kept, taken):
        assert np.array_equal(words, ring.reduce(words, bits))
    together = kept ^ taken if xor else ring.reduce(kept + taken, bits)
    assert np.array_equal(together, spread.astype(dtype) * correlation)
