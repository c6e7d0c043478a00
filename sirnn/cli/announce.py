"""The line that says what the first runs on a machine wait for: kernels and plans are compiled, and then kept.

It is said at most once a command, when something is about to be compiled, to terminals and to pipes alike.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sirnn.compiler.search import log as plans
from sirnn.kernels.watch import compiling

TEXT = "sirnn: compiling, once: what is made now is kept for the next run"


class Announcement:
    """Says the line when it is first called."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said = False

    def __call__(self) -> None:
        if not self._said:
            self._said = True
            self._say(TEXT)


class _Handler(logging.Handler):
    def __init__(self, announce: Announcement) -> None:
        super().__init__(logging.INFO)
        self._announce = announce

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - it is the moment that counts
        self._announce()


@contextmanager
def announced(announce: Announcement) -> Iterator[None]:
    """Say the line before the first kernel or plan is compiled in this process, if any is."""
    handler, level = _Handler(announce), plans.level
    plans.addHandler(handler)
    plans.setLevel(logging.INFO)
    try:
        with compiling(announce):
            yield
    finally:
        plans.removeHandler(handler)
        plans.setLevel(level)
