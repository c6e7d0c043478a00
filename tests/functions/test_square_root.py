"""sqrt and 1 / sqrt: the authors' outputs, the error at every pair of scales, and shares that agree everywhere."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.square_root import (
    root_clear,
    root_parameters,
    root_table,
    rsqrt,
    rsqrt_clear,
    rsqrt_cost,
    sqrt,
    sqrt_clear,
    sqrt_cost,
)
from sirnn.profile import Profile
from tests.functions.shared import on_shares

VECTORS = Path(__file__).parent.parent / "vectors" / "sirnn_reference.npz"
SCALES = list(itertools.product(range(4, 14), repeat=2))
T12 = FixedPoint(16, 12)
POSITIVE = np.arange(1, 1 << 15, dtype=np.uint64)
BOTH = pytest.mark.parametrize(("secure", "clear"), [(rsqrt, rsqrt_clear), (sqrt, sqrt_clear)], ids=["rsqrt", "sqrt"])


def vectors():
    with np.load(VECTORS, allow_pickle=False) as arrays:
        expected = arrays["rsqrt_16_12_16_12"].astype(np.uint64)
        first = int(arrays["rsqrt_16_12_16_12__first_input"])
    return np.arange(first, first + expected.size, dtype=np.uint64), expected


def errors(clear, real, x, inp, out):
    """Error of every output that fits its type, as (real-valued ULP, ULP after truncating both sides)."""
    exact = real(x.astype(np.longdouble) / np.longdouble(2) ** inp.scale) * np.longdouble(2) ** out.scale
    got = clear(x, inp=inp, out=out).astype(np.longdouble)
    fits = exact < 1 << (out.bits - out.signed)
    return np.abs(got - exact)[fits], np.abs(got - np.trunc(exact))[fits]


# ------------------------------------------------------------ in clear


def test_equals_the_authors_outputs_on_every_input():
    x, expected = vectors()
    assert x.size == 32767
    assert np.array_equal(rsqrt_clear(x, inp=T12, out=T12), expected)


def test_the_error_of_rsqrt_at_scale_12_is_that_measured_of_the_authors_code():
    x = POSITIVE[POSITIVE / (1 << 12) >= 0.1]
    real, truncated = errors(rsqrt_clear, lambda v: 1 / np.sqrt(v), x, T12, T12)
    assert round(float(real.max()), 2) == 4.19
    assert truncated.max() == 4
    assert round(float(truncated.mean()), 2) == 0.21


def test_rsqrt_is_within_the_papers_four_ulp_at_every_pair_of_scales():
    worst = worst_truncated = 0.0
    for s_in, s_out in SCALES:
        x = POSITIVE[POSITIVE / (1 << s_in) >= 0.1]
        real, truncated = errors(rsqrt_clear, lambda v: 1 / np.sqrt(v), x, FixedPoint(16, s_in), FixedPoint(16, s_out))
        worst, worst_truncated = max(worst, real.max()), max(worst_truncated, truncated.max())
    assert worst_truncated == 4
    assert round(float(worst), 2) == 4.42


def test_the_mantissa_of_a_root_is_within_three_ulp():
    """For X in [1, 4), before the exponent magnifies the error with the result."""
    v = np.arange(1 << 14, 1 << 15, dtype=np.uint64)
    worst = {True: 0.0, False: 0.0}
    for scale, odd, inverse in itertools.product(range(4, 15), (0, 1), (True, False)):
        exact = np.sqrt((v << np.uint64(odd)).astype(np.longdouble) / (1 << 14))
        got = root_clear(v, np.full_like(v, odd), bits=15, out_scale=scale, inverse=inverse).astype(np.longdouble)
        error = np.abs(got - np.ldexp(1 / exact if inverse else exact, scale)).max()
        worst[inverse] = max(worst[inverse], float(error))
    assert worst[True] < 1.3
    assert worst[False] < 3


@pytest.mark.parametrize("scale", [15, 20, 24, 28])
def test_two_iterations_reach_finer_scales(scale):
    inp, out = FixedPoint(32, 20), FixedPoint(32, scale)
    x = np.linspace(1 << 20, (16 << 20) - 1, 50_001).astype(np.uint64)
    real, _ = errors(rsqrt_clear, lambda v: 1 / np.sqrt(v), x, inp, out)
    assert real.max() < 4


@pytest.mark.parametrize("bits", [2, 9, 15, 32])
def test_the_top_bit_of_every_root_is_zero(bits):
    """What the secure version takes for granted."""
    start = 1 << (bits - 1)
    if bits <= 15:
        v = np.arange(start, 2 * start, dtype=np.uint64)
    else:
        ends = np.arange(5000, dtype=np.uint64)
        v = np.concatenate(
            [start + ends, 2 * start - 1 - ends, np.linspace(start, 2 * start - 1, 9973, dtype=np.uint64)]
        )
    for scale, odd, inverse in itertools.product(range(1, min(28, bits - 1) + 1), (0, 1), (True, False)):
        assert root_clear(v, np.full_like(v, odd), bits=bits, out_scale=scale, inverse=inverse).max() < 2 << scale


def test_an_unsigned_type_reads_one_bit_more():
    signed, unsigned = FixedPoint(16, 12), FixedPoint(15, 12, signed=False)
    for clear in (rsqrt_clear, sqrt_clear):
        assert np.array_equal(clear(POSITIVE, inp=signed, out=T12), clear(POSITIVE, inp=unsigned, out=T12))


def test_zero_is_read_as_half_a_unit_and_has_the_root_zero():
    wide = FixedPoint(32, 12)
    half = rsqrt_clear(np.array([1], np.uint64), inp=FixedPoint(16, 13), out=wide)
    zero = np.array([0], np.uint64)
    assert rsqrt_clear(zero, inp=T12, out=wide) == half
    assert sqrt_clear(zero, inp=T12, out=wide) == 0


@pytest.mark.parametrize("clear", [rsqrt_clear, sqrt_clear])
def test_a_negative_word_is_read_without_its_sign(clear):
    x = np.arange(1 << 15, dtype=np.uint64)
    assert np.array_equal(clear(x + np.uint64(1 << 15), inp=T12, out=T12), clear(x, inp=T12, out=T12))


@pytest.mark.parametrize("clear", [rsqrt_clear, sqrt_clear])
def test_what_does_not_fit_is_reduced_modulo_the_output(clear):
    wide, narrow = FixedPoint(32, 12), FixedPoint(9, 12)
    assert np.array_equal(clear(POSITIVE, inp=T12, out=narrow), clear(POSITIVE, inp=T12, out=wide) % (1 << 9))


@pytest.mark.parametrize(
    ("inp", "out", "problem"),
    [
        (FixedPoint(33, 12), T12, "too wide"),
        (T12, FixedPoint(33, 12), "too wide"),
        (FixedPoint(8, 4), FixedPoint(16, 7), "no square root"),
        (FixedPoint(32, 4), FixedPoint(32, 29), "no square root"),
        (T12, FixedPoint(16, 0), "no square root"),
    ],
)
def test_types_the_algorithm_cannot_serve_are_refused(inp, out, problem):
    for clear in (rsqrt_clear, sqrt_clear):
        with pytest.raises(LocalError, match=problem):
            clear(POSITIVE[:4], inp=inp, out=out)


def test_a_root_whose_products_exceed_a_word_is_refused():
    assert root_parameters(63, 28, inverse=True).bits == 63
    assert root_parameters(54, 28, inverse=False).bits == 54
    for bits, inverse in ((64, True), (55, False)):
        with pytest.raises(LocalError, match="takes words of 65"):
            root_parameters(bits, 28, inverse=inverse)


@pytest.mark.parametrize(
    ("scale", "index_bits", "iterations"), [(4, 2, 1), (12, 6, 1), (14, 7, 1), (15, 4, 2), (28, 7, 2)]
)
def test_parameters_follow_the_paper(scale, index_bits, iterations):
    p = root_parameters(31, scale, inverse=True)
    assert (p.index_bits, p.iterations) == (index_bits, iterations)


def test_tables_are_shared_and_read_only():
    assert root_table(6) is root_table(6)
    assert root_table(6).tolist()[:3] == [256, 181, 254]
    with pytest.raises(ValueError, match="read-only"):
        root_table(6)[0] = 1


# ------------------------------------------------------------ on shares


async def test_shares_open_to_the_authors_outputs():
    x, expected = vectors()
    picked = np.concatenate([np.arange(300), np.arange(300, x.size, 11)])
    (got,) = await on_shares(lambda p, s: rsqrt(p, s, inp=T12, out=T12), (x[picked], 16))
    assert np.array_equal(got, expected[picked])


@BOTH
async def test_outside_of_its_domain_the_result_is_a_function_of_the_input_alone(secure, clear):
    """Every such word is shared in 64 ways."""
    words = np.array([0, 1, 0x8000, 0x8001, 0xBFFF, 0xC000, 0xFFFF, 0x7FFF], dtype=np.uint64)
    x = np.repeat(words[:, None], 64, axis=1)
    for inp, out in ((T12, T12), (FixedPoint(16, 13), FixedPoint(12, 14)), (FixedPoint(16, 5), FixedPoint(20, 6))):
        (got,) = await on_shares(lambda p, s, i=inp, o=out: secure(p, s, inp=i, out=o), (x, 16))
        assert np.array_equal(got, clear(x, inp=inp, out=out))


@BOTH
async def test_every_magnitude_at_many_scales(secure, clear):
    tops = np.uint64(1) << np.arange(31, dtype=np.uint64)
    x = np.unique(np.concatenate([tops, tops - np.uint64(1), tops + np.uint64(1), np.uint64(3) * tops]) % (1 << 31))
    for s_in, s_out in ((0, 4), (8, 13), (24, 15), (13, 28), (40, 9)):
        inp, out = FixedPoint(32, s_in), FixedPoint(24, s_out)
        (got,) = await on_shares(lambda p, s, i=inp, o=out: secure(p, s, inp=i, out=o), (x, 32))
        assert np.array_equal(got, clear(x, inp=inp, out=out))


def test_cost_at_16_bits_is_below_what_the_authors_code_sends():
    n = 16384
    for out_scale, bytes_each, flights, authors in ((12, 2848.25, 54, 45_734 / 8), (14, 3193.375, 52, 48_847 / 8)):
        cost = rsqrt_cost(Profile.PAPER, n, inp=T12, out=FixedPoint(16, out_scale))
        assert (cost.payload / n, cost.flights) == (bytes_each, flights)
        assert bytes_each < 0.53 * authors
    assert sqrt_cost(Profile.PAPER, n, inp=T12, out=T12).payload / n == 3807.5
