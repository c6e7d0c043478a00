"""Whether a group of tasks is at rest: every one of them blocked, whatever other tasks of the same run do.

`trio.testing.wait_all_tasks_blocked` waits for all tasks of a run, and so for ever beside one that is never idle. This
asks only for the tasks that were started in a group and those that they started in turn: they carry it in their
context.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import trio

_GROUP: ContextVar[Group | None] = ContextVar("group", default=None)


class Group(trio.abc.Instrument):
    """Tasks that are watched together. One watcher, outside the group, may wait for them to come to rest."""

    def __init__(self) -> None:
        self._ready = 0
        self._watcher: trio.lowlevel.Task | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Inside, the run tells of its tasks."""
        trio.lowlevel.add_instrument(self)
        try:
            yield
        finally:
            trio.lowlevel.remove_instrument(self)

    def start(self, nursery: trio.Nursery, program: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Start a task of the group in a nursery."""
        before = _GROUP.set(self)
        try:
            nursery.start_soon(program, *args)
        finally:
            _GROUP.reset(before)

    async def at_rest(self) -> None:
        """Wait until no task of the group can run."""
        if not self._ready:
            await trio.lowlevel.checkpoint()
            return
        self._watcher = trio.lowlevel.current_task()

        def abort(_: Any) -> trio.lowlevel.Abort:
            self._watcher = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)

    # ------------------------------------------------------------ what trio calls

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        """It will take one step."""
        if task.context.get(_GROUP) is self:
            self._ready += 1

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """It has taken it."""
        if task.context.get(_GROUP) is self:
            self._ready -= 1
            if not self._ready and self._watcher is not None:
                watcher, self._watcher = self._watcher, None
                trio.lowlevel.reschedule(watcher)
