"""Folders: where what is compiled on this machine is kept from one process to the next.

$SIRNN_CACHE, if it is set; or else sirnn/ of $XDG_CACHE_HOME or ~/.cache, and, where there is no home that can be
written (a container with some user's number), a folder below the temporary one that is this user's alone.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def cache_folders() -> list[Path]:
    """Where to keep what was compiled: the first of these that can be written. None of them need be there."""
    named = os.environ.get("SIRNN_CACHE")
    if named:
        return [Path(named)]
    return [folder for folder in (_of_the_user(), _temporary()) if folder is not None]


def _of_the_user() -> Path | None:
    named = os.environ.get("XDG_CACHE_HOME")
    if named:
        return Path(named) / "sirnn"
    try:
        return Path.home() / ".cache" / "sirnn"
    except RuntimeError:  # neither $HOME nor an entry among the users
        return None


def _temporary() -> Path | None:
    """A folder that nobody else can write, since what is read from it is code; None if there can be none.

    Its name is known to everybody, so another user may have made it first.
    """
    try:
        user = os.geteuid()
        folder = Path(tempfile.gettempdir()) / f"sirnn-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except (AttributeError, OSError):  # no users to tell apart, or nothing can be written at all
        return None
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == user and not stat.S_IMODE(found.st_mode) & 0o077
    return folder if private else None
