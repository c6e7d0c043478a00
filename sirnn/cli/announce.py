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


class _Handler(logging.Handler):
    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - it is the moment that counts
        self._tell()


@contextmanager
def announced(say: Callable[[str], None]) -> Iterator[None]:
    """Say the line before the first kernel or plan is compiled, if any is."""
    waiting = [TEXT]

    def tell() -> None:
        if waiting:
            say(waiting.pop())

    handler, level = _Handler(tell), plans.level
    plans.addHandler(handler)
    plans.setLevel(logging.INFO)
    try:
        with compiling(tell):
            yield
    finally:
        plans.removeHandler(handler)
        plans.setLevel(level)
