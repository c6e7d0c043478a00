"""Rows of 1-of-2 OTs with chosen choice bits, which every OT on messages is built on.

The OT sender of a direction holds Delta, a row q_j for every OT; the receiver holds t_j = q_j ^ (c_j & Delta) for its
choice c_j. In profile `paper` they are made on the spot (IKNP: 128 bits each); otherwise random ones are drawn from
the store and the receiver says by one bit each whether its choice is the random one.

The receiver always speaks first: `choose` gives the message to send, `offer` takes it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sirnn.cost import Cost, bytes_for
from sirnn.crypto.confined import Confined
from sirnn.crypto.hashing import Blocks
from sirnn.errors import LocalError
from sirnn.ot.extension import NARROW, REPETITION, extend_receiver, extend_sender
from sirnn.ot.keys import ExtensionKeys
from sirnn.ot.source import choices as random_choices
from sirnn.party import Party
from sirnn.profile import Profile

Bits = npt.NDArray[np.uint8]

COTS = ("cot/server", "cot/client")
"""What the store and `Cost.demand` call the random COTs that each party sends."""

ROW_BYTES = 16
"""Bytes of a COT at a party."""


def rows_cost(profile: Profile, count: int, *, sender: int) -> Cost:
    """The receiver's message, and what is drawn from the store."""
    if not profile.ahead:
        return Cost.message(1 - sender, NARROW * count)
    return Cost.message(1 - sender, count) + drawn(count, sender=sender)


def drawn(count: int, *, sender: int) -> Cost:
    """Random COTs drawn from the store: nothing is sent."""
    return Cost(demand={COTS[sender]: count})


async def choose(party: Party, key: bytes, bits: Bits) -> tuple[bytes, Blocks]:
    """The receiver's side: its message, and its rows, (n, 2) uint64."""
    if not party.profile.ahead:
        u, t = extend_receiver(narrow_keys(party).receiver, key, REPETITION[bits])
        return u.tobytes(), t
    rows = await draw_rows(party, len(bits), sender=1 - party.role)
    return np.packbits(random_choices(rows) ^ bits, bitorder="little").tobytes(), rows


class Offer(Confined):
    """The sender's side, before it has heard which choices are not the random ones. Its rows are used once.

    Args:
        key: public key of the call.
        count: OTs.
        keys: of the extension that makes them; its secret is Delta.
        drawn: rows from the store; None if they are made on the spot.
    """

    def __init__(self, key: bytes, count: int, keys: ExtensionKeys, drawn: Blocks | None = None) -> None:
        self.key = key
        self.count = count
        self._keys = keys.sender
        self._drawn = drawn

    @property
    def delta(self) -> npt.NDArray[np.uint64]:
        """Delta, (2,) uint64."""
        return self._keys.secret

    @property
    def message_bytes(self) -> int:
        """Length of the receiver's message."""
        return self.count * NARROW // 8 if self._drawn is None else bytes_for(self.count)

    def rows(self, message: bytes) -> tuple[Blocks, Bits]:
        """Rows r, (n, 2) uint64, and bits f, (n,): the rows of the OTs are r ^ f Delta.

        Raises:
            LocalError: they were taken before. Their pads, used again, give the peer the difference of two messages.
        """
        self.spend()
        if self._drawn is None:
            made = extend_sender(self._keys, self.key, np.frombuffer(message, np.uint64).reshape(-1, 2))
            return made, np.zeros(self.count, np.uint8)
        return self._drawn, np.unpackbits(np.frombuffer(message, np.uint8), count=self.count, bitorder="little")


async def offer(party: Party, key: bytes, count: int) -> Offer:
    """The sender's side of `count` OTs."""
    rows = await draw_rows(party, count, sender=party.role) if party.profile.ahead else None
    return Offer(key, count, narrow_keys(party), rows)


async def draw_rows(party: Party, count: int, *, sender: int) -> Blocks:
    """Random COTs from the store, in the normal form of `sirnn.ot.source`."""
    if not count:
        return np.empty((0, 2), np.uint64)
    (rows,) = await party.draw(COTS[sender], count)
    return rows


def narrow_keys(party: Party) -> ExtensionKeys:
    """The keys of the party's narrow extension; their sender's secret is Delta."""
    if party.ot is None:
        raise LocalError("this party has no OT keys", remedy="run sirnn.ot.setup.set_up first")
    party.ot.stay()
    return party.ot.narrow


PRIMITIVES = (choose, offer, draw_rows)
"""Halves of a protocol each; tested with the OTs that are built on them."""
