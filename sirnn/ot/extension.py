"""OT extension over a code: many OTs from w base OTs and symmetric cryptography.

Ishai, Kilian, Nissim, Petrank (CRYPTO 2003) with the communication of Asharov, Lindell, Schneider, Zohner (CCS 2013),
and its 1-of-N form by Kolesnikov and Kumaresan (CRYPTO 2013). The receiver of OT j wants message r_j. Column i of two
pseudorandom matrices T0, T1 comes from its two seeds; with rows t_j of T0 it sends

    u_j = t_j ^ (row j of T1) ^ code(r_j)            (w bits an OT, and that is all it ever sends).

The sender, who holds column i of T0 or of T1 as bit i of its secret s chose, computes

    q_j = (row j of what it holds) ^ (u_j & s) = t_j ^ (code(r_j) & s).

So hash(q_j ^ (code(k) & s)) is a pad for message k that the receiver can compute, as hash(t_j), exactly for k = r_j:
for any other k it lacks s at the places where code(k) and code(r_j) differ, 128 of them in both codes below.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sirnn.crypto.hashing import HASHES_PER_KEY, Blocks, chunks, derive_key, expand, hash_blocks
from sirnn.kernels.codes import beside
from sirnn.kernels.transpose import transpose
from sirnn.ot.keys import ReceiverKeys, SenderKeys

NARROW = 128
WIDE = 256
BLOCK_BITS = 128

BLOCKS_AT_ONCE = 1 << 12
"""Blocks hashed together: 64 KB."""

REPETITION: Blocks = np.array([[0, 0], [2**64 - 1, 2**64 - 1]], np.uint64)
"""The repetition code of length 128: codewords 0...0 and 1...1."""

WALSH_HADAMARD: Blocks = np.packbits(
    np.bitwise_count(np.arange(WIDE)[:, np.newaxis] & np.arange(WIDE)) & 1, axis=1, bitorder="little"
).view(np.uint64)
"""The Walsh-Hadamard code of length 256: bit i of codeword k is the inner product of k and i; any two are 128 apart."""


def extend_receiver(keys: ReceiverKeys, key: bytes, codewords: Blocks) -> tuple[Blocks, Blocks]:
    """The receiver's half, before anything is heard.

    Args:
        keys: both seeds of the w columns.
        key: public key of this call.
        codewords: (n, w / 64) uint64, code(r_j) in row j.

    Returns:
        u, to be sent as it is (n w bits), and t, to be kept: both shaped like `codewords`.
    """
    u = codewords.copy()
    t = np.empty_like(u)
    for rows, chunk_key, blocks in _column_chunks(key, len(u), len(keys.seeds0)):
        columns0 = expand(chunk_key, keys.seeds0, blocks, run=HASHES_PER_KEY)
        columns1 = expand(chunk_key, keys.seeds1, blocks, run=HASHES_PER_KEY)
        columns1 ^= columns0
        t[rows] = transpose(columns0, len(t[rows]))
        u[rows] ^= transpose(columns1, len(t[rows]))
    return u, t


def extend_sender(keys: SenderKeys, key: bytes, u: Blocks) -> Blocks:
    """The sender's half, on the receiver's message: q, shaped like u, (n, w / 64) uint64."""
    q = u & keys.secret
    for rows, chunk_key, blocks in _column_chunks(key, len(u), len(keys.seeds)):
        q[rows] ^= transpose(expand(chunk_key, keys.seeds, blocks, run=HASHES_PER_KEY), len(q[rows]))
    return q


def code_pads(key: bytes, rows: Blocks, offsets: Blocks, choices: int) -> Iterator[tuple[slice, Blocks]]:
    """hash(rows_j ^ offsets_k) for every j and k, a cache-sized run of rows at a time.

    Args:
        key: public key of this call.
        rows: (n, w / 64), q at the sender and t at the receiver.
        offsets: (choices, w / 64), code(k) & s, at the sender; one row of zeros at the receiver.
        choices: messages of one OT; sets the length of a run, which must be the same at both parties.

    Yields:
        A slice of the rows and its pads, (rows, len(offsets), 2) uint64.
    """
    run_of_rows = rows_per_key(choices)
    at_once = max(1, BLOCKS_AT_ONCE // choices // run_of_rows) * run_of_rows
    for run, run_key in chunks(derive_key(key, "pads"), len(rows), at_once):
        yield run, hash_blocks(run_key, *beside(rows[run], offsets), run=run_of_rows * len(offsets))


def rows_per_key(choices: int) -> int:
    """OTs of so many messages whose pads are hashed under one key: 2 HASHES_PER_KEY pads.

    Of each OT the receiver lacks all but one. For two messages that is half of them; for more of them all 128 bits of
    what it lacks are secret, where of Delta there are 127.
    """
    return max(1, 2 * HASHES_PER_KEY // choices)


def _column_chunks(key: bytes, n: int, width: int) -> Iterator[tuple[slice, bytes, int]]:
    """Runs of rows whose columns, `blocks` blocks in each of `width`, stay in cache."""
    size = BLOCKS_AT_ONCE // width * BLOCK_BITS
    for rows, chunk_key in chunks(derive_key(key, "columns"), n, size):
        yield rows, chunk_key, -(-(rows.stop - rows.start) // BLOCK_BITS)
