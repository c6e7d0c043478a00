"""`sirnn compile-function`: what it reports, writes and refuses."""

from __future__ import annotations

import json

import pytest

from sirnn.compiler.codec import digest
from sirnn.compiler.price import bill
from sirnn.compiler.saved import load
from sirnn.profile import Profile

SMALL = ("--bits", 8, "--in-scale", 4, "--out-bits", 8, "--out-scale", 4)


def report(invoke, *arguments):
    result = invoke("compile-function", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_report_is_that_of_the_plan_it_writes(invoke, tmp_path):
    found = report(invoke, "tanh", *SMALL, "--count", 1000, "-o", tmp_path / "plan.json")
    _, plan = load(tmp_path / "plan.json")
    assert found["digest"] == digest(plan)
    cost = bill(Profile.LEAN, plan, 1000)
    assert found["bytes_online"] == cost.online.payload
    assert found["bytes_offline"] == cost.offline.payload
    assert found["bytes_per_instance"] == (cost.online.payload + cost.offline.payload) / 1000
    assert found["flights"] == cost.online.flights
    assert 0 < found["mean_ulp"] < found["max_ulp"] <= found["allowed_ulp"] == 1.5
    assert (found["proven"], found["inputs"], found["overflows"]) == ("exhaustive", 256, 0)
    assert "candidates" not in found
    assert "entries" not in found["parameters"]


def test_the_file_of_a_plan_is_run_in_place_of_a_function(invoke, tmp_path):
    made = report(invoke, "tanh", "--max-ulp", 3, "-o", tmp_path / "plan.json")
    result = invoke("measure", tmp_path / "plan.json", "--count", 300, "--json")
    assert result.exit_code == 0, result.output
    measured = json.loads(result.stdout)
    assert measured["flights_online"] == made["flights"]
    assert 1.5 < measured["max_ulp"] <= made["max_ulp"]
    assert invoke("cost", tmp_path / "plan.json").exit_code == 0
    for arguments, problem in ((["--profile", "exact"], "no compiled plan"), (["--bits", "12"], "the types it is for")):
        result = invoke("measure", tmp_path / "plan.json", *arguments)
        assert result.exit_code == 1
        assert problem in result.stderr
    assert "does not end in .json" in invoke("compile-function", "tanh", "-o", tmp_path / "plan").stderr


@pytest.mark.usefixtures("own_cache")
def test_the_cache_answers_the_same(invoke):
    first = report(invoke, "x * sigmoid(x)", *SMALL, "--explain")
    assert report(invoke, "x*sigmoid( x )", *SMALL, "--explain") == first
    assert report(invoke, "x * sigmoid(x)", *SMALL, "--explain", "--no-cache") == first
    assert first["candidates"][0]["verdict"] == "chosen"


def test_domains_and_signs(invoke):
    unsigned = report(invoke, "sqrt(x)", *SMALL, "--unsigned", "--out-unsigned")
    part = report(invoke, "1 / x", *SMALL, "--domain", "1:2")
    assert (unsigned["inputs"], part["inputs"]) == (256, 17)
    assert report(invoke, "1 / x", *SMALL, "--domain", "0:2", "--saturate")["overflows"] > 0


@pytest.mark.parametrize(("domain", "left_out"), [("-8:8.5", True), ("-1e300:0", True), ("-8:7.9375", False)])
def test_a_domain_that_is_cut_is_told(invoke, domain, left_out):
    result = invoke("compile-function", "tanh", *SMALL, "--domain", domain)
    assert result.exit_code == 0
    asked = domain.replace("1e300", "1e+300")
    line = f"sirnn: int8 at scale 4 holds -8 to 7.9375: what else lies in {asked} is left out\n"
    assert result.stderr == (line if left_out else "")


def test_people_see_what_was_weighed_and_where_the_error_is(invoke):
    result = invoke("compile-function", "tanh", *SMALL, "--explain")
    assert result.exit_code == 0
    for words in ("worst error", "exhaustive: 256 inputs", "chosen", "Worst error along the domain", "█"):
        assert words in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_what_holds_of_every_word_is_reported_and_kept(invoke):
    kept = report(invoke, "tanh", *SMALL, "--max-ulp", 0.5, "--keep", "zero,symmetric")
    assert {name: (said["says"], said["breaches"]) for name, said in kept["identities"].items()} == {
        "zero": ("f(0) = 0", 0),
        "symmetric": ("f(-x) = -f(x)", 0),
        "monotone": ("never falls", 0),
    }
    assert (kept["least_result"], kept["greatest_result"]) == (-1, 1)
    shown = invoke("compile-function", "tanh", *SMALL, "--max-ulp", 0.5, "--keep", "zero,symmetric", "--explain").stdout
    assert "f(0) = 0, f(-x) = -f(x), never falls" in shown
    assert (
        report(invoke, "relu", "--bits", 32, "--in-scale", 16, "--out-bits", 32, "--out-scale", 16)["identities"]
        is None
    )


def test_a_network_decides_by_time(invoke):
    by_time = report(invoke, "tanh", "--bits", 12, "--in-scale", 8, "--network", "wan", "--count", 10)
    by_bytes = report(invoke, "tanh", "--bits", 12, "--in-scale", 8, "--count", 10)
    assert by_time["flights"] < by_bytes["flights"]


@pytest.mark.parametrize("name", ["error.svg", "error.png"])
def test_the_error_is_drawn(invoke, tmp_path, name):
    pytest.importorskip("matplotlib")
    assert invoke("compile-function", "tanh", *SMALL, "--plot", tmp_path / name).exit_code == 0
    assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("1 / x",), 1, "sirnn: error: 1 / x is inf at x = 0"),
        (("open('f')",), 2, "nothing an expression can use"),
        (("sigmod",), 2, "there is no function 'sigmod'; did you mean sigmoid or hard_sigmoid?"),
        (("tanh", "--max-ulp", "0.3"), 1, "no plan gives tanh"),
        (("tanh", "--max-flights", "1"), 1, "ULP in 1 flight; allow"),
        (("tanh", "--max-ulp", "0"), 2, "--max-ulp"),
        (("tanh", "--keep", "odd"), 2, "'odd' is none of zero, symmetric, monotone"),
        (("exp", "--keep", "zero,symmetric"), 1, "exp itself is not symmetric"),
        (("tanh", "--domain", "3"), 2, "is not a domain"),
        (("tanh", "--domain", "3:1"), 2, "is not a domain"),
        (("tanh", "--domain", "nan:1"), 2, "is not a domain"),
        (("tanh", "--domain", "100:200"), 1, "no word of int8 at scale 4 lies in 100:200; it holds -8 to 7.9375, in"),
        (("tanh", "--domain", "0.01:0.02"), 1, "lies in 0.01:0.02; it holds -8 to 7.9375, in steps of 0.0625"),
        (("tanh", "-o", "nowhere/plan.json"), 1, "there is no folder nowhere"),
        (("tanh", "--plot", "error.what"), 1, "cannot draw"),
        (("tanh", "--bits", 33), 1, "8,589,934,592 words"),
    ],
)
def test_what_cannot_be_is_refused(invoke, arguments, code, problem):
    result = invoke("compile-function", *SMALL, *arguments)
    assert result.exit_code == code
    assert problem in result.stderr
    assert result.stdout == ""
