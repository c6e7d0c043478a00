"""Faults: what may go wrong on a link, as values.

A fault strikes message number `at` (from 0, in the order of admission, farewells included) of what `sender` sends.
It is a rule, not an event: hand a list of them to `simulate`, or write them in a scenario, and the same messages are
struck in every run.

Each has one written form, which `parse` reads and `str` gives; scenario files and the command line use it:

    drop:client@12        half-close:server@3     gone:client@0       duplicate:server@5
    truncate:client@4:1   lengthen:server@4:16    corrupt:client@7:0  delay:server@3:2s

The last part, where a fault has one, is in bytes, is the number of a bit, or is a time in s, ms, us or ns. It may be
left out, but for a delay's.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import attrs

from sirnn.errors import LocalError

ROLES = ("server", "client")
"""The senders' names, by role."""

_FORM = re.compile(r"([a-z-]+):(server|client)@(\d{1,9})(?::(\w{1,20}))?", re.ASCII)
_TIME = re.compile(r"(\d{1,15})(s|ms|us|ns)", re.ASCII)
_UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def _not_negative(_: Any, attribute: Any, value: int) -> None:
    if value < 0:
        raise LocalError(f"a fault with {attribute.name} = {value}", remedy="count from 0")


def _a_role(_: Any, __: Any, sender: int) -> None:
    if sender not in (0, 1):
        raise LocalError(f"a fault in what party {sender} sends", remedy="the server is 0, the client 1")


@attrs.frozen
class Fault:
    """Something that happens to message `at` of the direction that `sender` (0 or 1) sends in.

    Raises:
        LocalError: there is no such message or sender.
    """

    kind: ClassVar[str]
    """What the written form begins with."""

    amount: ClassVar[str] = ""
    """The attribute that the written form ends with, if any."""

    sender: int = attrs.field(validator=_a_role)
    at: int = attrs.field(validator=_not_negative)

    def __str__(self) -> str:
        place = f"{self.kind}:{ROLES[self.sender]}@{self.at}"
        return f"{place}:{self._written(getattr(self, self.amount))}" if self.amount else place

    @staticmethod
    def _written(amount: int) -> str:
        return str(amount)

    @staticmethod
    def _read(text: str) -> int:
        """The inverse of `_written`; ValueError if there is none."""
        if not text.isdigit():
            raise ValueError(text)
        return int(text)


@attrs.frozen
class Drop(Fault):
    """The direction is dead from this message on, and nobody is told."""

    kind = "drop"


@attrs.frozen
class HalfClose(Fault):
    """The direction is closed in an orderly way instead of carrying this message; the other one stays open."""

    kind = "half-close"


@attrs.frozen
class Gone(Fault):
    """The sender's process ends instead of sending this message: its program is stopped, both directions are closed."""

    kind = "gone"


@attrs.frozen
class Duplicate(Fault):
    """The message arrives twice, one after the other."""

    kind = "duplicate"


@attrs.frozen
class Delay(Fault):
    """The message, and what follows it, is held back.

    Within the receiver's patience it is the only fault with which the answer must still be right.
    """

    kind = "delay"
    amount = "nanoseconds"

    nanoseconds: int = attrs.field(kw_only=True, validator=_not_negative)

    @staticmethod
    def _written(amount: int) -> str:
        unit, size = next((unit, size) for unit, size in _UNITS.items() if amount % size == 0)
        return f"{amount // size}{unit}"

    @staticmethod
    def _read(text: str) -> int:
        match = _TIME.fullmatch(text)
        if match is None:
            raise ValueError(text)
        return int(match[1]) * _UNITS[match[2]]


@attrs.frozen
class Damage(Fault):
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
class Corrupt(Damage):
    """One bit is flipped: number `bit`, from the lowest of the first byte on."""

    kind = "corrupt"
    amount = "bit"

    bit: int = attrs.field(default=0, kw_only=True, validator=_not_negative)

    def damage(self, payload: bytes) -> bytes:
        byte, place = divmod(self.bit, 8)
        self._needs(byte + 1, payload)
        changed = bytearray(payload)
        changed[byte] ^= 1 << place
        return bytes(changed)


@attrs.frozen
class Truncate(Damage):
    """The last `nbytes` bytes are missing."""

    kind = "truncate"
    amount = "nbytes"

    nbytes: int = attrs.field(default=1, kw_only=True, validator=_not_negative)

    def damage(self, payload: bytes) -> bytes:
        self._needs(self.nbytes, payload)
        return payload[: len(payload) - self.nbytes]


@attrs.frozen
class Lengthen(Damage):
    """There are `nbytes` zero bytes more at the end."""

    kind = "lengthen"
    amount = "nbytes"

    nbytes: int = attrs.field(default=1, kw_only=True, validator=_not_negative)

    def damage(self, payload: bytes) -> bytes:
        return payload + bytes(self.nbytes)


FAULTS: dict[str, type[Fault]] = {
    fault.kind: fault for fault in (Drop, HalfClose, Gone, Duplicate, Delay, Corrupt, Truncate, Lengthen)
}
"""Every fault, by what its written form begins with."""


def parse(text: str) -> Fault:
    """A fault from its written form, such as `delay:server@3:2s`.

    Raises:
        LocalError: nothing is written so.
    """
    match = _FORM.fullmatch(text)
    made = FAULTS.get(match[1]) if match else None
    if match is None or made is None:
        raise _unreadable(text)
    sender, at, amount = ROLES.index(match[2]), int(match[3]), match[4]
    if (amount is not None and not made.amount) or (amount is None and made is Delay):
        raise _unreadable(text)
    try:
        return made(sender, at, **({} if amount is None else {made.amount: made._read(amount)}))
    except ValueError:
        raise _unreadable(text) from None


def _unreadable(text: str) -> LocalError:
    return LocalError(
        f"{text!r} is not a fault",
        remedy=f"write it as drop:client@12 or delay:server@3:2s; there are {', '.join(FAULTS)}",
    )
