"""Fits against brute force: every slope and every intercept of tiny segments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn.compiler.fit import Line, Segments, Window, climb
from sirnn.compiler.rounding import band, floored

REST = np.arange(-4, 4)
SLOPES = Window(-6, 9)
RESULTS = Window(-3, 12)


def holds(goal, asked, drop, shift, slope, intercept, bound):
    results = ((intercept << shift) + slope * REST) >> drop
    inside = np.all((results >= RESULTS.low) & (results <= RESULTS.high))
    return inside and np.all(np.abs(results - goal)[asked] <= bound)


def any_holds(goal, asked, drop, shift, bound):
    reach = range(-(40 << drop >> shift), (40 << drop >> shift) + 1)
    slopes = range(SLOPES.low, SLOPES.high + 1)
    return any(holds(goal, asked, drop, shift, b, c, bound) for b, c in itertools.product(slopes, reach))


@given(
    goal=st.lists(st.floats(-4, 13), min_size=8, max_size=8),
    asked=st.lists(st.booleans(), min_size=8, max_size=8),
    drop=st.integers(0, 3),
    guard=st.integers(0, 3),
    bound=st.sampled_from([0.6, 1.0, 2.5, 6.0]),
)
def test_fits_hold_and_fine_ones_are_found_if_there_are_any(goal, asked, drop, guard, bound):
    goal, asked, shift = np.array(goal), np.array(asked), drop - min(guard, drop)
    line = Line(Segments(goal[None], asked[None], REST), (drop,), SLOPES, RESULTS)
    slopes, intercepts, does = line.rooms(bound).choose(shift)
    if does[0]:
        assert holds(goal, asked, drop, shift, slopes[0], intercepts[0], bound)
        slopes, intercepts = line.polish(slopes, intercepts, shift, bound)
        assert holds(goal, asked, drop, shift, slopes[0], intercepts[0], bound)
    elif shift == 0:
        assert not any_holds(goal, asked, drop, shift, bound - 1e-9)  # what is a tie to doubles is not relied on


def test_polishing_finds_the_smallest_error():
    goal, asked = np.array([0.2, 1.1, 2.9, 3.0, 4.2, 4.9, 7.0, 7.1]), np.ones(8, bool)
    line = Line(Segments(goal[None], asked[None], REST), (3,), SLOPES, RESULTS)
    slopes, intercepts, does = line.rooms(6.0).choose(0)
    assert does[0]
    slopes, intercepts = line.polish(slopes, intercepts, 0, 6.0)
    worst = np.abs(((intercepts[0] + slopes[0] * REST) >> 3) - goal).max()
    assert not any_holds(goal, asked, 3, 0, worst - 0.05)


@given(
    goal=st.lists(st.floats(-4, 13), min_size=8, max_size=8),
    higher=st.lists(st.integers(-9, 9), min_size=1, max_size=2),
    drop=st.integers(0, 3),
    inner=st.integers(0, 3),
    bound=st.sampled_from([1.0, 2.5, 6.0]),
)
def test_lines_make_up_for_what_higher_coefficients_do(goal, higher, drop, inner, bound):
    drops = (drop, *[inner] * len(higher))
    rows = tuple(np.array([entry]) for entry in higher)
    line = Line(Segments(np.array([goal]), np.ones((1, 8), bool), REST), drops, SLOPES, RESULTS, rows)
    slopes, intercepts, does = line.rooms(bound).choose(0)
    if does[0]:
        results = floored([intercepts, slopes, *rows], (0, *drops[1:]), drops, REST)
        assert np.all((results >= RESULTS.low) & (results <= RESULTS.high))
        assert np.abs(results - goal).max() <= bound


@given(
    coefficients=st.lists(st.integers(-300, 300), min_size=2, max_size=4),
    places=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=3),
)
def test_results_are_in_their_band_and_reach_across_it(coefficients, places):
    shifts, drops = zip(*places[: len(coefficients) - 1], strict=True)
    rows, rest = [np.array([entry]) for entry in coefficients], np.arange(-16, 16)
    middle, stray = band(rows, shifts, drops, rest)
    distance = np.abs(floored(rows, shifts, drops, rest) - middle)
    assert np.all(distance <= stray + 1e-9)
    if len(coefficients) == 2 and coefficients[1] % 2:
        assert distance.max() > stray.max() - 2.0 ** -drops[0] * 1.01 if drops[0] <= 5 else True


def test_least_squares_err_little_more_than_the_best_polynomials():
    """On one segment the best parabola for x^3 leaves a Chebyshev polynomial: a quarter of half^3."""
    rest = np.arange(-512, 512)
    segments = Segments((rest / 512.0)[None] ** 3, np.ones((1, 1024), bool), rest)
    coefficients, worst = segments.polynomials(2)
    assert worst == pytest.approx(0.25, rel=0.02)
    assert coefficients[1, 0] * 512 == pytest.approx(0.75, rel=0.02)
    assert segments.polynomials(3)[1] < 1e-6


@pytest.mark.parametrize("slope", [-20_000, -7, 0, 300, 20_000])
def test_the_best_slope_is_found_from_afar_in_few_steps(slope):
    """As where few words of a segment are asked for: the step that the bound suggests is short, the way long."""
    middle, reach = slope * REST[None], 1 << 20
    rooms = climb(middle - 5, middle + 5, np.zeros(1, np.int64), 1, Window(-reach, reach), REST)
    assert rooms.best.slopes[0] == slope
    assert len(rooms.tried) < 500
