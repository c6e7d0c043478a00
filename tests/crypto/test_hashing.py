"""The array forms agree with one-block AES calls; how much a key hashes is in tests/ot/test_bounds.py."""

import hashlib

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sirnn.crypto.hashing import chunks, derive_key, expand, hash_blocks, permute, run_keys
from sirnn.crypto.randomness import InsecureSeededRandomness

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


def test_run_keys_are_a_stream_of_the_key():
    stream = hashlib.shake_128(b"sirnn run keys" + KEY).digest(80)
    assert run_keys(KEY, 5) == [stream[start : start + 16] for start in range(0, 80, 16)]
    assert run_keys(KEY, 2) == run_keys(KEY, 5)[:2]
    assert len({*run_keys(KEY, 100), *run_keys(bytes(16), 100), KEY}) == 201


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(("count", "run"), [(0, 3), (1, 3), (3, 3), (7, 3), (300, 128), (40, 1)])
def test_permute_in_runs(count, run, in_place):
    inputs = blocks(count)
    expected = [
        aes(key, block.tobytes())
        for key, start in zip(run_keys(KEY, -(-count // run)), range(0, count, run), strict=True)
        for block in inputs[start : start + run]
    ]
    room = None
    if in_place:
        room = np.full(2 * count + 2, 7, np.uint64)
        room[: 2 * count] = inputs.reshape(-1)
        inputs = room[: 2 * count].reshape(count, 2)
    assert permute(KEY, inputs, room, run=run).tobytes() == b"".join(expected)
    if in_place:
        assert room[2 * count :].tolist() == [7, 7]


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


def test_derived_keys_are_told_apart():
    keys = {derive_key(key, label) for key in (KEY, bytes(16)) for label in ("columns", "pads", "")}
    assert len(keys | {KEY, bytes(16)}) == 8


def test_runs_reach_the_permutation():
    """Hashes and streams in runs are those of each run by itself, under its key."""
    first, second = run_keys(KEY, 2)
    x, y = blocks(6, seed=1), blocks(6, seed=2)
    assert np.array_equal(
        hash_blocks(KEY, x, run=4), np.concatenate([hash_blocks(first, x[:4]), hash_blocks(second, x[4:])])
    )
    inner, (third, fourth) = hash_blocks(KEY, x, run=4), run_keys(derive_key(KEY, "step 1"), 2)
    outer = inner ^ y
    assert np.array_equal(
        hash_blocks(KEY, x, y, run=4), np.concatenate([hash_blocks(third, outer[:4]), hash_blocks(fourth, outer[4:])])
    )
    seeds = blocks(3, seed=3)
    streams = [expand(first, seeds[:2], 2), expand(second, seeds[2:], 2)]
    assert np.array_equal(expand(KEY, seeds, 2, run=4), np.concatenate(streams))


def test_against_our_own_vectors():
    """Every transcript depends on these; they may change only with the protocol version."""
    x = np.arange(1, 5, dtype=np.uint64).reshape(2, 2)
    made = {
        "key": derive_key(KEY, "label"),
        "runs": run_keys(KEY, 2)[1],
        "hash": hash_blocks(KEY, x).tobytes(),
        "chain": hash_blocks(KEY, x[:1], x[1:]).tobytes(),
        "stream": expand(KEY, x[:1], 2).tobytes(),
        "in runs": expand(KEY, x, 2, run=3).tobytes(),
    }
    assert {name: hashlib.sha256(value).hexdigest()[:16] for name, value in made.items()} == {
        "key": "86a5b88e3cad3d5f",
        "runs": "b5b86f3c8229cb76",
        "hash": "8d16b1dff31d6dfa",
        "chain": "aca6f6277061bf24",
        "stream": "f82fdbb515822378",
        "in runs": "6ecefad83fd17ce4",
    }
