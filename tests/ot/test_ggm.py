"""Correlated GGM trees against a node-by-node reference, and every path at small depths."""

from itertools import product

import numpy as np
import pytest

from sirnn.crypto.hashing import HASHES_PER_KEY, derive_key, permute
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.ot.ggm import LEAVES_AT_ONCE, Forest, trees_at_once

KEY = bytes(range(16))
CLEARED = np.array([2**64 - 2, 2**64 - 1], np.uint64)


def random_roots(g, seed=0):
    words = InsecureSeededRandomness(seed).words((g + 1, 2), 64)
    delta = words[g] | np.array([1, 0], np.uint64)
    return words[:g], delta


def plain_hash(key, node):
    """H(x) = AES(sigma(x)) ^ sigma(x), sigma(high, low) = (high ^ low, high), of one node."""
    low, high = node
    mapped = np.array([high, high ^ low], np.uint64)
    return permute(key, mapped) ^ mapped


def plain_levels(root, delta, depth):
    """Every level of one tree, each (2^level, 2)."""
    levels = [np.array([root, root ^ delta])]
    for level in range(1, depth):
        key = derive_key(KEY, f"level {level}")
        children = []
        for node in levels[-1]:
            left = plain_hash(key, node)
            children += [left, node ^ left]
        levels.append(np.array(children))
    return levels


def total(nodes):
    return np.bitwise_xor.reduce(nodes, axis=0)


def grown(roots, delta, depth):
    leaves = np.empty((len(roots) << depth, 2), np.uint64)
    return Forest(depth).grow(KEY, roots, delta, leaves), leaves


def punctured(sums, delta, sides):
    leaves = np.empty((len(sides) << sides.shape[1], 2), np.uint64)
    known = sums ^ (sides[:, :, None] * delta)
    Forest(sides.shape[1]).grow_punctured(KEY, sides, known, leaves)
    return leaves


def offset(leaves, delta, sides):
    """The leaves with Delta added where each path, which avoids the known side of every level, ends."""
    depth = sides.shape[1]
    expected = leaves.copy().reshape(len(sides), 1 << depth, 2)
    ends = (1 - sides.astype(np.int64)) @ (1 << np.arange(depth)[::-1])
    expected[np.arange(len(sides)), ends] ^= delta
    return expected.reshape(-1, 2)


@pytest.mark.parametrize("depth", [2, 3, 6])
@pytest.mark.parametrize("g", [1, 2, 5])
def test_full_trees_against_the_definition(depth, g):
    roots, delta = random_roots(g)
    sums, leaves = grown(roots, delta, depth)
    for tree, root in enumerate(roots):
        levels = plain_levels(root, delta, depth)
        assert all(np.array_equal(total(level), delta) for level in levels)
        assert np.array_equal(sums[tree], [total(level[0::2]) for level in levels])
        assert np.array_equal(leaves[tree << depth : (tree + 1) << depth], levels[-1] & CLEARED)


@pytest.mark.parametrize("depth", [2, 3, 4, 7])
def test_every_path(depth):
    """All trees in one forest, one for each path."""
    sides = np.array(list(product((0, 1), repeat=depth)), np.uint8)
    roots, delta = random_roots(len(sides))
    sums, leaves = grown(roots, delta, depth)
    got = punctured(sums, delta, sides)
    assert np.array_equal(got, offset(leaves, delta, sides))
    odd = (got[:, 0] & np.uint64(1)).reshape(len(sides), -1)
    assert np.array_equal(odd.sum(axis=1), np.ones(len(sides)))
    assert not np.any(leaves[:, 0] & np.uint64(1))


@pytest.mark.parametrize("depth", [10, 11, 12, 13, 16])
def test_as_many_trees_as_go_together(depth):
    g = trees_at_once(depth)
    assert g << depth == max(LEAVES_AT_ONCE, 1 << depth)
    assert g <= HASHES_PER_KEY == trees_at_once(2)
    roots, delta = random_roots(g, seed=depth)
    sides = InsecureSeededRandomness(depth).bits((g, depth))
    sums, leaves = grown(roots, delta, depth)
    assert np.array_equal(punctured(sums, delta, sides), offset(leaves, delta, sides))
    assert len(np.unique(leaves, axis=0)) == len(leaves)


def test_trees_do_not_depend_on_their_company():
    roots, delta = random_roots(7)
    forest = Forest(5)
    together, apart = np.empty((7 << 5, 2), np.uint64), np.empty((7 << 5, 2), np.uint64)
    forest.grow(KEY, roots, delta, together)
    for tree in range(7):
        forest.grow(KEY, roots[tree : tree + 1], delta, apart[tree << 5 : (tree + 1) << 5])
    assert np.array_equal(together, apart)


def test_a_wrong_sum_spoils_more_than_the_path():
    """The relation above is no accident: with the other side's sum the siblings of the path come out wrong."""
    roots, delta = random_roots(1)
    sides = np.zeros((1, 4), np.uint8)
    sums, leaves = grown(roots, delta, 4)
    wrong = punctured(sums ^ delta, delta, sides)
    assert np.sum(np.any(wrong != offset(leaves, delta, sides), axis=1)) == 16
