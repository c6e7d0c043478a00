"""The compiler: every word of what it makes is within the bound, and what cannot be is refused with a reason."""

from __future__ import annotations

import attrs
import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sirnn import ring
from sirnn.compiler.compiled import describe
from sirnn.compiler.library import LIBRARY, between
from sirnn.compiler.plan import Bent, Clamped, Piecewise, Symmetric, Table
from sirnn.compiler.price import COUNT, Link, Price, price_of
from sirnn.compiler.search import compile_function
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.profile import Profile
from tests.compiler.compiling import compiled, distances, of_16_bits, prove_on_fewer_words

# ------------------------------------------------------------ within the bound, on every word


@pytest.mark.parametrize("name", LIBRARY)
def test_every_library_function_of_8_bits(name):
    made = compiled(name, FixedPoint(8, 4), FixedPoint(10, 5))
    bound = LIBRARY[name].max_ulp
    errors = distances(made, LIBRARY[name].real)
    assert errors.max() <= bound
    assert made.max_ulp <= bound
    assert made.proof.words == len(LIBRARY[name].domain(FixedPoint(8, 4))) == len(errors)
    assert made.proof.method == "exhaustive"


@pytest.mark.parametrize(
    ("name", "most_bytes"), [("sigmoid", 115), ("tanh", 140), ("exp", 125), ("silu", 160), ("erf", 150), ("sin", 150)]
)
def test_16_bits_at_scale_12(name, most_bytes):
    made = of_16_bits(name)
    errors = distances(made, LIBRARY[name].real)
    assert errors.max() == pytest.approx(made.max_ulp, abs=1e-9)
    assert errors.mean() == pytest.approx(made.mean_ulp, abs=1e-9)
    assert errors.max() <= LIBRARY[name].max_ulp
    assert made.bytes_per_instance <= most_bytes
    np.testing.assert_allclose(made.errors(), errors, atol=1e-9)


@pytest.mark.parametrize(("name", "lines"), [("sigmoid", (0, 0)), ("softplus", (0, 1)), ("silu", (0, 1))])
def test_where_the_range_is_wide_only_the_bend_is_fitted(name, lines):
    made = compiled(name, FixedPoint(16, 6), FixedPoint(16, 6))
    assert isinstance(made.plan, Clamped)
    assert (made.plan.below.slope, made.plan.above.slope) == lines
    assert distances(made, LIBRARY[name].real).max() <= LIBRARY[name].max_ulp
    whole = [candidate for candidate in made.candidates if "within" not in candidate.plan]
    assert all(candidate.bits > made.candidates[0].bits for candidate in whole)


@settings(max_examples=30)
@given(
    coefficients=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    frequency=st.floats(0.1, 2),
    bits=st.integers(6, 10),
    scale=st.integers(2, 6),
    max_ulp=st.sampled_from([0.6, 1.0, 2.0]),
    signed=st.booleans(),
)
def test_smooth_functions(coefficients, frequency, bits, scale, max_ulp, signed):
    a, b, c = coefficients

    def f(x):
        return a * np.sin(frequency * x) + b * np.tanh(x) + c

    made = compiled(f, FixedPoint(bits, scale, signed), FixedPoint(12, 6), max_ulp=max_ulp)
    assert distances(made, f).max() <= max_ulp


@settings(max_examples=40)
@given(st.lists(st.integers(-30, 30), min_size=64, max_size=64), st.sampled_from([0.5, 1.5, 8]))
def test_functions_without_any_order(values, max_ulp):
    made = compiled(
        lambda x: np.array(values)[(x.astype(int)) % 64] + 0.0, FixedPoint(6, 0), FixedPoint(6, 0), max_ulp=max_ulp
    )
    assert made.max_ulp <= max_ulp


@settings(max_examples=30)
@given(first=st.integers(-128, 127), last=st.integers(-128, 127))
def test_nothing_is_asked_outside_the_domain(first, last):
    assume(first <= last)
    made = compiled("exp(x)", FixedPoint(8, 6), FixedPoint(12, 6), domain=range(first, last + 1))
    assert distances(made, np.exp).max() <= 1
    if not isinstance(made.plan, Clamped | Bent):
        assert made.plan.read_bits == max(1, (last - first).bit_length())
    made.plan.evaluate(np.arange(256, dtype=np.uint64))  # outside the domain there are words too, whatever they are


def test_the_reference_is_good_enough():
    """Against 200 bits, on every word: nothing is decided by what a double leaves out."""
    mpmath.mp.prec = 200
    made = compiled("sigmoid", FixedPoint(10, 6), FixedPoint(24, 22), max_ulp=0.51)
    errors = [
        abs(int(y) - mpmath.ldexp(1 / (1 + mpmath.exp(-mpmath.ldexp(x, -6))), 22))
        for x, y in zip(
            range(-512, 512),
            made.plan.out.to_int(made.plan.evaluate(np.roll(np.arange(1024, dtype=np.uint64), 512))),
            strict=True,
        )
    ]
    assert float(max(errors)) == pytest.approx(made.max_ulp, abs=1e-6)


# ------------------------------------------------------------ the choice


def test_it_is_the_cheapest_of_what_was_weighed():
    made = compiled("tanh", FixedPoint(12, 8), FixedPoint(12, 8))
    chosen, *others = made.candidates
    assert chosen.plan == describe(made.plan)
    assert chosen.verdict == "chosen"
    assert chosen.bits == price_of(Profile.LEAN, made.plan).bits
    weights = [Price(each.bits, each.flights).weight(None, COUNT) for each in (chosen, *others)]
    cheaper = [each.verdict for each, weight in zip(others, weights[1:], strict=True) if weight < weights[0]]
    assert all(verdict == "too coarse" for verdict in cheaper)


def test_a_flight_is_worth_some_bits_but_not_many():
    """Mirrored lines save tanh a few bytes for five flights, and sin some more."""
    tanh, sin = of_16_bits("tanh"), of_16_bits("sin")
    assert any(each.bits < tanh.candidates[0].bits for each in tanh.candidates if each.verdict == "dearer")
    assert tanh.flights < sin.flights


def test_it_is_the_same_every_time():
    task = {"inp": FixedPoint(12, 8), "out": FixedPoint(12, 8)}
    assert compile_function("gelu", cache=False, **task).digest == compile_function("gelu", cache=False, **task).digest


def test_a_slow_network_saves_flights():
    by_bytes = of_16_bits("tanh")
    by_time = compiled("tanh", by_bytes.task.inp, by_bytes.task.out, network=Link(0.04, 1e8), count=100)
    assert by_time.flights < by_bytes.flights
    assert by_time.bytes_per_instance > by_bytes.bytes_per_instance


def test_a_larger_bound_never_costs_more():
    bits = [
        compiled("sin(x)", FixedPoint(12, 8), FixedPoint(12, 8), max_ulp=m).candidates[0].bits for m in (0.5, 1, 2, 8)
    ]
    assert bits == sorted(bits, reverse=True)


def test_short_inputs_are_tables_and_long_ones_are_pieces():
    assert isinstance(compiled("sin(x)", FixedPoint(4, 2), FixedPoint(12, 10)).plan, Table)
    assert isinstance(compiled("sin(x)", FixedPoint(14, 10), FixedPoint(12, 10)).plan, Piecewise | Symmetric)


@pytest.mark.parametrize(
    ("f", "words", "most_bytes"),
    [
        ("relu", FixedPoint(16, 12), 23),
        ("relu", FixedPoint(32, 16), 46),
        ("where(x >= 0, 3, -2.5)", FixedPoint(16, 8), 20),
        ("min(3 - 2 * x, 3 + x)", FixedPoint(12, 4), 20),
        ("2 * x - 7", FixedPoint(20, 10), 0),
        ("7 - x", FixedPoint(8, 4, signed=False), 0),
    ],
)
def test_straight_lines_take_no_more_than_the_sign(f, words, most_bytes):
    made = compiled(f, words, FixedPoint(words.bits, words.scale), domain=range(-120 * words.signed, 120))
    assert isinstance(made.plan, Bent)
    assert made.plan.straight == (most_bytes == 0)
    assert made.bytes_per_instance <= most_bytes
    assert made.max_ulp == 0


def test_every_word_of_32_bits_is_bent_alike(monkeypatch):
    prove_on_fewer_words(monkeypatch)
    made = compiled("relu", FixedPoint(32, 16), FixedPoint(32, 16))
    assert isinstance(made.plan, Bent)
    assert (made.proof.method, made.max_ulp) == ("intervals", 0)


# ------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("f", "options", "problem"),
    [
        ("1 / x", {}, r"1 / x is inf at x = 0 \(the word 0\); give a domain without that input, or saturate"),
        ("log(x)", {"saturate": True}, r"nan at x = -8 \(the word -128\)"),
        ("exp(x)", {}, r"exp\(x\) is 16.6515 at x = 2.8125 \(the word 45\), beyond int8 at scale 3"),
        ("sin(x)", {"max_ulp": 0.4}, "no plan gives"),
        ("sin(x)", {"max_ulp": 0}, "an error of 0 ULP"),
        ("x", {"domain": range(5, 5)}, r"an empty domain, range\(5, 5\); give a run of integers of int8 at scale 4"),
        ("x", {"domain": range(500)}, "no run of integers"),
        ("nonsense", {}, "nothing an expression can use"),
        (lambda x: x[:3], {"name": "short"}, "short turns"),
    ],
)
def test_what_cannot_be_is_refused(f, options, problem):
    with pytest.raises(LocalError, match=problem):
        compiled(f, FixedPoint(8, 4), FixedPoint(8, 3), **options)


def test_inputs_too_wide_to_go_through_are_refused():
    with pytest.raises(LocalError, match="8,589,934,592 words"):
        compiled("sin", FixedPoint(33, 16), FixedPoint(16, 8))


@pytest.mark.parametrize("bits", [63, 64])
def test_outputs_wider_than_any_ring_are_refused(bits):
    with pytest.raises(LocalError, match="at most 62 bits"):
        compiled("sigmoid", FixedPoint(8, 4), FixedPoint(bits, 12))


@pytest.mark.parametrize(
    ("f", "inp", "bits"), [("x", FixedPoint(32, 0), 50), ("1 / x", FixedPoint(6, 8), 60), ("x", FixedPoint(4, 0), 62)]
)
def test_a_way_whose_numbers_are_too_wide_is_passed_over(monkeypatch, f, inp, bits):
    prove_on_fewer_words(monkeypatch)
    made = compiled(f, inp, FixedPoint(bits, inp.scale), saturate=True)
    assert made.max_ulp <= 1


@pytest.mark.parametrize(
    ("f", "inp", "out", "options"),
    [
        ("2*x", FixedPoint(32, 28), FixedPoint(16, 14), {"domain": range(5 << 28), "max_ulp": 16}),
        ("log", FixedPoint(26, -4, signed=False), FixedPoint(32, 28), {}),
        ("max(3 * x, 11.3 - x)", FixedPoint(24, 16), FixedPoint(24, 14), {}),
    ],
)
def test_a_kink_between_the_words_looked_at_is_found(monkeypatch, f, inp, out, options):
    prove_on_fewer_words(monkeypatch)
    made = compiled(f, inp, out, saturate=True, **options)
    assert made.max_ulp <= made.task.max_ulp
    kinks = np.array([1 << 28, 8, 185139, 2 << 27])
    domain = made.task.domain
    integers = np.unique(
        np.concatenate([kinks[:, None] + np.arange(-3000, 3000), [[domain.start + 1, domain.stop - 1]]], axis=None)
    )
    integers = integers[(integers >= domain.start) & (integers < domain.stop)]
    results = out.to_int(made.plan.evaluate(ring.from_signed(integers, inp.bits).astype(np.uint64)))
    exact = np.clip(np.ldexp(made.task.real(np.ldexp(integers.astype(float), -inp.scale)), out.scale), *out.int_range)
    assert np.abs(results - exact).max() <= made.task.max_ulp


def test_saturation_stands_for_what_is_beyond():
    made = compiled("exp(x)", FixedPoint(8, 4), FixedPoint(8, 3), saturate=True)
    assert distances(made, np.exp).max() <= 1
    assert made.proof.overflows == sum(np.exp(np.arange(-128, 128) / 16) * 8 > 128)


# ------------------------------------------------------------ domains


def test_domains_in_reals():
    assert between(-1, 0.5)(FixedPoint(8, 4)) == range(-16, 9)
    assert between(-100, 100)(FixedPoint(8, 4)) == range(-128, 128)
    assert between(-1e308, 1.7e308)(FixedPoint(8, 4)) == range(-128, 128)
    assert LIBRARY["log1p"].domain(FixedPoint(8, 4)) == range(-15, 128)
    assert LIBRARY["exp"].domain(FixedPoint(8, 4)) == range(-128, 1)
    assert len(LIBRARY["exp"].domain(FixedPoint(8, 4, signed=False))) == 1


def test_library_defaults_give_way_to_what_is_asked():
    made = compiled("exp", FixedPoint(8, 4), FixedPoint(8, 4), max_ulp=3, domain=range(-8, 1), saturate=False)
    assert (made.task.max_ulp, made.task.domain, made.task.saturate) == (3, range(-8, 1), False)
    assert attrs.asdict(made.proof)["words"] == 9
