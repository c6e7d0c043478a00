"""Exact bit packing: words of any width side by side in one bit string, rounded up to bytes once, at the very end.

Word i of a field occupies its `bits` bits directly behind word i - 1, least significant bit first (bit b of the
string is bit b % 8 of byte b // 8). Both parties know every width and count, so nothing but the words travels.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.kernels.compiled import compiled
from sirnn.ring import Words

if sys.byteorder != "little":
    raise ImportError("sirnn reads words as little-endian bytes; big-endian machines are not supported")

_CHUNK = 1 << 13
"""Words widened to uint64 at a time: 64 KB, so that the detour through the kernels' one dtype stays in cache."""


def packed_bytes(fields: Sequence[tuple[int, int]]) -> int:
    """Length in bytes of packed fields, each given as (count, bits)."""
    return -(-sum(count * bits for count, bits in fields) // 8)


def pack(fields: Sequence[tuple[Words, int]]) -> bytes:
    """Concatenate the words of all fields, `bits` bits each, in order.

    Args:
        fields: (words of any shape, bits) with 1 <= bits <= 64; only the low `bits` bits of a word are taken.

    Returns:
        ceil(total bits / 8) bytes; the spare bits of the last one are zero.
    """
    sizes = [(words.size, ring.check_bits(bits)) for words, bits in fields]
    length = packed_bytes(sizes)
    string = np.zeros(length // 8 + 1, np.uint64)
    raw = string.view(np.uint8)
    position = 0
    for words, bits in fields:
        flat = words.ravel()
        if _aligned(flat.dtype, bits, position):
            raw[position // 8 : (position + flat.size * bits) // 8] = flat.view(np.uint8)
        else:
            for start in range(0, flat.size, _CHUNK):
                chunk = flat[start : start + _CHUNK].astype(np.uint64)
                _pack(chunk, bits, string, position + start * bits)
        position += flat.size * bits
    return raw[:length].tobytes()


def unpack(data: bytes, fields: Sequence[tuple[int, int]]) -> list[Words]:
    """The inverse of `pack`: one flat array per (count, bits), in the narrowest dtype that holds the words.

    The spare bits of the last byte are not looked at: they carry nothing, so there is nothing to refuse.

    Raises:
        ValueError: `data` has not exactly the length that the fields take.
    """
    length = packed_bytes(fields)
    if len(data) != length:
        raise ValueError(f"{len(data)} bytes cannot hold fields of {length} bytes")
    string = np.zeros(length // 8 + 2, np.uint64)
    raw = string.view(np.uint8)
    raw[:length] = np.frombuffer(data, np.uint8)
    scratch = np.empty(min(_CHUNK, max((count for count, _ in fields), default=0)), np.uint64)
    words: list[Words] = []
    position = 0
    for count, bits in fields:
        dtype = ring.dtype_for(bits)
        out = np.empty(count, dtype)
        if _aligned(dtype, bits, position):
            out.view(np.uint8)[:] = raw[position // 8 : (position + count * bits) // 8]
        else:
            for start in range(0, count, _CHUNK):
                chunk = scratch[: min(_CHUNK, count - start)]
                _unpack(string, position + start * bits, bits, chunk)
                out[start : start + chunk.size] = chunk
        words.append(out)
        position += count * bits
    return words


def _aligned(dtype: np.dtype[Any], bits: int, position: int) -> bool:
    """Whether a field is a plain copy of bytes."""
    return bits == 8 * dtype.itemsize and position % 8 == 0


@compiled
def _pack(words: npt.NDArray[np.uint64], bits: int, string: npt.NDArray[np.uint64], position: int) -> None:
    width = np.uint64(bits)
    mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - bits)
    index = position >> 6
    used = np.uint64(position & 63)
    held = string[index]  # what earlier fields left in the word that is being filled
    for i in range(words.size):
        word = words[i] & mask
        held |= word << used
        used += width
        if used >= np.uint64(64):
            string[index] = held
            index += 1
            used -= np.uint64(64)
            held = word >> (width - used) if used else np.uint64(0)
    if used:
        string[index] = held


@compiled
def _unpack(string: npt.NDArray[np.uint64], position: int, bits: int, words: npt.NDArray[np.uint64]) -> None:
    mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - bits)
    for i in range(words.size):
        index = position >> 6
        used = np.uint64(position & 63)
        # Two shifts, because shifting by 64 at once is undefined. The string ends with a spare word.
        above = (string[index + 1] << np.uint64(1)) << (np.uint64(63) - used)
        words[i] = ((string[index] >> used) | above) & mask
        position += bits
