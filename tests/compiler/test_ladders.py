"""Ladders: segments are narrow only where a function bends, and plans in tiers are had where they are cheaper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sirnn.compiler.ladders import failing, ladders, stretched_target
from sirnn.compiler.library import LIBRARY
from sirnn.compiler.plan import Clamped, Tiered
from sirnn.compiler.proof import prove
from sirnn.compiler.search import compile_function
from sirnn.compiler.target import tabulate
from sirnn.compiler.task import make_task
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from tests.compiler.compiling import WORDS, compiled, distances, of_16_bits


def target(f, inp=WORDS, out=WORDS, **options):
    return tabulate(make_task(f, inp=inp, out=out, **options))


def test_segments_of_the_logarithm_are_as_wide_as_its_argument():
    found = failing(target("log"), 1, 1.0)
    assert all(np.array_equal(rows, np.arange(rows.size)) for rows in found.values())
    ends = {width: int(rows[-1] + 1) << width for width, rows in found.items()}
    # A chord over h words at x errs by 4096 h^2 / 16 x^2 ULP: half an ULP at x = 22 h.
    assert all(11 <= end >> width <= 45 for width, end in ends.items() if width < 10)


@pytest.mark.parametrize("name", ["log", "log1p", "sqrt", "reciprocal"])
def test_what_bends_at_one_place_is_cut_in_tiers(name):
    made = of_16_bits(name)
    assert isinstance(made.plan, Tiered)
    assert distances(made, LIBRARY[name].real).max() <= 1
    assert made.bytes_per_instance < 200
    (table,) = (each for each in made.candidates if each.plan.startswith("table"))
    assert 2 * made.candidates[0].bits < table.bits


@pytest.mark.parametrize(
    ("f", "real"),
    [
        ("sqrt(8 - x)", lambda x: np.sqrt(8 - x)),  # downwards from the end
        ("0.3 / (abs(x + 2.5) + 0.05)", lambda x: 0.3 / (np.abs(x + 2.5) + 0.05)),  # about a place in the middle
        ("clip(1.7 * x, -5, 6.1)", lambda x: np.clip(1.7 * x, -5, 6.1)),  # two kinks
    ],
)
def test_a_bend_anywhere(f, real):
    made = compiled(f, WORDS, WORDS)
    assert distances(made, real).max() <= 1
    assert any("tiers" in each.plan for each in made.candidates)


def test_tiers_within_a_clamp():
    made = compiled("reciprocal", FixedPoint(16, 6), FixedPoint(16, 6))
    assert isinstance(made.plan, Clamped)
    assert isinstance(made.plan.inner, Tiered)
    assert made.max_ulp <= 1


def test_wide_words_have_plans_near_a_pole():
    words = FixedPoint(24, 16)
    made = compile_function("sqrt", inp=words, out=words, cache=False)
    integers = np.unique(np.concatenate([np.arange(5000), np.geomspace(1, (1 << 23) - 1, 50_000).astype(np.int64)]))
    results = made.plan.evaluate(integers.astype(np.uint64)).astype(np.int64)
    assert np.abs(results - np.sqrt(integers * 2.0**-16) * 2.0**16).max() <= made.max_ulp <= 1


def test_intervals_bound_a_plan_in_tiers():
    """Of a plan whose error at every word is known, seen as if its domain were too wide to go through."""
    whole = target("sqrt", FixedPoint(20, 14), FixedPoint(16, 10))
    made = compile_function("sqrt", inp=FixedPoint(20, 14), out=FixedPoint(16, 10), cache=False)
    assert isinstance(made.plan, Tiered)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sirnn.compiler.proof.EXHAUSTED", 1 << 12)
        bounded = prove(made.plan, whole)
    assert bounded.method == "intervals"
    assert made.max_ulp <= bounded.max_ulp < made.max_ulp + 0.6


def test_nothing_is_asked_between_stretched_words():
    whole = target("log")
    for index_bits, stretch in ladders(whole, 1, 1.0, 12):
        inner = stretched_target(whole, stretch)
        values, asked = inner.at(inner.words())
        assert np.count_nonzero(asked) == len(whole.domain)
        assert index_bits + stretch.tiers[-1].shift <= stretch.bits
        words, _ = stretch.inverse(inner.words())
        np.testing.assert_array_equal(values[asked], whole.at(words[asked])[0])


def test_a_limit_of_flights_is_kept():
    few = compiled("log", WORDS, WORDS, max_flights=8)
    assert few.flights <= 8
    assert of_16_bits("log").flights > 8
    assert of_16_bits("rsqrt").flights <= 8
    cheap = compiled("rsqrt", WORDS, WORDS, flight_bits=0)
    assert cheap.max_ulp <= 0.6
    assert 2 * cheap.bytes_per_instance < few.bytes_per_instance
    with pytest.raises(LocalError, match=r"within 1 ULP in 3 flights; .* or more flights"):
        compiled("log", WORDS, WORDS, max_flights=3)


@settings(max_examples=10)
@given(
    pole=st.integers(-200, 200),
    power=st.floats(0.2, 0.9),
    out_scale=st.integers(4, 8),
    signed=st.booleans(),
)
def test_roots_about_any_place(pole, power, out_scale, signed):
    def f(x):
        return np.abs(x - pole / 64) ** power

    made = compiled(f, FixedPoint(10, 6, signed), FixedPoint(14, out_scale))
    assert distances(made, f).max() <= 1
