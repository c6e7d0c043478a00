"""`sirnn block`: single protocols, at parameters of one's choosing."""

from __future__ import annotations

import json

import pytest

from sirnn.blocks.multiplication import multiply_cost
from sirnn.profile import Profile
from tests.cli.processes import answer


@pytest.mark.parametrize("profile", Profile)
def test_a_block_is_run_with_the_parameters_given(invoke, profile):
    widths = ("-p", "x_bits=8", "-p", "y_bits=16", "-p", "out_bits=24")
    result = invoke("block", "multiply", *widths, "--count", "50", "--profile", profile.value, "--json")
    report = json.loads(result.stdout)
    declared = multiply_cost(profile, 50, x_bits=8, y_bits=16, out_bits=24)
    assert report["bytes_online"] == declared.payload
    assert (report["bytes_from_server"], report["bytes_from_client"]) == declared.sent
    assert report["flights_online"] == declared.flights
    assert report["demand"] == declared.demand


def test_types_are_parameters_too(invoke):
    result = invoke("block", "divide", "-p", "num=14:12", "-p", "scale=12", "-p", "out=14:12", "--count", "5", "--json")
    assert json.loads(result.stdout)["parameters"]["num"] == "14:12"


def test_every_block_is_listed(invoke):
    listed = json.loads(invoke("block", "--json").stdout)["protocols"]
    names = {protocol["name"] for protocol in listed}
    assert {"wrap", "multiply", "divide", "l2_normalise", "convolution", "sigmoid"} <= names
    assert all(protocol["summary"] and protocol["profiles"] for protocol in listed)


def test_several_numbers_are_one_parameter(invoke):
    result = invoke("block", "below_powers", "-p", "bits=9", "-p", "powers=7,2", "--profile", "lean", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["parameters"] == {"bits": 9, "powers": [7, 2]}


def test_parameters_in_json_are_what_they_are(invoke):
    listed = {each["name"]: each["parameters"] for each in json.loads(invoke("block", "--json").stdout)["protocols"]}
    assert listed["multiply"]["x_bits"] == 2
    assert listed["multiply"]["x_signed"] is False
    assert listed["convolution"]["image"] == [3, 3, 1]
    types = {type(value) for parameters in listed.values() for value in parameters.values()}
    assert types <= {int, bool, str, list}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "there is no protocol 'nothing'; "),
        (["millionaire"], "there is no protocol 'millionaire'; did you mean millionaires"),
        (["b2a", "-p", "width=3"], "there is no parameter 'width' of b2a; there are bits"),
        (["b2a", "-p", "bits=3.5"], "bits=3.5 is not of its kind"),
        (["lookup", "-p", "tables=7"], "not of its kind"),
        (["below_powers", "-p", "powers=3,x", "--profile", "lean"], "powers=3,x is not of its kind: the example has"),
    ],
)
def test_what_there_is_not_is_bad_usage(invoke, arguments, words):
    result = invoke("block", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: sirnn block ")
    assert words in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["b2a", "-p", "bits=99"], "a ring of 99 bits"),
        (["below_powers", "-p", "bits=6", "-p", "powers=2,9", "--profile", "lean"], "give descending ones, below its"),
        (["multiply", "-p", "x_bits=8", "-p", "y_bits=16", "-p", "out_bits=64"], "need max(m, n) <= l <= m + n"),
        (["wrap", "-p", "msb=maybe"], "nothing is called a maybe top bit"),
        (["below_powers", "--profile", "paper"], "below_powers does not exist in profile paper; use exact or lean"),
    ],
)
def test_what_cannot_be_run_is_refused(invoke, arguments, words):
    result = invoke("block", *arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


# ------------------------------------------------------------ measured like a function


def test_a_block_is_timed_between_two_processes(invoke):
    arguments = ("block", "relu", "-p", "bits=32", "--count", "40")
    once = json.loads(invoke(*arguments, "--json").stdout)
    often = answer(*arguments, "--over", "tcp", "--repeat", "3")
    assert (once["repeat"], often["repeat"]) == (1, 3)
    for key in ("parameters", "demand", "bytes_offline", "bytes_online", "flights", "bytes_from_server"):
        assert often[key] == once[key], key
    assert often["peak_bytes_server"] > 10_000_000 < often["peak_bytes_client"]
    assert all(often[f"seconds_{stage}"] > 0 for stage in ("setup", "offline", "online"))


@pytest.mark.parametrize(
    ("arguments", "protocol", "parameters"),
    [
        (["relu", "--profile", "paper", "--bits", "32"], "relu", {"bits": 32}),
        (["msb", "--profile", "exact"], "msb", {"bits": 16}),
        (["less_than", "-p", "bits=9", "-p", "signed=true"], "less_than", {"bits": 9, "signed": True}),
    ],
    ids=" ".join,
)
def test_measure_and_block_are_one_mechanism(invoke, arguments, protocol, parameters):
    measured = invoke("measure", *arguments, "--count", "30", "--json")
    assert measured.exit_code == 0, measured.output
    report = json.loads(measured.stdout)
    assert report["protocol"] == protocol
    assert report["parameters"].items() >= parameters.items()
    said = [word for name, value in parameters.items() for word in ("-p", f"{name}={str(value).lower()}")]
    block = json.loads(
        invoke("block", protocol, *said, "--profile", report["profile"], "--count", "30", "--json").stdout
    )
    clock = {key for key in report if "seconds" in key or key == "per_second"}
    assert {key: report[key] for key in report.keys() - clock} == {key: block[key] for key in block.keys() - clock}


def test_a_name_that_is_both_is_the_function_where_the_profile_has_it(invoke):
    report = json.loads(invoke("measure", "relu", "--count", "20", "--json").stdout)
    assert report["function"] == "relu"
    assert "protocol" not in report
    refused = invoke("measure", "relu", "--profile", "paper", "--in-scale", "3")
    assert refused.exit_code == 2
    assert "--in-scale says nothing about relu" in refused.stderr


def test_a_block_for_people(invoke):
    result = invoke("block", "b2a", "-p", "bits=9", "--count", "50", "--profile", "exact")
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines())) <= 80
    for words in ("b2a, bits 9", "payload per instance", "cot/server, demanded", "seconds, offline", "Where the bytes"):
        assert words in result.output
