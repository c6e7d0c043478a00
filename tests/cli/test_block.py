"""`sirnn block`: single protocols, at parameters of one's choosing."""

from __future__ import annotations

import json

import pytest

from sirnn.blocks.multiplication import multiply_cost
from sirnn.profile import Profile


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
    assert all(protocol["summary"] for protocol in listed)


def test_several_numbers_are_one_parameter(invoke):
    result = invoke("block", "below_powers", "-p", "bits=9", "-p", "powers=7,2", "--profile", "lean", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["parameters"] == {"bits": "9", "powers": "7,2"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "there is no protocol nothing"),
        (["b2a", "-p", "width=3"], "b2a has no parameter 'width=3'; it has bits"),
        (["b2a", "-p", "bits=3.5"], "bits=3.5 is not of its kind"),
        (["b2a", "-p", "bits=99"], "a ring of 99 bits"),
        (["lookup", "-p", "tables=7"], "not of its kind"),
        (["below_powers", "-p", "powers=3,x", "--profile", "lean"], "powers=3,x is not of its kind; the example has"),
        (["below_powers", "-p", "bits=6", "-p", "powers=2,9", "--profile", "lean"], "give descending ones, below its"),
        (["multiply", "-p", "x_bits=8", "-p", "y_bits=16", "-p", "out_bits=64"], "need max(m, n) <= l <= m + n"),
        (["wrap", "-p", "msb=maybe"], "nothing is called a maybe top bit"),
    ],
)
def test_what_cannot_be_run_is_refused(invoke, arguments, words):
    result = invoke("block", *arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
