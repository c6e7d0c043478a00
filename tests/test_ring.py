import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn import ring
from sirnn.errors import LocalError

widths = st.integers(1, 64)


@pytest.mark.parametrize("bits", [0, -1, 65])
def test_widths_that_cannot_be(bits):
    with pytest.raises(LocalError, match="bitwidths go from 1 to 64"):
        ring.check_bits(bits)
    with pytest.raises(LocalError):
        ring.dtype_for(bits)


@pytest.mark.parametrize("bits", range(1, 65))
def test_the_dtype_is_the_narrowest_that_holds_the_ring(bits):
    width = 8 * ring.dtype_for(bits).itemsize
    assert width >= bits
    assert width == 8 or width // 2 < bits
    assert ring.mask(bits) == 2**bits - 1


@pytest.mark.parametrize("bits", range(1, 9))
def test_small_rings_exhaustively(bits):
    everything = np.arange(1 << 9, dtype=np.uint16)
    reduced = ring.reduce(everything, bits)
    assert reduced.dtype == np.uint8
    assert reduced.tolist() == [value % (1 << bits) for value in range(1 << 9)]
    words = np.arange(1 << bits).astype(np.uint8)
    signed = ring.to_signed(words, bits)
    half = 1 << (bits - 1)
    assert signed.dtype == np.int64
    assert signed.tolist() == [value - (1 << bits) if value >= half else value for value in range(1 << bits)]
    assert ring.from_signed(signed, bits).tolist() == words.tolist()
    assert ring.top_bit(words, bits).tolist() == [int(value >= half) for value in range(1 << bits)]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), widths)
def test_reduce_is_modulo(values, bits):
    words = np.array(values, dtype=np.uint64)
    reduced = ring.reduce(words, bits)
    assert reduced.dtype == ring.dtype_for(bits)
    assert reduced.tolist() == [value % (1 << bits) for value in values]


@given(st.data(), widths, widths)
def test_a_word_goes_unchanged_into_a_wider_ring(data, narrow, wide):
    narrow, wide = sorted((narrow, wide))
    values = data.draw(st.lists(st.integers(0, ring.mask(narrow)), max_size=20))
    words = np.array(values, dtype=ring.dtype_for(narrow))
    assert ring.reduce(words, wide).tolist() == values
    assert ring.reduce(words, wide).dtype == ring.dtype_for(wide)


@given(st.data(), widths)
def test_signs_go_round(data, bits):
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    values = data.draw(st.lists(st.integers(low, high), max_size=20))
    words = ring.from_signed(np.array(values, dtype=np.int64), bits)
    assert words.tolist() == [value % (1 << bits) for value in values]
    assert ring.to_signed(words, bits).tolist() == values
    assert ring.top_bit(words, bits).tolist() == [int(value < 0) for value in values]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), widths)
def test_from_signed_wraps(values, bits):
    words = ring.from_signed(np.array(values, dtype=np.int64), bits)
    assert words.tolist() == [value % (1 << bits) for value in values]
