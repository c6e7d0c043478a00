"""Ferret: random correlated OTs for a fraction of a bit each, from LPN.

Yang, Weng, Lan, Zhang, Wang (CCS 2020, eprint 2020/924), its semi-honest form with regular noise, on the half-trees of
`sirnn.ot.ggm` and the code of `sirnn.ot.lpn`. An iteration consumes k + t * depth COTs and makes N = t * 2^depth:

* t * depth of them choose, at random, the side the receiver knows at each level of t trees. The sender masks the sum
  of the left nodes of a level with its row q; the receiver's row t = q ^ (r & Delta) turns that into the sum of side
  r. This is the iteration's one message: 128 t depth bits. The leaves are N COTs whose choices are the noise e.
* k of them are the secret s. Both parties multiply their rows with the public matrix A and add the leaves: N COTs with
  the choices A s + e. As rows of either kind are in normal form, so is every sum of them.

The last k + t * depth outputs are kept for the next iteration and never handed out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import numpy as np
import trio

from sirnn.cost import Cost
from sirnn.crypto.hashing import Blocks, derive_key
from sirnn.errors import LocalError
from sirnn.ot.ggm import Forest, trees_at_once
from sirnn.ot.lpn import B10, Encoder, LpnParameters
from sirnn.ot.rows import narrow_keys
from sirnn.ot.source import CHOICE, Progress, Source, choices
from sirnn.party import Party

BLOCK_BITS = 128

Finished = Callable[[int], Awaitable[None]]
"""Told how many rows of the running iteration are finished; lets other tasks run."""


class Ferret(Source):
    """Random COTs by Ferret, grown from those of another source.

    Delta is the secret of the sender's narrow keys, in `party.ot`. Secure against semi-honest parties, if LPN with
    these parameters is hard. An extension that is stopped half-way leaves the source unusable.

    Args:
        parameters: size of an iteration.
        sender: role of the party that holds Delta.
        source: where the first rows come from: of the same direction and Delta, not set up yet.

    Raises:
        LocalError: a source of the other direction.
    """

    def __init__(self, parameters: LpnParameters, sender: int, source: Source) -> None:
        if source.sender != sender:
            raise LocalError("the first COTs have another sender", remedy="grow from a source of the same direction")
        self.parameters = parameters
        self.sender = sender
        self._source = source
        self._is_set_up = False
        self._base: Blocks | None = None

    def set_up_cost(self) -> Cost:
        """The other source's set-up and the first rows."""
        way = self._steps_cost() if self._by_steps() else self._source.cost(self.parameters.base_rows)
        return self._source.set_up_cost() + way

    async def set_up(self, party: Party) -> None:
        """Set up the other source and take the first rows from it, by way of an iteration of b10 if that sends less.

        Raises:
            LocalError: the party has no keys, or this source is set up already.
            PeerError: the other party sent a message of another length.

        Cost: `set_up_cost`.
        """
        self.bind(party.session)
        if self._is_set_up:
            raise LocalError("this source is set up already", remedy="call set_up once")
        if party.role == self.sender and not narrow_keys(party).sender.secret[0] & CHOICE:
            raise LocalError("the lowest bit of Delta is 0", remedy="set it: the rows carry the choices there")
        self._is_set_up = True
        source = self._source
        await source.set_up(party)
        if self._by_steps():
            step = Ferret(B10, self.sender, source)
            await step._start(party, source)
            source = step
        await self._start(party, source)

    async def _start(self, party: Party, source: Source) -> None:
        rows = await source.extend(party, self.parameters.base_rows)
        self._base = rows[: self.parameters.base_rows].copy()
        self._is_set_up = True

    def _by_steps(self) -> bool:
        """Whether an iteration of b10 first sends less than all base rows would take from the other source."""
        return self._steps_cost().payload < self._source.cost(self.parameters.base_rows).payload

    def _steps_cost(self) -> Cost:
        return self._source.cost(B10.base_rows) + _cost(B10, self.sender, self.parameters.base_rows)

    def yields(self, count: int) -> int:
        """The next multiple of what an iteration leaves to use."""
        return _iterations(self.parameters, count) * self.parameters.usable

    def cost(self, count: int) -> Cost:
        """A message of 128 t depth bits from the sender for every iteration: one flight, however many there are."""
        return _cost(self.parameters, self.sender, count)

    async def extend(self, party: Party, count: int, *, progress: Progress | None = None) -> Blocks:
        """Make `yields(count)` COTs; see `Source.extend`.

        Raises:
            LocalError: this source is not set up, is at work already, or was stopped in the middle of an extension.
            PeerError: the other party sent a message of another length.
        """
        self.bind(party.session)
        usable, total = self.parameters.usable, self.yields(count)
        base = self._take()
        out = np.empty((total + len(base), 2), np.uint64)
        iterate = self._send if party.role == self.sender else self._receive
        with party.scope("ferret"):
            key = party.fresh_key(f"Ferret, sender {self.sender}")
            for start in range(0, total, usable):

                async def finished(rows: int, start: int = start) -> None:
                    if progress is not None:
                        progress(start + min(rows, usable))
                    await trio.lowlevel.checkpoint()

                # The rows put aside lie where the next iteration writes its first.
                outputs = out[start : start + self.parameters.outputs]
                await iterate(party, derive_key(key, f"iteration {start // usable}"), base, outputs, finished)
                base[:] = outputs[usable:]
        out[total:] = 0  # the view returned keeps this memory alive
        self._base = base
        return out[:total]

    async def _send(self, party: Party, key: bytes, base: Blocks, outputs: Blocks, finished: Finished) -> None:
        """Grow all trees, then say the sums: the other party grows its own while this one encodes."""
        forest, encoder, puncturing = self._tools(key, base)
        delta = narrow_keys(party).sender.secret
        roots = party.randomness.words((self.parameters.trees, 2), 64)
        message = puncturing.copy()
        for rows, trees in self._runs():
            message[trees] ^= forest.grow(_trees_key(key, trees), roots[trees], delta, outputs[rows])
            await trio.lowlevel.checkpoint()
        await party.channel.send(message.tobytes())
        for rows, _ in self._runs():
            encoder.add_to(outputs[rows])
            await finished(rows.stop)

    async def _receive(self, party: Party, key: bytes, base: Blocks, outputs: Blocks, finished: Finished) -> None:
        forest, encoder, puncturing = self._tools(key, base)
        sides = choices(puncturing.reshape(-1, 2)).reshape(puncturing.shape[:2])
        sums = np.frombuffer(await party.channel.recv(puncturing.nbytes), np.uint64).reshape(puncturing.shape)
        for rows, trees in self._runs():
            known = sums[trees] ^ puncturing[trees]
            forest.grow_punctured(_trees_key(key, trees), sides[trees], known, outputs[rows])
            encoder.add_to(outputs[rows])
            await finished(rows.stop)

    def _tools(self, key: bytes, base: Blocks) -> tuple[Forest, Encoder, Blocks]:
        """What an iteration uses: the forest, the encoder, and the base rows of the trees, (t, depth, 2)."""
        size = self.parameters
        secret, puncturing = base[: size.dimension], base[size.dimension :].reshape(size.trees, size.depth, 2)
        return Forest(size.depth), Encoder(derive_key(key, "matrix"), secret), puncturing

    def _runs(self) -> Iterator[tuple[slice, slice]]:
        """A run of outputs, and the trees whose leaves they are, at a time."""
        size, step = self.parameters, trees_at_once(self.parameters.depth)
        for start in range(0, size.trees, step):
            stop = min(start + step, size.trees)
            yield slice(start << size.depth, stop << size.depth), slice(start, stop)

    def _take(self) -> Blocks:
        """The base rows, of which there is one user at a time: rows used twice would undo the masks."""
        if not self._is_set_up:
            raise LocalError("this source of random OTs is not set up", remedy="call its set_up first")
        base, self._base = self._base, None
        if base is None:
            raise LocalError(
                "this source is at work already, or was stopped in the middle of an extension",
                remedy="let one call end before the next; after an error, set up another source",
            )
        return base


def _trees_key(key: bytes, trees: slice) -> bytes:
    return derive_key(key, f"trees from {trees.start}")


def _iterations(parameters: LpnParameters, count: int) -> int:
    return -(-count // parameters.usable)


def _cost(parameters: LpnParameters, sender: int, count: int) -> Cost:
    message = Cost.message(sender, BLOCK_BITS * parameters.trees * parameters.depth)
    return message * _iterations(parameters, count)
