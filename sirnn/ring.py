"""Words of the ring Z_2^bits: numpy arrays in the narrowest unsigned dtype that holds them.

Unsigned numpy arithmetic wraps at the dtype's width, a multiple of the ring, so sums and products are exact
modulo 2^bits once `reduce` has cleared the bits above.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sirnn.errors import LocalError

Words: TypeAlias = npt.NDArray[np.unsignedinteger[Any]]
"""Ring elements: uint8, uint16, uint32 or uint64, every bit above the ring's width clear."""

MAX_BITS = 64

# Looked up hundreds of times in a step of a network.
_DTYPES: list[np.dtype[np.unsignedinteger[Any]]] = [
    np.dtype(f"uint{max(8, 1 << (bits - 1).bit_length())}") for bits in range(1, MAX_BITS + 1)
]

# Of no dimension: numpy puts scalars into such arrays first.
_MASKS: list[Words] = [np.array((1 << bits) - 1, dtype) for bits, dtype in enumerate(_DTYPES, start=1)]


def check_bits(bits: int) -> int:
    """`bits` itself, if a ring can have that width (1..64)."""
    if not 1 <= bits <= MAX_BITS:
        raise LocalError(f"a ring of {bits} bits", remedy=f"bitwidths go from 1 to {MAX_BITS}")
    return bits


def dtype_for(bits: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The narrowest unsigned dtype with at least `bits` bits."""
    return _DTYPES[check_bits(bits) - 1]


def mask(bits: int) -> int:
    """2^bits - 1."""
    return (1 << bits) - 1


def reduce(words: Words, bits: int) -> Words:
    """Each word modulo 2^bits, in the dtype of that ring. Words from a narrower ring just change dtype."""
    dtype = dtype_for(bits)
    cast = words if words.dtype == dtype else words.astype(dtype)
    if words.dtype.itemsize < dtype.itemsize or bits == 8 * dtype.itemsize:
        return cast
    reduced: Words = cast & _MASKS[bits - 1]
    return reduced


def to_signed(words: Words, bits: int) -> npt.NDArray[np.int64]:
    """Each word as two's complement of `bits` bits, as int64."""
    shift = np.uint64(64 - bits)
    return (words.astype(np.uint64) << shift).view(np.int64) >> np.int64(64 - bits)


def from_signed(values: npt.NDArray[np.integer[Any]], bits: int) -> Words:
    """Integers of any sign modulo 2^bits."""
    return reduce(np.asarray(values).astype(np.int64).view(np.uint64), bits)


def top_bit(words: Words, bits: int) -> Words:
    """Bit `bits - 1` of each word, as uint8."""
    return (words >> words.dtype.type(bits - 1)).astype(np.uint8) & np.uint8(1)
