"""Faults in scenario files and on the command line: `run` says how both parties end."""

import json
from importlib.resources import files

import pytest

from tests.cli.conftest import SCENARIO


@pytest.fixture
def scenario(tiny):
    """Writes a scenario with faults beside the tiny one's files."""

    def write(*faults):
        path = tiny.folder / "struck.toml"
        path.write_text(f"{SCENARIO}faults = {json.dumps(faults)}\n")
        return path

    yield write
    (tiny.folder / "struck.toml").unlink(missing_ok=True)


def test_a_scenario_says_what_goes_wrong(invoke, scenario):
    result = invoke("run", scenario("drop:client@5"), "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["faults"] == ["drop:client@5"]
    assert report["server"].startswith("TransportError: nothing came for 60 s (in ")
    assert report["client"].startswith("PeerError: the other party stopped with TransportError (in ")
    assert report["matches_plaintext"] is False
    assert 60 < report["virtual_seconds"] < 121


def test_a_delay_is_no_failure(invoke, scenario):
    result = invoke("run", scenario("delay:server@3:2s"), "--fault", "delay:client@9:3s", "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["faults"] == ["delay:server@3:2s", "delay:client@9:3s"]
    assert (report["server"], report["client"]) == ("finished", "finished")
    assert report["matches_plaintext"] is True
    assert report["virtual_seconds"] > 5


def test_people_are_told_how_both_ended(invoke):
    result = invoke("run", "iris", "--fault", "gone:server@2", "--fault", "drop:client@99999")
    assert result.exit_code == 1
    told = " ".join(result.stdout.replace("│", " ").split())
    assert "with gone:server@2, drop:client@99999" in told
    assert "this process is gone" in told
    assert "TransportError: the other party closed the connection" in told
    assert "No such message was sent: drop:client@99999." in told


@pytest.mark.parametrize("said", ['["drop:client"]', '["delay:client@3"]', '"drop:client@3"', "[{drop = 3}]"])
def test_a_fault_that_cannot_be_read_is_refused(invoke, scenario, said):
    path = scenario()
    path.write_text(f"{SCENARIO}faults = {said}\n")
    result = invoke("run", path)
    assert result.exit_code == 1
    assert result.stderr.startswith("sirnn: error: ")
    assert "fault" in result.stderr


def test_faults_are_for_simulated_runs(invoke, scenario):
    result = invoke("run", scenario("drop:client@5"), "--over", "tcp")
    assert result.exit_code == 1
    assert "faults are for simulated runs" in result.stderr


def test_a_fault_that_finds_no_bytes_is_refused(invoke):
    result = invoke("run", "iris", "--fault", "truncate:server@0:999")
    assert result.exit_code == 1
    assert "needs a message of 999 bytes" in result.stderr


def test_the_scenarios_that_come_with_sirnn_have_none():
    for path in files("scenarios").joinpath("basicmotions").parent.glob("*/scenario.toml"):
        assert "faults" not in path.read_text()
