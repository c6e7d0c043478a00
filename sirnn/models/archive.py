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

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

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
    arrays = read_numpy(path)
    if not isinstance(arrays, dict):
        raise LocalError(f"{path} is not a {kind} file", remedy="give the path of one")
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
        LocalError: there is no such file, or it is damaged.
    """
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                return np.asarray(loaded)
            with loaded:
                return {name: loaded[name] for name in loaded.files}
    except FileNotFoundError as failure:
        raise LocalError(f"there is no file {path}", remedy="check the path") from failure
    except UNREADABLE as failure:
        raise LocalError(
            f"{path} is not a readable numpy file", remedy="it may be damaged: copy or make it again"
        ) from failure


def _metadata(path: Path, kind: str, encoded: npt.NDArray[Any] | None) -> dict[str, Any]:
    try:
        metadata = json.loads(encoded.tobytes()) if encoded is not None else None
    except ValueError:
        metadata = None
    if not isinstance(metadata, dict) or metadata.get("format") != kind or "format_version" not in metadata:
        raise LocalError(f"{path} is not a {kind} file", remedy="give the path of one")
    return metadata


def _check_numbers(path: Path, arrays: Arrays) -> None:
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
            raise LocalError(f"{name} in {path} contains NaN or infinity", remedy="train the model again")
