"""A factor of a matrix product: a shared matrix whose entries come out of a smaller array of elements.

In a convolution's matrix of patches every pixel stands several times. What costs per element, its wrap, is found once
for each and then copied to wherever it stands, which is local.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from sirnn.blocks.comparison import KnownMsb, invert_known, known, wrap, wrap_cost
from sirnn.cost import FREE, Cost
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

Index = npt.NDArray[np.intp]
"""For each entry of a matrix the number of an element; -1 is a public 0."""


@attrs.frozen
class Side:
    """What both parties know of a factor, which is what it costs by.

    Attributes:
        shape: of the matrix.
        bits: of its entries.
        elements: how many different ones there are.
        signed: whether they are in two's complement.
        msb: what is known of their top bits: "unknown", "zero", "one" or "shared".
    """

    shape: tuple[int, int]
    bits: int
    elements: int
    signed: bool
    msb: str = "unknown"

    @classmethod
    def of(cls, shape: tuple[int, ...], bits: int, *, signed: bool, msb: str = "unknown") -> Side:
        """A matrix whose entries all are different elements."""
        rows, columns = shape
        return cls((rows, columns), bits, rows * columns, signed, msb)

    def turned(self) -> Side:
        """The transposed matrix."""
        return attrs.evolve(self, shape=self.shape[::-1])

    def wrap_below_cost(self, profile: Profile, bits: int) -> Cost:
        """A wrap for each element, unless it vanishes modulo 2^bits."""
        return wrap_cost(profile, self.elements, bits=self.bits, msb=self.msb) if self.bits < bits else FREE


@attrs.frozen(eq=False, repr=False)
class Factor:
    """A shared matrix, as the products here take it.

    Attributes:
        elements: the elements, flat, with `offset` added so that they are unsigned.
        msb: what is known of their top bits.
        offset: half the ring if the values are signed, else 0.
        index: the matrix.
        empty: this party's half of a public 0 with the offset added.
    """

    elements: ArithmeticShare
    msb: KnownMsb
    offset: int
    index: Index
    empty: int

    @classmethod
    def of(cls, party: Party, x: ArithmeticShare, msb: KnownMsb, *, signed: bool, index: Index | None = None) -> Factor:
        """The matrix x itself, or the one that `index` makes of its elements."""
        flat = x.reshape(-1)
        known = msb.reshape(-1) if isinstance(msb, BooleanShare) else msb
        offset = 1 << (x.bits - 1) if signed else 0
        if signed:
            flat, known = flat + party.constant(offset, x.bits, flat.shape), invert_known(party, known)
        if index is None:
            index = np.arange(x.size).reshape(x.shape)
        return cls(flat, known, offset, index, offset if party.is_server else 0)

    @property
    def bits(self) -> int:
        return self.elements.bits

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.index.shape
        return rows, columns

    @property
    def side(self) -> Side:
        """What both parties know of it."""
        return Side(self.shape, self.bits, self.elements.size, self.offset > 0, known(self.msb))

    def turned(self) -> Factor:
        """The transposed matrix."""
        return attrs.evolve(self, index=self.index.T)

    def words(self) -> Words:
        """The own half of the matrix, with the offset added."""
        return self.placed(self.elements.words, self.empty)

    def placed(self, elements: Words, empty: int = 0) -> Words:
        """Something found for each element, wherever it stands in the matrix."""
        placed: Words = np.append(elements, elements.dtype.type(empty))[self.index]
        return placed

    async def wrap_below(self, party: Party, bits: int) -> BooleanShare | None:
        """The wrap of each element (flat), or None where it vanishes modulo 2^bits."""
        return await wrap(party, self.elements, self.msb) if self.bits < bits else None

    def spread(self, wraps: BooleanShare) -> BooleanShare:
        """Wraps of the elements, wherever they stand; a public 0 has none, since one party holds it all."""
        return BooleanShare(self.placed(wraps.words))
