"""Files that people give: of what kind one is, by its first bytes, and the text of one.

A file of the wrong kind is whole, and damage is the wrong word for it: whoever cannot use a file says what it is.
"""

from __future__ import annotations

import codecs
import os
from pathlib import Path

import attrs

from sirnn.errors import LocalError

HEAD = 512
"""Bytes that are looked at."""

NUMPY, ZIP = b"\x93NUMPY", b"PK\x03\x04"


@attrs.frozen
class Kind:
    """What a file is, in words, and how to make something of it that can be used."""

    what: str
    remedy: str


ANOTHER = "give another file"
SAVE = "save its numbers with numpy.save"
MODEL = "sirnn runs model files of its own, which save_model writes"

TEXT = Kind("text", "make an array of numbers in CSV: numpy.save(NEW, numpy.loadtxt(OLD, delimiter=','))")
UTF16 = Kind("text in UTF-16", "save it as UTF-8")
OTHER_TEXT = Kind("text, but not in UTF-8", "save it as UTF-8")
PICKLE = Kind("Python objects, pickled, which run code when they are read", SAVE)
ONNX = Kind("a protocol buffer, such as an ONNX model", MODEL)
UNKNOWN = Kind("of no kind that is known here", ANOTHER)

SIGNATURES = {
    NUMPY: Kind("a numpy array", ANOTHER),
    ZIP: Kind("a zip archive, such as a .npz", ANOTHER),
    b"PK\x05\x06": Kind("an empty zip archive", ANOTHER),
    b"\x89HDF\r\n\x1a\n": Kind("an HDF5 file, such as Keras writes", MODEL),
    b"MATLAB 5.0": Kind("a MATLAB file", f"load it with scipy.io.loadmat, and {SAVE}"),
    b"PAR1": Kind("a Parquet table", SAVE),
    b"RIFF": Kind("a RIFF file, such as a sound", SAVE),
    b"\x89PNG": Kind("a picture", SAVE),
    b"\xff\xd8\xff": Kind("a picture", SAVE),
    b"%PDF": Kind("a PDF document", ANOTHER),
    b"\x1f\x8b": Kind("compressed by gzip", "unpack it first"),
}
"""By what a file begins with."""

PICKLE_PROTOCOLS = range(2, 6)
"""The second byte of a pickle that begins with the first of these opcodes."""

ONNX_VERSIONS = range(1, 32)
"""The second byte of an ONNX model: its version, field 1 of its protocol buffer; fields up to 8 follow it."""


def kind_of(head: bytes) -> Kind:
    """What a file is that begins so; at least its first 512 bytes, or all of them, should be given."""
    for start, kind in SIGNATURES.items():
        if head.startswith(start):
            return kind
    if not head:
        return Kind("empty", "make it again")
    first, second = head[0], head[1] if len(head) > 1 else 0
    if first == 0x80 and second in PICKLE_PROTOCOLS:
        return PICKLE
    if first == 0x08 and second in ONNX_VERSIONS:
        return ONNX
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UTF16
    if any(byte < 0x20 and byte not in b"\t\n\f\r\x1b" for byte in head):
        return UNKNOWN
    try:
        codecs.getincrementaldecoder("utf-8-sig")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return OTHER_TEXT
    return TEXT


def is_file(name: str) -> bool:
    """Whether there is a file of that name, whatever text it is."""
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # too long for a name, or with a character that no name has
        return False


def kind_at(path: Path) -> Kind:
    """What a file is.

    Raises:
        LocalError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return kind_of(file.read(HEAD))
    except OSError as failure:
        raise unreadable(path, failure) from failure


def read_bytes(path: Path) -> bytes:
    """All of a file.

    Raises:
        LocalError: there is none, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as failure:
        raise unreadable(path, failure) from failure


def unreadable(path: Path, failure: OSError) -> LocalError:
    """What to say of a file that the system does not let be read."""
    if isinstance(failure, FileNotFoundError | NotADirectoryError):
        return LocalError(f"there is no file {path}", remedy="check the path")
    why = os.strerror(failure.errno).lower() if failure.errno else "it fails"
    return LocalError(f"cannot read {path}: {why}", remedy="check the path and who may read it")


def read_text(path: Path, wanted: str, *, remedy: str) -> str:
    """The text of a file, in UTF-8, with or without a mark at its start.

    Args:
        path: the file.
        wanted: what it should be, with an article.
        remedy: where to get one.

    Raises:
        LocalError: there is no such file, it cannot be read, or it is no text.
    """
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        kind = kind_of(data[:HEAD])
        raise LocalError(
            f"{path} is {kind.what}, not {wanted}", remedy=kind.remedy if kind in (UTF16, OTHER_TEXT) else remedy
        ) from failure
