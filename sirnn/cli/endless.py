"""Ending what does not end: a job in a thread of Python's, even one that never waits for anything."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

A = TypeVar("A")

STRIKES_APART = 2.0
"""Seconds until a job is struck again: the other party may be in the same loop."""


class TooLongError(BaseException):
    """Strikes a job whose time is up, wherever it is; no `except Exception` keeps it."""


def ended(job: Callable[[], A], seconds: float) -> A:
    """What a job returns.

    Raises:
        TooLongError: in the job itself, once its time is up.
    """
    thread, lock, over = threading.get_ident(), threading.Lock(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not over.wait(wait):
            with lock:  # never after `over`: it would strike what comes next
                if not over.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TooLongError))
            wait = STRIKES_APART

    threading.Thread(target=watch, daemon=True).start()
    try:
        return job()
    finally:
        while not over.is_set():
            with suppress(TooLongError), lock:  # a strike may be under way, but only one
                over.set()
