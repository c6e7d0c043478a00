"""Division by any positive number: the error as the operands scale it, and shares that agree everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.division import (
    divide_normalised,
    divide_normalised_clear,
    positive_reciprocal,
    positive_reciprocal_clear,
)
from tests.functions.shared import on_shares

T12 = FixedPoint(16, 12)
POSITIVE = np.arange(1, 1 << 15, dtype=np.uint64)
EDGES = np.array([0, 1, 2, 3, 0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001, 0xFFFF], dtype=np.uint64)


@pytest.mark.parametrize("scale", range(8, 15))
def test_the_reciprocal_of_every_number_from_1_up_is_within_2_20_ulp(scale):
    for in_scale in range(8, 15):
        inp = FixedPoint(16, in_scale)
        x = POSITIVE[(1 << in_scale) - 1 :]
        got = positive_reciprocal_clear(x, inp=inp, out=FixedPoint(16, scale))
        exact = np.longdouble(2) ** (in_scale + scale) / x
        assert np.abs(got - exact).max() < 2.2


def test_below_1_the_error_grows_no_faster_than_the_reciprocal():
    out = FixedPoint(32, 12)
    x = POSITIVE[POSITIVE < 1 << 12]
    exact = np.longdouble(2) ** 24 / x
    error = np.abs(positive_reciprocal_clear(x, inp=T12, out=out) - exact)
    assert np.max(error * x / (1 << 12)) < 4
    assert error.max() > 100  # an absolute bound would not hold


@pytest.mark.parametrize("out_scale", [12, 20])
@pytest.mark.parametrize("n", [-4096, -1, 0, 1, 2500, 4096])
def test_quotients_of_numerators_up_to_1(n, out_scale):
    out, den = FixedPoint(40, out_scale), FixedPoint(24, 12, signed=False)
    d = np.linspace(1 << 12, (1 << 24) - 1, 30_001).astype(np.uint64)
    nm = np.full_like(d, n & 0xFFFF)
    got = ring.to_signed(divide_normalised_clear(nm, d, num=T12, den=den, out=out), out.bits)
    assert np.abs(got - np.ldexp(np.longdouble(n) / d, out_scale)).max() < 4


def test_zero_is_read_as_half_a_unit_and_a_negative_without_its_sign():
    out, half = FixedPoint(32, 12), FixedPoint(16, 13)
    zero, one = np.zeros(1, np.uint64), np.ones(1, np.uint64)
    assert positive_reciprocal_clear(zero, inp=T12, out=out) == positive_reciprocal_clear(one, inp=half, out=out)
    negative = POSITIVE + np.uint64(1 << 15)
    assert np.array_equal(
        positive_reciprocal_clear(negative, inp=T12, out=out), positive_reciprocal_clear(POSITIVE, inp=T12, out=out)
    )


async def test_every_sharing_of_a_reciprocal_opens_to_the_same():
    x = np.repeat(EDGES[:, None], 64, axis=1)
    for inp, out in ((T12, T12), (FixedPoint(16, 0), FixedPoint(6, 5)), (FixedPoint(16, 16, signed=False), T12)):
        (got,) = await on_shares(lambda p, s, i=inp, o=out: positive_reciprocal(p, s, inp=i, out=o), (x, 16))
        assert np.array_equal(got, positive_reciprocal_clear(x, inp=inp, out=out))


async def test_every_sharing_of_a_quotient_opens_to_the_same():
    n, d = (np.repeat(grid.reshape(-1, 1), 16, axis=1) for grid in np.meshgrid(EDGES, EDGES))
    for out in (T12, FixedPoint(24, 14), FixedPoint(6, 12)):
        types = {"num": T12, "den": T12, "out": out}
        (got,) = await on_shares(lambda p, a, b, t=types: divide_normalised(p, a, b, **t), (n, 16), (d, 16))
        assert np.array_equal(got, divide_normalised_clear(n, d, **types))


def test_a_denominator_with_too_few_bits_is_refused():
    with pytest.raises(LocalError, match="no reciprocal"):
        positive_reciprocal_clear(POSITIVE[:3], inp=FixedPoint(5, 2), out=FixedPoint(16, 14))
