"""Bit strings that two parties send each other, written and read block by block.

A string of up to `PART` bytes is one message. A longer one is sent in parts, each as soon as it is full, so that
neither party ever holds more than a few of them. As parts are whole frames, payload, framing and depth are those of the
one message: parts that follow one another do not wait for anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import numpy as np
import trio

from sirnn import ring
from sirnn.channel import FRAME_LIMIT, Channel
from sirnn.cost import Cost
from sirnn.kernels.bitpack import Packer, Unpacker
from sirnn.party import Branch, Party
from sirnn.ring import Words

PART = 4 * FRAME_LIMIT
"""Bytes of a part."""


Send: TypeAlias = Callable[[bytes], Awaitable[None]]
Receive: TypeAlias = Callable[[int], Awaitable[bytes]]


class Writer:
    """A string on its way out.

    Args:
        send: sends a message.
        nbytes: length of the string.
    """

    def __init__(self, send: Send, nbytes: int) -> None:
        self._send = send
        self._packer = Packer(nbytes, PART)

    async def write(self, words: Words, bits: int) -> None:
        """Append the low `bits` bits of each word."""
        for part in self._packer.add(words, bits):
            await self._send(part)
            await trio.lowlevel.checkpoint()  # the other direction takes its turn

    async def end(self) -> None:
        """Send what is left."""
        await self._send(self._packer.last())


class Reader:
    """A string on its way in.

    Args:
        recv: receives a message of the length it is told.
        nbytes: length of the string.
    """

    def __init__(self, recv: Receive, nbytes: int) -> None:
        self._recv = recv
        self._left = nbytes
        self._unpacker = Unpacker(min(nbytes, PART))

    async def begin(self) -> None:
        """Wait for the first part, which may be empty."""
        await self._feed()

    async def read(self, count: int, bits: int) -> Words:
        """The next `count` words of `bits` bits, in the narrowest dtype that holds them."""
        words = np.empty(count, ring.dtype_for(bits))
        done = self._unpacker.take(words, bits)
        while done < count:
            await self._feed()
            done += self._unpacker.take(words[done:], bits)
        return words

    async def _feed(self) -> None:
        size = min(self._left, PART)
        self._left -= size
        self._unpacker.feed(await self._recv(size))


Write: TypeAlias = Callable[[Writer], Awaitable[None]]
Read: TypeAlias = Callable[[Reader], Awaitable[None]]


async def send_string(channel: Channel, nbytes: int, write: Write) -> None:
    """Send what `write` writes: one flight."""
    await _write(channel.send, nbytes, write)


async def receive_string(channel: Channel, nbytes: int, read: Read) -> None:
    """Have `read` read what the peer sends."""
    await _read(channel.recv, nbytes, read)


async def exchange_strings(party: Party, nbytes: int, write: Write, read: Read) -> None:
    """A string of one length each way, neither depending on the other: one flight.

    Long ones are written and read at once, each direction in a fork, so that a part sent late is no deeper than the
    first.
    """
    if nbytes <= PART:
        await _exchange_messages(party.channel, nbytes, write, read)
        return

    def direction(sender: int) -> Branch[None]:
        cost = Cost.message(sender, 8 * nbytes)
        if party.role == sender:
            return cost, lambda p: send_string(p.channel, nbytes, write)
        return cost, lambda p: receive_string(p.channel, nbytes, read)

    await party.parallel(direction(0), direction(1))


async def _exchange_messages(channel: Channel, nbytes: int, write: Write, read: Read) -> None:
    mine: list[bytes] = []

    async def keep(part: bytes) -> None:
        mine.append(part)

    await _write(keep, nbytes, write)
    theirs = await channel.exchange(mine.pop(), nbytes)

    async def hand(_: int) -> bytes:
        return theirs

    await _read(hand, nbytes, read)


async def _write(send: Send, nbytes: int, write: Write) -> None:
    writer = Writer(send, nbytes)
    await write(writer)
    await writer.end()


async def _read(recv: Receive, nbytes: int, read: Read) -> None:
    reader = Reader(recv, nbytes)
    await reader.begin()
    await read(reader)


PRIMITIVES = (send_string, receive_string, exchange_strings)
"""How messages travel; tested with the OTs whose messages they are."""
