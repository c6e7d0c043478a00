"""Correlation-robust hashing and seed expansion with AES, on arrays.

Blocks are uint64 arrays whose last axis has two words (128 bits). Keys are *public*: `Party.fresh_key` makes one per
call of a protocol from the session, the fork, the call's number and its purpose, and everything here is derived from
it. So the OT extension keeps no stream positions: a call under a fresh key is independent of every other, in any
fork.

Why it is sound, with AES as an ideal cipher: under a public key k unrelated to its inputs, x -> AES_k(x) ^ x is
correlation robust (Guo, Katz, Wang, Yu, S&P 2020, eprint 2019/074), which is what semi-honest OT extension needs, its
inputs being distinct and offset by a secret. One evaluation of AES can be held against every hash under its key at
once, so an attacker who lacks u bits wins with probability about q T / 2^u after T evaluations, q being the most
hashes under one key that it does not know. Under one fixed key for a whole session q would be all of them. So keys are
changed: no more than `HASHES_PER_KEY` unknown blocks are hashed under one, or twice as many where all of u = 128 bits
are secret (re-keying as in Guo, Katz, Wang, Weng, Yu, CRYPTO 2020, eprint 2019/1168), however long the session lasts.
`sirnn.ot.bounds` has q and u of every use, and docs/security.md the bits that are left.

OpenSSL runs AES at its best on buffers that stay in cache: hand in about 64 KB at a time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

Blocks: TypeAlias = npt.NDArray[np.uint64]
"""Shape (..., 2): 128-bit blocks, low word first. Or (n, 2 k): n rows of k blocks."""

KEY_BYTES = 16
BLOCK_BYTES = 16

HASHES_PER_KEY = 1 << 10
"""Blocks hashed under one key that the other party does not know. Half as many would leave a bit more; but a new key
costs 5 microseconds, as much as hashing 2,000 blocks (docs/security.md)."""

_ECB = modes.ECB()  # noqa: S305  a bare permutation is exactly what is wanted


def derive_key(key: bytes, label: str) -> bytes:
    """A public key for one use inside a call whose key is `key`."""
    return hashlib.blake2b(label.encode(), key=key, digest_size=KEY_BYTES, person=b"sirnn derive key").digest()


def chunks(key: bytes, count: int, size: int) -> Iterator[tuple[slice, bytes]]:
    """Cut `count` rows into runs of at most `size`, each with a key of its own."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count)), derive_key(key, f"rows {start}")


def permute(key: bytes, blocks: Blocks, room: Blocks | None = None, *, run: int | None = None) -> Blocks:
    """AES of every block, in an array of the same shape. All hashing in this project is done here.

    Args:
        key: public.
        blocks: any number of them.
        room: where to put the result, flat and two words longer; `blocks` may lie at its beginning already.
        run: blocks under one key: the first so many of them under the first of `run_keys`, and so on. None: all of
            them under `key` itself.
    """
    # OpenSSL's wrapper asks for room for a block it does not write.
    out = np.empty(blocks.size + 2, np.uint64) if room is None else room[: blocks.size + 2]
    data, result = blocks.reshape(-1).view(np.uint8), out.view(np.uint8)
    if run is None:
        _encrypt(key, data, result)
    else:
        size = BLOCK_BYTES * run
        for start, run_key in zip(range(0, len(data), size), run_keys(key, -(-len(data) // size)), strict=True):
            _encrypt(run_key, data[start : start + size], result[start : start + size + BLOCK_BYTES])
    return out[: blocks.size].reshape(blocks.shape)


def run_keys(key: bytes, count: int) -> list[bytes]:
    """So many public keys for consecutive runs of blocks, from one; fewer are the first of more."""
    stream = hashlib.shake_128(b"sirnn run keys" + key).digest(KEY_BYTES * count)
    return [stream[start : start + KEY_BYTES] for start in range(0, len(stream), KEY_BYTES)]


def _encrypt(key: bytes, data: npt.NDArray[np.uint8], result: npt.NDArray[np.uint8]) -> None:
    Cipher(algorithms.AES128(key), _ECB).encryptor().update_into(data, result)  # type: ignore[arg-type]


def hash_blocks(key: bytes, *halves: Blocks, run: int | None = None) -> Blocks:
    """Correlation-robust hash of inputs of one or more blocks each, to one block.

    One block: H(x) = AES_k(x) ^ x. More: h = H(x_0), then h = H'(h ^ x_1), every step under its own key; a chain
    rather than a xor of hashes, because the 128 unknown bits of an input may be spread over both halves, 64 in each,
    and must be guessed together.

    Args:
        key: public.
        halves: arrays of one shape (..., 2); input i is made of the i-th block of each.
        run: inputs under one key, as in `permute`; so many that `HASHES_PER_KEY` at most are unknown to the other
            party.

    Returns:
        Blocks of that shape.
    """
    digest = halves[0]
    for step, half in enumerate(halves):
        block = half ^ digest if step else half
        digest = permute(derive_key(key, f"step {step}") if step else key, block, run=run)
        digest ^= block
    return digest


def expand(key: bytes, seeds: Blocks, nblocks: int, *, run: int | None = None) -> Blocks:
    """Pseudorandom generator: block c of a seed s is AES_k(s ^ c) ^ s ^ c, the hash above at known offsets.

    Args:
        key: public.
        seeds: (m, 2), secret and random.
        nblocks: blocks wanted from each.
        run: blocks under one key, those of the first seed coming first; as in `hash_blocks`.

    Returns:
        (m, 2 nblocks).
    """
    inputs = np.repeat(seeds[:, np.newaxis, :], nblocks, axis=1)
    inputs[:, :, 0] ^= np.arange(nblocks, dtype=np.uint64)
    return hash_blocks(key, inputs, run=run).reshape(len(seeds), 2 * nblocks)
