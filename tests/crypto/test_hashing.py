"""The array forms agree with one-block AES calls, and no key hashes too much."""

from collections import Counter

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sirnn.crypto import hashing
from sirnn.crypto.hashing import HASHES_PER_KEY, chunks, derive_key, expand, hash_blocks, permute
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.ot.extension import REPETITION, WALSH_HADAMARD, code_pads, extend_sender
from sirnn.ot.keys import SenderKeys

KEY = bytes(range(16))


def blocks(*shape, seed=0):
    return InsecureSeededRandomness(seed).words((*shape, 2), 64)


def aes(key: bytes, block: bytes) -> bytes:
    return Cipher(algorithms.AES128(key), modes.ECB()).encryptor().update(block)  # noqa: S305 - one block


def xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def test_permute_is_aes():
    # FIPS 197, appendix C.1.
    block = np.frombuffer(bytes.fromhex("00112233445566778899aabbccddeeff"), np.uint64).reshape(1, 2)
    assert permute(KEY, block).tobytes().hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


@pytest.mark.parametrize("shape", [(0,), (1,), (300,), (7, 3), (5000,)])
def test_one_block_hash(shape):
    inputs = blocks(*shape)
    hashed = hash_blocks(KEY, inputs)
    assert hashed.shape == inputs.shape
    for x, h in zip(inputs.reshape(-1, 2)[:500], hashed.reshape(-1, 2), strict=False):
        assert h.tobytes() == xor(aes(KEY, x.tobytes()), x.tobytes())


def test_two_block_hash_is_a_chain_under_two_keys():
    low, high = blocks(40, seed=1), blocks(40, seed=2)
    kept = low.copy(), high.copy()
    for x, y, h in zip(low, high, hash_blocks(KEY, low, high), strict=True):
        inner = xor(aes(KEY, x.tobytes()), x.tobytes())
        outer = xor(inner, y.tobytes())
        assert h.tobytes() == xor(aes(derive_key(KEY, "step 1"), outer), outer)
    assert np.array_equal(low, kept[0])
    assert np.array_equal(high, kept[1])


@pytest.mark.parametrize(("m", "nblocks"), [(0, 3), (1, 1), (5, 9), (128, 32), (3, 300)])
def test_expand(m, nblocks):
    seeds = blocks(m)
    streams = expand(KEY, seeds, nblocks)
    assert streams.shape == (m, 2 * nblocks)
    for seed, stream in zip(seeds, streams, strict=True):
        for c in range(nblocks):
            x = xor(seed.tobytes(), c.to_bytes(16, "little"))
            assert stream[2 * c : 2 * c + 2].tobytes() == xor(aes(KEY, x), x)


@pytest.mark.parametrize(("count", "size"), [(0, 5), (1, 5), (5, 5), (23, 5), (9000, 4096)])
def test_chunks_cover_every_row_once_under_keys_of_their_own(count, size):
    runs = list(chunks(KEY, count, size))
    rows = [row for run, _ in runs for row in range(count)[run]]
    assert rows == list(range(count))
    assert all(run.stop - run.start <= size for run, _ in runs)
    assert len({key for _, key in runs} | {KEY}) == len(runs) + 1


@pytest.mark.parametrize(
    ("code", "choices"), [(REPETITION, 2), (WALSH_HADAMARD, 3), (WALSH_HADAMARD, 16), (WALSH_HADAMARD, 256)]
)
def test_no_key_hashes_more_than_the_limit(monkeypatch, code, choices):
    used = Counter()

    def counting(key, inputs):
        used[key] += len(inputs.reshape(-1, 2))
        return permute(key, inputs)

    monkeypatch.setattr(hashing, "permute", counting)
    n, words = 9001 if choices < 256 else 101, code.shape[1]
    keys = SenderKeys.from_bits(InsecureSeededRandomness(1).bits(64 * words), blocks(64 * words))
    q = extend_sender(keys, KEY, np.zeros((n, words), np.uint64))
    for _ in code_pads(KEY, q, code[:choices] & keys.secret, choices):
        pass
    assert max(used.values()) <= HASHES_PER_KEY
    assert used.total() >= n * choices * words // 2 + n * words // 2


def test_derived_keys_are_told_apart():
    keys = {derive_key(key, label) for key in (KEY, bytes(16)) for label in ("columns", "pads", "")}
    assert len(keys | {KEY, bytes(16)}) == 8
