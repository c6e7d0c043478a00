"""The cleartext functionalities: equal to the authors' outputs on every input, and within their ULP bounds."""

from __future__ import annotations

import itertools
from pathlib import Path

import mpmath
import numpy as np
import pytest

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.exponential import exp_clear, exp_tables
from sirnn.functions.reciprocal import divide_clear, reciprocal_clear, reciprocal_parameters, reciprocal_table
from sirnn.functions.sigmoid import sigmoid_clear
from sirnn.functions.tanh import tanh_clear

VECTORS = Path(__file__).parent.parent / "vectors" / "sirnn_reference.npz"
SCALES = list(itertools.product(range(8, 15), repeat=2))
ALL = np.arange(1 << 16, dtype=np.uint64)
NOT_POSITIVE = np.concatenate([ALL[:1], ALL[1 << 15 :]])


def real_exp(x):
    return np.exp(x)


def real_sigmoid(x):
    return 1 / (1 + np.exp(-x))


def real_tanh(x):
    return np.tanh(x)


CLEAR = {
    "exp": (exp_clear, real_exp, NOT_POSITIVE),
    "sigmoid": (sigmoid_clear, real_sigmoid, ALL),
    "tanh": (tanh_clear, real_tanh, ALL),
}


def errors(name, inp, out, words=None):
    """Error of every output, as (real-valued ULP, ULP after truncating both sides as SIRNN's tests do)."""
    clear, real, domain = CLEAR[name]
    words = domain if words is None else words
    exact = (
        real(inp.to_int(words).astype(np.longdouble) / np.longdouble(2) ** inp.scale) * np.longdouble(2) ** out.scale
    )
    got = out.to_int(clear(words, inp=inp, out=out))
    return np.abs(got - exact), np.abs(got - np.trunc(exact))


@pytest.mark.parametrize("name", ["exp", "sigmoid"])
def test_equals_the_authors_outputs_on_every_input(name):
    t = FixedPoint(16, 12)
    with np.load(VECTORS, allow_pickle=False) as vectors:
        expected = vectors[f"{name}_16_12_16_12"]
        first = int(vectors[f"{name}_16_12_16_12__first_input"])
    words = np.arange(first, first + expected.size, dtype=np.uint64)
    assert np.array_equal(CLEAR[name][0](words, inp=t, out=t), expected)


@pytest.mark.parametrize(
    ("name", "out_scale", "worst", "worst_truncated", "mean_truncated"),
    [
        ("exp", 12, 2.64, 2, 0.68),
        ("exp", 14, 2.67, 2, 0.60),
        ("sigmoid", 12, 3.07, 3, 0.96),
        ("sigmoid", 14, 3.00, 2, 0.91),
        ("tanh", 12, 3.55, 4, 0.76),
        ("tanh", 14, 3.31, 4, 0.89),
    ],
)
def test_the_errors_of_16_bits_at_scale_12_are_those_measured_of_the_authors_code(
    name, out_scale, worst, worst_truncated, mean_truncated
):
    real, truncated = errors(name, FixedPoint(16, 12), FixedPoint(16, out_scale))
    assert round(float(real.max()), 2) == worst
    assert truncated.max() == worst_truncated
    assert round(float(truncated.mean()), 2) == mean_truncated


@pytest.mark.parametrize(
    ("name", "bound", "bound_truncated"), [("exp", 2.93, 2), ("sigmoid", 3.20, 3), ("tanh", 3.59, 4)]
)
def test_the_ulp_bound_holds_at_every_pair_of_scales(name, bound, bound_truncated):
    worst, worst_truncated = 0.0, 0.0
    for in_scale, out_scale in SCALES:
        real, truncated = errors(name, FixedPoint(16, in_scale), FixedPoint(16, out_scale))
        worst, worst_truncated = max(worst, float(real.max())), max(worst_truncated, float(truncated.max()))
    assert bound - 0.05 < worst <= bound  # tight: a bound nobody comes near would prove nothing
    assert worst_truncated == bound_truncated


@pytest.mark.parametrize("name", CLEAR)
def test_the_reference_agrees_with_arbitrary_precision(name):
    """The bounds above are only as good as numpy's long doubles: hold those to mpmath."""
    precise = {"exp": mpmath.exp, "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)), "tanh": mpmath.tanh}[name]
    with mpmath.workdps(40):
        for value in np.linspace(-8, 0, 97):
            reference = precise(mpmath.mpf(float(value)))
            got = mpmath.mpf(float(CLEAR[name][1](np.longdouble(value))))
            assert abs(got - reference) < mpmath.mpf(2) ** -48


@pytest.mark.parametrize("name", CLEAR)
@pytest.mark.parametrize(
    ("inp", "out", "bound"),
    [
        (FixedPoint(32, 28), FixedPoint(32, 18), 6),  # four digits; the finest scale without an iteration
        (FixedPoint(32, 28), FixedPoint(32, 19), 7),  # the coarsest scale with one
        (FixedPoint(32, 28), FixedPoint(32, 30), 7),
        (FixedPoint(12, 8), FixedPoint(10, 8), 3),  # a short top digit
        (FixedPoint(7, 4), FixedPoint(8, 6), 3),  # one digit, no tree
        (FixedPoint(20, 14), FixedPoint(16, 12), 5),  # three digits: a factor without a neighbour
    ],
)
def test_other_widths(name, inp, out, bound):
    low, high = inp.int_range
    words = ring.from_signed(np.linspace(low, 0 if name == "exp" else high, 20_001).astype(np.int64), inp.bits)
    real, _ = errors(name, inp, out, words.astype(np.uint64))
    assert real.max() <= bound


def test_the_extreme_words():
    t = FixedPoint(16, 12)
    words = np.array([0x0000, 0x8000, 0x7FFF, 0xFFFF], dtype=np.uint64)
    assert list(t.to_int(sigmoid_clear(words, inp=t, out=t))) == [2047, 0, 4095, 2046]
    assert list(t.to_int(tanh_clear(words, inp=t, out=t))) == [0, -4095, 4095, -1]


def test_tanh_is_odd():
    t = FixedPoint(16, 12)
    positive = ALL[1 : 1 << 15]
    up, down = tanh_clear(positive, inp=t, out=t), tanh_clear((1 << 16) - positive, inp=t, out=t)
    assert np.all((up + down) % (1 << 16) == 0)


@pytest.mark.parametrize(
    ("scale", "index_bits", "iterations"), [(12, 5, 0), (14, 6, 0), (18, 8, 0), (19, 4, 1), (30, 7, 1)]
)
def test_reciprocal_parameters_follow_the_paper(scale, index_bits, iterations):
    p = reciprocal_parameters(scale, scale)
    assert (p.index_bits, p.iterations) == (index_bits, iterations)


def test_reciprocal_entries_fit_their_fields_with_a_clear_top_bit():
    for m in range(1, 9):
        p = reciprocal_parameters(2 * m + 2, 2 * m + 2)
        table = reciprocal_table(m).astype(np.uint64)
        assert p.index_bits == m
        assert np.all(table < 1 << (3 * m + 7))
        assert np.all(table & ((1 << (2 * m + 4)) - 1) < 1 << (2 * m + 2))


@pytest.mark.parametrize("scale", [8, 12, 14, 18])
def test_the_reciprocal_without_iteration_is_within_two_and_a_half_ulp(scale):
    v = np.arange(1 << scale, 2 << scale, dtype=np.uint64)
    exact = np.longdouble(2) ** (2 * scale) / v
    assert np.abs(reciprocal_clear(v, scale=scale, out_scale=scale) - exact).max() < 2.5


@pytest.mark.parametrize("scale", [12, 19, 24])
def test_division_of_signed_numerators(scale):
    num, out = FixedPoint(scale + 2, scale), FixedPoint(scale + 4, scale)
    n = np.linspace(-(2 << scale), (2 << scale) - 1, 4001).astype(np.int64)
    d = np.linspace(1 << scale, (2 << scale) - 1, 4001).astype(np.uint64)[::-1]
    got = out.to_int(divide_clear(num_words(n, num), d, num=num, scale=scale, out=out))
    assert np.abs(got - np.ldexp(n / d, scale)).max() < 5


def test_a_quotient_is_reduced_to_a_narrower_type():
    num, narrow, wide = FixedPoint(14, 12), FixedPoint(9, 12), FixedPoint(16, 12)
    n = np.linspace(-(2 << 12), (2 << 12) - 1, 999).astype(np.int64)
    d = np.linspace(1 << 12, (2 << 12) - 1, 999).astype(np.uint64)
    full = divide_clear(num_words(n, num), d, num=num, scale=12, out=wide)
    assert np.array_equal(divide_clear(num_words(n, num), d, num=num, scale=12, out=narrow), full % (1 << 9))


def num_words(integers, num):
    return ring.from_signed(integers, num.bits).astype(np.uint64)


def test_tables_are_shared_and_read_only():
    t = FixedPoint(16, 12)
    assert exp_tables(t, t) is exp_tables(FixedPoint(16, 12), FixedPoint(16, 12))
    assert [(width, table.size, int(table[0])) for width, table in exp_tables(t, t)] == [(8, 256, 4096)] * 2
    with pytest.raises(ValueError, match="read-only"):
        exp_tables(t, t)[0][1][0] = 1


@pytest.mark.parametrize(
    ("inp", "out", "problem"),
    [
        (FixedPoint(16, 12, signed=False), FixedPoint(16, 12), "input type"),
        (FixedPoint(16, 12), FixedPoint(16, 15), "cannot hold"),
        (FixedPoint(33, 12), FixedPoint(16, 12), "too wide"),
        (FixedPoint(16, 12), FixedPoint(33, 12), "too wide"),
    ],
)
def test_types_the_algorithm_cannot_serve_are_refused(inp, out, problem):
    with pytest.raises(LocalError, match=problem):
        exp_clear(ALL[:4], inp=inp, out=out)


def test_a_reciprocal_with_too_few_fraction_bits_is_refused():
    with pytest.raises(LocalError, match="no reciprocal"):
        reciprocal_parameters(4, 14)
