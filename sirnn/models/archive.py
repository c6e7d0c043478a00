"""An archive: arrays and one JSON text in a `.npz` file, read without pickle.

Nothing in such a file is executed. Whatever is wrong with it - not there, not a zip file, cut short, another kind,
another version, an array of Python objects, NaN - is a `LocalError` that names the file and what to do.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sirnn.errors import LocalError
from sirnn.files import HEAD, MODEL, NUMPY, PICKLE, ZIP, kind_of, unreadable

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

OWN = "give one that sirnn wrote: it reads no other"

METADATA = "metadata"  # the JSON text, as UTF-8 bytes
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_archive(path: Path, *, kind: str, version: int, metadata: Mapping[str, Any], arrays: Arrays) -> None:
    """Write an archive; the same content gives the same bytes.

    Args:
        path: the file, replaced if it exists.
        kind: what the archive holds, such as "sirnn-model".
        version: version of that kind's layout.
        metadata: anything JSON can hold.
        arrays: by name; numbers or text.

    Raises:
        LocalError: the file cannot be written.
    """
    text = json.dumps({**metadata, "format": kind, "format_version": version}, indent=1, sort_keys=True)
    encoded = np.frombuffer(text.encode(), dtype=np.uint8)
    try:
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{METADATA: encoded}, **arrays)
    except OSError as failure:
        raise LocalError(f"cannot write {path}: {failure.strerror}", remedy="choose another path") from failure


def read_archive(path: Path, *, kind: str, version: int) -> tuple[dict[str, Any], Arrays]:
    """The metadata and the arrays of an archive of this kind and version.

    Raises:
        LocalError: there is no such archive there, or it is damaged.
    """
    arrays = _read(path, f"a {kind} file", remedy=OWN)
    if not isinstance(arrays, dict):
        raise LocalError(f"{path} holds one array and is not a {kind} file", remedy=OWN)
    metadata = _metadata(path, kind, arrays.pop(METADATA, None))
    if metadata["format_version"] != version:
        raise LocalError(
            f"{path} has {kind} version {metadata['format_version']}, this program reads version {version}",
            remedy="make the file again with this version of the program",
        )
    _check_numbers(path, arrays)
    return metadata, arrays


def read_numpy(path: Path) -> npt.NDArray[Any] | Arrays:
    """The array of a `.npy` file, or those of a `.npz` file by name; arrays of Python objects are refused.

    Raises:
        LocalError: there is no such file, it is of another kind, or it is damaged.
    """
    return _read(path, "a numpy file")


def _read(path: Path, wanted: str, *, remedy: str = "") -> npt.NDArray[Any] | Arrays:
    """What a file holds; `wanted` is what it should be, and `remedy` what to do if it is not, unless its kind says."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            file.seek(0)
            if not head.startswith((NUMPY, ZIP)):
                kind = kind_of(head)
                raise LocalError(f"{path} is {kind.what}, not {wanted}", remedy=remedy or kind.remedy)
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                return np.asarray(loaded)
            with loaded:
                return _members(path, {name: loaded[name] for name in loaded.files})
    except UNREADABLE as failure:
        if isinstance(failure, OSError) and failure.errno:
            raise unreadable(path, failure) from failure
        if "allow_pickle" in str(failure):  # numpy refuses an array of objects, whole as it may be
            raise LocalError(f"{path} holds {PICKLE.what}", remedy=f"{PICKLE.remedy}, as floats") from failure
        raise LocalError(
            f"{path} is not a readable numpy file", remedy="it may be damaged: copy or make it again"
        ) from failure


def read_array(path: Path, what: str) -> npt.NDArray[Any]:
    """The array of a `.npy` file, or of a `.npz` file that holds no other.

    Args:
        path: the file.
        what: what the array is, for messages.

    Raises:
        LocalError: there is no such file, it is damaged, or it holds several arrays or none.
    """
    loaded = read_numpy(path)
    if not isinstance(loaded, dict):
        return loaded
    if len(loaded) != 1:
        names = ", ".join(map(repr, loaded))
        held = f"several arrays, {names:.80}" if loaded else "no array"
        raise LocalError(f"{path} holds {held}", remedy=f"save {what} alone, with numpy.save")
    (array,) = loaded.values()
    return array


def _members(path: Path, members: dict[str, Any]) -> Arrays:
    """The members of a zip archive, which must be arrays: numpy hands out any other as bytes."""
    for name, member in members.items():
        if not isinstance(member, np.ndarray):
            maker = "PyTorch" if name.endswith("/data.pkl") else "another program"
            raise LocalError(f"{path} is a zip archive of {maker}, with {name!r:.80} in it", remedy=MODEL)
    return members


def _metadata(path: Path, kind: str, encoded: npt.NDArray[Any] | None) -> dict[str, Any]:
    try:
        metadata = json.loads(encoded.tobytes()) if encoded is not None else None
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict) or metadata.get("format") != kind or "format_version" not in metadata:
        held = "holds other arrays and " if encoded is None else ""
        raise LocalError(f"{path} {held}is not a {kind} file", remedy=OWN)
    return metadata


def _check_numbers(path: Path, arrays: Arrays) -> None:
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
            raise LocalError(f"{name} in {path} contains NaN or infinity", remedy="train the model again")
