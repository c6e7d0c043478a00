"""Correlated GGM trees: short seeds that grow into long vectors which differ in one place, by Delta.

The half-tree of Guo, Yang, Wang, Zhang, Xie, Liu, Zhao (EUROCRYPT 2023, eprint 2022/1431, Figure 3). The first level
is a random root and root ^ Delta; a node x below has the children H(x) and x ^ H(x). So the nodes of every level add
up to Delta, and a level costs one AES call for two children. The sender knows everything. The receiver is handed, for
each level, the sum of the left or of the right nodes as it chose; from these it computes all nodes but those on the
path that takes the other side at every level. At the leaves, with lowest bits cleared at both,

    receiver's leaf j = sender's leaf j ^ (Delta if j is where the path ends, else 0),

because all of them add up to Delta; and as Delta is odd, the lowest bit of the receiver's leaf is that case.

H(x) = AES_k(sigma(x)) ^ sigma(x) is circular correlation robust (Guo, Katz, Wang, Yu, S&P 2020, eprint 2019/074),
which the nodes need: those on the path are offset by the very Delta that the leaves are. Every level has a public key
of its own, under which one node of each tree is unknown to the receiver, HASHES_PER_KEY at most.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from sirnn.crypto.hashing import Blocks, derive_key
from sirnn.kernels.ggm import grow, grow_punctured

ONE = np.uint64(1)

LEAVES_AT_ONCE = 1 << 16
"""Leaves whose trees are grown together: enough (1 MB) that the calls for their small upper levels do not count."""


def trees_at_once(depth: int) -> int:
    """Trees of that depth to hand in together."""
    return max(1, LEAVES_AT_ONCE >> depth)


@attrs.frozen(eq=False, repr=False)
class _Step:
    """From one level to the next, in memory laid out once, as there are many small calls: AES, then a kernel.

    Attributes:
        encryptor: AES under the key of the level.
        plain, cipher: `nodes` and `encrypted` as bytes, the latter with room for one block more, which OpenSSL's
            wrapper asks for.
        nodes, encrypted: (g 2^level, 2) uint64.
        children: (g 2^(level + 1), 2) uint64, the next step's nodes; None in the last, which makes leaves.
    """

    encryptor: CipherContext
    plain: npt.NDArray[np.uint8]
    cipher: npt.NDArray[np.uint8]
    nodes: Blocks
    encrypted: Blocks
    children: Blocks | None

    def encrypt(self) -> None:
        self.encryptor.update_into(self.plain, self.cipher)  # type: ignore[arg-type]

    def into(self, leaves: Blocks) -> tuple[Blocks, bool]:
        """Where the next level goes, and whether it is the last."""
        return (leaves, True) if self.children is None else (self.children, False)


class Forest:
    """Grows trees of one depth, up to `trees_at_once` in a call.

    Args:
        key: public key, for at most HASHES_PER_KEY trees in all.
        depth: levels, at least 2.
    """

    def __init__(self, key: bytes, depth: int) -> None:
        self._depth = depth
        keys = [derive_key(key, f"level {level}") for level in range(1, depth)]
        self._encryptors = [Cipher(algorithms.AES128(each), modes.ECB()).encryptor() for each in keys]  # noqa: S305
        widest = trees_at_once(depth) << (depth - 1)
        self._levels = np.empty((2, widest, 2), np.uint64)
        self._encrypted = np.empty((widest + 1, 2), np.uint64)
        self._steps: dict[int, list[_Step]] = {}

    def grow(self, roots: Blocks, delta: Blocks, leaves: Blocks) -> Blocks:
        """Full trees, at the sender.

        Args:
            roots: (g, 2) uint64, secret and random.
            delta: (2,) uint64.
            leaves: (g 2^depth, 2) uint64, written, lowest bits 0.

        Returns:
            (g, depth, 2): the sum of the left nodes of every level.
        """
        steps = self._steps_for(len(roots))
        steps[0].nodes[0::2] = _sigma(roots)
        steps[0].nodes[1::2] = _sigma(roots ^ delta)
        sums = np.empty((self._depth, len(roots), 2), np.uint64)
        sums[0] = roots
        for step, total in zip(steps, sums[1:], strict=True):
            step.encrypt()
            grow(step.nodes, step.encrypted, *step.into(leaves), total)
        return sums.transpose(1, 0, 2)

    def grow_punctured(self, sides: npt.NDArray[np.uint8], sums: Blocks, leaves: Blocks) -> None:
        """Trees that lack a path, at the receiver.

        Args:
            sides: (g, depth) uint8: whose sum is known at every level, 0 the left nodes' or 1 the right ones'. The
                path goes the other way.
            sums: (g, depth, 2) uint64: these sums.
            leaves: (g 2^depth, 2) uint64, written: the sender's, save that the leaf where the path ends is offset by
                Delta. Its lowest bit is 1 and all others' are 0.
        """
        steps = self._steps_for(len(sides))
        side = np.ascontiguousarray(sides.T, np.uint64)
        known = np.ascontiguousarray(sums.transpose(1, 0, 2))
        steps[0].nodes[:] = 0
        steps[0].nodes.reshape(-1, 2, 2)[np.arange(len(sides)), sides[:, 0]] = _sigma(known[0])
        path, totals = side[0] ^ ONE, known[0].copy()
        for level, step in enumerate(steps, 1):
            step.encrypt()
            grow_punctured(step.nodes, step.encrypted, *step.into(leaves), path, side[level], known[level], totals)
            path = 2 * path + (side[level] ^ ONE)

    def _steps_for(self, trees: int) -> list[_Step]:
        """The steps of that many trees. Two buffers take turns as a level and the next."""
        if trees not in self._steps:
            self._steps[trees] = [
                self._step(level, encryptor, trees << level) for level, encryptor in enumerate(self._encryptors, 1)
            ]
        return self._steps[trees]

    def _step(self, level: int, encryptor: CipherContext, width: int) -> _Step:
        nodes = self._levels[level % 2, :width]
        children = None if level == self._depth - 1 else self._levels[1 - level % 2, : 2 * width]
        plain, cipher = (each.reshape(-1).view(np.uint8) for each in (nodes, self._encrypted[: width + 1]))
        return _Step(encryptor, plain, cipher, nodes, self._encrypted[:width], children)


def _sigma(nodes: Blocks) -> Blocks:
    """(high, low) to (high ^ low, high), the linear orthomorphism under which the kernels keep nodes."""
    return np.stack([nodes[:, 1], nodes[:, 0] ^ nodes[:, 1]], axis=1)
