"""Local work on shares commutes with opening them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.shares import ArithmeticShare, BooleanShare, PrivateValue, concatenate, stack

widths = st.integers(1, 64)
seeds = st.integers(0, 2**32)


def words(rng, bits, shape=(5,)):
    return ring.reduce(rng.integers(0, 2**64, shape, dtype=np.uint64), bits)


def shared(kind, seed, bits, shape=(5,)):
    """A random value in clear (as Python integers) and both halves of it."""
    rng = np.random.default_rng(seed)
    halves = kind(words(rng, bits, shape), bits), kind(words(rng, bits, shape), bits)
    return opened(*halves), *halves


def opened(one, other):
    """The value of two halves, checking that both are well formed."""
    assert one.bits == other.bits
    for half in (one, other):
        assert half.words.dtype == ring.dtype_for(half.bits)
        assert (half.words.astype(object) < (1 << half.bits)).all()
    a, b = one.words.astype(object), other.words.astype(object)
    return (a + b) % (1 << one.bits) if isinstance(one, ArithmeticShare) else a ^ b


@given(widths, seeds, seeds)
def test_sums_differences_and_signs(bits, seed, other):
    x, x0, x1 = shared(ArithmeticShare, seed, bits)
    y, y0, y1 = shared(ArithmeticShare, other, bits)
    modulus = 1 << bits
    assert (opened(x0 + y0, x1 + y1) == (x + y) % modulus).all()
    assert (opened(x0 - y0, x1 - y1) == (x - y) % modulus).all()
    assert (opened(-x0, -x1) == -x % modulus).all()


@given(widths, seeds, st.integers(-(2**70), 2**70), st.integers(0, 70))
def test_public_factors(bits, seed, factor, places):
    x, x0, x1 = shared(ArithmeticShare, seed, bits)
    assert (opened(x0 * factor, x1 * factor) == x * factor % (1 << bits)).all()
    assert (opened(x0 << places, x1 << places) == (x << places) % (1 << bits)).all()


@given(widths, widths, seeds)
def test_reduction_to_a_narrower_ring(wide, narrow, seed):
    narrow, wide = sorted((narrow, wide))
    x, x0, x1 = shared(ArithmeticShare, seed, wide)
    assert (opened(x0.reduce(narrow), x1.reduce(narrow)) == x % (1 << narrow)).all()


def test_a_reduction_does_not_widen():
    share = ArithmeticShare(np.zeros(1, dtype=np.uint8), 5)
    with pytest.raises(LocalError, match="zero_extend or sign_extend"):
        share.reduce(6)


@given(widths, seeds, st.sampled_from([0, 1, -1]))
def test_sums_along_an_axis(bits, seed, axis):
    x, x0, x1 = shared(ArithmeticShare, seed, bits, (3, 4))
    assert (opened(x0.sum(axis), x1.sum(axis)) == x.sum(axis=axis) % (1 << bits)).all()


@given(widths, seeds, seeds, st.data())
def test_xor_and_bits(bits, seed, other, data):
    x, x0, x1 = shared(BooleanShare, seed, bits)
    y, y0, y1 = shared(BooleanShare, other, bits)
    assert (opened(x0 ^ y0, x1 ^ y1) == x ^ y).all()
    index = data.draw(st.integers(0, bits - 1))
    assert (opened(x0.bit(index), x1.bit(index)) == (x >> index) & 1).all()


@pytest.mark.parametrize("kind", [ArithmeticShare, BooleanShare])
@given(bits=widths, seed=seeds)
def test_shapes(kind, bits, seed):
    x, x0, x1 = shared(kind, seed, bits, (2, 6))
    for change in (
        lambda a: a.reshape(3, 4),
        lambda a: a.reshape(-1),
        lambda a: a[1],
        lambda a: a[:, ::2],
        lambda a: a[1, 2],
        lambda a: a[..., None],
    ):
        got = opened(change(x0), change(x1))
        assert np.shape(got) == np.shape(change(x))
        assert np.all(got == change(x))
    assert (x0.shape, x0.size) == ((2, 6), 12)
    for axis in (0, 1):
        assert (opened(concatenate([x0, x0], axis), concatenate([x1, x1], axis)) == np.concatenate([x, x], axis)).all()
        assert (opened(stack([x0, x0], axis), stack([x1, x1], axis)) == np.stack([x, x], axis)).all()


def test_what_does_not_combine_is_refused():
    nine = ArithmeticShare(np.zeros(2, dtype=np.uint16), 9)
    ten = ArithmeticShare(np.zeros(2, dtype=np.uint16), 10)
    bits = BooleanShare(np.zeros(2, dtype=np.uint16), 9)
    for refused in (
        lambda: nine + ten,
        lambda: nine - ten,
        lambda: nine + bits,
        lambda: bits ^ nine,
        lambda: concatenate([nine, ten]),
        lambda: stack([bits, nine]),
    ):
        with pytest.raises(LocalError, match="do not combine"):
            refused()


def test_nothing_prints_its_words():
    secret = np.array([123, 45], dtype=np.uint8)
    for value in (ArithmeticShare(secret, 8), BooleanShare(secret, 8), PrivateValue.mine(0, secret, 8)):
        for text in (repr(value), str(value), f"{value}"):
            assert "123" not in text
            assert "45" not in text
            assert "8" in text


def test_private_values():
    mine = PrivateValue.mine(1, np.array([300], dtype=np.uint16), 8)
    theirs = PrivateValue.theirs(0, (1,), 8)
    assert (mine.owner, mine.shape, mine.bits) == (theirs.owner, theirs.shape, theirs.bits) == (1, (1,), 8)
    assert mine.known().tolist() == [300 % 256]
    with pytest.raises(LocalError, match="only its owner"):
        theirs.known()
