"""Packing against a bit string written out by hand in Python integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.kernels.bitpack import Packer, Unpacker, pack, packed_bytes, unpack


def reference(fields) -> bytes:
    string, position = 0, 0
    for words, bits in fields:
        for word in words.reshape(-1).tolist():
            string |= (word % (1 << bits)) << position
            position += bits
    return string.to_bytes(-(-position // 8), "little")


def field(count: int, bits: int, seed: int = 0):
    rng = np.random.default_rng(seed + 1000 * bits + count)
    return ring.reduce(rng.integers(0, 2**64, count, dtype=np.uint64), bits), bits


def check(fields):
    data = pack(fields)
    sizes = [(words.size, bits) for words, bits in fields]
    assert data == reference(fields)
    assert len(data) == packed_bytes(sizes)
    for (words, bits), back in zip(fields, unpack(data, sizes), strict=True):
        assert back.dtype == ring.dtype_for(bits)
        assert np.array_equal(back, ring.reduce(words.reshape(-1), bits))


@pytest.mark.parametrize("bits", range(1, 65))
def test_every_width_at_every_offset(bits):
    for offset in range(1, 9):
        check([field(1, offset), field(0, bits), field(67, bits), field(3, 8)])
    check([field(67, bits)])


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 64)), max_size=8), st.integers(0, 100))
def test_any_fields(sizes, seed):
    check([field(count, bits, seed) for count, bits in sizes])


@pytest.mark.parametrize("bits", [1, 14, 16, 64])
def test_long_fields_are_cut_into_chunks(bits):
    check([field(3, 5), field(20_001, bits), field(2, 7)])


def test_shapes_strides_and_wide_dtypes():
    words = np.arange(24, dtype=np.uint64).reshape(4, 6)
    for view in (words, words[:, ::2], words.T):
        for bits in (3, 8, 64):
            check([(view, 3), (view, bits)])


def test_bits_above_the_width_are_left_out():
    assert pack([(np.array([255, 255], np.uint8), 3)]) == bytes([0b00111111])


def test_nothing_is_nothing():
    assert pack([]) == b""
    assert unpack(b"", []) == []
    assert unpack(b"", [(0, 5)])[0].shape == (0,)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x00"])
def test_another_length_is_refused(data):
    with pytest.raises(ValueError, match="cannot hold"):
        unpack(data, [(3, 5)])


def test_spare_bits_carry_nothing():
    assert unpack(b"\xff\xff", [(3, 3)])[0].tolist() == [7, 7, 7]


@pytest.mark.parametrize("bits", [0, 65])
def test_widths_have_limits(bits):
    with pytest.raises(LocalError, match=f"{bits} bits"):
        pack([(np.zeros(1, np.uint8), bits)])


@pytest.mark.parametrize("part", [8, 64, 1 << 16])
@pytest.mark.parametrize("sizes", [[(0, 3)], [(64, 1)], [(9, 7), (20, 64), (33, 8), (1, 1)], [(20_001, 14), (7, 5)]])
def test_a_string_in_parts_is_the_same_string(part, sizes):
    fields = [field(count, bits) for count, bits in sizes]
    packer = Packer(packed_bytes(sizes), part)
    parts = [each for words, bits in fields for cut in np.array_split(words, 3) for each in packer.add(cut, bits)]
    parts.append(packer.last())
    assert b"".join(parts) == reference(fields)
    assert all(len(each) == part for each in parts[:-1])
    assert 0 < len(parts[-1]) <= part or len(parts) == 1
    unpacker, left = Unpacker(part), iter(parts)
    for words, bits in fields:
        out, place = np.empty_like(words), 0
        while place < words.size:
            place += unpacker.take(out[place:], bits)
            if place < words.size:
                unpacker.feed(next(left))
        assert np.array_equal(out, words)
