"""Archives: what goes in comes out, and whatever is wrong with a file is a LocalError that says so."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from sirnn.errors import LocalError
from sirnn.files import NUMPY, ZIP
from sirnn.models.archive import read_archive, read_array, read_numpy, write_archive

ARRAYS = {"a": np.arange(6).reshape(2, 3), "b": np.array(1.5)}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "thing.npz"
    write_archive(path, kind="thing", version=3, metadata={"note": "hello"}, arrays=ARRAYS)
    return path


def read(path):
    return read_archive(path, kind="thing", version=3)


def store(path, metadata, **arrays):
    np.savez(path, metadata=np.frombuffer(json.dumps(metadata).encode(), dtype=np.uint8), **arrays)


def test_round_trip(archive):
    metadata, arrays = read(archive)
    assert metadata == {"note": "hello", "format": "thing", "format_version": 3}
    assert arrays.keys() == ARRAYS.keys()
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)


def test_the_same_content_gives_the_same_bytes(archive, tmp_path):
    write_archive(tmp_path / "again.npz", kind="thing", version=3, metadata={"note": "hello"}, arrays=ARRAYS)
    assert (tmp_path / "again.npz").read_bytes() == archive.read_bytes()


def test_a_missing_file(tmp_path):
    with pytest.raises(LocalError, match="there is no file"):
        read(tmp_path / "nowhere.npz")


def test_a_directory(tmp_path):
    with pytest.raises(LocalError, match=r"cannot read .*: is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("content", [ZIP, NUMPY + b"\x01\x00"])
def test_damaged_files(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(LocalError, match="not a readable numpy file"):
        read(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty, not a numpy file"), (b"1.0,2.0\n", "is text, .* numpy.loadtxt"), (b"\x80\x04N.", "pickled")],
)
def test_files_of_another_kind_are_not_damaged(tmp_path, content, words):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(LocalError, match=words) as refusal:
        read_numpy(path)
    assert "damaged" not in str(refusal.value)
    with pytest.raises(LocalError, match="not a thing file; give one that sirnn wrote"):
        read(path)


def test_a_zip_archive_of_something_else(tmp_path):
    for name, words in (
        ("gru/data.pkl", "of PyTorch, with 'gru/data.pkl' in it"),
        ("\x1b[31m", r"with '\\x1b\[31m' in it"),
    ):
        with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
            archive.writestr(name, b"not an array")
        with pytest.raises(LocalError, match=words):
            read(tmp_path / "other.npz")


def test_one_array_is_one_array_in_either_kind_of_file(tmp_path):
    np.save(tmp_path / "one.npy", ARRAYS["a"])
    np.savez(tmp_path / "one.npz", anything=ARRAYS["a"])
    for name in ("one.npy", "one.npz"):
        assert np.array_equal(read_array(tmp_path / name, "it"), ARRAYS["a"])
    np.savez(tmp_path / "two.npz", first=ARRAYS["a"], second=ARRAYS["a"])
    np.savez(tmp_path / "none.npz")
    for name, words in (
        ("two.npz", r"several arrays, 'first', 'second'; save it alone"),
        ("none.npz", "is an empty zip"),
    ):
        with pytest.raises(LocalError, match=words):
            read_array(tmp_path / name, "it")


def test_a_single_array_is_not_an_archive(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(LocalError, match="is not a thing file"):
        read(tmp_path / "array.npy")


def test_numpy_files_of_either_kind(archive, tmp_path):
    np.save(tmp_path / "array.npy", ARRAYS["a"])
    assert np.array_equal(read_numpy(tmp_path / "array.npy"), ARRAYS["a"])
    assert read_numpy(archive).keys() == {*ARRAYS, "metadata"}


def test_a_single_array_of_objects_is_not_unpickled(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(LocalError, match=r"holds Python objects, pickled.* save its numbers"):
        read_numpy(tmp_path / "objects.npy")


def test_an_archive_cut_short_anywhere(archive):
    whole = archive.read_bytes()
    for length in range(len(ZIP), len(whole), 7):
        archive.write_bytes(whole[:length])
        with pytest.raises(LocalError, match="not a readable numpy file"):
            read(archive)


def test_a_flipped_byte_is_found_or_harmless(archive):
    """Zip's checksums cover the content; a flip elsewhere either makes the file unreadable or changes nothing."""
    whole = archive.read_bytes()
    found = 0
    for position in range(len(whole)):
        archive.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            metadata, arrays = read(archive)
        except LocalError:
            found += 1
        else:
            assert metadata["note"] == "hello"
            assert all(np.array_equal(array, ARRAYS[name]) for name, array in arrays.items() if name in ARRAYS)
    assert found > len(whole) // 2


def test_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "objects.npz", thing=np.array([{"a": 1}], dtype=object))
    with pytest.raises(LocalError, match="holds Python objects, pickled"):
        read(tmp_path / "objects.npz")


def test_an_ordinary_npz(tmp_path):
    np.savez(tmp_path / "plain.npz", x=np.zeros(3))
    with pytest.raises(LocalError, match="is not a thing file"):
        read(tmp_path / "plain.npz")


@pytest.mark.parametrize("metadata", [[], "text", {}, {"format": "other", "format_version": 3}, {"format": "thing"}])
def test_metadata_of_another_kind(tmp_path, metadata):
    store(tmp_path / "x.npz", metadata)
    with pytest.raises(LocalError, match="is not a thing file"):
        read(tmp_path / "x.npz")


def test_metadata_that_is_not_json(tmp_path):
    np.savez(tmp_path / "x.npz", metadata=np.frombuffer(b"\xff{", dtype=np.uint8))
    with pytest.raises(LocalError, match="is not a thing file"):
        read(tmp_path / "x.npz")


def test_another_version_names_both(tmp_path):
    store(tmp_path / "x.npz", {"format": "thing", "format_version": 4})
    with pytest.raises(LocalError, match=r"version 4.*reads version 3.*make the file again"):
        read(tmp_path / "x.npz")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan(tmp_path, bad):
    store(tmp_path / "x.npz", {"format": "thing", "format_version": 3}, w=np.array([1.0, bad]))
    with pytest.raises(LocalError, match=r"w in .* contains NaN or infinity"):
        read(tmp_path / "x.npz")


def test_a_path_that_cannot_be_written(tmp_path):
    with pytest.raises(LocalError, match="cannot write"):
        write_archive(tmp_path / "no" / "where.npz", kind="thing", version=3, metadata={}, arrays={})
