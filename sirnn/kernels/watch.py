"""Being told when a kernel is compiled, rather than loaded from the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from numba.core import event


class _Listener(event.Listener):
    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def on_start(self, event: object) -> None:  # noqa: ARG002
        self._tell()

    def on_end(self, event: object) -> None:
        pass


@contextmanager
def compiling(tell: Callable[[], None]) -> Iterator[None]:
    """Call `tell` whenever numba is about to compile."""
    listener = _Listener(tell)
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        event.unregister("numba:compile", listener)  # type: ignore[no-untyped-call]
