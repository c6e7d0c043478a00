"""Functions compiled together: the same errors, fewer bytes, and on shares as in clear."""

from __future__ import annotations

import json

import attrs
import numpy as np
import pytest
from click.testing import CliRunner

from sirnn import ring
from sirnn.cli.compile_function import compile_function
from sirnn.compiler.compiled import Compiled
from sirnn.compiler.methods import method, together
from sirnn.compiler.together import Derived, compile_together
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.profile import Profile
from sirnn.shares import ArithmeticShare
from tests.correlations.parties import AHEAD, run_ahead
from tests.ot.parties import declared, measured

T8, T6 = FixedPoint(12, 8), FixedPoint(10, 6)


def errors(made):
    """The largest error of each function over its domain, in ULP, from the words in clear."""
    worst = []
    for place, part in enumerate(made.parts):
        task = part.task
        integers = np.arange(task.domain.start, task.domain.stop)
        words = made.clear(ring.from_signed(integers, task.inp.bits).astype(np.uint64))[place]
        exact = np.clip(np.ldexp(task.real(integers * task.inp.ulp), task.out.scale), *task.out.int_range)
        worst.append(np.abs(task.out.to_int(words) - exact).max())
    return worst


def assert_within_bounds(made):
    for part, worst in zip(made.parts, errors(made), strict=True):
        assert worst <= part.max_ulp + 1e-6
        assert part.max_ulp <= part.task.max_ulp


async def assert_as_in_clear(made, x, bits):
    half = np.random.default_rng(1).integers(0, 1 << bits, x.shape).astype(np.uint64)
    halves = [ArithmeticShare(ring.reduce(each, bits), bits) for each in (half, x - half)]
    cost = made.cost(AHEAD, x.size)
    outcome = await run_ahead(lambda party: made.run(party, halves[party.role]), cost.demand)
    assert measured(outcome) == declared(cost)
    for one, other, clear, part in zip(*outcome.values, made.clear(x), made.parts, strict=True):
        assert np.array_equal((one + other).words, clear & np.uint64(ring.mask(part.task.out.bits)))


def test_sigmoid_and_tanh_save_what_they_share():
    made = compile_together(["sigmoid", "tanh"], inp=T8, outs=[T8, T8])
    assert made.merged == (0, 1)
    assert len({(part.plan.read_bits, part.plan.index_bits) for part in made.parts}) == 1
    assert made.bytes_apart == sum(each.bytes_per_instance for each in made.apart)
    assert made.saving > 0.15 * made.bytes_apart
    assert made.flights <= max(each.flights for each in made.apart)
    assert_within_bounds(made)


@pytest.mark.parametrize(
    ("functions", "outs", "merged"),
    [
        (["sigmoid", "tanh", "1 - sigmoid(x)"], [T8, FixedPoint(14, 9), FixedPoint(10, 8)], (0, 1)),
        (["silu", "exp"], [T8, FixedPoint(16, 11)], (0, 1)),  # exp is asked for at fewer words
        (["gelu", "rsqrt", "silu"], [T8, T8, T8], (0, 2)),  # a table stays one
    ],
)
async def test_on_shares_they_are_as_in_clear(functions, outs, merged):
    made = compile_together(functions, inp=T8, outs=outs, count=1000)
    assert made.merged == merged
    assert_within_bounds(made)
    await assert_as_in_clear(made, np.arange(1 << 12, dtype=np.uint64)[::5].reshape(-1, 10), 12)


def test_what_differs_by_sign_or_constant_is_free():
    functions = ["tanh", "-tanh(x)", "tanh(-x) + 1", "tanh", "tanh(x) + 1 / 1000"]
    made = compile_together(functions, inp=T6, outs=[T6] * 5, max_ulp=1.0)
    relations = [(part.of, part.sign, part.constant) for part in made.parts if isinstance(part, Derived)]
    assert relations == [(0, -1, 0), (0, -1, 64), (0, 1, 0)]
    assert isinstance(made.parts[4], Compiled)
    assert_within_bounds(made)


def test_a_complement_tightens_the_bound_it_is_had_under():
    made = compile_together(["sigmoid", "1 - sigmoid(x)"], inp=T8, outs=[T8, T8])
    assert made.parts[0].task.max_ulp < 1 < made.apart[0].task.max_ulp
    assert made.parts[1].max_ulp <= 1
    assert made.bytes_per_instance < made.bytes_apart / 1.8


def test_what_would_wrap_is_not_derived():
    narrow = FixedPoint(8, 8, signed=False)
    made = compile_together(["sigmoid", "1 - sigmoid(x)"], inp=T8, outs=[T8, narrow], saturate=True)
    assert isinstance(made.parts[1], Compiled)


def test_nothing_is_merged_where_that_saves_nothing():
    made = compile_together(["sigmoid", "rsqrt"], inp=T8, outs=[T8, T8])
    assert made.merged == ()
    assert [part.plan for part in made.parts] == [each.plan for each in made.apart]


def test_the_digest_is_of_all_plans_and_the_cache_answers_the_same():
    made, again, other = (
        compile_together(functions, inp=T8, outs=[T8, T8])
        for functions in (["sigmoid", "tanh"], ["sigmoid", "tanh"], ["tanh", "sigmoid"])
    )
    assert made.digest == again.digest != other.digest
    assert attrs.evolve(made, merged=()).digest != made.digest


async def test_methods_of_every_profile():
    names, types = ("sigmoid", "tanh"), {"inp": T8, "outs": (T8, T8)}
    lean, exact = (together(profile, names, **types) for profile in (Profile.LEAN, Profile.EXACT))
    assert lean.saving > 0 == exact.saving
    assert lean.digest
    assert not exact.digest
    x = np.arange(50, dtype=np.uint64)
    for name, words in zip(names, exact.clear(x), strict=True):
        assert np.array_equal(words, method(Profile.EXACT, name, inp=T8, out=T8).clear(x))
    zero = ArithmeticShare(np.zeros(50, np.uint16), 12)
    for each in (lean, exact):
        halves = [ArithmeticShare(x.astype(np.uint16), 12), zero]
        outcome = await run_ahead(lambda p, each=each, halves=halves: each.run(p, halves[p.role]), each.cost(50).demand)
        assert measured(outcome) == declared(each.cost(50))
        for one, other, clear in zip(*outcome.values, each.clear(x), strict=True):
            assert np.array_equal((one + other).words, clear & np.uint64(ring.mask(12)))


@pytest.mark.parametrize(("names", "outs"), [([], []), (["tanh"], [T8, T8])])
def test_as_many_types_as_functions(names, outs):
    with pytest.raises(LocalError, match="functions to"):
        compile_together(names, inp=T8, outs=outs)
    with pytest.raises(LocalError, match="functions to"):
        together(Profile.EXACT, names, inp=T8, outs=outs)


# ------------------------------------------------------------ the command


SMALL = ["--bits", "10", "--in-scale", "6", "--out-bits", "10", "--out-scale", "6"]


def test_the_command_reports_the_saving():
    result = CliRunner().invoke(compile_function, ["tanh", "sigmoid", "1 - tanh(x)", *SMALL, "--json"])
    assert result.exit_code == 0, result.output
    found, made = json.loads(result.stdout), compile_together(["tanh", "sigmoid", "1 - tanh(x)"], inp=T6, outs=[T6] * 3)
    assert found["functions"] == ["tanh", "sigmoid", "1 - tanh(x)"]
    assert found["bytes_per_instance"] == made.bytes_per_instance == found["bytes_apart"] - found["bytes_saved"]
    assert (found["flights"], found["digest"]) == (made.flights, made.digest)
    assert [plan["evaluated"] for plan in found["plans"]] == ["merged", "merged", "free"]
    assert found["plans"][2]["plan"] == "1 - tanh"
    assert sum(plan["bytes_alone"] for plan in found["plans"]) == found["bytes_apart"]


def test_the_command_shows_the_saving():
    result = CliRunner().invoke(compile_function, ["tanh", "sigmoid", *SMALL])
    assert result.exit_code == 0, result.output
    for said in ("merged", "bytes alone", "together they save"):
        assert said in result.stdout


@pytest.mark.parametrize("option", [["--explain"], ["-o", "plan.json"], ["--plot", "error.svg"]])
def test_some_options_are_for_one_function(option):
    result = CliRunner().invoke(compile_function, ["tanh", "sigmoid", *SMALL, *option])
    assert result.exit_code == 2
    assert "single function" in result.output
