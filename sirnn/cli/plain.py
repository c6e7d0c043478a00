"""Plain characters where a stream cannot take better ones.

Tables have frames, bars are drawn, and what users name may have any character; a terminal or a pipe has an encoding
that may know none of them. Whatever writes to standard output or standard error - click, rich, json - writes through
their encoder, so it is the encoder that decides, for all of them alike.
"""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

ERRORS = "sirnn.plain"
"""The error handler, by its name in `codecs`."""

PLAIN = {
    **dict.fromkeys("─━", "-"),
    **dict.fromkeys("│┃", "|"),
    **dict.fromkeys("╭╮╰╯├┤┬┴┼┌┐└┘┏┓┗┛┡┩╇", "+"),
    **dict.fromkeys("╸╺", " "),
    **dict(zip("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\|/-\\|/", strict=True)),
    **dict(zip("▁▂▃▄▅▆▇█", "12345678", strict=True)),
    "…": ".",
}
"""Frames, bars, spinners and plots, one character for one, so that whatever was aligned still is."""


def plain(text: str) -> str:
    """The text in ASCII: drawn characters redrawn, any other written as its code."""
    return "".join(PLAIN.get(each, each) for each in text).encode("ascii", "backslashreplace").decode("ascii")


def _replace(failure: UnicodeError) -> tuple[str, int]:
    if not isinstance(failure, UnicodeEncodeError):
        raise failure
    return plain(failure.object[failure.start : failure.end]), failure.end


codecs.register_error(ERRORS, _replace)


def spelled(text: str, stream: IO[str] | None) -> str:
    """The text, all of it plain if the stream cannot take all of it: half a plot in other characters is none."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return plain(text)
    return text


@contextmanager
def plain_characters() -> Iterator[None]:
    """Standard output and standard error write plain characters for those that they cannot encode."""
    streams = [each for each in (sys.stdout, sys.stderr) if isinstance(each, io.TextIOWrapper)]
    before = [each.errors for each in streams]
    for each in streams:
        each.reconfigure(errors=ERRORS)
    try:
        yield
    finally:
        for each, errors in zip(streams, before, strict=True):
            with suppress(OSError, ValueError):  # it may be full, or closed
                each.reconfigure(errors=errors)
