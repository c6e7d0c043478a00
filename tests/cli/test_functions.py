"""`sirnn measure`, `sirnn eval` and `sirnn cost`: functions of integers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sirnn.channel import Traffic
from sirnn.cli import declared as declared_module
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
TYPES = ["--bits", "10", "--in-scale", "6", "--out-bits", "16", "--out-scale", "7"]


def run(invoke, *arguments):
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)


# ------------------------------------------------------------ measure and cost


@pytest.mark.parametrize("name", FUNCTIONS)
def test_measured_is_declared(invoke, name):
    measured = run(invoke, "measure", name, "--count", "50")
    declared = run(invoke, "cost", name, "--count", "50")
    assert measured.keys() >= KEYS
    for key in ("count", "bytes_online", "bytes_per_instance", "flights"):
        assert measured[key] == declared[key], key
    assert declared["bytes_from_server"] + declared["bytes_from_client"] == declared["bytes_online"]
    assert 0 < measured["mean_ulp"] < measured["max_ulp"]
    for network in ("lan", "wan", "mobile"):
        assert 0 < measured[f"network_seconds_{network}"] <= declared[f"network_seconds_{network}"] * 1.1


def test_measure_over_tcp(invoke):
    simulated = run(invoke, "measure", "exp", "--count", "9")
    real = answer("measure", "exp", "--count", "9", "--over", "tcp")
    for key in ("bytes_online", "flights", "max_ulp", "mean_ulp"):
        assert simulated[key] == real[key], key
    assert "network_seconds_lan" not in real


def test_measure_for_people(invoke):
    result = invoke("measure", "tanh", "--count", "20", *TYPES)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].strip() == "tanh, int10 at scale 6 to int16 at scale 7"
    assert "so is every word that came out" in result.output


@pytest.mark.parametrize(
    ("name", "out_scale", "fit"),
    [("reciprocal", "12", range(513, 1 << 15)), ("rsqrt", "12", range(65, 1 << 15)), ("sqrt", "14", range(16384))],
)
def test_values_that_do_not_fit_are_counted_and_left_out_of_the_errors(invoke, files, name, out_scale, fit):
    beyond = fit.stop if fit.start == 0 else fit.start - 1
    inside, both = np.array([fit[0], fit[-1]]), np.array([fit[0], beyond, fit[-1]])
    reports = []
    for integers, overflows in ((inside, 0), (both, 1), (np.array([beyond]), 1)):
        result = evaluate(invoke, files, name, integers, "--out-scale", out_scale, "--json")
        assert result.exit_code == 0
        reports.append(json.loads(result.stdout))
        assert reports[-1]["overflows"] == overflows
        people = evaluate(invoke, files, name, integers, "--out-scale", out_scale).output
        assert ("overflows" in people) == (overflows > 0)
        assert ("worst error" in people) == (overflows < integers.size)
    alone, left_out, nothing = reports
    assert (left_out["max_ulp"], left_out["mean_ulp"]) == (alone["max_ulp"], alone["mean_ulp"])
    assert nothing["max_ulp"] is nothing["mean_ulp"] is None


@pytest.mark.parametrize(("name", "worst"), [("reciprocal", 2.20 * 8), ("rsqrt", 1.19 * 8), ("sqrt", 2.27)])
def test_the_worst_error_over_the_whole_domain_is_that_of_values_that_fit(invoke, name, worst):
    out_scale = "14" if name == "sqrt" else "12"
    measured = run(invoke, "measure", name, "--count", "2048", "--out-scale", out_scale)
    assert measured["overflows"] > 0
    assert measured["max_ulp"] <= worst


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["exp", "--bits", "64"], "too wide; use at most 32 bits"),
        (["tanh", "--out-scale", "15"], "cannot hold 1.0"),
        (["reciprocal", "--bits", "64"], "too wide; use at most 32 bits"),
        (["reciprocal", "--out-scale", "2"], "no reciprocal"),
        (["reciprocal", "--bits", "32", "--out-scale", "37"], "no reciprocal"),
        (["reciprocal", "--bits", "1"], "no reciprocal"),
        (["unit_reciprocal", "--in-scale", "40"], "no reciprocal"),
        (["unit_reciprocal", "--in-scale", "15"], "not defined anywhere"),
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
    result = invoke("measure", "exp", "--count", "2")
    assert result.exit_code == 1
    assert "does not do what it declares" in result.stderr


def test_the_cost_of_a_model(invoke, tiny):
    shape = load_model(tiny.model_path).shape
    for count, options in ((1, []), (5, ["--count", "5"])):
        declared = infer_cost(Profile.PAPER, shape, count, reveals=Reveal.CLASS)
        report = run(invoke, "cost", tiny.model_path, *options)
        assert (report["bytes_from_server"], report["bytes_from_client"]) == declared.sent
        assert (report["count"], report["flights"]) == (count, declared.flights)
    assert "network, wan, at most" in invoke("cost", tiny.model_path).output


def test_the_cost_of_nothing(invoke):
    result = invoke("cost", "juggling")
    assert result.exit_code == 1
    assert "there is nothing called juggling; name exp, " in result.stderr
    assert "basicmotions" in result.stderr


# ------------------------------------------------------------ eval


@pytest.fixture
def files(tmp_path):
    return tmp_path / "in.npy", tmp_path / "out"  # no extension: the name is taken as it is


def evaluate(invoke, files, name, integers, *options):
    np.save(files[0], integers, allow_pickle=False)
    return invoke("eval", name, "--inputs", files[0], "--outputs", files[1], *options)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_integer_of_the_domain(invoke, files, name):
    x = np.array(FUNCTIONS[name].domain(INP), dtype=np.int64)
    result = evaluate(invoke, files, name, x, *TYPES, "--json")
    report = json.loads(result.stdout)
    assert report.keys() >= KEYS | {"outputs"}
    assert report["count"] == x.size
    y = np.load(files[1])
    expected = FUNCTIONS[name].clear(x.astype(np.uint64) % 1024, inp=INP, out=OUT)
    assert y.dtype == np.int64
    assert np.array_equal(y, OUT.to_int(expected))
    assert report["max_ulp"] == np.abs(y - np.ldexp(FUNCTIONS[name].real(x / 64), 7)).max()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64])
def test_the_inputs_may_be_any_integers_of_any_shape(invoke, files, dtype):
    x = np.array([[0, 1, 2], [100, 101, 127]], dtype=dtype)
    result = evaluate(invoke, files, "sigmoid", x, *TYPES)
    assert result.exit_code == 0
    assert f"Wrote 6 integers to {files[1]}." in result.output
    y = np.load(files[1])
    assert y.shape == (2, 3)
    assert y[0, 0] == 64  # sigmoid(0) = 1/2 at scale 7


def test_eval_over_tcp(files):
    np.save(files[0], np.array([-64, 0]))
    report = answer("eval", "exp", "--inputs", files[0], "--outputs", files[1], "--over", "tcp", *TYPES)
    assert report["count"] == 2
    assert np.load(files[1])[1] == 128


@pytest.mark.parametrize(
    ("name", "integers", "words"),
    [
        ("sigmoid", np.array([0, 512]), "1 of 2 inputs do not fit int10 at scale 6, the first 512 at index 1; "),
        ("sigmoid", np.array([[0], [-513]]), "the first -513 at index 1; integers must lie in [-512, 511]"),
        ("sigmoid", np.array([2**64 - 1], dtype=np.uint64), "the first 18446744073709551615 at index 0"),
        ("exp", np.array([1, 0]), "outside the domain of exp (e^x for x <= 0), the first 1 at index 0; integers must "),
        ("reciprocal", np.array([1, 0]), "1 of 2 inputs are outside the domain of reciprocal (1/x for x > 0)"),
        ("unit_reciprocal", np.array([63, 128]), "2 of 2 inputs are outside the domain of unit_reciprocal"),
        ("tanh", np.array([0.5]), "holds float64 values; save integers of int10 at scale 6"),
        ("tanh", np.array([True]), "holds bool values"),
        ("tanh", np.array([], dtype=int), "holds nothing"),
    ],
    ids=["high", "low", "wide", "positive", "zero", "not in [1, 2)", "reals", "truths", "none"],
)
def test_inputs_that_are_refused(invoke, files, name, integers, words):
    result = evaluate(invoke, files, name, integers, *TYPES)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr
    assert not files[1].exists()


def test_files_that_are_refused(invoke, files, tmp_path):
    np.savez(tmp_path / "several.npz", a=np.array([1]))
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
