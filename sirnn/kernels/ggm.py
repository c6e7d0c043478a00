"""One level of many correlated GGM trees: the linear work around the AES call.

A node x of 128 bits has the children H(x) and x ^ H(x), with H(x) = AES(s) ^ s and s = sigma(x), where sigma maps
(high, low) to (high ^ low, high). As sigma is linear, a level is kept as the values s = sigma(x) alone: they are what
AES takes, and the children's are sigma(h) and s ^ sigma(h) for h = AES(s) ^ s. Only leaves are turned back into x.

Arrays are (nodes, 2) uint64, low word first, tree after tree. Leaves leave here with their lowest bit cleared.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sirnn.kernels.compiled import compiled

Nodes = npt.NDArray[np.uint64]

EVEN = np.uint64(0xFFFFFFFFFFFFFFFE)
ODD = np.uint64(1)


@compiled
def grow(parents: Nodes, encrypted: Nodes, children: Nodes, last: bool, sums: Nodes) -> None:
    """Children of full trees.

    Args:
        parents: (trees m, 2), sigma of the nodes.
        encrypted: the same shape, AES of them.
        children: (2 trees m, 2), written: sigma of the children, or the leaves themselves.
        last: whether the children are leaves.
        sums: (trees, 2), written: the sum of each tree's left children, all their bits.
    """
    m = len(parents) // len(sums)
    for tree in range(len(sums)):
        sum0 = sum1 = np.uint64(0)
        for i in range(tree * m, tree * m + m):
            s0, s1 = parents[i, 0], parents[i, 1]
            h0, h1 = encrypted[i, 0] ^ s0, encrypted[i, 1] ^ s1
            sum0 ^= h0
            sum1 ^= h1
            if last:
                children[2 * i, 0], children[2 * i, 1] = h0 & EVEN, h1
                children[2 * i + 1, 0], children[2 * i + 1, 1] = (s0 ^ s1 ^ h0) & EVEN, s0 ^ h1
            else:
                children[2 * i, 0], children[2 * i, 1] = h1, h0 ^ h1
                children[2 * i + 1, 0], children[2 * i + 1, 1] = s0 ^ h1, s1 ^ h0 ^ h1
        sums[tree, 0], sums[tree, 1] = sum0, sum1


@compiled
def grow_punctured(
    parents: Nodes,
    encrypted: Nodes,
    children: Nodes,
    last: bool,
    paths: npt.NDArray[np.uint64],
    sides: npt.NDArray[np.uint64],
    sums: Nodes,
    totals: Nodes,
) -> None:
    """Children of trees of which one node in each is not known; it is held as zero, before and after.

    An unknown leaf is written as the sum of all others, its lowest bit 1.

    Args:
        parents, encrypted, children, last: as in `grow`.
        paths: (trees,) uint64, the place of the unknown node among its tree's parents.
        sides: (trees,) uint64, which child of the unknown node is known, through the sum: 0 left, 1 right.
        sums: (trees, 2), the sum of all of a tree's children on that side.
        totals: (trees, 2), the sum of each tree's known parents, replaced by that of its known children.
    """
    m, lefts = len(parents) // len(sums), np.empty_like(sums)
    grow(parents, encrypted, children, last, lefts)
    for tree in range(len(sums)):
        hole = np.uint64(tree * m) + paths[tree]
        # What is known of the side, without what zero was taken to grow into, lacks the one child to be found.
        x0 = sums[tree, 0] ^ lefts[tree, 0] ^ encrypted[hole, 0]
        x1 = sums[tree, 1] ^ lefts[tree, 1] ^ encrypted[hole, 1]
        if sides[tree]:  # right children are left ones ^ parents
            x0 ^= totals[tree, 0]
            x1 ^= totals[tree, 1]
        # Two children add up to their parent, so that the known ones but this one add up to the known parents.
        totals[tree, 0] ^= x0
        totals[tree, 1] ^= x1
        known = np.uint64(2) * hole + sides[tree]
        if last:
            children[known, 0], children[known, 1] = x0 & EVEN, x1
            children[known ^ ODD, 0], children[known ^ ODD, 1] = totals[tree, 0] | ODD, totals[tree, 1]
        else:
            children[known, 0], children[known, 1] = x1, x0 ^ x1
            children[known ^ ODD, 0] = children[known ^ ODD, 1] = np.uint64(0)
