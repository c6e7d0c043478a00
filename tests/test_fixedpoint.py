import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint

types = st.builds(FixedPoint, st.integers(1, 64), st.integers(-8, 70), st.booleans())


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bits", range(1, 11))
def test_every_word_of_a_narrow_type_comes_back(bits, signed):
    for scale in (-2, 0, 3, bits, bits + 5):
        kind = FixedPoint(bits, scale, signed)
        words = np.arange(1 << bits).astype(np.uint16)
        reals = kind.decode(words)
        assert kind.encode(reals).tolist() == words.tolist()
        low, high = kind.int_range
        assert (reals.min(), reals.max()) == kind.range == (low * kind.ulp, high * kind.ulp)
        assert sorted(kind.to_int(words).tolist()) == list(range(low, high + 1))


@given(types, st.data())
def test_encoding_rounds_to_the_nearest_ulp(kind, data):
    # An eighth of a range away from its ends no rounding can leave it.
    low, high = kind.int_range
    value = data.draw(st.floats(low * kind.ulp * 7 / 8, high * kind.ulp * 7 / 8, allow_subnormal=False))
    (word,) = kind.encode([value]).tolist()
    integer = word - (1 << kind.bits) if kind.signed and word >> (kind.bits - 1) else word
    exact = Fraction(value) * (Fraction(2) ** kind.scale)
    assert abs(integer - exact) <= Fraction(1, 2)
    if abs(integer - exact) == Fraction(1, 2):
        assert integer % 2 == 0


@given(types, st.data())
def test_decoding_is_exact_up_to_float64(kind, data):
    word = data.draw(st.integers(0, (1 << kind.bits) - 1))
    integer = word - (1 << kind.bits) if kind.signed and word >> (kind.bits - 1) else word
    (real,) = kind.decode(np.array([word], dtype=np.uint64)).tolist()
    assert real == math.ldexp(float(integer), -kind.scale)


@pytest.mark.parametrize(
    "kind", [FixedPoint(16, 12), FixedPoint(8, 0, signed=False), FixedPoint(64, 3), FixedPoint(63, 0, signed=False)]
)
def test_the_ends_of_the_range(kind):
    low, high = kind.range
    assert kind.to_int(kind.encode([low])).tolist() == [kind.int_range[0]]
    step = max(kind.ulp, math.ulp(high))  # of a wide type the last floats are further apart than its words
    for outside in (low - max(kind.ulp, math.ulp(low) * 2), high + step):
        with pytest.raises(LocalError, match="1 of 1 values do not fit"):
            kind.encode([outside])


def test_64_bits_to_their_very_ends():
    signed, unsigned = FixedPoint(64, 0), FixedPoint(64, 0, signed=False)
    assert signed.encode([-(2.0**63), np.nextafter(2.0**63, 0)]).tolist() == [2**63, 2**63 - 1024]
    assert unsigned.encode([0, np.nextafter(2.0**64, 0)]).tolist() == [0, 2**64 - 2048]
    for kind, outside in ((signed, 2.0**63), (unsigned, 2.0**64), (unsigned, -1.0)):
        with pytest.raises(LocalError):
            kind.encode([outside])
    with pytest.raises(LocalError, match="use decode"):
        unsigned.to_int(np.array([1], dtype=np.uint64))


@pytest.mark.parametrize("kind", [FixedPoint(64, 70), FixedPoint(64, -8), FixedPoint(1, 0), FixedPoint(9, 64, False)])
def test_saturating_gives_every_value_but_nan_a_word(kind):
    values = np.array([0.0, -0.0, 1e308, -1e308, np.inf, -np.inf, 5e-324, *kind.range])
    words, outside = kind.saturate(values)
    low, high = kind.int_range
    integers = words.astype(object) if not kind.signed else kind.to_int(words).astype(object)
    assert list(integers[:6]) == [0, 0, high, low, high, low]
    assert list(integers[-2:]) == [low, high]
    # Of the widest types the upper end rounds up as a float.
    assert outside == 4 + (kind.bits == 64)


@given(types, st.lists(st.floats(allow_nan=False), max_size=5))
def test_saturating_is_encoding_what_fits(kind, values):
    values = np.array(values, dtype=np.float64)
    words, outside = kind.saturate(values)
    for value, word in zip(values, words, strict=True):
        alone, out = kind.saturate(np.array([value]))
        assert alone[0] == word
        outside -= out
        if out:
            assert word == kind.saturate(np.array([math.copysign(math.inf, value)]))[0][0]
        else:
            assert word == kind.encode([value])[0]
    assert outside == 0


def test_halves_go_to_the_even_neighbour():
    kind = FixedPoint(16, 1)
    assert kind.to_int(kind.encode([0.25, 0.75, -0.25, -0.75, 1.25])).tolist() == [0, 2, 0, -2, 2]


def test_what_does_not_fit_is_named():
    kind = FixedPoint(16, 12)
    with pytest.raises(LocalError) as caught:
        kind.encode([[1.0, 9.0], [-20.0, 0.0]])
    assert "2 of 4 values do not fit int16 at scale 12; values must lie in" in str(caught.value)
    assert "20" not in str(caught.value)  # of the values themselves nothing is told
    assert "[-8, 7.99976]" in str(caught.value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(LocalError, match="NaN or infinity"):
        FixedPoint(16, 12).encode([0.0, value])


@pytest.mark.parametrize("bits", [0, 65])
def test_widths_that_cannot_be(bits):
    with pytest.raises(LocalError):
        FixedPoint(bits, 0)


def test_shapes_and_names():
    assert FixedPoint(9, 3).encode(np.zeros((2, 3))).shape == (2, 3)
    assert FixedPoint(9, 3).encode(np.zeros((2, 3))).dtype == np.uint16
    assert FixedPoint(9, 3).encode(1.5).shape == ()
    assert FixedPoint(9, 3).encode([]).shape == (0,)
    assert str(FixedPoint(9, 3)) == "int9 at scale 3"
    assert str(FixedPoint(9, 3, signed=False)) == "uint9 at scale 3"
