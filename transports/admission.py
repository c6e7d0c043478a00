"""Admission: a server takes only so many clients at once; the next few wait in a queue, and the rest are turned away.

A client comes here once it has shown that it speaks the protocol, so that nobody takes a place by connecting alone.
Places are given in the order of arrival. Who waits is told so at once, and again from time to time: a client knows that
the server is there, and a server finds out who has gone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from sirnn.errors import TransportError
from transports.connection import BUSY, QUEUED, Say

REMINDER_SECONDS = 10.0
"""Between two words to a client in the queue; shorter than anybody's patience with a silent peer."""


class TurnedAwayError(TransportError):
    """A client came that there was no room for."""


class Gate:
    """The places there are, and who waits for one.

    Args:
        places: clients that are let in at once.
        queue: clients that may wait besides.
    """

    def __init__(self, places: int, queue: int) -> None:
        self._free = places
        self._queue = queue
        self._turns: deque[trio.Event] = deque()

    @asynccontextmanager
    async def enter(self, say: Say) -> AsyncIterator[None]:
        """Wait for a place and hold it.

        Args:
            say: tells the client what to expect.

        Raises:
            TurnedAwayError: there is no room in the queue either.
            TransportError: the client has left the queue.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(say)
        try:
            yield
        finally:
            self._leave()

    async def _wait(self, say: Say) -> None:
        if len(self._turns) >= self._queue:
            await say(BUSY)
            raise TurnedAwayError(
                f"turned away: {len(self._turns)} clients are in the queue",
                remedy="allow more of them",
            )
        turn = trio.Event()
        self._turns.append(turn)
        try:
            while not turn.is_set():
                await say(QUEUED)
                with trio.move_on_after(REMINDER_SECONDS):
                    await turn.wait()
        except BaseException:
            if turn.is_set():
                self._leave()
            else:
                self._turns.remove(turn)
            raise

    def _leave(self) -> None:
        """The place goes to the first in the queue."""
        if self._turns:
            self._turns.popleft().set()
        else:
            self._free += 1
