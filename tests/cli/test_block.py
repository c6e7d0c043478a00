"""`sirnn block` and `sirnn check`: single protocols, ours and one's own."""

from __future__ import annotations

import json

import pytest

from sirnn.blocks.multiplication import multiply_cost
from sirnn.profile import Profile
from tests.test_docs import ROOT


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
    ],
)
def test_what_cannot_be_run_is_refused(invoke, arguments, words):
    result = invoke("block", *arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_protocol_of_ones_own_is_checked(invoke):
    result = invoke("check", ROOT / "docs" / "examples" / "hamming.py", "--json")
    report = json.loads(result.stdout)
    assert report["passed"]
    assert [check["flights"] for check in report["checks"]] == [2, 2]


WITHOUT_DEMAND = """
import attrs


def without_demand(cost):
    return lambda profile, n, *, bits, out_bits: attrs.evolve(cost(profile, n, bits=bits, out_bits=out_bits), demand={})
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("n * bits, bits=out_bits)", "n * bits, bits=out_bits + 1)", "are declared"),
        ("def hamming_weight_cost(profile,", "@without_demand\ndef hamming_weight_cost(profile,", "than the store has"),
        ("bitwise_count(word)", "bitwise_count(word) + 1", "differs from the functionality"),
    ],
)
def test_a_wrong_declaration_is_found_out(invoke, tmp_path, old, new, words):
    text = (ROOT / "docs" / "examples" / "hamming.py").read_text()
    assert old in text
    wrong = tmp_path / "wrong.py"
    name = f"wrong_{abs(hash(new))}"
    text = text.replace("\n\ndef", WITHOUT_DEMAND + "\n\ndef", 1)
    wrong.write_text(text.replace(old, new).replace("hamming_weight", name))
    result = invoke("check", wrong)
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert words in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "registers no protocol"),
        ("import nothing_of_that_name", "cannot be imported"),
        (None, "there is no Python file"),
    ],
)
def test_a_file_without_protocols_is_refused(invoke, tmp_path, content, words):
    path = tmp_path / "empty.py"
    if content is not None:
        path.write_text(content)
    result = invoke("check", path)
    assert result.exit_code == 1
    assert words in result.stderr
