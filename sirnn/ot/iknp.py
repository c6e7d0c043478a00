"""Random COTs from IKNP: 128 bits each, from the session's narrow keys and nothing else.

Ishai, Kilian, Nissim, Petrank (CRYPTO 2003), as in `sirnn.ot.extension`, with codewords of the repetition code for
random choices r: that leaves rows t_j = q_j ^ (r_j & Delta), Delta being the secret of the narrow keys. Its lowest bit
is 1, so the lowest bits of the two rows differ by just r_j, and replacing them by 0 and r_j gives the normal form.
"""

from __future__ import annotations

import numpy as np
import trio

from sirnn.cost import FREE, Cost
from sirnn.crypto.hashing import Blocks, chunks
from sirnn.ot.extension import NARROW, REPETITION, extend_receiver, extend_sender
from sirnn.ot.keys import ExtensionKeys
from sirnn.ot.rows import narrow_keys
from sirnn.ot.source import CHOICE, Progress, Source
from sirnn.party import Party

RUN = 1 << 16
"""COTs of one message: a frame of 1 MiB."""


class Iknp(Source):
    """Random COTs by IKNP. Calls share nothing but the keys, so that forks may extend at once.

    Args:
        sender: role of the party that holds Delta.
    """

    def __init__(self, sender: int) -> None:
        self.sender = sender

    def set_up_cost(self) -> Cost:
        """Nothing: the session's keys are all it needs."""
        return FREE

    async def set_up(self, party: Party) -> None:
        """Nothing to send; see `Source.set_up`."""
        self.bind(party.session)

    def yields(self, count: int) -> int:
        """Exactly `count`."""
        return count

    def cost(self, count: int) -> Cost:
        """128 bits a COT from the receiver, one flight."""
        return Cost.message(1 - self.sender, NARROW * count) if count else FREE

    async def extend(self, party: Party, count: int, *, progress: Progress | None = None) -> Blocks:
        self.bind(party.session)
        keys = narrow_keys(party)
        rows = np.empty((count, 2), np.uint64)
        make = _send if party.role == self.sender else _receive
        for run, key in chunks(party.fresh_key("random COTs by IKNP"), count, RUN):
            rows[run] = await make(party, keys, key, run.stop - run.start)
            if progress is not None:
                progress(run.stop)
            await trio.lowlevel.checkpoint()  # a message that is there already is received without one
        return rows


async def _receive(party: Party, keys: ExtensionKeys, key: bytes, count: int) -> Blocks:
    choices = party.randomness.bits(count)
    u, t = extend_receiver(keys.receiver, key, REPETITION[choices])
    await party.channel.send(u.tobytes())
    t[:, 0] = (t[:, 0] & ~CHOICE) | choices
    return t


async def _send(party: Party, keys: ExtensionKeys, key: bytes, count: int) -> Blocks:
    u = np.frombuffer(await party.channel.recv(count * NARROW // 8), np.uint64).reshape(count, 2)
    q = extend_sender(keys.sender, key, u)
    q[:, 0] &= ~CHOICE
    return q
