"""What is hashed into the pads of 1-of-N OTs: every row beside every codeword."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sirnn.kernels.compiled import compiled

Blocks = npt.NDArray[np.uint64]


def beside(rows: Blocks, offsets: Blocks) -> Blocks:
    """rows[j] ^ offsets[k], by blocks of two words: block b of it at [b, j, k].

    Args:
        rows: (n, 2 b) uint64.
        offsets: (m, 2 b).

    Returns:
        (b, n, m, 2).
    """
    out = np.empty((rows.shape[1] // 2, len(rows), len(offsets), 2), np.uint64)
    _beside(rows, offsets, out)
    return out


@compiled
def _beside(rows: Blocks, offsets: Blocks, out: Blocks) -> None:
    for block in range(len(out)):
        for j in range(len(rows)):
            low, high = rows[j, 2 * block], rows[j, 2 * block + 1]
            for k in range(len(offsets)):
                out[block, j, k, 0] = low ^ offsets[k, 2 * block]
                out[block, j, k, 1] = high ^ offsets[k, 2 * block + 1]
