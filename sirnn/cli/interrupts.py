"""Ctrl-C, in order: as a cancellation.

Left to itself it strikes anywhere, also inside a background task, and comes out wrapped in whatever was running. As a
cancellation it strikes at a checkpoint, the peer is told, and it comes out as itself. Signals are the main thread's:
in another one, nothing is watched and nothing is ignored.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import trio

A = TypeVar("A")


def run(program: Callable[[], Awaitable[A]]) -> A:
    """`trio.run`, but in the main thread SIGINT and SIGTERM cancel the program.

    Raises:
        KeyboardInterrupt: the program was cancelled so.
        Exception: what the program raised.
    """

    async def watched() -> A:
        with trio.CancelScope() as scope:
            trio.lowlevel.spawn_system_task(_watch, scope)  # no nursery, which would wrap the program's errors
            return await program()
        raise KeyboardInterrupt

    return trio.run(watched if _owns_signals() else program)


@contextmanager
def ignored() -> Iterator[None]:
    """Ctrl-C is ignored, also by the processes that are started meanwhile."""
    if not _owns_signals():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _owns_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


async def _watch(scope: trio.CancelScope) -> None:
    """The first signal cancels; a second one, if parting takes too long, strikes as ever."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return
