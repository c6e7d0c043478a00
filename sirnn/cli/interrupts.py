"""Telling Ctrl-C from a failure."""

from __future__ import annotations


def is_interrupt(error: BaseException) -> bool:
    """Whether `error` is a Ctrl-C, also one that struck a background task and arrives inside an exception group."""
    if isinstance(error, BaseExceptionGroup):
        return any(is_interrupt(inner) for inner in error.exceptions)
    return isinstance(error, KeyboardInterrupt)
