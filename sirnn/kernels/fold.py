"""The inner loops of SoftSpoken OT extension: from seeds to the inputs of AES, from its outputs to sums over seeds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Words = npt.NDArray[np.uint64]


@njit(cache=True, nogil=True)
def count_up(seeds: Words, blocks: Words) -> None:
    """Inputs of a counter-mode generator: block c of seed i is the seed with c added, by xor, to its low word.

    Args:
        seeds: (n, 2) uint64.
        blocks: (n, m, 2) uint64. Written.
    """
    n, m, _ = blocks.shape
    for i in range(n):
        for c in range(m):
            blocks[i, c, 0] = seeds[i, 0] ^ np.uint64(c)
            blocks[i, c, 1] = seeds[i, 1]


@njit(cache=True, nogil=True)
def fold(leaves: Words, parts: Words) -> None:
    """Add up, by xor, the leaves whose number has bit b set, for every b; and then all leaves.

    A butterfly: the upper half of the leaves, which is where the top bit is set, is added up and folded onto the lower
    half; the next bit is the top bit of what remains. Two xors a leaf in all, not one for each of its bits. Keep an
    array to a few hundred KB: it is gone through several times and should stay in cache.

    Args:
        leaves: (groups, 2^k, m) uint64. Overwritten: leaves[:, 0] becomes the sum of all leaves of its group.
        parts: (groups, k, m) uint64. The sum of all leaves[g, x] with bit b of x set is added to parts[g, b].
    """
    groups, half, m = leaves.shape
    for bit in range(parts.shape[1] - 1, -1, -1):
        half //= 2
        for group in range(groups):
            part = parts[group, bit]
            for x in range(half):
                low, high = leaves[group, x], leaves[group, x + half]
                for i in range(m):
                    word = high[i]
                    part[i] ^= word
                    low[i] ^= word
