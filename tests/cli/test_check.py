"""`sirnn check`: protocols of one's own are held to what they declare; whatever is wrong with one is its verdict."""

from __future__ import annotations

import importlib
import json
import re
import shlex

import pytest

from sirnn.protocol import REGISTRY
from tests.test_docs import ROOT

verdicts_module, endless_module = (importlib.import_module(f"sirnn.cli.{name}") for name in ("verdicts", "endless"))

HAMMING = ROOT / "docs" / "examples" / "hamming.py"

FEW_RUNS = ("--runs", "0")
"""Of the privacy check, which has tests of its own."""

HEAD = """\
import numpy as np
import trio
from sirnn.blocks.relational import less_than, less_than_cost
from sirnn.blocks.selection import mux, mux_cost
from sirnn.cost import FREE, Cost, parallel, sequence
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Private, protocol


def declared(cost=lambda profile, n, *, bits: FREE, clear=lambda x: x, examples=({"bits": 9},), **more):
    kinds = {"takes": (Arith("bits"),), "gives": (Arith("bits"),), **more}
    return protocol(clear=clear, cost=cost, examples=list(examples), **kinds)

"""

SOUND = """
@declared()
async def sound(party, x):
    return x
"""


def forget():
    """Take what the checked files have registered out of the registry again."""
    for name in [name for name, spec in REGISTRY.items() if spec.run.__module__.startswith("sirnn_checked_")]:
        del REGISTRY[name]


@pytest.fixture(autouse=True)
def _forgotten():
    yield
    forget()


@pytest.fixture
def check(invoke, tmp_path):
    """Check a text as a file: the parsed report."""

    def run(text, *arguments):
        file = tmp_path / "mine.py"
        file.write_text(HEAD + text)
        result = invoke("check", file, "--json", *FEW_RUNS, *arguments)
        forget()
        report = json.loads(result.stdout)
        assert result.exit_code == (0 if report["passed"] else 1), result.output
        return report

    return run


def problems(report, name):
    """What is wrong with one protocol, by profile."""
    found = [row for row in report["checks"] if row["protocol"] == name]
    assert found, report
    return {told["profile"]: told for row in found for told in row["problems"]}


def the_problem(check, text, name, *arguments):
    """What is wrong with the protocol `name`, in its first profile; a sound one beside it passes."""
    report = check(text + SOUND, *arguments)
    assert not problems(report, "sound")
    return next(iter(problems(report, name).values()))


def test_the_example_of_the_guide_passes(invoke):
    report = json.loads(invoke("check", HAMMING, "--json", "--runs", "16").stdout)
    assert report["passed"]
    assert [check["flights"] for check in report["checks"]] == [2, 2]
    assert [check["profiles"] for check in report["checks"]] == [["paper", "exact", "lean"]] * 2


def test_a_protocol_that_gives_something_away_is_told_where(check):
    text = """
@declared(lambda profile, n, *, bits: Cost.exchange(n * bits), examples=[{"bits": 16}])
async def opens(party, x):
    mine = x.words.astype("<u2").tobytes()
    await party.channel.exchange(mine, len(mine))
    return x
"""
    told = the_problem(check, text, "opens", "--runs", "24")["problem"]
    assert "gives away: party 0: message 0 of / [opens] is not masked: it depends on the other party's input" in told


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
    text = HAMMING.read_text()
    assert old in text
    wrong = tmp_path / "wrong.py"
    name = f"wrong_{abs(hash(new))}"
    text = text.replace("\n\ndef", WITHOUT_DEMAND + "\n\ndef", 1)
    wrong.write_text(text.replace(old, new).replace("hamming_weight", name))
    result = invoke("check", wrong, "--size", "3")
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
    result = invoke("check", path, "--json")
    assert result.exit_code == 1
    assert words in result.stderr
    report = json.loads(result.stdout)
    assert not report["passed"]
    assert words in report["problem"]


# ------------------------------------------------------------ in which profiles


def test_a_protocol_is_checked_in_the_profiles_it_exists_in(check):
    text = """
@declared(lambda profile, n, *, bits: Cost(demand={"cot/server": n}), profiles=[Profile.EXACT, Profile.LEAN])
async def made_ahead(party, x):
    if x.size:
        await party.draw("cot/server", x.size)
    return x
"""
    (row,) = check(text)["checks"]
    assert row["profiles"] == ["exact", "lean"]
    assert row["problems"] == []
    assert check(text, "--profile", "lean")["checks"][0]["profiles"] == ["lean"]
    assert "made_ahead does not exist in profile paper" in check(text, "--profile", "paper")["problem"]
    assert "no protocol of these is called other; choose from made_ahead" in check(text, "--only", "other")["problem"]


def test_drawing_nothing_is_refused_in_words(check):
    text = """
@declared(lambda profile, n, *, bits: Cost(demand={"cot/server": n}), profiles=[Profile.LEAN])
async def draws(party, x):
    (rows,) = await party.draw("cot/server", x.size)
    return x
"""
    problem = the_problem(check, text, "draws")["problem"]
    assert "0 of cot/server are drawn" in problem
    assert "of no instances, return empty shares before drawing" in problem
    assert "size 0" in problem


# ------------------------------------------------------------ counterexamples


NOT_LESS = """
def pair(profile, n, *, bits):
    return less_than_cost(profile, n, bits=bits)


@declared(pair, lambda x, y: x <= y, [{"bits": 32}], takes=(Arith("bits"), Arith("bits")), gives=(Bool(),))
async def at_most(party, x, y):
    return await less_than(party, x, y, signed=False)
"""


def test_equal_operands_and_edges_are_tried_first(check):
    """Random words of 32 bits are never equal."""
    told = the_problem(check, NOT_LESS, "at_most", "--profile", "lean")
    shown = told["counterexample"]
    assert "edges of the domain: output 0 differs from the functionality at 6 of 36" in told["problem"]
    assert (shown["output"], shown["at"], shown["expected"], shown["got"]) == (0, [0], 1, 0)
    assert [text.split(" ")[0] for text in shown["inputs"]] == ["0", "0"]


OFF_AT_RANDOM = """
@declared(clear=lambda x: x + ((x > 100) & (x < 200)), examples=[{"bits": 9}])
async def off(party, x):
    return x
"""


def test_a_counterexample_is_repeated_by_its_command(check, invoke):
    told = the_problem(check, OFF_AT_RANDOM, "off", "--profile", "paper", "--seed", "3")
    shown = told["counterexample"]
    value = int(shown["inputs"][0].split(" ")[0])
    assert 100 < value < 200
    assert (shown["expected"], shown["got"]) == (value + 1, value)
    assert told["seed"] == 3
    command = shlex.split(told["repeat"])
    assert command[:2] == ["sirnn", "check"]
    assert {"--only", "off", "--size", "--profile", "paper"} <= set(command)
    again = json.loads(invoke(*command[1:], "--json").stdout)
    (same,) = problems(again, "off").values()
    assert same["counterexample"] == shown


def test_a_report_for_people_has_the_counterexample_and_the_command(invoke, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(HEAD + OFF_AT_RANDOM)
    result = invoke("check", file, "--profile", "paper")
    text = " ".join(result.stdout.split())
    assert "differs from the functionality at" in text
    assert " (shared as " in text
    assert re.search(rf"again: sirnn check {file} --only off --profile paper --size \d+ --seed 0", text)


# ------------------------------------------------------------ whatever happens


FEW = ("--profile", "paper", "--size", "0", "--size", "17")

WRONG = {
    "both parties wait": (
        "    await party.channel.recv(1)\n    return x",
        "TransportError: nothing came for 60 s",
    ),
    "an exception": ('    raise ValueError("odd")', "ValueError: odd (mine.py:"),
    "an exception at one size": ("    assert x.size != 17\n    return x", "size 17"),
    "nothing returned": ("    pass", "output 0 is of type NoneType, not ArithmeticShare"),
    "too much returned": ("    return x, x", "2 outputs are returned, 1 are declared"),
    "a block that is not awaited": (
        "    mux(party, party.constant(1, 1, x.shape), x)\n    return x",
        "RuntimeWarning: coroutine 'mux' was never awaited",
    ),
    "a numpy warning": ("    np.float64(1) / np.zeros(1)\n    return x", "RuntimeWarning: divide by zero"),
    "a loop of messages": (
        '    while True:\n        await party.channel.exchange(b"", 0)',
        "sends more than 3,000 messages",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_whatever_goes_wrong_is_the_verdict_of_its_protocol_alone(check, what):
    body, words = WRONG[what]
    text = f"@declared()\nasync def wrong(party, x):\n{body}\n"
    assert words in the_problem(check, text, "wrong", "--most-messages", "3000", *FEW)["problem"]


@pytest.mark.parametrize(
    ("loop", "grace"),
    [("pass", 0), ("x = x + x", 0), ("await trio.lowlevel.checkpoint()", verdicts_module.GRACE_SECONDS)],
)
def test_a_loop_that_sends_nothing_ends_too(check, monkeypatch, loop, grace):
    monkeypatch.setattr(verdicts_module, "GRACE_SECONDS", grace)
    monkeypatch.setattr(endless_module, "STRIKES_APART", 0.5)
    text = f"@declared()\nasync def endless(party, x):\n    while True:\n        {loop}\n"
    report = check(text, "--profile", "paper", "--most-seconds", "0.5")
    assert "not done after 0.5 s" in problems(report, "endless")["paper"]["problem"]


def test_a_cost_formula_that_fails_is_a_verdict(check):
    text = "@declared(lambda profile, n, *, width: FREE)\nasync def misspelt(party, x):\n    return x\n"
    report = check(text + SOUND, *FEW)
    assert "TypeError" in problems(report, "misspelt")["paper"]["problem"]
    assert [row["flights"] for row in report["checks"]] == [None, 0]
    assert not problems(report, "sound")


# ------------------------------------------------------------ branches


BRANCHES = """
def one_cost(profile, n, *, bits):
    return mux_cost(profile, n, bits=bits)


def both_cost(profile, n, *, bits):
    return one_cost(profile, n, bits=bits) | one_cost(profile, n, bits=bits)


@declared(both_cost, lambda b, x: b * x, [{"bits": 9}], takes=(Bool(), Arith("bits")))
async def branched(party, b, x):
    cost = one_cost(party.profile, x.size, bits=x.bits)
    right = lambda p: mux(p, b, x)
    left, _ = await party.parallel((cost, right), (WRONG, right))
    return left
"""


@pytest.mark.parametrize(
    ("wrong", "profile", "words"),
    [
        ("cost", "paper", ""),
        ("FREE", "paper", "/1 [case 0/branched] of party.parallel: party 0 sends"),
        ("Cost.exchange(99999)", "paper", "12500 are declared"),
        ("cost | Cost.exchange(99999)", "lean", "of party.parallel: party 0 sends"),
        ("cost + Cost.exchange(0)", "lean", "2 flights until party 0 is done, 3 are declared"),
        ("FREE", "lean", "than the store has; correct the cost it was forked with"),
    ],
)
def test_a_branch_costs_what_it_declares(check, wrong, profile, words):
    report = check(BRANCHES.replace("WRONG", wrong), "--profile", profile, "--size", "3")
    assert report["passed"] == (not words)
    if words:
        assert words in problems(report, "branched")[profile]["problem"]
