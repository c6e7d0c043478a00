"""Input that serve and query cannot use: one clear line at the party that gave it, and one at its peer."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from sirnn.cli.query import read_recordings
from sirnn.models.archive import METADATA
from sirnn.models.model import run_twin
from sirnn.models.quantise import quantise
from tests.cli.processes import Server, answer, assert_refused, sirnn
from tests.models.networks import network


@pytest.fixture(scope="module")
def server(tiny):
    """A server that outlives every client of this module."""
    with Server("--model", tiny.model_path) as running:
        yield running
        answer("query", "--connect", running.address, "--input", tiny.recording)
        running.wait_for("answered 1 recording", on="stdout")


# ------------------------------------------------------------ recordings that never leave


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"1.0, 2.0\n3.0, 4.0\n", ("is text, not a numpy file", "numpy.loadtxt")),
        (b"", ("is empty, not a numpy file",)),
        (pickle.dumps([1.0, 2.0]), ("pickled", "save its numbers with numpy.save")),
        (b"\x08\x07\x12\x07pytorch", ("an ONNX model",)),
        (np.array([[1.0, None]], dtype=object), ("Python objects, pickled", "numpy.save")),
        (np.array([["1.0", "2.0"]]), ("<U3", "real numbers")),
        (np.ones((4, 3), dtype=complex), ("complex128", "real numbers")),
        (np.array([[1.0, np.nan]]), ("NaN or infinity", "clean it first")),
        (np.array([[1.0, -np.inf]]), ("NaN or infinity", "clean it first")),
    ],
    ids=["text", "empty", "pickle", "onnx", "objects", "strings", "complex", "nan", "infinity"],
)
def test_a_file_that_is_no_recording(invoke, tiny, content, words):
    path = tiny.folder / "strange.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content, allow_pickle=content.dtype == object)
    # Nobody listens on port 1, so it must be the file that is complained of.
    result = invoke("query", "--connect", "127.0.0.1:1", "--input", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("sirnn: error: ")
    for word in ("strange.npy", *words):
        assert word in result.stderr


def test_a_recording_that_is_an_archive_or_absent_or_a_folder(invoke, tiny):
    cases = {
        "recordings.npz": (1, "holds several arrays, 'recordings', 'labels'; save the recordings alone"),
        "absent.npy": (1, "there is no file"),
        ".": (2, "is a directory"),
    }
    for name, (code, words) in cases.items():
        result = invoke("query", "--connect", "127.0.0.1:1", "--input", tiny.folder / name)
        assert result.exit_code == code
        assert words in " ".join(result.stderr.split())


# ------------------------------------------------------------ recordings that do not fit the server's model


@pytest.mark.parametrize("shape", [(4, 2), (5, 3), (12,), (1, 1, 4, 3), (0, 4, 3)], ids=str)
def test_a_recording_of_another_shape(server, tiny, shape):
    before = len(server.stderr)
    np.save(tiny.folder / "misfit.npy", np.zeros(shape))
    result = sirnn("query", "--connect", server.address, "--input", tiny.folder / "misfit.npy")
    takes = "this model takes 4 steps of 3 channels, or several"
    assert_refused(result, "sirnn: error: ", f"shape {shape}", takes)
    server.wait_for(f"failed: the client has .* '{'x'.join(map(str, shape))}' .*; {takes}", after=before)


def test_more_recordings_than_a_session_takes(server, tiny):
    before = len(server.stderr)
    np.save(tiny.folder / "many.npy", np.zeros((1025, 4, 3)))
    result = sirnn("query", "--connect", server.address, "--input", tiny.folder / "many.npy")
    assert_refused(result, "error: 1025 recordings, more than the 1024 that the client allows (--max-recordings)")
    server.wait_for("failed: 1025 recordings, more than the 1024 that the server allows", after=before)


def test_a_recording_beyond_the_models_range_is_clipped_and_its_owner_told(server, tiny):
    """A refusal would tell the server, which names the range, how large a reading is."""
    loud = np.zeros((4, 3))
    loud[0] = (1e6, -1e6, 3.0)
    np.save(tiny.folder / "loud.npy", loud)
    told = answer("query", "--connect", server.address, "--input", tiny.folder / "loud.npy")
    assert told["clipped"] == 2
    words = tiny.model.shape.encode_recordings(np.clip(loud, -4, 4 - 2**-13)[None])
    assert told["output_words"] == run_twin(tiny.model, words).prediction.tolist()
    result = sirnn("query", "--connect", server.address, "--input", tiny.folder / "loud.npy")
    assert "2 readings lay beyond int16 at scale 13 and took its nearest end" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("localhost:99999", "there is no port 99999: ports go up to 65535"),
        (":7401", "names no host: give HOST:PORT, such as 127.0.0.1:7401"),
        ("localhost", "names no port"),
        ("localhost:", "names no port"),
        ("localhost:http", "'http' is not a port"),
    ],
)
def test_addresses_that_are_none(invoke, text, words):
    for command in (("serve", "--listen"), ("query", "--connect")):
        result = invoke(*command, text)
        assert result.exit_code == 2
        assert words in " ".join(result.stderr.split())


@pytest.mark.parametrize("size", ["0MB", "x", "1.5GB", "-1", "4 parsecs", ""])
def test_sizes_that_are_none(invoke, size):
    result = invoke("serve", "--max-memory", size)
    assert result.exit_code == 2
    assert "is not a size: give a number and a unit, such as 500MB or 4GB" in " ".join(result.stderr.split())


@pytest.mark.parametrize("option", ["--max-recordings=1", "--max-traffic=1KB", "--max-memory=1 kb"])
def test_a_client_holds_a_server_to_its_limits(server, tiny, option):
    np.save(tiny.folder / "two.npy", tiny.recordings[:2])
    name = option.partition("=")[0]
    result = sirnn("query", "--connect", server.address, "--input", tiny.folder / "two.npy", option)
    assert_refused(result, "more than the", "that the client allows", f"({name})")


# ------------------------------------------------------------ disagreements, which both sides name


def test_another_expected_shape(server, tiny, tmp_path):
    before = len(server.stderr)
    other = quantise(network(3), tiny.recordings).shape
    (tmp_path / "other.json").write_text(other.to_json())
    assert other.digest() != tiny.model.shape.digest()
    result = sirnn("query", "--connect", server.address, "--input", tiny.recording, "--expect", tmp_path / "other.json")
    mine, theirs = other.digest()[:16], tiny.model.shape.digest()[:16]
    assert_refused(result, "the other party", f"shape '{mine}' here, '{theirs}' there", "give the client the shape")
    server.wait_for(f"failed: .* shape '{theirs}' here, '{mine}' there", after=before)


def test_another_answer(server, tiny):
    before = len(server.stderr)
    result = sirnn("query", "--connect", server.address, "--input", tiny.recording, "--reveal", "logits")
    assert_refused(result, "the other party", "reveals: 'logits' here, 'class' there")
    server.wait_for("failed: .*reveals: 'class' here, 'logits' there", after=before)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not json", "is not a shape file: "),
        (b"{}", "is not a shape file: "),
        (b"\xff\xfe{\x00", "is text in UTF-16, not a shape file; save it as UTF-8"),
        (b"\x93NUMPY", "is a numpy array, not a shape file; the server makes it with serve --shape-out"),
    ],
)
def test_a_shape_file_that_is_none(invoke, tiny, content, words):
    path = tiny.folder / "shape.json"
    path.write_bytes(content)
    result = invoke("query", "--connect", "127.0.0.1:1", "--input", tiny.recording, "--expect", path)
    assert result.exit_code == 1
    assert f"shape.json {words}" in result.stderr


def test_a_shape_file_may_begin_with_a_mark(invoke, tiny):
    path = tiny.folder / "marked.json"
    path.write_text(tiny.model.shape.to_json(), encoding="utf-8-sig")
    result = invoke("query", "--connect", "127.0.0.1:1", "--input", tiny.recording, "--expect", path)
    assert "nobody answers at 127.0.0.1:1" in result.stderr  # it was read before


def test_a_recording_alone_in_an_archive_is_taken(tiny):
    np.savez(tiny.folder / "one.npz", anything=tiny.recordings[1])
    assert np.array_equal(read_recordings(tiny.folder / "one.npz"), tiny.recordings[1])


# ------------------------------------------------------------ models that cannot be served


def rewritten(files, **changes):
    """The tiny model's file with other members."""
    with np.load(files.model_path) as archive:
        members = {**archive, **changes}
    path = files.folder / "changed.npz"
    np.savez(path, **{name: array for name, array in members.items() if array is not None})
    return path


def metadata(files, old, new):
    with np.load(files.model_path) as archive:
        text = archive[METADATA].tobytes()
    assert old in text
    return np.frombuffer(text.replace(old, new), dtype=np.uint8)


def faulty_models(files):
    whole = files.model_path.read_bytes()
    (files.folder / "truncated.npz").write_bytes(whole[: len(whole) // 2])
    (files.folder / "text.npz").write_text("hello")
    yield files.folder / "absent.npz", "there is no file"
    yield files.folder / "truncated.npz", "not a readable numpy file"
    yield files.folder / "text.npz", "is text, not a sirnn-model file; give one that sirnn wrote"
    yield files.recording, "is not a sirnn-model file"
    yield files.folder / "recordings.npz", "is not a sirnn-model file"
    version = metadata(files, b'"format_version": 1', b'"format_version": 2')
    yield rewritten(files, **{METADATA: version}), "sirnn-model version 2, this program reads version 1"
    steps = metadata(files, b'"steps": 4', b'"steps": 0')
    yield rewritten(files, **{METADATA: steps}), "a model with steps 0"
    yield rewritten(files, zeta=None), "lacks weights or has unknown ones"
    yield rewritten(files, zeta=np.array(0.5)), "changed.npz: weights zeta are float64()"
    yield rewritten(files, zeta=np.array(1000)), "changed.npz: weights zeta do not fit"


def test_models_that_are_none(invoke, tiny):
    for path, words in faulty_models(tiny):
        result = invoke("serve", "--model", path, "--listen", "127.0.0.1:0", "--once")
        assert result.exit_code == 1, words
        assert len(result.stderr.splitlines()) == 1, "it never listened"
        assert words in result.stderr
        assert path.name in result.stderr


def test_a_model_with_unprintable_class_names_is_refused(tiny):
    # They would be written to the client's terminal.
    names = metadata(tiny, b'"left"', b'"\\u001b[31mleft"')
    result = sirnn("serve", "--model", rewritten(tiny, **{METADATA: names}), "--listen", "127.0.0.1:0")
    assert_refused(result, "class names", "printable characters")


def test_class_names_are_no_markup(tiny):
    names = metadata(tiny, b'"straight"', b'"[/red]straight[bold]"')
    path = rewritten(tiny, **{METADATA: names})
    with Server("--model", path, "--once") as server:
        result = sirnn("query", "--connect", server.address, "--input", tiny.recording)
        assert server.end() == 0
    assert result.returncode == 0, result.stderr
    assert "[/red]straight[bold]" in result.stdout


def test_a_shape_that_cannot_be_written(tiny):
    result = sirnn("serve", "--model", tiny.model_path, "--shape-out", tiny.folder / "absent" / "shape.json")
    assert_refused(result, "cannot write", "choose another --shape-out")
