"""Messages as frames on a byte stream, and back. No input or output here: bytes in, messages out.

    frame  = header (16 bytes) + payload
    header = fork (u64) | depth (u32) | length and `more` (u32), little endian

The top bit of the last word says that more frames of this message follow. A message of n bytes has one way to be
framed: full frames of `FRAME_LIMIT` bytes, then what is left (an empty message is one empty frame), so that both
ends count the same framing. Frames of different forks may alternate; within a fork they are in order.

Every length is checked before memory is taken for what it announces.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from sirnn.channel import FRAME_HEADER, FRAME_LIMIT
from sirnn.errors import PeerError

MESSAGE_LIMIT = 1 << 32
"""Most bytes in one message."""

_HEADER = struct.Struct("<QII")
_MORE = 1 << 31
_BAD_FRAME = "it may run another version, or something between the two changes bytes"


class Message(NamedTuple):
    """A whole message as it came off the stream."""

    fork: int
    depth: int
    payload: bytes


def frames(fork: int, depth: int, payload: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The frames of one message in order, each as its header and a view of its part of the payload."""
    view = memoryview(payload)
    last = max(0, len(payload) - 1) // FRAME_LIMIT
    for index in range(last + 1):
        part = view[index * FRAME_LIMIT : (index + 1) * FRAME_LIMIT]
        more = _MORE if index < last else 0
        yield _HEADER.pack(fork, depth, len(part) | more), part


class Receiver(Protocol):
    """Who gets the messages, told of each frame as it comes."""

    def announce(self, fork: int, nbytes: int, total: int, *, more: bool) -> None:
        """A frame has begun; raises PeerError if no such message can be. See `Endpoint.announce`."""

    def hear(self, fork: int) -> None:
        """Bytes of a frame have come."""


class _Partial:
    """A message that has begun: what has come of it, a part for each frame."""

    __slots__ = ("depth", "parts", "size")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.parts: list[bytearray] = []
        self.size = 0


class Reassembler:
    """Turns the bytes of a stream, cut anywhere, into messages.

    Args:
        receiver: told of every frame before memory is taken for it.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._head = bytearray()
        self._missing = 0  # payload bytes that the current frame still lacks
        self._fork, self._more = 0, False
        self._begun: dict[int, _Partial] = {}

    @property
    def wanted(self) -> int:
        """Bytes that complete the frame being read: a hint for how much to read at once."""
        return self._missing or FRAME_HEADER - len(self._head)

    @property
    def inside(self) -> bool:
        """Whether the stream stands inside a message, where it must not end."""
        return bool(self._head or self._begun)

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes.

        Raises:
            PeerError: the bytes are not frames, a message is longer than `MESSAGE_LIMIT`, or the receiver refuses it.
        """
        view = memoryview(data)
        while view:
            if not self._missing:
                lacking = FRAME_HEADER - len(self._head)
                self._head += view[:lacking]
                view = view[lacking:]
                if len(self._head) < FRAME_HEADER:
                    return
                self._begin_frame()
            if self._missing and view:
                taken = min(len(view), self._missing)
                self._begun[self._fork].parts[-1] += view[:taken]
                self._missing -= taken
                view = view[taken:]
                self._receiver.hear(self._fork)
            if not self._missing and not self._more:
                message = self._begun.pop(self._fork)
                yield Message(self._fork, message.depth, b"".join(message.parts))

    def _begin_frame(self) -> None:
        self._fork, depth, word = _HEADER.unpack(self._head)
        self._head.clear()
        length, self._more = word & ~_MORE, bool(word & _MORE)
        first = self._fork not in self._begun
        if length > FRAME_LIMIT or (self._more and length < FRAME_LIMIT) or (length == 0 and not first):
            raise PeerError(f"the other party sent a frame of {length} bytes where none can be", remedy=_BAD_FRAME)
        message = self._begun.setdefault(self._fork, _Partial(depth))
        if message.depth != depth:
            raise PeerError("the other party changed a message's depth on the way", remedy=_BAD_FRAME)
        message.size += length
        if message.size > MESSAGE_LIMIT:
            raise PeerError(f"the other party sent a message of more than {MESSAGE_LIMIT} bytes", remedy=_BAD_FRAME)
        self._receiver.announce(self._fork, length, message.size, more=self._more)
        message.parts.append(bytearray())
        self._missing = length
