"""`run`, `serve` and `query` of a model whose correlations are made ahead."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sirnn.correlations.prepare import plan
from sirnn.models.model import run_twin
from sirnn.nn.inference import infer_cost
from sirnn.profile import Profile
from tests.cli.processes import Server, answer, assert_refused, sirnn

EXACT = ("--profile", "exact")


def report_of(invoke, *arguments):
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def twin_of(files, indices=slice(None)):
    """In the words of the paper."""
    return run_twin(files.model, files.model.shape.encode_recordings(files.recordings[indices]), Profile.PAPER)


@pytest.mark.parametrize("source", ["auto", "softspoken-4"])
def test_the_words_are_those_of_the_paper_and_the_bytes_those_of_the_plan(invoke, tiny, source):
    report = report_of(invoke, "run", tiny.scenario, "--all", "--reveal", "logits", *EXACT, "--ot", source)
    assert report["profile"] == "exact"
    assert report["output_words"] == twin_of(tiny).logits.tolist()
    assert report["bytes_declared"] == report["bytes_offline"] + report["bytes_online"]
    assert report["flights_declared"] == report["flights"] == report["flights_offline"] + report["flights_online"]
    assert report["bytes_offline"] > 0 < report["seconds_offline"]


def test_the_command_cost_says_it_before(invoke, tiny):
    measured = report_of(invoke, "run", tiny.scenario, *EXACT)
    declared = report_of(invoke, "cost", tiny.model_path, *EXACT)
    for key in ("bytes_offline", "bytes_online", "flights_offline", "flights_online"):
        assert measured[key] == declared[key], key
    demand = infer_cost(Profile.EXACT, tiny.model.shape, 1).demand
    assert declared["demand"] == {kind: count for kind, count in demand.items() if count}
    assert tuple(declared["cots"].values()) == plan(Profile.EXACT, demand).cots
    lines = invoke("cost", tiny.model_path, *EXACT).output.splitlines()
    assert max(map(len, lines)) <= 80
    for kind in declared["demand"]:
        assert any(line.startswith(f"│ {kind} ") for line in lines), kind


def test_two_processes_run_on_cores_of_their_own_and_tell_their_memory(invoke, tiny):
    simulated = report_of(invoke, "run", tiny.scenario, *EXACT)
    real = answer("run", tiny.scenario, *EXACT, "--over", "tcp")
    for key in ("output_words", "bytes_offline", "bytes_online", "flights_offline", "flights_online"):
        assert real[key] == simulated[key], key
    assert real["peak_bytes_server"] > 10_000_000 < real["peak_bytes_client"]


def test_serve_and_query_prepare_between_hello_and_answer(tiny):
    with Server("--model", tiny.model_path, *EXACT, "--ot", "softspoken-8", "--once", "--json") as server:
        told = answer("query", "--connect", server.address, "--input", tiny.recording, *EXACT, "--ot", "softspoken-8")
        assert server.end() == 0
        counted = json.loads(server.stdout)
    assert told["output_words"] == [int(twin_of(tiny).prediction[1])]
    for key in ("bytes_setup", "bytes_offline", "bytes_online", "flights_offline", "flights_online"):
        assert told[key] == counted[key], key
    assert told["bytes_offline"] > 0
    for report in (told, counted):
        assert report["seconds_setup"] > 0 < report["seconds_offline"]
        assert report["seconds_online"] > 0


def test_serve_and_query_for_people(tiny):
    np.save(tiny.folder / "some.npy", tiny.recordings[:2])
    with Server("--model", tiny.model_path, *EXACT, "--once") as server:
        result = sirnn("query", "--connect", server.address, "--input", tiny.folder / "some.npy", *EXACT)
        assert server.end() == 0
    assert result.returncode == 0, result.stderr
    assert "s of it offline); the server learned nothing." in " ".join(result.stdout.split())
    assert "answered 2 recordings" in server.stdout
    assert "offline)" in server.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [((), "profile: 'lean' here, 'exact' there"), ((*EXACT, "--ot", "iknp"), "random OTs: 'iknp")],
)
def test_both_must_say_the_same(tiny, options, words):
    with Server("--model", tiny.model_path, *EXACT, "--once") as server:
        result = sirnn("query", "--connect", server.address, "--input", tiny.recording, *options)
        assert server.end() == 1
    assert_refused(result, "disagree", words)
