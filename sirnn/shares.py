"""Shares, and what a party can do to them alone.

A value x of Z_2^bits is held as an `ArithmeticShare` when party 0's and party 1's words add up to x, and as
a `BooleanShare` when they xor to x. Everything here is local and linear: no message, no cost. A share never
prints its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self, TypeVar

import attrs
import numpy as np

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.ring import Words


@attrs.frozen(eq=False, repr=False)
class _Share:
    """One party's half of a shared array: words of `bits` bits."""

    words: Words
    bits: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.words.shape

    @property
    def size(self) -> int:
        return self.words.size

    def reshape(self, *shape: int) -> Self:
        """The same elements in another shape."""
        return attrs.evolve(self, words=self.words.reshape(*shape))

    def __getitem__(self, index: Any) -> Self:
        return attrs.evolve(self, words=np.asarray(self.words[index]))

    def _same_ring(self, other: _Share) -> None:
        if type(self) is not type(other) or self.bits != other.bits:
            raise LocalError(f"{self!r} and {other!r} do not combine", remedy="convert or extend one of them first")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, bits={self.bits})"


@attrs.frozen(eq=False, repr=False)
class ArithmeticShare(_Share):
    """Additive share: x = x0 + x1 mod 2^bits."""

    def __add__(self, other: ArithmeticShare) -> ArithmeticShare:
        self._same_ring(other)
        return ArithmeticShare(ring.reduce(self.words + other.words, self.bits), self.bits)

    def __sub__(self, other: ArithmeticShare) -> ArithmeticShare:
        self._same_ring(other)
        return ArithmeticShare(ring.reduce(self.words - other.words, self.bits), self.bits)

    def __neg__(self) -> ArithmeticShare:
        return ArithmeticShare(ring.reduce(np.negative(self.words), self.bits), self.bits)

    def __mul__(self, public: int) -> ArithmeticShare:
        """Times an integer both parties know."""
        factor = self.words.dtype.type(public & ring.mask(8 * self.words.dtype.itemsize))
        return ArithmeticShare(ring.reduce(self.words * factor, self.bits), self.bits)

    def __lshift__(self, places: int) -> ArithmeticShare:
        """Times 2^places in the same ring."""
        return self * (1 << places)

    def reduce(self, bits: int) -> ArithmeticShare:
        """x mod 2^bits, into a ring that is no wider."""
        if bits > self.bits:
            raise LocalError(f"cannot reduce {self!r} to {bits} bits", remedy="use zero_extend or sign_extend")
        return ArithmeticShare(ring.reduce(self.words, bits), bits)

    def sum(self, axis: int) -> ArithmeticShare:
        """Sum along an axis, in the same ring."""
        total = self.words.sum(axis=axis, dtype=self.words.dtype)
        return ArithmeticShare(ring.reduce(np.asarray(total), self.bits), self.bits)


@attrs.frozen(eq=False, repr=False)
class BooleanShare(_Share):
    """Xor share: x = x0 ^ x1, `bits` bits a word (1 by default)."""

    bits: int = 1

    def __xor__(self, other: BooleanShare) -> BooleanShare:
        self._same_ring(other)
        return BooleanShare(self.words ^ other.words, self.bits)

    def bit(self, index: int) -> BooleanShare:
        """Bit `index` of every word, as a share of one bit."""
        picked = (self.words >> self.words.dtype.type(index)).astype(np.uint8) & np.uint8(1)
        return BooleanShare(picked)


@attrs.frozen(eq=False, repr=False)
class PrivateValue:
    """An array that one party knows in clear; the other knows its shape and width only.

    Attributes:
        owner: the party that knows it.
        shape: shape of the array, known to both.
        bits: width of the words, known to both.
        words: the array at the owner, None at the other party.
    """

    owner: int
    shape: tuple[int, ...]
    bits: int
    words: Words | None = None

    @classmethod
    def mine(cls, role: int, words: Words, bits: int) -> PrivateValue:
        """The owner's side."""
        return cls(role, words.shape, bits, ring.reduce(words, bits))

    @classmethod
    def theirs(cls, role: int, shape: tuple[int, ...], bits: int) -> PrivateValue:
        """The other side: `role` is the caller's own."""
        return cls(1 - role, shape, bits)

    def reshape(self, *shape: int) -> PrivateValue:
        """The same elements in another shape."""
        known = np.empty(self.shape, np.uint8) if self.words is None else self.words
        moved = known.reshape(*shape)
        return attrs.evolve(self, shape=moved.shape, words=None if self.words is None else moved)

    def known(self) -> Words:
        """The array, at its owner."""
        if self.words is None:
            raise LocalError("this party does not know the value", remedy="only its owner may ask")
        return self.words

    def __repr__(self) -> str:
        return f"PrivateValue(owner={self.owner}, shape={self.shape}, bits={self.bits})"


S = TypeVar("S", ArithmeticShare, BooleanShare)


def concatenate(shares: Sequence[S], axis: int = 0) -> S:
    """Join shares of one ring along an existing axis."""
    for share in shares[1:]:
        shares[0]._same_ring(share)
    return attrs.evolve(shares[0], words=np.concatenate([share.words for share in shares], axis=axis))


def stack(shares: Sequence[S], axis: int = 0) -> S:
    """Join shares of one ring and shape along a new axis."""
    for share in shares[1:]:
        shares[0]._same_ring(share)
    return attrs.evolve(shares[0], words=np.stack([share.words for share in shares], axis=axis))
