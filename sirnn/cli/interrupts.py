"""Ctrl-C, in order: as a cancellation.

Left to itself it strikes anywhere, also inside a background task, and comes out wrapped in whatever was running. As a
cancellation it strikes at a checkpoint, the peer is told, and it comes out as itself.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

A = TypeVar("A")


def run(program: Callable[[], Awaitable[A]]) -> A:
    """`trio.run`, but SIGINT and SIGTERM cancel the program.

    Raises:
        KeyboardInterrupt: the program was cancelled so.
        Exception: what the program raised.
    """

    async def watched() -> A:
        with trio.CancelScope() as scope:
            trio.lowlevel.spawn_system_task(_watch, scope)  # no nursery, which would wrap the program's errors
            return await program()
        raise KeyboardInterrupt

    return trio.run(watched)


async def _watch(scope: trio.CancelScope) -> None:
    """The first signal cancels; a second one, if parting takes too long, strikes as ever."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return
