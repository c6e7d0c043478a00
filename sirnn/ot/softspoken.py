"""Random COTs from SoftSpoken: 128/k - 1 bits each, for 2^k / k times the hashing of IKNP.

Roy (CRYPTO 2022, eprint 2022/192), with the repetition code and without the consistency check. Delta is cut into
128/k digits of k bits. For each digit d the receiver has 2^k seeds s_x and the sender all of them but s_d; G being a
pseudorandom generator, the receiver computes vectors of bits

    u = xor of all G(s_x),        t_b = xor of the G(s_x) with bit b of x set         (b < k),

and the sender computes, without s_d,

    q_b = xor of the G(s_x) with bit b of x ^ d set  =  t_b ^ (u if bit b of d is set),

so that u would be the choices and t_b, q_b the columns of both parties' rows that belong to the digit. The choices
must be the same for every digit: they are u of the first, and for every other the receiver sends the difference, which
the sender adds where its bits of Delta are set. As the lowest bit of Delta is 1, the lowest columns differ by just the
choices, and replacing them by zeros and the choices gives the normal form of `sirnn.ot.source`.

Security against semi-honest parties needs a pseudorandom generator and, for the set-up and where the rows are used,
correlation-robust hashing; no assumption beyond those of IKNP. To the sender, u of any digit is masked by G(s_d); the
receiver gets no message at all.

The seeds are leaves of a GGM tree (Goldreich, Goldwasser, Micali, J. ACM 1986). Its node on the sender's path is
unknown to the sender at each level, but it learns the sum of all left children or that of all right ones, whichever
its path does not take, by the base OT that also belongs to this bit of Delta: so Delta is that of IKNP, and set-up is
one message of 4 KB. The sender numbers nodes relative to its path, x ^ d for x: the unknown one is always the first.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt
import trio

from sirnn.cost import FREE, Cost
from sirnn.crypto.confined import Confined
from sirnn.crypto.hashing import HASHES_PER_KEY, Blocks, chunks, derive_key, expand, permute
from sirnn.errors import LocalError
from sirnn.kernels.fold import count_up, fold
from sirnn.kernels.transpose import transpose
from sirnn.ot.extension import BLOCK_BITS, NARROW
from sirnn.ot.keys import ReceiverKeys, SenderKeys
from sirnn.ot.rows import narrow_keys
from sirnn.ot.source import Progress, Source
from sirnn.party import Party

DIGIT_BITS = (2, 4, 8)
"""Bits of a digit, k: more of them send less and compute more."""

RUN = 1 << 13
"""COTs of one message."""

SEEDS_AT_ONCE = 1 << max(DIGIT_BITS)
"""Expanded together: 256 KB of blocks in a whole run."""


class SoftSpoken(Source):
    """Random COTs by SoftSpoken. Calls share nothing but the seeds: forks may extend at once.

    Args:
        k: bits of a digit, 2, 4 or 8: more of them send less and compute more.
        sender: role of the party that holds Delta.

    Raises:
        LocalError: another k.
    """

    def __init__(self, k: int, sender: int) -> None:
        if k not in DIGIT_BITS:
            raise LocalError(f"SoftSpoken with digits of {k} bits", remedy="digits have 2, 4 or 8 bits")
        self.sender = sender
        self._bits = k
        self._digits = NARROW // k
        self._keys: _Seeds | None = None

    def set_up_cost(self) -> Cost:
        """Two sums of 128 bits for every bit of Delta, in one message of the receiver: 4,096 bytes."""
        return Cost.message(1 - self.sender, NARROW * 2 * BLOCK_BITS)

    async def set_up(self, party: Party) -> None:
        """Agree on the seeds, from the base OTs of this direction; see `Source.set_up`."""
        self.bind(party.session)
        if self._keys is not None:
            raise LocalError("this source is set up already", remedy="set a source up once")
        keys, key = narrow_keys(party), party.fresh_key("SoftSpoken set-up")
        if party.role == self.sender:
            sums = np.frombuffer(await party.channel.recv(NARROW * 2 * 16), np.uint64).reshape(NARROW, 2, 2)
            self._keys = _Seeds.of(_punctured_leaves(key, self._bits, keys.sender, sums), keys.sender.secret)
        else:
            roots = party.randomness.words((self._digits, 1, 2), 64)
            leaves, sums = _leaves(key, self._bits, keys.receiver, roots)
            await party.channel.send(sums.tobytes())
            self._keys = _Seeds.of(leaves, None)

    def yields(self, count: int) -> int:
        """`count` rounded up to whole blocks of 128."""
        return -(-count // BLOCK_BITS) * BLOCK_BITS

    def cost(self, count: int) -> Cost:
        """128/k - 1 bits a COT from the receiver, one flight."""
        return Cost.message(1 - self.sender, (self._digits - 1) * self.yields(count)) if count else FREE

    async def extend(self, party: Party, count: int, *, progress: Progress | None = None) -> Blocks:
        self.bind(party.session)
        if self._keys is None:
            raise LocalError("this source is not set up", remedy="await source.set_up(party) first")
        rows = np.empty((self.yields(count), 2), np.uint64)
        room = np.empty(SEEDS_AT_ONCE * RUN // BLOCK_BITS * 2 + 2, np.uint64)  # reused, so that it stays in cache
        for run, key in chunks(party.fresh_key("random COTs by SoftSpoken"), len(rows), RUN):
            columns = await self._columns(party, self._keys, key, (run.stop - run.start) // BLOCK_BITS, room)
            rows[run] = transpose(columns, run.stop - run.start)
            if progress is not None:
                progress(run.stop)
            await trio.lowlevel.checkpoint()  # a message that is there already is received without one
        return rows

    async def _columns(self, party: Party, keys: _Seeds, key: bytes, blocks: int, room: Blocks) -> Blocks:
        """The columns of a run in normal form, (128, 2 blocks)."""
        columns, u = keys.expand(key, blocks, room)
        if keys.masks is None:
            await party.channel.send((u[1:] ^ u[0]).tobytes())
            columns[0, 0] = u[0]
        else:
            data = await party.channel.recv((self._digits - 1) * blocks * BLOCK_BITS // 8)
            columns[1:] ^= keys.masks[1:] & np.frombuffer(data, np.uint64).reshape(self._digits - 1, 1, -1)
            columns[0, 0] = 0
        return columns.reshape(NARROW, -1)


@attrs.frozen(eq=False, repr=False)
class _Seeds(Confined):
    """What set-up leaves at a party.

    Attributes:
        seeds: (128 / k, 2^k, 2) uint64, a tree's leaves for each digit; relative to Delta at the sender, who has
            anything but a seed as the first.
        columns: their sums over the x with bit b set, (128 / k, k, 2).
        sums: their sums over all x, (128 / k, 2).
        masks: at the sender the bits of Delta as masks, (128 / k, k, 1); None at the receiver.
    """

    seeds: Blocks
    columns: Blocks
    sums: Blocks
    masks: npt.NDArray[np.uint64] | None

    @classmethod
    def of(cls, seeds: Blocks, secret: npt.NDArray[np.uint64] | None) -> _Seeds:
        """From the seeds, and Delta as (2,) words where it is known."""
        digits, leaves, _ = seeds.shape
        bits = leaves.bit_length() - 1
        columns, folded = np.zeros((digits, bits, 2), np.uint64), seeds.copy()
        fold(folded, columns)
        masks = None if secret is None else _masks(secret).reshape(digits, bits, 1)
        return cls(seeds, columns, folded[:, 0], masks)

    def expand(self, key: bytes, blocks: int, room: Blocks) -> tuple[Blocks, Blocks]:
        """What follows from the seeds: columns (digits, k, 2 blocks) and, at the receiver, u (digits, 2 blocks).

        G is `hashing.expand`: block c of G(s) is AES_key(s ^ c) ^ s ^ c. Every sum has an even number of terms, so c
        drops out of what is added to AES_key, and the sums of the seeds remain, the same in all blocks. The seeds of
        a digit share a key, as the two parties number them differently; the sender lacks one of them.
        """
        columns, u = np.tile(self.columns, blocks), np.tile(self.sums, blocks)
        digits, leaves, _ = self.seeds.shape
        step = SEEDS_AT_ONCE // leaves
        per_key = leaves * blocks * digits_per_key(blocks)
        for start in range(0, digits, step):
            some = slice(start, start + step)
            inputs = room[: SEEDS_AT_ONCE * blocks * 2].reshape(SEEDS_AT_ONCE, blocks, 2)
            count_up(self.seeds[some].reshape(-1, 2), inputs)
            some_key = derive_key(key, f"digits from {start}")
            permuted = permute(some_key, inputs, room, run=per_key).reshape(step, -1, 2 * blocks)
            fold(permuted, columns[some])
            u[some] ^= permuted[:, 0]
        return columns, u


def digits_per_key(blocks: int) -> int:
    """Digits whose seeds are expanded under one key, to so many blocks each."""
    return max(1, HASHES_PER_KEY // blocks)


def _leaves(key: bytes, k: int, keys: ReceiverKeys, roots: Blocks) -> tuple[Blocks, Blocks]:
    """All leaves, (digits, 2^k, 2), and the sums to send, (128, 2, 2): for each bit of Delta, for the bit being 0 or 1.

    Level 0 decides the top bit of a leaf's number, and belongs to the top bit of the digit.
    """
    masks = [expand(derive_key(key, "masks"), seeds, 1) for seeds in (keys.seeds0, keys.seeds1)]
    sums = np.stack(masks, axis=1).reshape(-1, k, 2, 2)
    nodes = roots
    for level in range(k):
        children = _children(key, level, nodes)
        sides = np.bitwise_xor.reduce(children, axis=1)
        sums[:, k - 1 - level] ^= sides[:, ::-1]  # who goes left learns the right ones
        nodes = children.reshape(len(roots), -1, 2)
    return nodes, sums.reshape(NARROW, 2, 2)


def _punctured_leaves(key: bytes, k: int, keys: SenderKeys, sums: Blocks) -> Blocks:
    """All leaves but that of each digit of Delta, numbered relative to it; the first is zero. (digits, 2^k, 2)."""
    bits = _masks(keys.secret)[:, np.newaxis]
    learnt = sums[:, 0] ^ ((sums[:, 0] ^ sums[:, 1]) & bits) ^ expand(derive_key(key, "masks"), keys.seeds, 1)
    learnt, bits = learnt.reshape(-1, k, 2), bits.reshape(-1, k, 1, 1)
    nodes = np.zeros((len(learnt), 1, 2), np.uint64)
    for level in range(k):
        children = _children(key, level, nodes)
        swap = (children[:, :, 0] ^ children[:, :, 1]) & bits[:, k - 1 - level]
        children ^= swap[:, :, np.newaxis]
        children[:, 0] = 0  # made from the node on the path, which is unknown; so its child off the path is
        children[:, 0, 1] = learnt[:, k - 1 - level] ^ np.bitwise_xor.reduce(children[:, :, 1], axis=1)
        nodes = children.reshape(len(learnt), -1, 2)
    return nodes


def _children(key: bytes, level: int, nodes: Blocks) -> Blocks:
    """Both children of every node: (trees, 2^level, 2) to (trees, 2^level, 2 sides, 2)."""
    children = expand(derive_key(key, f"level {level}"), nodes.reshape(-1, 2), 2)
    return children.reshape(*nodes.shape[:2], 2, 2)


def _masks(secret: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A word for every bit of the secret, all ones or zero: selecting by it takes no secret branch or index."""
    return -np.unpackbits(secret.view(np.uint8), bitorder="little").astype(np.uint64)
