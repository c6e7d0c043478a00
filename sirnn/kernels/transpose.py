"""Bit-matrix transpose, for OT extension: columns of many bits to rows of 128 or 256.

A bit vector is an array of uint64 words, bit i being bit i % 64 of word i // 64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sirnn.kernels.compiled import compiled


@compiled
def transpose(columns: npt.NDArray[np.uint64], n: int) -> npt.NDArray[np.uint64]:
    """Rows of a bit matrix that is given by its columns.

    64 columns at a time, by the classical recursive swap of off-diagonal quarters (Hacker's Delight, 7-3), run on all
    words of the columns at once so that the inner loop is a vector loop. Keep n to a few thousand: the block should
    stay in cache.

    Args:
        columns: (w, m) uint64, column i being bit vector i; w a multiple of 64.
        n: number of rows wanted, at most 64 m.

    Returns:
        (n, w / 64) uint64: bit i of row j is bit j of column i.
    """
    w, m = columns.shape
    rows = np.empty((n, w // 64), np.uint64)
    for half in range(w // 64):
        block = columns[64 * half : 64 * half + 64].copy()
        step = 32
        mask = np.uint64(0x00000000FFFFFFFF)
        while step:
            shift = np.uint64(step)
            for i in range(64):
                if i & step:
                    continue
                low, high = block[i], block[i + step]
                for k in range(m):
                    swap = ((low[k] >> shift) ^ high[k]) & mask
                    high[k] ^= swap
                    low[k] ^= swap << shift
            step >>= 1
            mask ^= mask << np.uint64(step)
        for j in range(n):
            rows[j, half] = block[j & 63, j >> 6]
    return rows
