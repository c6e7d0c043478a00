"""`sirnn serve` and `sirnn query`, two processes on one machine, when all goes well."""

from __future__ import annotations

import json
import signal
import socket
from datetime import datetime

import numpy as np
import pytest

from sirnn.models.model import ModelShape, run_twin
from sirnn.version import PROTOCOL_VERSION
from tests.cli.processes import Running, Server, answer, assert_refused, sirnn
from transports.connection import MAGIC, VERSION_BYTES


@pytest.fixture(scope="module")
def twin(tiny):
    return run_twin(tiny.model, tiny.model.shape.encode_recordings(tiny.recordings))


@pytest.fixture(scope="module")
def server(tiny):
    """A server of classes, up for as long as the module's tests take."""
    with Server("--model", tiny.model_path) as running:
        yield running


def test_the_words_are_those_of_the_simulator(invoke, tiny, twin):
    simulated = json.loads(invoke("run", tiny.scenario, "--reveal", "logits", "--json").stdout)
    with Server("--model", tiny.model_path, "--reveal", "logits", "--once", "--json") as server:
        told = answer("query", "--connect", server.address, "--input", tiny.recording, "--reveal", "logits")
        assert server.end() == 0
        counted = json.loads(server.stdout)
    assert told["output_words"] == simulated["output_words"] == twin.logits[1:2].tolist()
    assert told["prediction"] == simulated["prediction"]
    for key in ("bytes_offline", "bytes_online", "flights", "flips"):
        assert told[key] == counted[key] == simulated[key], key
    # The two hellos name other facts than those of a run in one place; all else of the set-up is the same.
    assert told["bytes_setup"] == counted["bytes_setup"]
    assert told["model_shape"] == tiny.model.shape.digest()


def test_one_server_answers_clients_one_after_the_other(server, tiny, twin):
    classes = tiny.model.shape.classes
    before = len(server.stdout)
    told = answer("query", "--connect", server.address, "--input", tiny.recording)
    assert told["output_words"] == [int(twin.prediction[1])]
    assert told["prediction"] == classes[twin.prediction[1]]

    result = sirnn("query", "--connect", server.address, "--input", tiny.recording)
    assert result.returncode == 0
    assert result.stderr == ""
    assert classes[twin.prediction[1]] in result.stdout
    assert "the server learned nothing" in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines())) <= 80
    server.wait_for(r"(?s)(answered 1 recording: .*){2}", on="stdout", after=before)


def test_several_recordings_are_a_batch(server, tiny, twin):
    np.save(tiny.folder / "batch.npy", tiny.recordings)
    told = answer("query", "--connect", server.address, "--input", tiny.folder / "batch.npy")
    assert told["count"] == 3
    assert told["output_words"] == twin.prediction.tolist()
    assert told["prediction"] == [tiny.model.shape.classes[index] for index in twin.prediction]
    server.wait_for("answered 3 recordings", on="stdout")


def test_integers_are_numbers_too(server, tiny):
    recording = np.arange(12).reshape(4, 3) - 5
    np.save(tiny.folder / "integers.npy", recording[None] // 2)
    told = answer("query", "--connect", server.address, "--input", tiny.folder / "integers.npy")
    words = tiny.model.shape.encode_recordings((recording // 2)[None])
    assert told["output_words"] == run_twin(tiny.model, words).prediction.tolist()


def test_every_client_is_a_line_of_json(tiny, tmp_path):
    shape = tmp_path / "shape.json"
    with Server("--model", tiny.model_path, "--json", "--shape-out", shape) as server:
        assert ModelShape.from_json(shape.read_text()) == tiny.model.shape
        for _ in range(2):
            answer("query", "--connect", server.address, "--input", tiny.recording, "--expect", shape)
        server.wait_for(r"(.*\n){2}", on="stdout")
        assert [json.loads(line)["count"] for line in server.stdout.splitlines()] == [1, 1]


def test_a_failed_client_is_a_line_of_json_too(tiny):
    with Server("--model", tiny.model_path, "--json") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as stranger:
            host, port = stranger.getsockname()
            stranger.sendall(b"\x1b[31mGET")
            server.wait_for(r".*\n", on="stdout")
        answer("query", "--connect", server.address, "--input", tiny.recording)
        server.wait_for(r"(.*\n){2}", on="stdout")
        failed, answered = map(json.loads, server.stdout.splitlines())
        assert (failed["session"], failed["peer"], failed["kind"]) == (1, f"{host}:{port}", "PeerError")
        assert "does not speak sirnn" in failed["error"]
        assert (answered["session"], answered["count"]) == (2, 1)
        for report in (failed, answered):
            assert datetime.fromisoformat(report["time"]).tzinfo is not None
        assert len(server.stderr.splitlines()) == 1  # where it listens


def test_a_client_in_the_queue_is_told_so_and_served_in_its_turn(tiny):
    with Server("--model", tiny.model_path, "--clients", "1", "--queue", "1") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as first:
            first.sendall(MAGIC + str(PROTOCOL_VERSION).encode().ljust(VERSION_BYTES, b"\0"))
            first.recv(1)  # it has the place
            with Running("query", "--connect", server.address, "--input", tiny.recording, "--json") as second:
                second.wait_for("the server is busy with other clients: waiting in its queue")
                third = sirnn("query", "--connect", server.address, "--input", tiny.recording)
                assert_refused(third, "network:", "the server is busy, and so is its queue; try again later")
                assert second.process.poll() is None
                first.close()
                assert second.end() == 0
                assert json.loads(second.stdout)["count"] == 1
        server.wait_for("failed: turned away")


def test_both_have_a_progress_bar_that_stays_out_of_the_output(tiny):
    with (
        Server("--model", tiny.model_path, "--once", "--json", terminal=True) as server,
        Running("query", "--connect", server.address, "--input", tiny.recording, "--json", terminal=True) as client,
    ):
        assert client.end() == 0
        assert server.end() == 0
        for party in (server, client):
            assert "steps" in party.stderr
            assert "4/4" in party.stderr
            assert json.loads(party.stdout)["count"] == 1


def test_the_demo_is_what_they_do_by_default():
    # Not run to the end, which takes as long as the demo itself: both at work is enough.
    with (
        Server("--once", terminal=True) as server,
        Running("query", "--connect", server.address, terminal=True) as client,
    ):
        server.wait_for(r"[1-9]\d*/100")
        client.wait_for(r"[1-9]\d*/100")
        assert client.end(signal_number=signal.SIGINT) == 1
        assert server.end() == 1


@pytest.mark.parametrize("host", ["localhost", "[::1]"])
def test_other_names_of_this_machine(tiny, host):
    with Running("serve", "--model", tiny.model_path, "--listen", f"{host}:0", "--once") as server:
        address = server.wait_for(r"listening on (\S+),")[1]
        assert address.startswith(f"{host}:")
        answer("query", "--connect", address, "--input", tiny.recording)
        assert server.end() == 0
