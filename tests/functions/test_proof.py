"""The committed table of errors: every row run again, its reference held to 120 digits, its bounds tight."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner

from sirnn import ring
from sirnn.cli.prove import COLUMNS, row
from sirnn.cli.prove import prove as prove_command
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS, MathFunction
from sirnn.functions.proof import CLAIMS, REFERENCE_ERROR, domain, evaluate, prove

DOCS = Path(__file__).parents[2] / "docs" / "functions"

PRECISE = {
    "exp": mpmath.exp,
    "reciprocal": lambda x: 1 / x,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "sqrt": mpmath.sqrt,
    "tanh": mpmath.tanh,
    "unit_reciprocal": lambda x: 1 / x,
}


def table():
    with (DOCS / "errors.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def types(figures):
    return (
        FixedPoint(int(figures["bits"]), int(figures["in_scale"])),
        FixedPoint(int(figures["out_bits"]), int(figures["out_scale"])),
    )


def test_every_function_is_claimed_and_every_claim_is_in_the_table():
    assert set(CLAIMS) == set(FUNCTIONS) == set(PRECISE)
    assert [(line["function"], *types(line)) for line in table()] == [
        (name, FixedPoint(16, i), FixedPoint(16, o))
        for name in CLAIMS
        for i in CLAIMS[name].scales
        for o in CLAIMS[name].scales
    ]


@pytest.mark.parametrize("name", CLAIMS)
def test_every_row_of_the_table_comes_out_again(name):
    claim = CLAIMS[name]
    proofs = [
        prove(FUNCTIONS[name], FixedPoint(16, i), FixedPoint(16, o), least=claim.least)
        for i in claim.scales
        for o in claim.scales
    ]
    again = [{key: "" if value is None else str(value) for key, value in row(proof).items()} for proof in proofs]
    committed = [line for line in table() if line["function"] == name]
    for new, old in zip(again, committed, strict=True):
        decimals = {key: f"{float(new[key]):.4f}" for key in ("worst_ulp", "mean_ulp")}
        assert {**new, **decimals} == old
    assert all(proof.holds for proof in proofs)
    # Tight: a bound that nothing comes near would prove little.
    assert claim.bound - 0.011 < max(proof.worst_ulp for proof in proofs)


@pytest.mark.parametrize("name", CLAIMS)
def test_the_worst_error_of_every_row_holds_at_120_digits(name):
    with mpmath.workdps(120):
        for line in table():
            if line["function"] != name:
                continue
            inp, out = types(line)
            integer = int(line["worst_input"])
            word = ring.from_signed(np.array([integer]), inp.bits).astype(np.uint64)
            calculated = int(out.to_int(FUNCTIONS[name].clear(word, inp=inp, out=out))[0])
            real = PRECISE[name](mpmath.mpf(integer) / 2**inp.scale) * 2**out.scale
            assert f"{float(abs(calculated - real)):.4f}" == line["worst_ulp"]


@pytest.mark.parametrize("name", CLAIMS)
def test_the_reference_is_as_precise_as_the_proof_takes_it_to_be(name):
    out = FixedPoint(16, 12)
    with mpmath.workdps(120):
        for in_scale in (8, 12, 14):
            inp = FixedPoint(16, in_scale)
            whole = domain(FUNCTIONS[name], inp)
            for integer in {whole[-1], *whole[:: max(1, len(whole) // 200)]} - {0}:
                real = evaluate(FUNCTIONS[name], range(integer, integer + 1), inp, out).real
                precise = PRECISE[name](mpmath.mpf(integer) / 2**in_scale) * 2**out.scale
                assert abs(mpmath.mpf(float(real[0])) - precise) <= REFERENCE_ERROR * abs(precise)


@pytest.mark.parametrize(("name", "bound"), [("sqrt", 2.27), ("rsqrt", 1.19), ("reciprocal", 2.20)])
def test_what_is_normalised_is_bounded_relative_to_the_power_of_two_that_scales_it(name, bound):
    worst = 0.0
    for i in CLAIMS[name].scales:
        for o in CLAIMS[name].scales:
            inp, out = FixedPoint(16, i), FixedPoint(16, o)
            integers = domain(FUNCTIONS[name], inp, 2.0**-i)
            outcome = evaluate(FUNCTIONS[name], integers, inp, out)
            exponent = np.floor(np.log2(np.arange(integers.start, integers.stop) / 2.0**i))[outcome.fits]
            power = {"sqrt": exponent // 2, "rsqrt": -(exponent // 2), "reciprocal": -exponent}[name]
            worst = max(worst, float((outcome.errors / 2 ** np.maximum(power, 0)).max()))
    assert bound - 0.011 < worst <= bound


def test_what_was_asked_holds_where_the_overview_says_so():
    worst = {(line["function"], line["in_scale"], line["out_scale"]): float(line["worst_ulp"]) for line in table()}
    for name, bound, scales in [("exp", 2.7, "12 14"), ("sigmoid", 3.1, "12 14"), ("rsqrt", 4.2, "12 13")]:
        assert all(worst[name, "12", scale] <= bound for scale in scales.split())
        assert CLAIMS[name].bound > bound
    assert CLAIMS["tanh"].bound <= 3.6
    most = {
        name: max(int(line["truncated_ulp_max"]) for line in table() if line["function"] == name) for name in CLAIMS
    }
    assert (most["exp"], most["sigmoid"], most["tanh"], most["rsqrt"]) == (2, 3, 4, 4)


# ------------------------------------------------------------ outside of the domains, as the pages have it


def words(name, integers, inp, out):
    return out.to_int(
        FUNCTIONS[name].clear(ring.from_signed(np.array(integers), inp.bits).astype(np.uint64), inp=inp, out=out)
    )


@pytest.mark.parametrize("name", ["reciprocal", "rsqrt", "sqrt"])
def test_a_negative_word_is_read_without_its_sign_bit(name):
    t = FixedPoint(16, 12)
    negative = np.arange(-(1 << 15), 0)
    assert np.array_equal(words(name, negative, t, t), words(name, negative + (1 << 15), t, t))


@pytest.mark.parametrize("name", ["reciprocal", "rsqrt"])
def test_zero_is_read_as_half_a_unit(name):
    out = FixedPoint(32, 12)
    assert words(name, [0], FixedPoint(16, 12), out) == words(name, [1], FixedPoint(16, 13), out)


def test_the_unit_reciprocal_reads_the_bits_behind_the_point_alone():
    t, one = FixedPoint(16, 12), 1 << 12
    outside = np.concatenate([np.arange(-(1 << 15), one), np.arange(2 * one, 1 << 15)])
    assert np.array_equal(words("unit_reciprocal", outside, t, t), words("unit_reciprocal", one + outside % one, t, t))


def test_the_root_of_zero_is_zero_and_a_positive_exponent_is_read_as_a_negative_one():
    t = FixedPoint(16, 12)
    assert words("sqrt", [0], t, t) == 0
    assert words("exp", [1], t, t) == 0  # e^(2^-12 - 16)
    assert words("exp", [0], t, t) == 1 << 12


@pytest.mark.parametrize(
    ("name", "out_scale", "fits", "does_not"),
    [("reciprocal", 12, 513, 511), ("rsqrt", 12, 65, 64), ("sqrt", 14, 16382, 16384)],
)
def test_a_result_that_does_not_fit_is_reduced(name, out_scale, fits, does_not):
    inp, out, wide = FixedPoint(16, 12), FixedPoint(16, out_scale), FixedPoint(32, out_scale)
    assert words(name, [fits], inp, out) == words(name, [fits], inp, wide)
    assert words(name, [does_not], inp, out) != words(name, [does_not], inp, wide)
    everything = np.arange(1, 1 << 15)
    reduced = (words(name, everything, inp, wide) + (1 << 15)) % (1 << 16) - (1 << 15)
    assert np.array_equal(words(name, everything, inp, out), reduced)


# ------------------------------------------------------------ the pages


def build():
    spec = importlib.util.spec_from_file_location("functions_docs_build", DOCS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_quote_the_table_and_the_declared_costs():
    script = build()
    pages = list(script.pages())
    assert {page.stem for page in pages} == {"README", *CLAIMS}
    for page in pages:
        assert script.page(page) == page.read_text(), f"{page.name} is out of date: run docs/functions/build.py"
        assert page.read_text().count("<!-- build:") == 2


def test_every_page_has_its_plot():
    for name in CLAIMS:
        assert f"({name}.png)" in (DOCS / f"{name}.md").read_text()
        assert 1000 < (DOCS / f"{name}.png").stat().st_size < 40_000


# ------------------------------------------------------------ the proof itself


def made_up(offsets, real=lambda x: x):
    """The identity on 4-bit integers, wrong by an offset here and there."""

    def clear(x, *, inp, out):
        integers = inp.to_int(x)
        return ring.from_signed(integers + np.array([offsets.get(int(i), 0) for i in integers]), out.bits).astype(
            np.uint64
        )

    return MathFunction("exp", "", None, clear, None, real, lambda t: range(t.int_range[0], t.int_range[1] + 1))


def test_one_wrong_word_is_found():
    t = FixedPoint(4, 0)
    proof = prove(made_up({-5: 2, 3: -3, 6: 1}), t, t)
    assert (proof.inputs, proof.worst_ulp, proof.worst_input, proof.truncated_ulp_max) == (16, 3, 3, 3)
    assert proof.mean_ulp == 6 / 16
    assert prove(made_up({-5: 2, 3: -3}), t, t, least=3.5).worst_ulp == 0


def test_the_first_of_equally_bad_words_is_named():
    t = FixedPoint(4, 0)
    assert prove(made_up({-2: 1, 5: -1}), t, t).worst_input == -2


def test_chunks_add_up_to_the_whole(monkeypatch):
    inp, out = FixedPoint(16, 12), FixedPoint(16, 11)
    whole = prove(FUNCTIONS["sigmoid"], inp, out)
    monkeypatch.setattr("sirnn.functions.proof._CHUNK", 1000)
    steps = []
    parts = prove(FUNCTIONS["sigmoid"], inp, out, advance=steps.append)
    assert (sum(steps), len(steps)) == (1 << 16, 66)
    assert parts.mean_ulp == pytest.approx(whole.mean_ulp, abs=1e-12)
    assert (parts.worst_ulp, parts.worst_input, parts.inputs) == (whole.worst_ulp, whole.worst_input, whole.inputs)


def test_values_that_do_not_fit_are_left_out():
    proof = prove(made_up({}), FixedPoint(6, 0), FixedPoint(4, 0))
    assert (proof.inputs, proof.worst_ulp) == (16, 0)
    with pytest.raises(LocalError, match="no input"):
        prove(made_up({}, real=lambda x: x + 100), FixedPoint(4, 0), FixedPoint(4, 0))


def test_a_reference_too_near_an_integer_decides_nothing():
    t = FixedPoint(4, 0)
    with pytest.raises(LocalError, match="does not decide"):
        prove(made_up({}, real=lambda x: x + 2.0**-52), t, t)


# ------------------------------------------------------------ the command


def test_the_command_writes_the_table(tmp_path):
    target = tmp_path / "errors.csv"
    words = ["tanh", "exp", "--in-scales", "11-12", "--out-scales", "13", "-o", str(target), "--json"]
    result = CliRunner().invoke(prove_command, words)
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["count"], report["holds"], len(report["proofs"])) == (2 * 65536 + 2 * 32769, True, 4)
    with target.open(newline="") as file:
        written = list(csv.DictReader(file))
    assert list(written[0]) == list(COLUMNS)
    assert written == [
        line
        for name in ("tanh", "exp")
        for line in table()
        if line["function"] == name and line["in_scale"] in ("11", "12") and line["out_scale"] == "13"
    ]


def test_the_command_fails_where_a_claim_is_broken(monkeypatch):
    # Not that of sigmoid: the claim is about these types and this function alone.
    monkeypatch.setitem(CLAIMS, "exp", CLAIMS["exp"].__class__(range(8, 15), 2.5))
    scales = ["--in-scales", "12", "--out-scales", "12"]
    result = CliRunner().invoke(prove_command, ["exp", *scales])
    assert isinstance(result.exception, LocalError)
    assert "beyond its claim" in str(result.exception)
    assert CliRunner().invoke(prove_command, ["exp", *scales, "--out-bits", "20"]).exit_code == 0


@pytest.mark.parametrize("scales", ["x", "8-", "9-8", "-3"])
def test_scales_that_are_none_are_refused(scales):
    assert CliRunner().invoke(prove_command, ["exp", f"--in-scales={scales}"]).exit_code == 2
