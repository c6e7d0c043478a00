"""Learning parity with noise (LPN) over F_2, with regular noise and a 10-local code: the assumption behind Ferret.

Given a public matrix A of `outputs` x `dimension` bits with ten ones a row (drawn with repetition), the bits
A s + e look uniform, for a uniform secret s and a noise e that has one 1 in each of `trees` runs of 2^depth places.
docs/correlations/lpn.md says what is known of its hardness.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sirnn.crypto.hashing import Blocks
from sirnn.kernels.lpn import FIELD_BITS, WORDS_PER_ROW, add_sums

ROWS_AT_ONCE = 1 << 13
"""Outputs whose random words are drawn at a time: 192 KB, which leaves most of the cache to the table."""


def _any_base_left(parameters: LpnParameters, _: Any, __: Any) -> None:
    if parameters.usable <= 0:
        raise ValueError(f"an iteration must make more than the {parameters.base_rows} COTs that it consumes")


@attrs.frozen
class LpnParameters:
    """One size of an iteration of Ferret. Units: COTs, except where said otherwise.

    Attributes:
        name: what it is called in documents and options.
        dimension_bits: log2 k, k being the bits of the secret s: a power of two, so that random bits are indices.
        trees: t, the weight of the noise.
        depth: levels of a tree; each has 2^depth leaves.
        security_bits: the lowest of the published attack estimates; None for sizes that are not meant to be secure.

    Raises:
        ValueError: a size out of range, or no COTs left over after an iteration has paid for the next.
    """

    name: str
    dimension_bits: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(FIELD_BITS)])
    trees: int = attrs.field(validator=attrs.validators.ge(1))
    depth: int = attrs.field(validator=[attrs.validators.ge(2), _any_base_left])
    security_bits: float | None = None

    @property
    def dimension(self) -> int:
        """k: base COTs that are multiplied with the matrix."""
        return 1 << self.dimension_bits

    @property
    def outputs(self) -> int:
        """N: COTs an iteration makes."""
        return self.trees << self.depth

    @property
    def base_rows(self) -> int:
        """COTs an iteration consumes: k for the secret and one for each level of each tree."""
        return self.dimension + self.trees * self.depth

    @property
    def usable(self) -> int:
        """COTs an iteration leaves after putting aside what the next one consumes."""
        return self.outputs - self.base_rows


# Sizes as in emp-ot (2026). Bits: the least of Gauss, SD-ISD, BJMM (Liu, Wang, Yang, Yu, EUROCRYPT 2024, eprint
# 2022/712, estimator for regular noise over F_2), which is BJMM for all four.
B10 = LpnParameters("b10", 16, 850, 10, security_bits=128.6)
B11 = LpnParameters("b11", 17, 1170, 11, security_bits=132.5)
B12 = LpnParameters("b12", 18, 1520, 12, security_bits=136.6)
B13 = LpnParameters("b13", 19, 1900, 13, security_bits=140.7)

PARAMETERS = {each.name: each for each in (B10, B11, B12, B13)}
"""The sizes meant for use, by name. A larger one sends less a COT and is slower, as its table outgrows the caches."""


class Encoder:
    """Adds A s to rows, from the first row of A to its last.

    The matrix is drawn from AES in counter mode as it is used, and is never stored.

    Args:
        key: public key that names the matrix.
        secret: (k, 2) uint64, the rows of s: k a power of two. Read, not copied.
    """

    def __init__(self, key: bytes, secret: Blocks) -> None:
        self._secret = secret
        self._stream = Cipher(algorithms.AES128(key), modes.CTR(bytes(16))).encryptor()
        self._words = np.empty(WORDS_PER_ROW * ROWS_AT_ONCE, np.uint64)
        self._bytes = self._words.view(np.uint8)
        self._zeros = np.zeros_like(self._bytes)  # encrypting zeros gives the key stream

    def add_to(self, rows: Blocks) -> None:
        """Add the next len(rows) rows of A s to `rows`, (n, 2) uint64, in place."""
        for start in range(0, len(rows), ROWS_AT_ONCE):
            run = rows[start : start + ROWS_AT_ONCE]
            size = 8 * WORDS_PER_ROW * len(run)
            self._stream.update_into(self._zeros[:size], self._bytes[:size])  # type: ignore[arg-type]
            add_sums(run, self._secret, self._words)
