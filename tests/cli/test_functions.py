"""`sirnn measure`, `sirnn eval` and `sirnn cost`: functions of integers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sirnn.channel import Traffic
from sirnn.cli import declared as declared_module
from sirnn.compiler.expression import parse
from sirnn.compiler.methods import method
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS
from sirnn.models.model import load_model
from sirnn.nn.inference import Reveal, infer_cost
from sirnn.profile import Profile
from tests.cli.processes import answer

KEYS = {
    "what",
    "function",
    "profile",
    "ot",
    "count",
    "bytes_per_instance",
    "bytes_setup",
    "bytes_offline",
    "bytes_online",
    "bytes_framing",
    "flights",
    "flights_offline",
    "flights_online",
    "seconds",
    "seconds_setup",
    "seconds_offline",
    "seconds_online",
    "max_ulp",
    "mean_ulp",
    "overflows",
}
INP, OUT = FixedPoint(10, 6), FixedPoint(16, 7)
METHODS = [
    *((Profile.EXACT, name) for name in FUNCTIONS),
    (Profile.PAPER, "exp"),
    *((Profile.LEAN, name) for name in ("exp", "rsqrt", "gelu", "x*tanh(log1p(exp(x)))")),
]
"""Profiles and what they are asked to evaluate: by name, or as an expression."""

EXACT, PAPER = ("--profile", "exact"), ("--profile", "paper")
TYPES = ["--bits", "10", "--in-scale", "6", "--out-bits", "16", "--out-scale", "7"]


def run(invoke, *arguments):
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)


LEAN = [(name, tuple(TYPES)) for profile, name in METHODS if profile is Profile.LEAN]
"""Of the default profile, and types for which a plan is found at once."""

# ------------------------------------------------------------ measure and cost


@pytest.mark.parametrize(("name", "options"), [*((name, PAPER) for name in FUNCTIONS), *LEAN])
def test_measured_is_declared(invoke, name, options):
    measured = run(invoke, "measure", name, "--count", "50", *options)
    declared = run(invoke, "cost", name, "--count", "50", *options)
    assert measured.keys() >= KEYS
    for key in ("profile", "count", "bytes_offline", "bytes_online", "bytes_per_instance", "flights"):
        assert measured[key] == declared[key], key
    assert (measured["bytes_offline"] > 0) == (measured["profile"] == "lean")
    assert declared["bytes_from_server"] + declared["bytes_from_client"] == declared["bytes_online"]
    assert 0 < measured["mean_ulp"] < measured["max_ulp"]
    for network in ("lan", "wan", "mobile"):
        assert 0 < measured[f"network_seconds_{network}"] <= declared[f"network_seconds_{network}"] * 1.1


@pytest.mark.parametrize(("name", "options"), [("exp", PAPER), LEAN[-1]])
def test_measure_over_tcp(invoke, name, options):
    simulated = run(invoke, "measure", name, "--count", "9", *options)
    real = answer("measure", name, "--count", "9", *options, "--over", "tcp")
    for key in ("bytes_offline", "bytes_online", "flights", "max_ulp", "mean_ulp"):
        assert simulated[key] == real[key], key
    assert "network_seconds_lan" not in real


def test_measure_for_people(invoke):
    for options, plan in ((PAPER, ""), ((), f", plan {lean_digest('tanh')[:16]}")):
        result = invoke("measure", "tanh", "--count", "20", *TYPES, *options)
        assert result.exit_code == 0
        lines = result.output.splitlines()
        assert max(map(len, lines)) <= 80
        assert " ".join("".join(lines[:2]).split()).startswith(f"tanh, int10 at scale 6 to int16 at scale 7{plan}")
        assert "so is every word that came out" in result.output


def lean_digest(name):
    """Both parties compare it before anything is run."""
    return method(Profile.LEAN, name, inp=INP, out=OUT).digest


@pytest.mark.parametrize(
    ("name", "out_scale", "fit", "profile"),
    [
        ("reciprocal", "12", range(513, 1 << 15), "exact"),
        ("rsqrt", "12", range(65, 1 << 15), "lean"),
        ("rsqrt", "12", range(65, 1 << 15), "paper"),
        ("sqrt", "14", range(16384), "paper"),
    ],
)
def test_values_that_do_not_fit_are_counted_and_left_out_of_the_errors(invoke, files, name, out_scale, fit, profile):
    options = ("--out-scale", out_scale, "--profile", profile)
    beyond = fit.stop if fit.start == 0 else fit.start - 1
    inside, both = np.array([fit[0], fit[-1]]), np.array([fit[0], beyond, fit[-1]])
    reports = []
    for integers, overflows in ((inside, 0), (both, 1), (np.array([beyond]), 1)):
        result = evaluate(invoke, files, name, integers, *options, "--json")
        assert result.exit_code == 0
        reports.append(json.loads(result.stdout))
        assert reports[-1]["overflows"] == overflows
        people = evaluate(invoke, files, name, integers, *options).output
        assert ("overflows" in people) == (overflows > 0)
        assert ("worst error" in people) == (overflows < integers.size)
    alone, left_out, nothing = reports
    assert (left_out["max_ulp"], left_out["mean_ulp"]) == (alone["max_ulp"], alone["mean_ulp"])
    assert nothing["max_ulp"] is nothing["mean_ulp"] is None


@pytest.mark.parametrize(
    ("name", "profile", "worst"),
    [
        ("reciprocal", "paper", 2.20 * 8),
        ("rsqrt", "exact", 1.19 * 8),
        ("sqrt", "paper", 2.27),
        ("reciprocal", "lean", 1),
        ("rsqrt", "lean", 0.6),
    ],
)
def test_the_worst_error_over_the_whole_domain_is_that_of_values_that_fit(invoke, name, profile, worst):
    out_scale = "14" if name == "sqrt" else "12"
    measured = run(invoke, "measure", name, "--count", "2048", "--out-scale", out_scale, "--profile", profile)
    assert measured["overflows"] > 0
    assert measured["max_ulp"] <= worst


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["exp", "--bits", "64", *PAPER], "too wide; use at most 32 bits"),
        (["tanh", "--out-scale", "15", *PAPER], "cannot hold 1.0"),
        (["reciprocal", "--bits", "64", *EXACT], "too wide; use at most 32 bits"),
        (["reciprocal", "--out-scale", "2", *EXACT], "no reciprocal"),
        (["reciprocal", "--bits", "32", "--out-scale", "37", *PAPER], "no reciprocal"),
        (["reciprocal", "--bits", "1", *PAPER], "no reciprocal"),
        (["unit_reciprocal", "--in-scale", "40", *PAPER], "no reciprocal"),
        (["unit_reciprocal", "--in-scale", "15", *EXACT], "not defined anywhere"),
        (["log", "--bits", "1"], "log is not defined anywhere on int1 at scale 12"),
        (["tanh", "--out-scale", "16"], "tanh is -1 at x = "),
        (["sqrt", "--out-scale", "14"], "beyond int16 at scale 14"),
        (["1/x"], "1 / x is inf at x = 0"),
        (["unit_reciprocal"], "profile lean has no unit_reciprocal; name atan, "),
        (["gelu", *EXACT], "profile exact has no gelu; choose from exp, "),
        (["1/(1+exp(-x))", *PAPER], "profile paper has no 1/(1+exp(-x)); choose from exp, "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_types_a_function_cannot_serve(invoke, arguments, words):
    result = invoke("measure", *arguments)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr


def test_a_run_that_costs_other_than_declared_is_a_failure(invoke, monkeypatch):
    monkeypatch.setattr(declared_module, "phase_total", lambda *_: Traffic(sent=1))
    result = invoke("measure", "exp", "--count", "2", *TYPES)
    assert result.exit_code == 1
    assert "does not do what it declares" in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("juggling", "there is no function 'juggling'; name "),
        ("sigmod", "there is no function 'sigmod'; did you mean sigmoid or hard_sigmoid?"),
        ("x\u22121", "invalid character"),
        ("", "there is no function ''; name "),
        ("x^2", "'x ^ 2' is nothing an expression can use"),
        ("1e300*x", "the number 1e+300 in an expression; use numbers below"),
        ("sin(y)", "'y' is nothing an expression can use; use numbers, x"),
        ("sin(x, 3)", "sin of 2 arguments in 'sin(x, 3)'; it takes 1"),
        ("where(x<0,0,x", "is no expression: "),
        ("open('f')*x", "is nothing an expression can use"),
    ],
)
def test_what_is_no_function(invoke, files, text, words):
    asked = (invoke(command, text) for command in ("measure", "cost"))
    for result in (*asked, evaluate(invoke, files, text, np.array([0]))):
        assert result.exit_code == 2
        assert words in result.stderr
        assert result.stderr.startswith("Usage: sirnn ")
        assert len(result.stderr.splitlines()) == 4


def test_a_file_that_is_no_function_is_called_what_it_is(invoke, tiny, tmp_path):
    result = invoke("measure", tiny.model_path)
    assert result.exit_code == 2
    assert "model.npz is a zip archive, such as a .npz, not a function" in result.stderr
    (tmp_path / "gru.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    result = invoke("cost", tmp_path / "gru.onnx")
    assert result.exit_code == 1
    assert "gru.onnx is a protocol buffer, such as an ONNX model, not a sirnn-model file" in result.stderr
    for text in ("z" * 999, "z\0", "(" + "z" * 5000):  # of no length or kind that a file's name can have
        assert invoke("cost", text).exit_code == 2


def test_the_cost_of_a_model(invoke, tiny):
    shape = load_model(tiny.model_path).shape
    for count, profile, options in ((1, Profile.LEAN, []), (5, Profile.PAPER, ["--count", "5", *PAPER])):
        declared = infer_cost(profile, shape, count, reveals=Reveal.CLASS)
        report = run(invoke, "cost", tiny.model_path, *options)
        assert (report["bytes_from_server"], report["bytes_from_client"]) == declared.sent
        assert (report["count"], report["flights_online"]) == (count, declared.flights)
    assert "network, wan, at most" in invoke("cost", tiny.model_path).output


def test_the_cost_of_nothing(invoke):
    result = invoke("cost", "juggling")
    assert result.exit_code == 2
    for words in ("there is no function 'juggling'", "basicmotions", "a model file", "atan", "an expression in x"):
        assert words in result.stderr


# ------------------------------------------------------------ eval


@pytest.fixture
def files(tmp_path):
    return tmp_path / "in.npy", tmp_path / "out"  # no extension: the name is taken as it is


def evaluate(invoke, files, name, integers, *options):
    np.save(files[0], integers, allow_pickle=False)
    return invoke("eval", name, "--inputs", files[0], "--outputs", files[1], *options)


@pytest.mark.parametrize(("profile", "name"), METHODS)
def test_every_integer_of_the_domain(invoke, files, profile, name):
    function = method(profile, name, inp=INP, out=OUT)
    x = np.array(function.domain, dtype=np.int64)
    result = evaluate(invoke, files, name, x, *TYPES, "--profile", profile.value, "--json")
    report = json.loads(result.stdout)
    assert report.keys() >= KEYS | {"outputs"}
    assert report["count"] == x.size
    y = np.load(files[1])
    expected = function.clear(x.astype(np.uint64) % 1024)
    assert y.dtype == np.int64
    assert np.array_equal(y, OUT.to_int(expected))
    assert report["max_ulp"] == np.abs(y - np.ldexp(function.real(x / 64), 7)).max()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_the_inputs_may_be_any_integers_of_any_shape(invoke, files, dtype):
    x = np.array([[0, 1, 2], [100, 101, 127]], dtype=dtype)
    result = evaluate(invoke, files, "sigmoid", x, *TYPES)
    assert result.exit_code == 0
    assert f"Wrote 6 integers to {files[1]}." in result.output
    y = np.load(files[1])
    assert y.shape == (2, 3)
    sigmoid = method(Profile.LEAN, "sigmoid", inp=INP, out=OUT)
    assert np.array_equal(y, OUT.to_int(sigmoid.clear(x.astype(np.uint64))))


def test_eval_over_tcp(files):
    np.save(files[0], np.array([-64, 0]))
    report = answer("eval", "exp", "--inputs", files[0], "--outputs", files[1], "--over", "tcp", *TYPES)
    assert report["count"] == 2
    assert np.load(files[1])[1] == 128


@pytest.mark.parametrize(
    ("name", "integers", "words"),
    [
        ("sigmoid", np.array([0, 512]), "1 of 2 inputs do not fit int10 at scale 6, the first at index 1; "),
        ("sigmoid", np.array([[0], [-513]]), "the first at index 1; integers must lie in [-512, 511]"),
        ("sigmoid", np.array([2**64 - 1], dtype=np.uint64), "the first at index 0"),
        ("exp", np.array([1, 0]), "outside the domain of exp, the first at index 0; integers must "),
        ("reciprocal", np.array([1, 0]), "1 of 2 inputs are outside the domain of reciprocal"),
        ("log1p", np.array([-64, -65]), "2 of 2 inputs are outside the domain of log1p"),
        ("tanh", np.array([0.5]), "holds float64 values; save integers of int10 at scale 6"),
        ("tanh", np.array([True]), "holds bool values"),
        ("tanh", np.array([], dtype=int), "holds nothing"),
    ],
    ids=["high", "low", "wide", "positive", "zero", "not above -1", "reals", "truths", "none"],
)
def test_inputs_that_are_refused(invoke, files, name, integers, words):
    result = evaluate(invoke, files, name, integers, *TYPES)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert not files[1].exists()


def test_a_file_of_several_arrays_may_hold_one(invoke, files, tmp_path):
    np.savez(tmp_path / "one.npz", anything=np.array([0, -64]))
    result = invoke("eval", "exp", "--inputs", tmp_path / "one.npz", "--outputs", files[1], *TYPES)
    assert result.exit_code == 0, result.output
    assert np.load(files[1])[0] == 128


NEGATIVE = ["-x*tanh(x)", "-x", "-5", "-x-1", "-tanh(x)", "-.5*x", "-hard_sigmoid(x)", "-pi", "-sigmoid(x)/2", "-e**x"]


@pytest.mark.parametrize("text", NEGATIVE)
def test_an_expression_may_begin_with_a_minus(invoke, text):
    types = ["--bits", "6", "--in-scale", "4", "--out-bits", "9", "--out-scale", "3"]
    assert run(invoke, "cost", *types, text, "--count", "5")["what"] == text
    assert invoke("cost", *types, "--json", "--", text).exit_code == 0
    made = run(invoke, "compile-function", text, "x", *types)
    assert made["functions"] == [parse(text).text, "x"]


def test_expressions_with_a_minus_are_measured_and_evaluated(invoke, files):
    measured = run(invoke, "measure", "-x*tanh(x)", *TYPES, "--count", "5")
    assert measured["what"] == "-x*tanh(x)"
    assert evaluate(invoke, files, "-x", np.array([64]), *TYPES).exit_code == 0
    assert np.load(files[1]) == [-128]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["measure", "-z"], "No such option"),
        (["measure", "-in-scale"], "No such option"),
        (["measure", "exp", "--scael", "3"], "No such option"),
        (["cost", "-z=3"], "No such option"),
        (["measure", "-sine(x)"], "there is no function 'sine'; did you mean sin"),
        (["compile-function", "tanh", "-o"], "requires an argument"),
        (["measure", "exp", "--bits", "-x"], "Invalid value for '--bits'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_are_still_options(invoke, arguments, words):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_the_value_of_an_option_may_begin_with_a_minus(invoke, tmp_path):
    small = ("--bits", "6", "--in-scale", "-1", "--out-bits", "8", "--out-scale", "-1")
    assert run(invoke, "compile-function", "x", *small, "--domain", "-8:-4")["inputs"] == 3
    assert run(invoke, "compile-function", "x", *small, f"-o{tmp_path}/plan.json")["inputs"] == 64
    assert (tmp_path / "plan.json").exists()
    for place in (["-h"], ["x", "-h"]):
        assert invoke("compile-function", *place).output.startswith("Usage: ")


def test_files_that_are_refused(invoke, files, tmp_path):
    np.savez(tmp_path / "several.npz", a=np.array([1]), b=np.array([1]))
    cases = [
        (tmp_path / "absent.npy", files[1], "there is no file"),
        (tmp_path / "several.npz", files[1], "holds several arrays"),
        (files[0], tmp_path / "absent" / "out.npy", "there is no folder"),
    ]
    np.save(files[0], np.array([0]))
    for source, target, words in cases:
        result = invoke("eval", "exp", "--inputs", source, "--outputs", target)
        assert result.exit_code == 1
        assert words in result.stderr
