"""The keys of the OT extensions at one party: what set-up leaves behind and every later OT grows from.

An extension of width w has an OT sender, who holds a secret s of w bits and one seed for each of its bits, and an OT
receiver, who holds both seeds of each. There are four: widths 128 (IKNP) and 256 (KK13), in both directions, each
with an independent s. They are only read: calls are told apart by the public keys they hash under, so forks share
them freely.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from sirnn.crypto.confined import Confined
from sirnn.crypto.hashing import Blocks


@attrs.frozen(eq=False, repr=False)
class SenderKeys(Confined):
    """The OT sender's side of an extension of width w.

    Attributes:
        secret: s as (w / 64,) uint64 words.
        seeds: (w, 2) uint64, seed i being the one that bit i of s chose.
    """

    secret: npt.NDArray[np.uint64]
    seeds: Blocks

    @classmethod
    def from_bits(cls, bits: npt.NDArray[np.uint8], seeds: Blocks) -> SenderKeys:
        """From the bits of s, one in each uint8."""
        return cls(np.packbits(bits, bitorder="little").view(np.uint64), seeds)


@attrs.frozen(eq=False, repr=False)
class ReceiverKeys(Confined):
    """The OT receiver's side: both seeds of every column, (w, 2) uint64 each."""

    seeds0: Blocks
    seeds1: Blocks


@attrs.frozen(eq=False, repr=False)
class ExtensionKeys(Confined):
    """Extensions of one width: `sender` for the OTs this party sends, `receiver` for those it receives."""

    sender: SenderKeys
    receiver: ReceiverKeys


@attrs.frozen(eq=False, repr=False)
class OtKeys(Confined):
    """All extensions of a session at one party.

    Attributes:
        narrow: width 128, for 1-of-2 OTs.
        wide: width 256, for 1-of-N OTs; None in a profile that makes those out of narrow ones.
    """

    narrow: ExtensionKeys
    wide: ExtensionKeys | None = None
