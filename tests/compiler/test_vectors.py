"""Softmax, log-softmax and normalised rows: as in clear on shares, and within their bounds of the real functions."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.check import check_protocol
from sirnn import ring
from sirnn.compiler.log_softmax import log_softmax, log_softmax_clear, log_softmax_parameters
from sirnn.compiler.softmax import softmax, softmax_clear, softmax_cost, softmax_parameters
from sirnn.compiler.unit_rows import normalise_rows, normalise_rows_clear, normalise_rows_cost, unit_rows_parameters
from sirnn.correlations.kinds import price
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.normalisation import l2_normalise_cost
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY
from sirnn.shares import ArithmeticShare
from tests.correlations.parties import run_ahead

T12, T10 = FixedPoint(16, 12), FixedPoint(10, 6)


def rows(values, inp, count, seed=0):
    """Integers: anything; numbers of every magnitude; all but one alike; and only the ends of the type."""
    rng, (low, high) = np.random.default_rng(seed), inp.int_range
    anything = rng.integers(low, high + 1, size=(count, values))
    scaled = rng.integers(low, high + 1, size=(count, values)) >> rng.integers(0, inp.bits, size=(count, 1))
    alike = np.full((count, values), high) - rng.integers(0, high - low + 1, size=(count, 1))
    alike[:, rng.integers(values)] = high
    ends = np.where(rng.random((count, values)) < 0.5, high, low)
    return np.concatenate([anything, scaled, alike, ends])


def words(integers, inp):
    return ring.from_signed(integers, inp.bits).astype(np.uint64)


def opened(y, out):
    return out.to_int(y & np.uint64(ring.mask(out.bits))).astype(np.float64)


def real_softmax(integers, inp):
    reals = integers * inp.ulp
    powers = np.exp(reals - reals.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def real_log_softmax(integers, inp):
    reals = integers * inp.ulp
    below = reals - reals.max(axis=1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=1, keepdims=True))


# ------------------------------------------------------------ on shares


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "normalise_rows"])
async def test_on_shares_every_word_byte_and_flight_is_as_declared(name):
    await check_protocol(REGISTRY[name], sizes=(0, 1, 7), profiles=(Profile.LEAN,))


@pytest.mark.parametrize("run", [softmax, log_softmax, normalise_rows])
async def test_words_of_another_width_are_refused(run):
    with pytest.raises(LocalError, match="rows of int10"):
        await run_ahead(lambda p: run(p, ArithmeticShare(np.zeros((2, 3), np.uint8), 6), inp=T10, out=T10), {})


# ------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("values", "inp", "out"),
    [
        (1, T10, T10),
        (2, FixedPoint(12, 8), FixedPoint(16, 10)),
        (10, T12, T12),
        (10, FixedPoint(9, 2, signed=False), FixedPoint(12, 11, signed=False)),
        (64, FixedPoint(9, 4), FixedPoint(10, 6)),
    ],
)
def test_softmax_is_within_its_bound_and_that_is_two_ulp(values, inp, out):
    x, bound = rows(values, inp, 2000), softmax_parameters(values, inp, out).max_ulp
    got = opened(softmax_clear(words(x, inp), inp=inp, out=out), out)
    errors = np.abs(got - np.ldexp(real_softmax(x, inp), out.scale))
    assert bound <= 2
    assert (0.4 if values > 1 else 0) <= errors.max() <= bound


@pytest.mark.parametrize(
    ("values", "inp", "out"),
    [
        (1, T10, T10),
        (2, FixedPoint(12, 10), FixedPoint(12, 10)),
        (10, FixedPoint(12, 8), FixedPoint(16, 10)),
        (10, T10, FixedPoint(9, 4)),
        (64, FixedPoint(9, 4, signed=False), FixedPoint(14, 6)),
    ],
)
def test_log_softmax_is_within_its_bound_and_that_is_two_ulp(values, inp, out):
    x, bound = rows(values, inp, 2000), log_softmax_parameters(values, inp, out).max_ulp
    got = opened(log_softmax_clear(words(x, inp), inp=inp, out=out), out)
    exact = np.ldexp(real_log_softmax(x, inp), out.scale)
    errors = np.abs(got - exact)[exact - bound >= out.int_range[0]]
    assert bound <= 2
    assert (0.3 if values > 1 else 0) <= errors.max() <= bound


@pytest.mark.parametrize(
    ("values", "inp", "out"),
    [(1, T10, T10), (3, T12, T12), (100, T12, T12), (5, FixedPoint(8, 20), FixedPoint(12, 9))],
)
def test_rows_of_every_length_are_normalised_within_one_ulp(values, inp, out):
    x, bound = rows(values, inp, 2000), unit_rows_parameters(values, inp, out).max_ulp
    x[:4] = np.array([0, *inp.int_range, 0])[:, None]
    x[3, 0] = 1
    got = opened(normalise_rows_clear(words(x, inp), inp=inp, out=out), out)
    length = np.sqrt((x.astype(np.longdouble) ** 2).sum(axis=1, keepdims=True))
    errors = np.abs(got - np.ldexp(x / np.where(length == 0, 1, length), out.scale))
    assert bound <= 1
    assert (0.4 if values > 1 else 0) <= errors.max() <= bound
    assert not np.any(got[0])


def test_a_row_is_what_its_differences_are():
    """The same shift of all numbers changes nothing, signed or not."""
    x, unsigned = rows(4, T10, 100), FixedPoint(10, 6, signed=False)
    lifted = (x + 512).astype(np.uint64)
    for clear in (softmax_clear, log_softmax_clear):
        out = FixedPoint(18, 6)
        assert np.array_equal(clear(words(x, T10), inp=T10, out=out), clear(lifted, inp=unsigned, out=out))


# ------------------------------------------------------------ what there is no room for


@pytest.mark.parametrize(
    ("parameters", "values", "inp", "out", "problem"),
    [
        (softmax_parameters, 0, T12, T12, "rows of 0"),
        (softmax_parameters, 3, T12, FixedPoint(16, 15), "softmax to int16 at scale 15"),
        (log_softmax_parameters, 0, T12, T12, "rows of 0"),
        (log_softmax_parameters, 3, T12, FixedPoint(16, 12, signed=False), "log-softmax to uint16"),
        (unit_rows_parameters, 0, T12, T12, "rows of 0"),
        (unit_rows_parameters, 3, FixedPoint(16, 12, signed=False), T12, "rows of 3"),
        (unit_rows_parameters, 3, T12, FixedPoint(16, 15), "rows of 3"),
        (unit_rows_parameters, 4, FixedPoint(32, 12), T12, "no room"),
    ],
)
def test_types_without_room_are_refused(parameters, values, inp, out, problem):
    with pytest.raises(LocalError, match=problem):
        parameters(values, inp, out)


# ------------------------------------------------------------ costs


def test_what_they_cost():
    """Bytes a number with everything made ahead, a COT as a bit."""
    shape = (640, 10)
    most = price(Profile.LEAN, softmax_cost(Profile.LEAN, shape, inp=T12, out=T12)) / 8 / 6400
    assert 250 < most < 335
    compiled = normalise_rows_cost(Profile.LEAN, shape, inp=T12, out=T12)
    fixed = l2_normalise_cost(Profile.LEAN, shape, inp=T12, out=T12)
    assert price(Profile.LEAN, compiled) < 0.9 * price(Profile.LEAN, fixed)
    assert compiled.flights < fixed.flights
