"""Faults: what may go wrong on a link, as values.

A fault strikes message number `at` (from 0, in the order of admission, farewells included) of what `sender` sends.
It is a rule, not an event: hand a list of them to `simulate`, or write them in a scenario, and the same
messages are struck in every run.
"""

from __future__ import annotations

import attrs

from sirnn.errors import LocalError


@attrs.frozen
class Fault:
    """Something that happens to message `at` of the direction that `sender` (0 or 1) sends in."""

    sender: int
    at: int


@attrs.frozen
class Drop(Fault):
    """The direction is dead from this message on, and nobody is told."""


@attrs.frozen
class HalfClose(Fault):
    """The direction is closed in an orderly way instead of carrying this message; the other one stays open."""


@attrs.frozen
class Delay(Fault):
    """The message, and what follows it, is held back. The only fault with which the answer must still be right."""

    nanoseconds: int = attrs.field(kw_only=True)


@attrs.frozen
class _Damage(Fault):
    """The message arrives, changed."""

    def damage(self, payload: bytes) -> bytes:
        """The payload as it arrives; LocalError if it has too few bytes to be damaged this way."""
        raise NotImplementedError

    def _needs(self, nbytes: int, payload: bytes) -> None:
        if len(payload) < nbytes:
            raise LocalError(
                f"{self} needs a message of {nbytes} bytes or more and message {self.at} has {len(payload)}",
                remedy="strike another message",
            )


@attrs.frozen
class Corrupt(_Damage):
    """The bits of `mask` in byte number `byte` are flipped."""

    byte: int = attrs.field(default=0, kw_only=True)
    mask: int = attrs.field(default=1, kw_only=True)

    def damage(self, payload: bytes) -> bytes:
        self._needs(self.byte + 1, payload)
        changed = bytearray(payload)
        changed[self.byte] ^= self.mask
        return bytes(changed)


@attrs.frozen
class Truncate(_Damage):
    """The last `nbytes` bytes are missing."""

    nbytes: int = attrs.field(default=1, kw_only=True)

    def damage(self, payload: bytes) -> bytes:
        self._needs(self.nbytes, payload)
        return payload[: len(payload) - self.nbytes]
