"""`sirnn run`: scenarios, on both backends."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest

from sirnn.models.model import run_twin
from sirnn.profile import Profile
from tests.cli.processes import Running, answer, assert_bad_usage, sirnn


def twin_of(files, indices=slice(None), profile=Profile.LEAN):
    return run_twin(files.model, files.model.shape.encode_recordings(files.recordings[indices]), profile)


@pytest.mark.parametrize("options", [(), *(("--profile", profile.value) for profile in Profile)], ids=" ".join)
def test_the_default_recording(invoke, tiny, options):
    report = json.loads(invoke("run", tiny.scenario, *options, "--json").stdout)
    assert report["profile"] == (options[1] if options else "lean")  # the scenario's
    twin = twin_of(tiny, [1], Profile(report["profile"]))
    assert report["recordings"] == [1]
    assert report["network"] == "wan"
    assert report["matches_plaintext"] is True
    assert report["output_words"] == twin.prediction.tolist()
    assert report["prediction"] == report["expected"] == tiny.model.shape.classes[twin.prediction[0]]


def test_all_recordings_are_one_batch(invoke, tiny):
    one, everything = (
        json.loads(invoke("run", tiny.scenario, "--reveal", "logits", "--json", *how).stdout)
        for how in ((), ("--all",))
    )
    twin = twin_of(tiny)
    assert everything["count"] == 3
    assert everything["output_words"] == twin.logits.tolist()
    assert everything["prediction"] == [tiny.model.shape.classes[index] for index in twin.prediction]
    assert everything["correct"] == int(np.sum(twin.prediction == np.arange(3)))
    assert everything["flights"] == one["flights"]
    assert everything["bytes_offline"] + everything["bytes_online"] == everything["bytes_declared"]
    assert everything["bytes_online"] > 2 * one["bytes_online"]


def test_tcp_gives_the_words_bytes_and_flights_of_the_simulation(invoke, tiny):
    simulated = json.loads(invoke("run", tiny.scenario, "--reveal", "logits", "--json").stdout)
    real = answer("run", tiny.scenario, "--reveal", "logits", "--over", "tcp")
    assert real["network"] is None
    assert "network_seconds_lan" not in real
    for key in ("output_words", "prediction", "matches_plaintext", "bytes_online", "flights", "flips"):
        assert real[key] == simulated[key], key
    assert real["bytes_offline"] + real["bytes_online"] == real["bytes_declared"]


def test_the_report_for_people(invoke, tiny):
    result = invoke("run", tiny.scenario, "--recording", "2", "--recording", "0")
    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert max(map(len, lines)) <= 80
    names = tiny.model.shape.classes
    answers = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line[:4] in ("│ 2 ", "│ 0 ")]
    predicted = [names[index] for index in twin_of(tiny, [2, 0]).prediction]
    assert answers == [["2", predicted[0], predicted[0], names[2]], ["0", predicted[1], predicted[1], names[0]]]
    assert "Every output word equals the plaintext model's" in result.output
    assert "Where the bytes went" in result.output


def test_a_wrong_word_is_found(invoke, tiny, monkeypatch):
    monkeypatch.setattr("sirnn.cli.inference.run_twin", lambda model, words, profile: twin_of(tiny, [0]))
    result = invoke("run", tiny.scenario, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["matches_plaintext"] is False


# ------------------------------------------------------------ scenarios that cannot be run


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('network = "wan"', 'network = "moon"', ("faulty.toml", "there is no network 'moon'", "there are lan, ")),
        (
            'profile = "lean"',
            'profile = "glossy"',
            ("faulty.toml", "profile", "no profile 'glossy'", "paper, exact, lean"),
        ),
        ('profile = "lean"', 'profile = "leen"', ("faulty.toml", "did you mean lean?")),
        ("default_recording = 1", 'default_recording = "one"', ("faulty.toml", "default_recording")),
        ("default_recording = 1", "default_recording = 3", ("no recording 3", "choose from 0 to 2")),
        ("default_recording = 1", "", ("faulty.toml", "default_recording")),
        ('name = "tiny"', 'name = "tiny', ("faulty.toml", "line 1")),
        ('name = "tiny"', 'name = "tiny"\ncolour = "red"', ("faulty.toml", "colour")),
        ('model = "model.npz"', 'model = "absent.npz"', ("absent.npz", "check the path")),
        ('recordings = "recordings.npz"', 'recordings = "model.npz"', ("model.npz", "recordings or labels")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_faulty_scenario_file(invoke, tiny, old, new, words):
    faulty = tiny.folder / "faulty.toml"
    faulty.write_text(tiny.scenario.read_text().replace(old, new))
    result = invoke("run", faulty)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        (
            {"recordings": np.zeros((2, 4, 3)), "labels": np.zeros(3, dtype=int)},
            ("labels (3,)", "integer label of each"),
        ),
        ({"recordings": np.zeros((2, 4, 3)), "labels": np.zeros(2)}, ("float64 labels", "integer label of each")),
        ({"recordings": np.zeros((2, 4, 3)), "labels": np.array([0, 3])}, ("labels beyond", "3 classes")),
        ({"recordings": np.zeros((2, 5, 3)), "labels": np.array([0, 1])}, ("(1, 5, 3)", "4 steps of 3 channels")),
        ({"recordings": np.full((2, 4, 3), np.nan), "labels": np.array([0, 1])}, ("NaN", "clean it first")),
    ],
    ids=["count", "dtype", "range", "steps", "nan"],
)
def test_faulty_recordings_of_a_scenario(invoke, tiny, arrays, words):
    np.savez(tiny.folder / "faulty.npz", **arrays)
    scenario = tiny.folder / "faulty_data.toml"
    scenario.write_text(tiny.scenario.read_text().replace("recordings.npz", "faulty.npz"))
    result = invoke("run", scenario)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr


def test_an_unknown_scenario():
    assert_bad_usage(sirnn("run", "juggling"), "no scenario 'juggling'", "basicmotions")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.npz", "model.npz is a zip archive, such as a .npz, not a scenario"),
        ("recording.npy", "recording.npy is a numpy array, not a scenario"),
        ("absent.toml", "there is no file"),
    ],
)
def test_a_file_that_is_no_scenario(invoke, tiny, name, words):
    result = invoke("run", tiny.folder / name)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert words in result.stderr


def test_a_scenario_may_begin_with_a_mark_and_be_written_in_any_letters(invoke, tiny):
    marked = tiny.folder / "marked.toml"
    marked.write_text(tiny.scenario.read_text().replace("for tests", "für Tests"), encoding="utf-8-sig")
    result = invoke("run", marked)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("A scenario für Tests")


# ------------------------------------------------------------ ends of two processes


def test_ctrl_c_ends_both_processes_with_one_line(long):
    # The terminal sends the signal to the whole group; the bar shows that both parties are at work.
    with Running("run", long.scenario, "--over", "tcp", terminal=True) as running:
        running.wait_for(r"[1-9]\d*/50")
        assert running.end(signal_number=signal.SIGINT, group=True) == 1
        assert "sirnn: interrupted" in running.stderr
        assert "Traceback" not in running.stderr
        assert running.stdout == ""


def test_the_progress_of_a_run_is_on_standard_error(tiny):
    with Running("run", tiny.scenario, "--json", terminal=True) as running:
        assert running.end() == 0
        assert "steps" in running.stderr
        assert "4/4" in running.stderr
        assert json.loads(running.stdout)["output_words"] == twin_of(tiny, [1]).prediction.tolist()
