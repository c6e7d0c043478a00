"""Correlated GGM trees: short seeds that grow into long vectors which differ in one place, by Delta.

The half-tree of Guo, Yang, Wang, Zhang, Xie, Liu, Zhao (EUROCRYPT 2023, eprint 2022/1431, Figure 3). The first level
is a random root and root ^ Delta; a node x below has the children H(x) and x ^ H(x). So the nodes of every level add
up to Delta, and a level costs one AES call for two children. The sender knows everything. The receiver is handed, for
each level, the sum of the left or of the right nodes as it chose; from these it computes all nodes but those on the
path that takes the other side at every level. At the leaves, with lowest bits cleared at both,

    receiver's leaf j = sender's leaf j ^ (Delta if j is where the path ends, else 0),

because all of them add up to Delta; and as Delta is odd, the lowest bit of the receiver's leaf is that case.

H(x) = AES_k(sigma(x)) ^ sigma(x) is circular correlation robust (Guo, Katz, Wang, Yu, S&P 2020, eprint 2019/074),
which the nodes need: those on the path are offset by the very Delta that the leaves are. Trees that are grown together
share a public key at every level, under which one node of each is unknown to the receiver, HASHES_PER_KEY at most.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sirnn.crypto.hashing import HASHES_PER_KEY, Blocks, derive_key, permute
from sirnn.kernels.ggm import grow, grow_punctured

ONE = np.uint64(1)

LEAVES_AT_ONCE = 1 << 16
"""Leaves whose trees are grown together: enough (1 MB) that the calls for their small upper levels do not count."""


def trees_at_once(depth: int) -> int:
    """Trees of that depth to hand in together."""
    return max(1, min(HASHES_PER_KEY, LEAVES_AT_ONCE >> depth))


class Forest:
    """Grows trees of one depth, up to `trees_at_once` in a call, in memory laid out once.

    Args:
        depth: levels, at least 2.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        widest = trees_at_once(depth) << (depth - 1)
        self._levels = np.empty((2, widest, 2), np.uint64)
        self._encrypted = np.empty(2 * widest + 2, np.uint64)

    def grow(self, key: bytes, roots: Blocks, delta: Blocks, leaves: Blocks) -> Blocks:
        """Full trees, at the sender.

        Args:
            key: public key of these trees.
            roots: (g, 2) uint64, secret and random.
            delta: (2,) uint64.
            leaves: (g 2^depth, 2) uint64, written, lowest bits 0.

        Returns:
            (g, depth, 2): the sum of the left nodes of every level.
        """
        top = self._level(1, len(roots))
        top[0::2] = _sigma(roots)
        top[1::2] = _sigma(roots ^ delta)
        sums = np.empty((self._depth, len(roots), 2), np.uint64)
        sums[0] = roots
        for level in range(1, self._depth):
            nodes = self._level(level, len(roots))
            grow(nodes, self._encrypt(key, level, nodes), *self._below(level, len(roots), leaves), sums[level])
        return sums.transpose(1, 0, 2)

    def grow_punctured(self, key: bytes, sides: npt.NDArray[np.uint8], sums: Blocks, leaves: Blocks) -> None:
        """Trees that lack a path, at the receiver.

        Args:
            key: public key of these trees.
            sides: (g, depth) uint8: whose sum is known at every level, 0 the left nodes' or 1 the right ones'. The
                path goes the other way.
            sums: (g, depth, 2) uint64: these sums.
            leaves: (g 2^depth, 2) uint64, written: the sender's, save that the leaf where the path ends is offset by
                Delta. Its lowest bit is 1 and all others' are 0.
        """
        trees, side = len(sides), np.ascontiguousarray(sides.T, np.uint64)
        known = np.ascontiguousarray(sums.transpose(1, 0, 2))
        top = self._level(1, trees)
        top[:] = 0
        top.reshape(-1, 2, 2)[np.arange(trees), sides[:, 0]] = _sigma(known[0])
        path, totals = side[0] ^ ONE, known[0].copy()
        for level in range(1, self._depth):
            nodes = self._level(level, trees)
            into = self._below(level, trees, leaves)
            grow_punctured(nodes, self._encrypt(key, level, nodes), *into, path, side[level], known[level], totals)
            path = 2 * path + (side[level] ^ ONE)

    def _level(self, level: int, trees: int) -> Blocks:
        """Room for the nodes of a level. Two buffers take turns as a level and the next."""
        return self._levels[level % 2, : trees << level]

    def _below(self, level: int, trees: int, leaves: Blocks) -> tuple[Blocks, bool]:
        """Where the next level goes, and whether it is the leaves."""
        return (leaves, True) if level == self._depth - 1 else (self._level(level + 1, trees), False)

    def _encrypt(self, key: bytes, level: int, nodes: Blocks) -> Blocks:
        return permute(derive_key(key, f"level {level}"), nodes, self._encrypted)


def _sigma(nodes: Blocks) -> Blocks:
    """(high, low) to (high ^ low, high), the linear orthomorphism under which the kernels keep nodes."""
    return np.stack([nodes[:, 1], nodes[:, 0] ^ nodes[:, 1]], axis=1)
