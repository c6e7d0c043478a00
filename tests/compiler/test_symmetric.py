"""Mirrored lines: the formula, the search for them, their proof, and what they cost on shares."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.check import exhaustive_case, random_case
from sirnn.blocks.carry import carry_cost, carry_on_cost
from sirnn.blocks.conversion import mux_cost
from sirnn.compiler import cheapest, fit, proof, target
from sirnn.compiler.clamp import folds
from sirnn.compiler.codec import digest, dump, load
from sirnn.compiler.compiled import describe, parameters
from sirnn.compiler.evaluate import evaluate_cost
from sirnn.compiler.examples import SYMMETRIC, example_mirror
from sirnn.compiler.fit import Segments
from sirnn.compiler.layout import common_bits, mirrored_layout
from sirnn.compiler.plan import Clamped, Line, Piecewise, Symmetric
from sirnn.compiler.proof import prove
from sirnn.compiler.real import erf, gelu
from sirnn.compiler.search import compile_function
from sirnn.compiler.symmetry import symmetry
from sirnn.compiler.target import tabulate
from sirnn.compiler.task import make_task
from sirnn.correlations.kinds import price
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.identities import Symmetry
from tests.compiler.compiling import compiled, distances
from tests.compiler.test_evaluate import AHEAD, ONE, all_words, check_ahead

INP, OUT = FixedPoint(6, 2), FixedPoint(12, 3)


def mirrored_within(plan):
    """The mirrored lines of a plan, or None."""
    inner = plan.inner if isinstance(plan, Clamped) else plan
    return inner if isinstance(inner, Symmetric) else None


def fitted(whole, max_ulp):
    """Mirrored lines at every number of runs that is tried, whether they are cheapest or not."""
    terms = cheapest.Terms(max_ulp, None, 1000, whole.task.profile)
    ways = cheapest._all_mirrored(cheapest.Frame(whole), terms, symmetry(whole, max_ulp))
    return [found.plan for way in ways if (found := way.fitted(float("inf"))) is not None]


# ------------------------------------------------------------ the formula


@st.composite
def mirrors(draw):
    """Any coefficients whose results fit the output's own ring."""
    read_bits = draw(st.integers(3, 6))
    index_bits = draw(st.integers(1, read_bits - 2))
    size = 1 << index_bits
    rows = [draw(st.lists(st.integers(-40, 40), min_size=size, max_size=size)) for _ in range(2)]
    drop = draw(st.integers(1, 5))
    shift, sign = draw(st.integers(1, drop)), draw(st.sampled_from([-1, 1]))
    constant, slope = (draw(st.integers(-9, 9)) if sign < 0 else 0), (64 * draw(st.integers(-2, 2)) if sign > 0 else 0)
    return Symmetric(INP, OUT, index_bits, rows, shift, drop, OUT.bits, sign, constant, slope, read_bits)


def by_the_formula(plan, word):
    m, w = plan.read_bits, plan.rest_bits
    read = word % 2**m - 2**m * (word % 2**m >= 2 ** (m - 1))
    u = abs(read)
    i = u // 2**w if read >= 0 else (u - 1) // 2**w
    d = u - i * 2**w - 2 ** (w - 1)
    z = (2 * plan.coefficients[0][i] + 1) * 2 ** (plan.shift - 1) + plan.coefficients[1][i] * d
    g = ((z if read >= 0 else -z) * 2 + (plan.constant + 1) * 2**plan.drop) // 2 ** (plan.drop + 1)
    y = -plan.slope * INP.to_int(np.array([word], np.uint64))[0] - g if plan.sign > 0 and read < 0 else g
    return y % 2**plan.out.bits


@given(mirrors())
def test_mirrored_lines_are_evaluated_by_the_formula(plan):
    words = np.arange(1 << INP.bits, dtype=np.uint64)
    assert plan.evaluate(words).tolist() == [by_the_formula(plan, word) for word in words.tolist()]
    assert plan.evaluate(words.reshape(4, 16)).shape == (4, 16)
    assert load(dump(plan)) == plan


@given(mirrors())
def test_opposite_words_have_opposite_results(plan):
    """Up to the end of a run, which is the next run's start for the other sign, and ties."""
    half = (1 << plan.read_bits - 1) - 1
    sizes = np.array([u for u in range(1, half + 1) if u % (1 << plan.rest_bits)], np.int64)
    if plan.slope or not sizes.size:
        return
    above, below = (plan.out.to_int(plan.evaluate((x % 64).astype(np.uint64))) for x in (sizes, -sizes))
    expected = above if plan.sign > 0 else plan.constant - above
    assert np.all((below - expected + (1 << 11)) % (1 << 12) - (1 << 11) <= 1)
    assert np.all((below - expected + (1 << 11)) % (1 << 12) - (1 << 11) >= -1)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"inp": FixedPoint(6, 0, False)}, "without a sign"),
        ({"read_bits": 7}, "7 bits read"),
        ({"index_bits": 5}, "5 bits of index"),
        ({"index_bits": 3}, "4 coefficients at 3 bits|coefficients at 3"),
        ({"shift": 0}, "shifted by 0"),
        ({"shift": 4}, "shifted by 4"),
        ({"coefficients": ((1, 2, 3, 4),)}, "not lines"),
        ({"sign": 0}, "a sign of 0"),
        ({"slope": 8}, "by no slope"),
        ({"sign": 1, "constant": 1}, "by no constant"),
        ({"sign": 1, "slope": 1}, "slope 1 wraps"),
        ({"result_bits": 10}, "10 bits for int9"),
        ({"drop": 60}, "ring of more than"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, problem):
    with pytest.raises(LocalError, match=problem):
        attrs.evolve(SYMMETRIC[0], **change)


def test_a_result_above_its_ring_is_an_error():
    narrow = attrs.evolve(SYMMETRIC[0], result_bits=SYMMETRIC[0].result_bits - 1)
    with pytest.raises(LocalError, match="does not fit"):
        narrow.evaluate(np.arange(64, dtype=np.uint64))


def test_a_plan_in_words_and_in_files():
    clamped = Clamped(SYMMETRIC[4], 6, Line(0, 1), Line(0, 2))
    assert describe(clamped) == "4 lines, mirrored within 6 bits"
    assert load(dump(clamped)) == clamped
    assert "coefficients" not in parameters(clamped)["inner"]
    assert len({digest(attrs.evolve(SYMMETRIC[0], constant=constant)) for constant in (0, 1, 2)}) == 3


# ------------------------------------------------------------ on shares


@pytest.mark.parametrize("seed", range(12))
async def test_mirrored_lines_of_any_shape(seed):
    """Coefficients, cuts and rings drawn at random, 6-bit inputs with every sharing."""
    rng = np.random.default_rng(seed)
    index_bits, drop, fits = int(rng.integers(1, 5)), int(rng.integers(1, 7)), bool(rng.integers(2))
    ranges = [tuple(sorted(int(end) for end in rng.integers(-70, 70, 2))) for _ in range(2)]
    shift, out_bits = int(rng.integers(1, drop + 1)), 20 if fits else 7
    kind = {"constant": seed - 5} if seed % 2 else {"sign": 1, "slope": (seed - 4) << (out_bits - 6)}
    plan = example_mirror(6, index_bits, *ranges, shift=shift, drop=drop, out_bits=out_bits, fits=fits, **kind)
    await check_ahead(exhaustive_case(ONE, {"plan": plan}))


@pytest.mark.parametrize("size", [0, 1, 3, 200])
async def test_any_number_of_instances(size):
    for plan in (SYMMETRIC[6], Clamped(SYMMETRIC[4], 5, Line(0, 1), Line(0, 3))):
        await check_ahead(random_case(ONE, {"plan": plan}, size, seed=size))


def test_what_all_entries_share_is_not_looked_up():
    layout = mirrored_layout(SYMMETRIC[6])  # intercepts that are not negative
    (step,) = layout.steps
    assert common_bits(step.rest) == 1
    assert mirrored_layout(SYMMETRIC[0]).steps[0].guard.bits == 2


def test_a_clamp_takes_its_carry_from_the_sign():
    plan = example_mirror(16, 6, (0, 4000), (-64, 60), shift=5, drop=8, out_bits=16, read_bits=14)
    lines = {"below": Line(0, 0), "above": Line(0, 5)}
    shared, apart = (
        price(AHEAD, evaluate_cost(AHEAD, 800, plan=Clamped(plan, inside_bits, **lines))) for inside_bits in (14, 15)
    )
    assert apart - shared > price(AHEAD, carry_cost(AHEAD, 800, bits=13)) * 0.9


def test_a_clamp_of_lines_that_mirror_each_other_is_folded():
    plan = example_mirror(16, 6, (0, 4000), (-64, 60), shift=5, drop=8, out_bits=16, read_bits=14, sign=1, slope=-1)
    folded, other = (Clamped(plan, 14, Line(0, constant), Line(1, 0)) for constant in (0, 1))
    assert folds(folded)
    assert not folds(other)
    saved = evaluate_cost(AHEAD, 800, plan=other), evaluate_cost(AHEAD, 800, plan=folded)
    assert price(AHEAD, saved[0]) - price(AHEAD, saved[1]) == price(AHEAD, mux_cost(AHEAD, 800, bits=16))


@pytest.mark.parametrize("bits", [3, 8, 9, 15])
@pytest.mark.parametrize("low", [1, 2])
def test_a_carry_taken_on_costs_hardly_more_than_one_carry(bits, low):
    whole, parts = carry_cost(AHEAD, 800, bits=bits), carry_cost(AHEAD, 800, bits=low)
    parts += carry_on_cost(AHEAD, 800, bits=bits - low, sender=parts.last)
    assert price(AHEAD, parts) <= price(AHEAD, whole) + 800 * 4
    assert parts.flights <= whole.flights + 1


# ------------------------------------------------------------ symmetries


@pytest.mark.parametrize("bits", [9, 19])
@pytest.mark.parametrize(
    ("f", "expected"),
    [
        ("sin(x)", Symmetry(-1)),
        ("atan(x)", Symmetry(-1)),
        ("x * exp(-abs(x))", Symmetry(-1)),
        ("sigmoid(x)", Symmetry(-1, constant=256)),
        ("sin(x) + 5 / 256", Symmetry(-1, constant=10)),
        ("cos(x)", Symmetry(1)),
        ("1 / (1 + x * x)", Symmetry(1)),
        ("sin(x) + 0.01 * x * x", None),
        ("sin(x + 0.001)", None),
        ("sin(x) + 0.1 / 256", None),
        ("cos(x) + 0.33 * x", None),
        ("exp(x / 8)", None),
        ("gelu(x)", None),  # its slope would wrap: the output is wider than the input
    ],
)
def test_symmetries_are_found_where_they_are(f, expected, bits):
    task = make_task(f, inp=FixedPoint(bits, bits - 5), out=FixedPoint(30, 8))
    assert symmetry(tabulate(task), 1.0) == expected


@pytest.mark.parametrize("bits", [9, 19])
@pytest.mark.parametrize(
    ("f", "reach", "expected"),
    [
        ("gelu(x)", 1, Symmetry(1, slope=-1)),
        ("softplus(x)", 1, Symmetry(1, slope=-1)),
        ("gelu(x) - x / 2", 1, Symmetry(1)),
        ("gelu(x) - x", 0.75, Symmetry(1, slope=1)),
        ("gelu(x) - x", 1, None),  # a result at the end of the type could wrap
        ("gelu(x) / 2", 1, None),  # half an ULP a word
    ],
)
def test_symmetries_with_a_slope(f, reach, expected, bits):
    kind, end = FixedPoint(bits, bits - 5), int(reach * (1 << (bits - 1)))
    assert symmetry(tabulate(make_task(f, inp=kind, out=kind, domain=range(-end, end))), 1.0) == expected


@pytest.mark.parametrize(
    ("inp", "domain"),
    [
        (FixedPoint(8, 4, False), None),
        (FixedPoint(8, 4), range(-128, 1)),
        (FixedPoint(8, 4), range(-20, 40)),
        (FixedPoint(8, 4), range(1)),
    ],
)
def test_a_domain_with_one_side_has_no_symmetry(inp, domain):
    task = make_task("sin(x)", inp=inp, out=FixedPoint(12, 8), domain=domain)
    assert symmetry(tabulate(task), 1.0) is None


def test_runs_have_both_ends():
    found = tabulate(make_task("x * x * x", inp=FixedPoint(6, 0), out=FixedPoint(20, 0)))
    segments = Segments.of_sizes(found, 2, Symmetry(-1))
    assert segments.rest.tolist() == list(range(-4, 5))
    assert segments.goal[3].tolist() == [u**3 for u in range(24, 33)]  # 32 is that of -32 alone
    assert segments.asked.all()
    short = tabulate(make_task("x * x * x", inp=FixedPoint(6, 0), out=FixedPoint(20, 0), domain=range(-30, 31)))
    assert Segments.of_sizes(short, 2, Symmetry(-1)).asked[3].tolist() == [True] * 7 + [False] * 2


# ------------------------------------------------------------ the search


@pytest.mark.parametrize(
    ("f", "real"),
    [
        ("sin", np.sin),
        ("atan", np.arctan),
        ("erf", erf),
        ("x / (1 + x * x) + x / 16", lambda x: x / (1 + x * x) + x / 16),
        ("gelu", gelu),
    ],
)
def test_16_bits_at_scale_12(f, real):
    made = compiled(f, FixedPoint(16, 12), FixedPoint(16, 12), max_ulp=1)
    assert mirrored_within(made.plan) is not None
    errors = distances(made, real)
    assert errors.size == 1 << 16
    assert errors.max() <= 1
    assert errors.max() == pytest.approx(made.max_ulp, abs=1e-9)
    chosen, *others = made.candidates
    assert all(chosen.bits < other.bits for other in others if other.plan.endswith(("lines", "lines within 15 bits")))


@pytest.mark.parametrize("f", ["sin(x) + 0.01 * x * x", "cos(x) + 0.33 * x", "mish", "elu"])
def test_what_is_not_symmetric_is_not_mirrored(f):
    made = compiled(f, FixedPoint(12, 8), FixedPoint(12, 8))
    assert not any("mirrored" in candidate.plan for candidate in made.candidates)


def test_unsigned_words_are_not_mirrored():
    made = compiled("sin", FixedPoint(12, 8, False), FixedPoint(12, 8))
    assert not any("mirrored" in candidate.plan for candidate in made.candidates)


def test_a_cut_that_is_asked_for_is_kept():
    made = compiled("sin", FixedPoint(12, 8), FixedPoint(12, 8), cut=(12, 6))
    assert isinstance(made.plan, Piecewise)


@pytest.mark.parametrize("f", ["x", "-x", "abs(x)", "x * x / 4", "hard_swish", "max(x, 0)", "-abs(x) / 2"])
@pytest.mark.parametrize("max_ulp", [0.6, 0.9, 3])
def test_no_result_wraps_at_the_ends_of_the_type(monkeypatch, f, max_ulp):
    monkeypatch.setattr(cheapest, "MAX_TABLE_BITS", 0)
    made = compiled(f, FixedPoint(9, 4), FixedPoint(9, 4), max_ulp=max_ulp, saturate=True)
    assert made.max_ulp <= max_ulp


@given(
    values=st.lists(st.integers(-60, 60), min_size=33, max_size=33),
    constant=st.integers(-20, 20),
    even=st.booleans(),
    max_ulp=st.sampled_from([0.7, 1.5, 8]),
)
def test_symmetric_functions_without_any_order(values, constant, even, max_ulp):
    """Mirrored lines alone, as far as there are any, on every word."""
    table = np.array([*values[:32], values[32]], float)

    def f(x):
        size = np.abs(x).astype(int)
        odd = np.where(x < 0, -table[size], table[size]) * (x != 0) + constant / 2
        return np.where(even, table[size], odd)

    task = make_task(f, inp=FixedPoint(6, 0), out=FixedPoint(9, 0), max_ulp=max_ulp)
    whole = tabulate(task)
    found = symmetry(whole, max_ulp)
    assert found is not None
    for plan in fitted(whole, max_ulp):
        assert prove(plan, whole).max_ulp <= max_ulp


# ------------------------------------------------------------ proofs


@pytest.mark.parametrize("f", ["sigmoid(x)", "sin(x)", "abs(x) / 8", "gelu(x)", "1 / (1 + x * x)"])
def test_intervals_bound_what_exhaustion_finds(monkeypatch, f):
    monkeypatch.setattr(target, "TABULATED_BITS", 6)
    monkeypatch.setattr(fit, "SEEN", 1)
    monkeypatch.setattr(fit, "LEAST_SEEN", 17)
    whole = tabulate(make_task(f, inp=FixedPoint(14, 8), out=FixedPoint(14, 8), max_ulp=1.3, saturate=True))
    plans = fitted(whole, 1.3)
    assert plans
    for plan in plans:
        monkeypatch.setattr(proof, "EXHAUSTED", 1 << 24)
        exact = prove(plan, whole)
        monkeypatch.setattr(proof, "EXHAUSTED", 1 << 10)
        for grid in (11, 12):
            monkeypatch.setattr(proof, "GRID", 1 << grid)
            bound = prove(plan, whole)
            assert (exact.method, bound.method) == (proof.EXHAUSTIVE, proof.INTERVALS)
            assert exact.max_ulp <= bound.max_ulp <= exact.max_ulp + 0.75
            assert bound.mean_ulp == pytest.approx(exact.mean_ulp, abs=0.1)


@pytest.mark.parametrize("sign", [-1, 1])
def test_results_beyond_the_ring_are_no_proof(sign):
    plan = example_mirror(14, 4, (0, 4000), (-64, 60), shift=5, drop=8, out_bits=16, sign=sign)
    narrow = attrs.evolve(plan, result_bits=plan.result_bits - 1)
    integers = np.arange(-(1 << 13), 1 << 13).reshape(32, -1)
    middle, stray = proof._band(plan, integers)
    results = plan.out.to_int(plan.evaluate((integers % (1 << 14)).astype(np.uint64)))
    assert np.all(np.abs(results - middle) <= stray)
    assert proof._holds(plan, integers, middle, stray)
    assert not proof._holds(narrow, integers, middle, stray)


async def test_wide_words_on_shares():
    made = compile_function("tanh", inp=FixedPoint(20, 14), out=FixedPoint(16, 12), max_ulp=1.2)
    assert mirrored_within(made.plan) is not None
    await check_ahead(random_case(ONE, {"plan": made.plan}, 3000, seed=1))


@pytest.mark.parametrize("f", ["sin(x)", "softplus(x)", "1 / (1 + x * x)", "sigmoid(x) + 7 / 128"])
async def test_every_word_on_shares(f):
    whole = tabulate(make_task(f, inp=FixedPoint(11, 7), out=FixedPoint(11, 7)))
    for plan in fitted(whole, 1.0):
        assert prove(plan, whole).max_ulp <= 1
        await check_ahead(all_words([plan]))
