"""How loops are compiled: by numba, when first called, and kept for the next process wherever that is possible."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from sirnn.folders import cache_folders

F = TypeVar("F", bound=Callable[..., Any])

_SETTINGS: Any = numba.config

BESIDE = "__pycache__"
"""The folder beside a source, where numba keeps code if it is not told otherwise."""


def compiled(loop: F) -> F:
    """Decorates a loop over arrays; it runs without the interpreter's lock.

    Its code lies beside its source, as Python's own does; where that cannot be written (an installation of somebody
    else's), in a cache folder; where there is none, it is compiled again in every process.
    """
    folder = next(filter(_writable, _places(Path(loop.__code__.co_filename).parent)), None)
    if folder is None:
        _complain()
        return cast("F", numba.njit(nogil=True)(loop))
    before, _SETTINGS.CACHE_DIR = _SETTINGS.CACHE_DIR, "" if folder.name == BESIDE else str(folder)
    try:
        return cast("F", numba.njit(cache=True, nogil=True)(loop))
    finally:
        _SETTINGS.CACHE_DIR = before


def _places(source: Path) -> Iterator[Path]:
    """Where code may be kept, best first: where the user says that numba should, beside the source, in a cache."""
    if _SETTINGS.CACHE_DIR:
        yield Path(_SETTINGS.CACHE_DIR)
    yield source / BESIDE
    for folder in cache_folders():
        yield folder / "kernels"


@cache
def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@cache
def _complain() -> None:
    """Once, in the process that the user started."""
    if multiprocessing.parent_process() is None and sys.stderr is not None:
        sys.stderr.write("sirnn: no folder to keep compiled code in: compiling each time; set SIRNN_CACHE to one\n")
