"""`sirnn demo`: the real one once, for programs; its looks on a small model."""

from __future__ import annotations

import pytest

from sirnn.cli import demo as demo_module
from sirnn.cli.scenario import load_scenario
from tests.cli.processes import answer


def test_the_demo_in_json():
    report = answer("demo")
    assert report["prediction"] == report["expected"] == report["label"] == "running"
    assert report["matches_plaintext"] is True
    assert report["profile"] == "lean"
    assert report["bytes_offline"] + report["bytes_online"] == report["bytes_declared"] > 1_000_000
    assert report["bytes_offline"] > 0 < report["bytes_setup"]
    assert 0 < report["bytes_framing"] < report["bytes_online"]
    assert report["flights_offline"] + report["flights_online"] == report["flights_declared"] > 1000
    assert report["seconds"] > 0
    assert 0 < report["network_seconds_lan"] < report["network_seconds_wan"]
    for network in ("lan", "wan"):
        predicted = report[f"network_seconds_{network}"] + report["seconds"]
        assert report[f"predicted_seconds_{network}"] == pytest.approx(predicted)


@pytest.fixture
def small(tiny, monkeypatch):
    monkeypatch.setattr(demo_module, "load_scenario", lambda _: load_scenario(str(tiny.scenario)))


@pytest.mark.usefixtures("small")
def test_the_demo_for_people_fits_into_80_columns(invoke):
    result = invoke("demo", "--seed", "7")
    assert result.exit_code == 0
    assert "INSECURE" in result.stderr  # a seed shouts
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert "A scenario for tests" in lines
    assert "Both parties run in this process, over a simulated network (wan)." in lines
    assert "    sirnn query --connect 127.0.0.1:7000" in lines
    assert "Every bit equals the plaintext model's." in result.output
    assert "learned nothing" in result.output
    assert "semi-honest" in result.output
    for figure in ("payload", "declared beforehand", "set-up", "framing", "flights", "seconds, online"):
        assert any(line.startswith(f"│ {figure}") for line in lines), figure
    assert "waiting for the network, wan" in result.output
    assert "ideal" not in result.output  # no network, no wait: nothing to tell


@pytest.mark.usefixtures("small")
def test_a_seed_makes_the_demo_reproducible_in_its_bytes(invoke):
    first, second = (invoke("demo", "--seed", "7", "--network", "mobile", "--json").stdout for _ in range(2))
    timeless = [[line for line in each.splitlines() if "econds" not in line] for each in (first, second)]
    assert timeless[0] == timeless[1]
    assert ' "network": "mobile",' in timeless[0]


@pytest.mark.usefixtures("small")
def test_no_such_recording(invoke):
    result = invoke("demo", "--recording", "3")
    assert result.exit_code == 1
    assert result.stderr == "sirnn: error: the scenario has no recording 3; choose from 0 to 2\n"


@pytest.mark.usefixtures("small")
def test_a_difference_from_the_plaintext_model_is_a_failure(invoke, monkeypatch):
    monkeypatch.setattr("sirnn.cli.inference.InferenceRun.matches", property(lambda _: False))
    result = invoke("demo")
    assert result.exit_code == 1
    assert "differs from" in result.output
