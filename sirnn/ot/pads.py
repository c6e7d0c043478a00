"""Pads: rows of COTs hashed into pseudorandom words that hide messages.

hash(q) and hash(q ^ Delta) are the pads for choices 0 and 1, and hash(t) is the one the receiver chose. Every run of
rows is hashed under a public key of its own (`sirnn.crypto.hashing`), so that no hash is used for two purposes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sirnn.crypto.hashing import HASHES_PER_KEY, Blocks, chunks, derive_key, expand, permute
from sirnn.kernels.pads import both_inputs, xor_low, xor_low_both
from sirnn.ot.rows import Bits

WORD_BITS = 64


def words_of(bits: int) -> int:
    """uint64 words that hold a pad of so many bits: 1, or an even number."""
    return 1 if bits <= WORD_BITS else 2 * -(-bits // (2 * WORD_BITS))


def sender_pads(
    key: bytes, rows: Blocks, flips: Bits, delta: npt.NDArray[np.uint64], *, bits: int = WORD_BITS
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Both pads of every OT, for choice 0 and for choice 1: (n, words_of(bits)) uint64 each.

    Args:
        key: public key of this use.
        rows: (n, 2).
        flips: (n,) bits: the row of OT j is rows[j] ^ (flips[j] & delta).
        delta: Delta, (2,).
        bits: of a pad.
    """
    words = words_of(bits)
    zeros, ones = (np.empty((len(rows), words), np.uint64) for _ in range(2))
    inputs = np.empty((min(len(rows), RUN), 2, 2), np.uint64)
    for run, run_key in chunks(key, len(rows), RUN):
        block = inputs[: run.stop - run.start]
        both_inputs(rows[run], flips[run], delta, block)
        hashed = permute(run_key, block)
        if words == 1:
            xor_low_both(hashed, block, zeros[run, 0], ones[run, 0])
        else:
            _finish(run_key, hashed[:, 0], block[:, 0], zeros[run])
            _finish(run_key, hashed[:, 1], block[:, 1], ones[run])
    return zeros, ones


def receiver_pads(key: bytes, rows: Blocks, *, bits: int = WORD_BITS) -> npt.NDArray[np.uint64]:
    """The pad of each OT that the receiver chose: (n, words_of(bits)) uint64."""
    pads = np.empty((len(rows), words_of(bits)), np.uint64)
    for run, run_key in chunks(key, len(rows), RUN):
        _finish(run_key, permute(run_key, rows[run]), rows[run], pads[run])
    return pads


RUN = HASHES_PER_KEY
"""Rows under one key. The sender hashes each twice, but the receiver lacks only one of the two."""


def _finish(key: bytes, permuted: Blocks, inputs: Blocks, out: npt.NDArray[np.uint64]) -> None:
    """The hash's feed-forward; a pad of more than a block is grown from that block as a seed."""
    words = out.shape[1]
    if words == 1:
        xor_low(permuted, inputs, out[:, 0])
    elif words == 2:
        np.bitwise_xor(permuted, inputs, out=out)
    else:
        blocks = words // 2
        seeds = permuted ^ inputs
        size = max(1, HASHES_PER_KEY // blocks)
        for part, part_key in chunks(derive_key(key, "grow"), len(seeds), size):
            out[part] = expand(part_key, seeds[part], blocks)
