"""Where a simulation is started from: under trio, under asyncio (a cell of a notebook), or from ordinary code.

It runs on trio. Under another loop it gets a trio run of its own, in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeAlias, TypeVar, cast

import trio

from sirnn.errors import LocalError

A = TypeVar("A")

Program: TypeAlias = Callable[[], Awaitable[A]]


async def wherever(program: Program[A]) -> A:
    """Await a trio program under trio or under asyncio; cancelling this cancels it.

    Raises:
        LocalError: it is awaited under something else.
        Exception: what the program raises.
    """
    if trio.lowlevel.in_trio_task():
        return await program()
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise LocalError(
            "a simulation is awaited neither under trio nor under asyncio",
            remedy="call run_simulation, which needs no loop around it",
        ) from None
    return await _under_asyncio(program)


def blocking(program: Program[A]) -> A:
    """Run a trio program to its end from ordinary code, be that called by a trio program or not."""
    if not trio.lowlevel.in_trio_run():
        return trio.run(program)
    with ThreadPoolExecutor(1) as thread:  # trio refuses a run inside a run
        return thread.submit(trio.run, program).result()


async def _under_asyncio(program: Program[A]) -> A:
    scope = trio.CancelScope()
    started: Future[trio.lowlevel.TrioToken] = Future()

    async def cancellable() -> A | None:
        started.set_result(trio.lowlevel.current_trio_token())
        with scope:
            return await program()
        return None

    def cancel(run: Future[trio.lowlevel.TrioToken]) -> None:
        with suppress(trio.RunFinishedError):
            run.result().run_sync_soon(scope.cancel)

    running = asyncio.ensure_future(asyncio.to_thread(trio.run, cancellable))
    try:
        return cast("A", await asyncio.shield(running))  # None only if cancelled
    except asyncio.CancelledError:
        started.add_done_callback(cancel)
        await asyncio.wait([running])
        running.exception()  # looked at, so that asyncio does not complain that nobody did
        raise
