"""The inner loops of SoftSpoken OT extension: from seeds to the inputs of AES, from its outputs to sums over seeds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sirnn.kernels.compiled import compiled

Words = npt.NDArray[np.uint64]


@compiled
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


@compiled
def fold(leaves: Words, parts: Words) -> None:
    """Add up, by xor, the leaves whose number has bit b set, for every b; and then all leaves.

    A butterfly on two bits at a time: the quarters of the leaves, told apart by the two top bits, are added up and
    folded onto the first; then the next two bits are the top bits of what remains. Every leaf is read once, and a
    quarter of them written. Keep an array to a few hundred KB: it should stay in cache.

    Args:
        leaves: (groups, 2^k, m) uint64, k even. Overwritten: leaves[:, 0] becomes the sum of all leaves of its group.
        parts: (groups, k, m) uint64. The sum of all leaves[g, x] with bit b of x set is added to parts[g, b].
    """
    groups, quarter, m = leaves.shape
    for bit in range(parts.shape[1] - 1, 0, -2):
        quarter //= 4
        for group in range(groups):
            upper, lower = parts[group, bit], parts[group, bit - 1]
            for x in range(quarter):
                first, second = leaves[group, x], leaves[group, x + quarter]
                third, fourth = leaves[group, x + 2 * quarter], leaves[group, x + 3 * quarter]
                for i in range(m):
                    both = third[i] ^ fourth[i]
                    odd = second[i] ^ fourth[i]
                    upper[i] ^= both
                    lower[i] ^= odd
                    first[i] ^= both ^ second[i]
