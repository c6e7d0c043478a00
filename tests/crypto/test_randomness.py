"""Streams repeat under a seed, differ everywhere else, and cover their ranges."""

import copy
import pickle

import numpy as np
import pytest

from sirnn import ring
from sirnn.crypto.randomness import InsecureSeededRandomness, SystemRandomness


def test_a_seed_repeats_and_another_seed_does_not():
    first, again, other = (InsecureSeededRandomness(seed).bytes(64) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_a_stream_goes_on():
    whole, parts = InsecureSeededRandomness(1), InsecureSeededRandomness(1)
    assert whole.bytes(48) == parts.bytes(5) + parts.bytes(0) + parts.bytes(43)


def test_system_streams_differ():
    assert SystemRandomness().bytes(16) != SystemRandomness().bytes(16)


def test_forks_are_independent_of_the_parent_and_of_each_other():
    parent = InsecureSeededRandomness(3)
    streams = [parent, parent.fork("a"), parent.fork("b"), parent.fork("a"), parent.fork("a").fork("a")]
    assert len({stream.bytes(32) for stream in streams}) == len(streams)


def test_forks_do_not_depend_on_what_was_drawn():
    early, late = InsecureSeededRandomness(3), InsecureSeededRandomness(3)
    late.bytes(100)
    assert early.fork("a").bytes(16) == late.fork("a").bytes(16)


@pytest.mark.parametrize("bits", [1, 5, 8, 9, 16, 31, 32, 50, 64])
def test_words_fill_their_ring(bits):
    words = InsecureSeededRandomness(bits).words((50, 40), bits)
    assert words.shape == (50, 40)
    assert words.dtype == ring.dtype_for(bits)
    seen = [int(((words >> words.dtype.type(bit)) & words.dtype.type(1)).sum()) for bit in range(bits)]
    assert all(abs(ones - 1000) < 5 * 22.4 for ones in seen)  # five standard deviations of 2000 coins
    assert int(words.max()) <= ring.mask(bits)
    words[0, 0] = 0  # the array is the caller's own


@pytest.mark.parametrize("shape", [0, 1, 7, (3, 0), (4, 5), 4096])
def test_bits_are_bits(shape):
    bits = InsecureSeededRandomness(1).bits(shape)
    assert bits.shape == (shape if isinstance(shape, tuple) else (shape,))
    assert bits.dtype == np.uint8
    assert set(np.unique(bits)) <= {0, 1}
    if bits.size == 4096:
        assert abs(int(bits.sum()) - 2048) < 5 * 32


def test_insecurity_is_inherited():
    assert InsecureSeededRandomness(0).fork("x").insecure
    assert not SystemRandomness().fork("x").insecure


def test_nothing_secret_is_printed_and_nothing_is_copied():
    assert repr(SystemRandomness()) == "SystemRandomness()"
    with pytest.raises(TypeError, match="never copied"):
        pickle.dumps(SystemRandomness())
    with pytest.raises(TypeError, match="never copied"):
        copy.copy(SystemRandomness())
