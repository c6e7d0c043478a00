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
    packer = Packer(packed_bytes([(words.size, ring.check_bits(bits)) for words, bits in fields]))
    for words, bits in fields:
        packer.add(words, bits)  # one part holds all
    return packer.last()


def unpack(data: bytes, fields: Sequence[tuple[int, int]]) -> list[Words]:
    """The inverse of `pack`: one flat array per (count, bits), in the narrowest dtype that holds the words.

    The spare bits of the last byte are not looked at: they carry nothing, so there is nothing to refuse.

    Raises:
        ValueError: `data` has not exactly the length that the fields take.
    """
    length = packed_bytes(fields)
    if len(data) != length:
        raise ValueError(f"{len(data)} bytes cannot hold fields of {length} bytes")
    unpacker = Unpacker(length)
    unpacker.feed(data)
    words = [np.empty(count, ring.dtype_for(bits)) for count, bits in fields]
    for out, (_, bits) in zip(words, fields, strict=True):
        unpacker.take(out, bits)
    return words


# ------------------------------------------------------------ long strings, part by part


class Packer:
    """A bit string that grows word by word and leaves in parts of a fixed size.

    Args:
        nbytes: length of the whole string.
        part: bytes of a part, a multiple of 8: all but the last have as many. One part holds all by default.
    """

    def __init__(self, nbytes: int, part: int | None = None) -> None:
        self._part = nbytes if part is None else part
        self._string = np.empty(min(nbytes, self._part + 8 * _CHUNK) // 8 + 2, np.uint64)
        self._raw = self._string.view(np.uint8)
        self._position = 0

    def add(self, words: Words, bits: int) -> list[bytes]:
        """Append the low `bits` bits of each word, of any shape; returns the parts that are full and not the last."""
        flat, full = words.ravel(), []
        for start in range(0, flat.size, _CHUNK):
            chunk = flat[start : start + _CHUNK]
            if _aligned(flat.dtype, bits, self._position):
                place = self._position // 8
                self._raw[place : place + chunk.nbytes] = chunk.view(np.uint8)
            else:
                _pack(chunk.astype(np.uint64), bits, self._string, self._position)
            self._position += chunk.size * bits
            while self._position > 8 * self._part:
                full.append(self._raw[: self._part].tobytes())
                self._position -= 8 * self._part
                left = -(-self._position // 64)
                self._string[:left] = self._string[self._part // 8 : self._part // 8 + left].copy()
        return full

    def last(self) -> bytes:
        """The last part, to whole bytes."""
        return self._raw[: -(-self._position // 8)].tobytes()


class Unpacker:
    """The words of a bit string that arrives in parts.

    Args:
        part: bytes of the longest part.
    """

    def __init__(self, part: int) -> None:
        self._string = np.empty(part // 8 + 4, np.uint64)  # what was left of the part before, and a word to spare
        self._position = self._end = 0

    def feed(self, data: bytes) -> None:
        """The next part; all but a word's bits of what came before must have been taken."""
        first = self._position // 64
        self._string[: self._end // 64 + 1 - first] = self._string[first : self._end // 64 + 1].copy()
        self._position, self._end = self._position - 64 * first, self._end - 64 * first
        self._string.view(np.uint8)[self._end // 8 : self._end // 8 + len(data)] = np.frombuffer(data, np.uint8)
        self._end += 8 * len(data)

    def take(self, out: Words, bits: int) -> int:
        """Fill a flat array with the next words of `bits` bits, as far as they are there; returns how many."""
        count = min(out.size, (self._end - self._position) // bits)
        if _aligned(out.dtype, bits, self._position):
            place = self._position // 8
            out[:count].view(np.uint8)[:] = self._string.view(np.uint8)[place : place + count * bits // 8]
        else:
            scratch = np.empty(min(_CHUNK, count), np.uint64)
            for start in range(0, count, _CHUNK):
                chunk = scratch[: min(_CHUNK, count - start)]
                _unpack(self._string, self._position + start * bits, bits, chunk)
                out[start : start + chunk.size] = chunk
        self._position += count * bits
        return count


def _aligned(dtype: np.dtype[Any], bits: int, position: int) -> bool:
    """Whether words are a plain copy of bytes."""
    return bits == 8 * dtype.itemsize and position % 8 == 0


@compiled
def _pack(words: npt.NDArray[np.uint64], bits: int, string: npt.NDArray[np.uint64], position: int) -> None:
    width = np.uint64(bits)
    mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - bits)
    index = position >> 6
    used = np.uint64(position & 63)
    # What earlier fields left in the word that is being filled.
    held = string[index] & ((np.uint64(1) << used) - np.uint64(1))
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
