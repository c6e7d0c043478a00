"""Files of people: of what kind they are, and text with and without a mark at its start."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

from sirnn.errors import LocalError
from sirnn.files import HEAD, kind_of, read_text


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy(np.zeros(3)), "a numpy array"),
        (pickle.dumps([1.0]), "pickled"),
        (b"\x08\x07\x12\x07pytorch", "ONNX"),
        (b"\x89HDF\r\n\x1a\n\x00", "HDF5"),
        (b"1.0, 2.0\n", "text"),
        ("größer".encode(), "text"),
        (("x" * (HEAD - 1) + "ö").encode()[:HEAD], "text"),  # a letter cut in two
        ("größer".encode("latin-1"), "text, but not in UTF-8"),
        ("x".encode("utf-16"), "text in UTF-16"),
        (b"\x00\x01\x02", "of no kind that is known here"),
        (b"", "empty"),
        (b"\x1f\x8b\x08", "gzip"),
    ],
)
def test_a_kind_is_told_by_its_first_bytes(content, words):
    assert words in kind_of(content[:HEAD]).what


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_is_read_with_and_without_a_mark(tmp_path, encoding):
    (tmp_path / "file").write_text("größer", encoding=encoding)
    assert read_text(tmp_path / "file", "a word", remedy="") == "größer"


def test_what_cannot_be_read_says_why(tmp_path):
    (tmp_path / "array").write_bytes(npy(np.zeros(3)))
    (tmp_path / "latin").write_bytes("größer".encode("latin-1"))
    cases = {
        "absent": "there is no file .*absent; check the path",
        "array/below": "there is no file",
        ".": "cannot read .*: is a directory",
        "array": "is a numpy array, not a word; buy one",
        "latin": "is text, but not in UTF-8, not a word; save it as UTF-8",
    }
    for name, words in cases.items():
        with pytest.raises(LocalError, match=words):
            read_text(tmp_path / name, "a word", remedy="buy one")
