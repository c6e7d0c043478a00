"""L2 normalisation: rows of every length come out of length 1."""

from __future__ import annotations

import numpy as np
import pytest

from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.normalisation import l2_normalise, l2_normalise_clear, l2_parameters
from tests.functions.shared import on_shares

T12 = FixedPoint(16, 12)


def rows(count, dim, seed=0):
    """Integers of every magnitude; the first rows are zero, as large as can be, and one unit."""
    rng = np.random.default_rng(seed)
    integers = rng.integers(-1 << 15, 1 << 15, size=(count, dim)) >> rng.integers(0, 16, size=(count, 1))
    integers[:4] = np.array([0, -1 << 15, (1 << 15) - 1, 0])[:, None]
    integers[3, 0] = 1
    return integers, (integers & 0xFFFF).astype(np.uint64)


@pytest.mark.parametrize("dim", [1, 2, 3, 16, 100])
@pytest.mark.parametrize("out", [FixedPoint(16, 8), T12, FixedPoint(16, 14), FixedPoint(10, 8), FixedPoint(24, 20)])
def test_every_number_is_within_three_ulp_and_five_above_scale_14(dim, out):
    integers, words = rows(3000, dim)
    got = out.to_int(l2_normalise_clear(words, inp=T12, out=out) & np.uint64((1 << out.bits) - 1))
    length = np.sqrt((integers.astype(np.longdouble) ** 2).sum(axis=1, keepdims=True))
    exact = np.ldexp(integers / np.where(length == 0, 1, length), out.scale)
    assert np.abs(got - exact).max() < (3 if out.scale <= 14 else 5)
    assert not np.any(got[0])


@pytest.mark.parametrize("inp", [FixedPoint(16, 0), FixedPoint(16, 15), FixedPoint(8, 4), FixedPoint(24, 12)])
def test_the_scale_of_the_input_cancels_out(inp):
    integers, words = rows(500, 5)
    integers, words = integers >> 8, (integers >> 8 & (1 << inp.bits) - 1).astype(np.uint64)
    got = T12.to_int(l2_normalise_clear(words, inp=inp, out=T12) & np.uint64(0xFFFF))
    length = np.sqrt((integers.astype(np.longdouble) ** 2).sum(axis=1, keepdims=True))
    assert np.abs(got - np.ldexp(integers / np.where(length == 0, 1, length), 12)).max() < 3


@pytest.mark.parametrize("out", [T12, FixedPoint(10, 8), FixedPoint(16, 14)])
async def test_shares_open_to_the_same(out):
    _, words = rows(60, 6)
    (got,) = await on_shares(lambda p, x: l2_normalise(p, x, inp=T12, out=out), (words, 16))
    assert np.array_equal(got, l2_normalise_clear(words, inp=T12, out=out))


@pytest.mark.parametrize(
    ("dim", "inp", "out", "problem"),
    [
        (0, T12, T12, "rows of 0"),
        (3, FixedPoint(16, 12, signed=False), T12, "rows of 3"),
        (2, FixedPoint(32, 12), T12, "no room"),
        (4, FixedPoint(8, 4), FixedPoint(32, 6), "no room"),
    ],
)
def test_types_without_room_are_refused(dim, inp, out, problem):
    with pytest.raises(LocalError, match=problem):
        l2_parameters(dim, inp, out)


@pytest.mark.parametrize("shape", [(6,), (2, 3)])
async def test_what_is_no_matrix_of_the_type_is_refused(shape):
    bits = 16 if len(shape) == 1 else 15
    with pytest.raises(LocalError, match="rows of int16"):
        await on_shares(lambda p, x: l2_normalise(p, x, inp=T12, out=T12), (np.zeros(shape, np.uint64), bits))
