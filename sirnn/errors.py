"""Whose fault it is, in the type.

Three kinds of failure, so that whoever catches one knows what to do about it:

* `LocalError`     - our own caller is at fault: fix the call, the file or the flag.
* `PeerError`      - the other party broke the protocol or stopped: talk to its operator.
* `TransportError` - the network is at fault: nobody listening, connection lost, silence.

Every error names the thing and the remedy. An error raised while talking to the peer also
carries the fork and scope path it happened in and the number of the message. No error ever carries
a share, a key or a payload.
"""

from __future__ import annotations


def quoted(text: str, most: int = 100) -> str:
    """Text that the peer chose, as a literal: printable ASCII on one line, its first `most` characters."""
    return ascii(text[:most]) + ("..." if len(text) > most else "")


class SirnnError(Exception):
    """Base of every error this project raises on purpose.

    Args:
        problem: what went wrong, naming the thing.
        remedy: what the reader can do about it.
        where: fork and scope path of the message at fault, if there was one.
        message_number: how many messages that fork had sent and received before the fault.
    """

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        where: str = "",
        message_number: int | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.where = where
        self.message_number = message_number

    def __str__(self) -> str:
        text = self.problem
        if self.where:
            number = "" if self.message_number is None else f", message {self.message_number}"
            text += f" (in {self.where}{number})"
        if self.remedy:
            text += f"; {self.remedy}"
        return text


class LocalError(SirnnError):
    """Our caller's fault: a bad value, file, flag or use of the library."""


class PeerError(SirnnError):
    """The other party's fault: it broke the protocol, disagrees about the job, or stopped."""


class TransportError(SirnnError):
    """The network's fault: no connection, a lost connection, or silence."""
