"""Streams repeat under a seed, differ everywhere else, and cover their ranges."""

import hashlib

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sirnn import ring
from sirnn.crypto.randomness import InsecureSeededRandomness, Randomness, SystemRandomness


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


def test_where_a_stream_comes_from_is_its_type():
    assert type(InsecureSeededRandomness(0).fork("x").fork("y")) is InsecureSeededRandomness
    assert type(SystemRandomness().fork("x").fork("y")) is SystemRandomness


def test_there_is_nothing_to_switch():
    stream = InsecureSeededRandomness(0)
    with pytest.raises(AttributeError):
        stream.insecure = False
    for arguments, options in [((), {}), ((bytes(16),), {}), ((bytes(16),), {"insecure": False})]:
        with pytest.raises(TypeError):
            Randomness(*arguments, **options)


def test_nothing_secret_is_printed():
    assert repr(SystemRandomness()) == "SystemRandomness()"


# ------------------------------------------------------------ against an independent computation


def reference(key: bytes, n: int) -> bytes:
    """The stream of a key: AES in counter mode, block by block."""
    stream_key = hashlib.blake2b(b"stream", key=key, digest_size=16, person=b"sirnn randomness").digest()
    encryptor = Cipher(algorithms.AES128(stream_key), modes.ECB()).encryptor()  # noqa: S305 - one block at a time
    return b"".join(encryptor.update(counter.to_bytes(16, "big")) for counter in range(-(-n // 16)))[:n]


def derived(key: bytes, label: bytes) -> bytes:
    return hashlib.blake2b(label, key=key, digest_size=16, person=b"sirnn randomness").digest()


def test_streams_and_forks_are_what_they_are_said_to_be():
    root = derived(bytes(16), b"seed:7")
    stream = InsecureSeededRandomness(7)
    assert stream.bytes(5) + stream.bytes(60) == reference(root, 65)
    assert stream.fork("a").bytes(40) == reference(derived(root, b"0:a"), 40)
    assert stream.fork("a").fork("b").bytes(40) == reference(derived(derived(root, b"1:a"), b"0:b"), 40)


def test_against_our_own_vectors():
    """Every seeded transcript depends on these bytes."""
    stream = InsecureSeededRandomness(2026)
    assert stream.bytes(16).hex() == "5c76ca523f9606b822a04acca2edb2dd"
    assert stream.fork("label").bytes(16).hex() == "7ff04e7b5589d1a0259f8f952a6cdb40"
