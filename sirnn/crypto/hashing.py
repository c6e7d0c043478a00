"""Correlation-robust hashing and seed expansion with AES, on arrays.

Blocks are uint64 arrays whose last axis has two words (128 bits). Keys are *public*: `Party.fresh_key` makes one per
call of a protocol from the session, the fork, the call's number and its purpose, and everything here is derived from
it. So the OT extension keeps no stream positions: a call under a fresh key is independent of every other, in any
fork.

Why it is sound, with AES as an ideal cipher: under a public key k unrelated to its inputs, x -> AES_k(x) ^ x is
correlation robust (Guo, Katz, Wang, Yu, S&P 2020, eprint 2019/074), which is what semi-honest OT extension needs, its
inputs being distinct and offset by a secret s of 128 unknown bits. An attacker wins with probability about q T /
2^128 after T evaluations of AES under one key that has hashed q inputs unknown to it. Under one fixed key q would be
all of them (2^27 OTs: 101 bits left); `chunks` re-keys every `HASHES_PER_KEY` = 2^12 of them, so that 116 bits are
left however long the session lasts (re-keying as in Guo, Katz, Wang, Weng, Yu, CRYPTO 2020, eprint 2019/1168).

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
HASHES_PER_KEY = 1 << 12

_ECB = modes.ECB()  # noqa: S305  a bare permutation is exactly what is wanted


def derive_key(key: bytes, label: str) -> bytes:
    """A public key for one use inside a call whose key is `key`."""
    return hashlib.blake2b(label.encode(), key=key, digest_size=KEY_BYTES, person=b"sirnn derive key").digest()


def chunks(key: bytes, count: int, size: int) -> Iterator[tuple[slice, bytes]]:
    """Cut `count` rows into runs of at most `size`, each with a key of its own."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count)), derive_key(key, f"rows {start}")


def permute(key: bytes, blocks: Blocks, room: Blocks | None = None) -> Blocks:
    """AES_key of every block, in an array of the same shape.

    Args:
        key: public.
        blocks: any number of them.
        room: where to put the result, flat and two words longer; `blocks` may lie at its beginning already.
    """
    # OpenSSL's wrapper asks for room for a block it does not write.
    out = np.empty(blocks.size + 2, np.uint64) if room is None else room[: blocks.size + 2]
    encryptor = Cipher(algorithms.AES128(key), _ECB).encryptor()
    encryptor.update_into(blocks.ravel().view(np.uint8), out.view(np.uint8))  # type: ignore[arg-type]
    return out[: blocks.size].reshape(blocks.shape)


def hash_blocks(key: bytes, *halves: Blocks) -> Blocks:
    """Correlation-robust hash of inputs of one or more blocks each, to one block.

    One block: H(x) = AES_k(x) ^ x. More: h = H(x_0), then h = H'(h ^ x_1), every step under its own key; a chain
    rather than a xor of hashes, because the 128 unknown bits of an input may be spread over both halves, 64 in each,
    and must be guessed together.

    Args:
        key: public, for at most `HASHES_PER_KEY` inputs that the other party does not know.
        halves: arrays of one shape (..., 2); input i is made of the i-th block of each.

    Returns:
        Blocks of that shape.
    """
    digest = halves[0]
    for step, half in enumerate(halves):
        block = half ^ digest if step else half
        digest = permute(derive_key(key, f"step {step}") if step else key, block)
        digest ^= block
    return digest


def expand(key: bytes, seeds: Blocks, nblocks: int) -> Blocks:
    """Pseudorandom generator: block c of a seed s is AES_k(s ^ c) ^ s ^ c, the hash above at known offsets.

    Args:
        key: public, for at most `HASHES_PER_KEY` blocks from seeds that the other party does not know.
        seeds: (m, 2), secret and random.
        nblocks: blocks wanted from each.

    Returns:
        (m, 2 nblocks).
    """
    inputs = np.repeat(seeds[:, np.newaxis, :], nblocks, axis=1)
    inputs[:, :, 0] ^= np.arange(nblocks, dtype=np.uint64)
    return hash_blocks(key, inputs).reshape(len(seeds), 2 * nblocks)
