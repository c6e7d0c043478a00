"""Wide inputs and curved pieces: within the bound on every word where all can be run, and bounded where not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.check import random_case
from sirnn.compiler import cheapest, fit, proof, target
from sirnn.compiler.compiled import describe
from sirnn.compiler.plan import Clamped, Piecewise
from sirnn.compiler.proof import prove
from sirnn.compiler.search import compile_function
from sirnn.compiler.target import spread, tabulate
from sirnn.compiler.task import make_task
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.protocol import REGISTRY
from tests.compiler.compiling import compiled, distances, prove_on_fewer_words
from tests.compiler.test_evaluate import all_words, check_ahead


def look_at_few(patch):
    """Fit short inputs as wide ones are: at some of their words."""
    patch.setattr(target, "TABULATED_BITS", 6)
    patch.setattr(fit, "SEEN", 1)
    patch.setattr(fit, "LEAST_SEEN", 17)


# ------------------------------------------------------------ parabolas and cubics


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize(("degree", "kind"), [(2, "parabolas"), (3, "cubics")])
@pytest.mark.parametrize(
    ("f", "real"), [("sigmoid(x)", lambda x: 1 / (1 + np.exp(-x))), ("sin(x)", np.sin), ("exp(-x * x)", None)]
)
async def test_curved_pieces(monkeypatch, degree, kind, f, real, sampled):
    monkeypatch.setattr(cheapest, "DEGREES", (degree,))
    monkeypatch.setattr(cheapest, "MAX_TABLE_BITS", 0)
    if sampled:
        look_at_few(monkeypatch)
    made = compiled(f, FixedPoint(11, 8), FixedPoint(14, 11), max_ulp=1.2)
    assert isinstance(made.plan, Piecewise)
    assert describe(made.plan).endswith(kind)
    assert np.any(made.plan.coefficients[degree])
    assert distances(made, real or (lambda x: np.exp(-x * x))).max() <= 1.2
    await check_ahead(all_words([made.plan]))


def test_curved_pieces_win_where_lines_are_too_many():
    made = compiled("sigmoid", FixedPoint(20, 16), FixedPoint(32, 28))
    assert describe(made.plan).endswith(("parabolas", "cubics"))
    assert made.proof.method == proof.EXHAUSTIVE
    assert distances(made, lambda x: 1 / (1 + np.exp(-x))).max() == pytest.approx(made.max_ulp, abs=1e-6)


# ------------------------------------------------------------ samples


@settings(max_examples=10)
@given(
    coefficients=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    frequency=st.floats(0.1, 2),
    scale=st.integers(5, 8),
    max_ulp=st.sampled_from([0.8, 1.0, 2.0]),
)
def test_what_is_fitted_at_samples_holds_on_every_word(coefficients, frequency, scale, max_ulp):
    a, b, c = coefficients

    def f(x):
        return a * np.sin(frequency * x) + b * np.tanh(x) + c * np.abs(x) / 8

    with pytest.MonkeyPatch.context() as patch:
        look_at_few(patch)
        made = compiled(f, FixedPoint(12, scale), FixedPoint(14, 6), max_ulp=max_ulp)
    assert distances(made, f).max() <= max_ulp


def test_a_spike_between_samples_is_found_by_the_proof():
    """A word that is not looked at when pieces are fitted first is looked at from then on."""

    def f(x):
        return np.where(x == 12345 / 4096, 0.5, 0.0)

    made = compiled(f, FixedPoint(20, 12), FixedPoint(12, 8))
    assert distances(made, f).max() <= 1
    assert made.plan.out.to_int(made.plan.evaluate(np.array([12344, 12345, 12346], dtype=np.uint64))).tolist() == [
        pytest.approx(goal, abs=1) for goal in (0, 128, 0)
    ]


def test_samples_hold_the_ends_and_the_words_near_0():
    run = range(-(1 << 31), 1 << 31)
    found = spread(run)
    assert len(found) <= target.SAMPLES + 1
    assert (found[0], found[-1]) == (run[0], run[-1])
    assert {-2, -1, 0, 1, 2} <= set(found.tolist())
    assert spread(range(5, 9)).tolist() == [5, 6, 7, 8]
    assert spread(range(3, 1 << 30))[0] == 3


# ------------------------------------------------------------ proofs by intervals


@pytest.fixture
def coarse(monkeypatch):
    prove_on_fewer_words(monkeypatch)


@pytest.mark.parametrize("f", ["sigmoid(x)", "sin(x)", "abs(x) / 8", "tanh(3 * x)", "x * x / 64"])
@pytest.mark.parametrize("degree", [1, 2])
def test_intervals_bound_what_exhaustion_finds(monkeypatch, f, degree):
    monkeypatch.setattr(cheapest, "DEGREES", (degree,))
    monkeypatch.setattr(cheapest, "MAX_TABLE_BITS", 0)
    look_at_few(monkeypatch)
    task = make_task(f, inp=FixedPoint(14, 10), out=FixedPoint(14, 8), max_ulp=1.3)
    whole = tabulate(task)
    plan, _ = cheapest.cheapest(whole, cheapest.Terms(1.3, None, 1000, task.profile))
    if plan is None:  # a kink, and nothing but curves
        assert (f, degree) == ("abs(x) / 8", 2)
        return
    exact = prove(plan, whole)
    monkeypatch.setattr(proof, "EXHAUSTED", 1 << 10)
    for grid in (11, 12):
        monkeypatch.setattr(proof, "GRID", 1 << grid)
        bound = prove(plan, whole)
        assert (exact.method, bound.method) == (proof.EXHAUSTIVE, proof.INTERVALS)
        assert exact.max_ulp <= bound.max_ulp <= exact.max_ulp + 0.75
        assert bound.mean_ulp == pytest.approx(exact.mean_ulp, abs=0.1)


def test_32_bits_are_bounded_by_intervals(coarse):
    made = compiled("sigmoid", FixedPoint(32, 8), FixedPoint(12, 8), max_ulp=1)
    assert isinstance(made.plan, Clamped)
    assert (made.proof.method, made.max_ulp <= 1) == (proof.INTERVALS, True)
    assert made.proof.words < 1 << 24
    rng = np.random.default_rng(0)
    words = np.concatenate([rng.integers(0, 1 << 32, 1000), rng.integers(-(1 << 13), 1 << 13, 100_000) % (1 << 32)])
    x = made.task.inp.to_int(words.astype(np.uint64)) / 256
    results = made.plan.evaluate(words.astype(np.uint64)).astype(np.int64)
    assert np.abs(results - 256 * np.exp(-np.logaddexp(0, -x))).max() <= made.max_ulp
    assert len(made.errors()) == len(made.inputs()) <= 1 << 20


# ------------------------------------------------------------ on shares


@pytest.mark.parametrize(
    ("f", "inp", "out"),
    [("tanh", FixedPoint(19, 16), FixedPoint(18, 16)), ("sigmoid", FixedPoint(28, 8), FixedPoint(12, 8))],
)
async def test_wide_words_on_shares(coarse, f, inp, out):
    made = compile_function(f, inp=inp, out=out, max_ulp=1.2, cache=False)
    await check_ahead(random_case(REGISTRY["evaluate"], {"plan": made.plan}, 3000, seed=1))


@pytest.mark.parametrize("bits", [33, 64])
def test_inputs_that_no_plan_can_read_are_refused(bits):
    with pytest.raises(LocalError, match="truncate the input"):
        compile_function("tanh", inp=FixedPoint(bits, 12), out=FixedPoint(16, 12), cache=False)
