"""`sirnn sweep`: what it counts, how a case is repeated, and that a bad one fails it."""

import json

import pytest

from simulator.faults import Drop
from simulator.sweep import KINDS, Case, Verdict
from sirnn.cli import sweep as command


def test_every_case_is_counted(invoke):
    result = invoke("sweep", "reveal", "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["jobs"], report["cases"], report["bad"]) == (2, 2 * 3 * 9, 0)  # one message, and two farewells
    assert list(report["outcomes"]) == list(KINDS)
    for kind, counts in report["outcomes"].items():
        assert sum(counts.values()) == 2 * 3, kind
    assert report["outcomes"]["delay"]["right at both"] == 6
    assert report["struck"] == []


def test_one_fault_alone_is_told_in_full(invoke):
    result = invoke("sweep", "mux", "--profile", "paper", "--fault", "drop:client@1", "--fault", "delay:client@0:2m")
    assert result.exit_code == 1
    assert "'delay:client@0:2m' is not a fault" in result.stderr
    result = invoke("sweep", "mux", "--profile", "paper", "--fault", "drop:client@1", "--fault", "delay:client@0:120s")
    assert result.exit_code == 0
    assert "sirnn sweep mux --profile paper --fault drop:client@1\n" in result.stdout
    assert "  server: TransportError: nothing came for 60 s (in / [mux/" in result.stdout
    assert "  client: PeerError: the other party stopped with TransportError (in farewell" in result.stdout
    assert "│ drop " in result.stdout
    assert "│ stall " in result.stdout


def test_a_bad_case_fails_it_and_can_be_repeated(invoke, monkeypatch):
    async def strike(job, clean, fault):
        return Case(fault, Verdict.BAD if fault == Drop(1, 0) else Verdict.ERRORS, "as said", ("[red]here", "there"))

    monkeypatch.setattr(command, "strike", strike)
    result = invoke("sweep", "reveal", "--profile", "exact")
    assert result.exit_code == 1
    told = result.stdout.partition("sirnn sweep ")[2].splitlines()
    # Numbers are those of the whole conversation: what prepares comes first, if anything does.
    assert told == [
        "reveal --profile exact --fault drop:client@0",
        "  bad: as said",
        "  server: [red]here",
        "  client: there",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nonsense"], 2, "there is no protocol 'nonsense'"),
        (["mux", "--fault", "drop:client@99"], 1, "the client sends 3 messages, farewell included"),
        (["mux", "--fault", "lose:client@1"], 1, "'lose:client@1' is not a fault"),
        (["carry", "--profile", "paper"], 1, "carry does not exist in profile paper"),
        (["--fault", "drop:client@1"], 2, "name the job"),
    ],
)
def test_what_cannot_be_swept_is_refused(invoke, arguments, code, words):
    result = invoke("sweep", *arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""


def test_processes_share_the_work():
    """The same cases, in the same order."""
    parts = [command.Part(command.Place(name, command.Profile.PAPER), every=3) for name in ("reveal", "b2a")]
    assert command.run_parts(parts, 2) == command.run_parts(parts, 1)
