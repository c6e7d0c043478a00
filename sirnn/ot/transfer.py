"""The oblivious transfers that protocols call: batches of fields, one message each way for a whole batch.

Both parties call the same coroutine with the same fields; `sender` says whose messages are chosen from. Payload per
OT, in bits:

    correlated_ot        128 + repeat * bits                      IKNP, 1 of 2
    oblivious_transfer   128 + 2 * bits  (1 of 2)                 IKNP
                         256 + N * bits  (1 of N, 3 <= N <= 256)  KK13
    random_ot            128                                      IKNP, no second message

All fields of a batch are packed into one bit string, rounded up to bytes once. Secure against semi-honest parties; the
extension itself is in `sirnn.ot.extension`, its hashing in `sirnn.crypto.hashing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.cost import Cost
from sirnn.crypto.hashing import HASHES_PER_KEY, Blocks, chunks, derive_key, expand
from sirnn.errors import LocalError
from sirnn.kernels.bitpack import pack, packed_bytes, unpack
from sirnn.ot.extension import NARROW, REPETITION, WALSH_HADAMARD, WIDE, extend_receiver, extend_sender, pads
from sirnn.ot.keys import ExtensionKeys, OtKeys
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words

CODES: dict[int, Blocks] = {NARROW: REPETITION, WIDE: WALSH_HADAMARD}
"""The code of each width of extension."""

MAX_CHOICES = len(WALSH_HADAMARD)

_UNCHANGED = {width: np.zeros((1, width // 64), np.uint64) for width in CODES}
"""The receiver hashes its rows as they are."""


def _valid_bits(_: Any, __: Any, bits: int) -> None:
    ring.check_bits(bits)


@attrs.frozen
class CotField:
    """Correlated OTs of one width.

    Attributes:
        count: OTs, each with a choice bit.
        bits: width of the ring of the correlation, 1..64.
        repeat: correlations that share one choice bit.
    """

    count: int = attrs.field(validator=attrs.validators.ge(0))
    bits: int = attrs.field(validator=_valid_bits)
    repeat: int = attrs.field(default=1, validator=attrs.validators.ge(1))

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the correlations and of both outputs."""
        return (self.count,) if self.repeat == 1 else (self.count, self.repeat)


@attrs.frozen
class OtField:
    """1-of-N OTs of one width.

    Attributes:
        count: OTs.
        choices: N, messages to choose from in each, 2..256.
        bits: width of a message, 1..64.
    """

    count: int = attrs.field(validator=attrs.validators.ge(0))
    choices: int = attrs.field(validator=[attrs.validators.ge(2), attrs.validators.le(MAX_CHOICES)])
    bits: int = attrs.field(validator=_valid_bits)

    @property
    def width(self) -> int:
        """Width of the extension that makes them, which is what the receiver sends for each."""
        return NARROW if self.choices == 2 else WIDE


# ---------------------------------------------------------------------------------------------- correlated OT


async def correlated_ot(
    party: Party,
    fields: Sequence[CotField],
    *,
    sender: int,
    correlations: Sequence[Words] | None = None,
    choices: Sequence[Words] | None = None,
) -> list[Words]:
    """Additive shares of choice * correlation, the choice known to one party and the correlation to the other.

    Args:
        party: this party.
        fields: what is transferred, the same at both parties.
        sender: role of the party that knows the correlations.
        correlations: at the sender, an array of `field.shape` for each field.
        choices: at the receiver, an array of (field.count,) bits for each field.

    Returns:
        Words of `field.shape` for each field, random alone; the two parties' add up to choice * correlation modulo
        2^bits, the choice holding for all `repeat` correlations of its OT.

    Raises:
        LocalError: arrays that are missing or do not fit the fields, choices that are no bits, or a party that is not
            set up.

    Cost: `correlated_ot_cost`. Source: Asharov, Lindell, Schneider, Zohner (CCS 2013), section 5.
    """
    with party.scope("correlated_ot"):
        if party.role == sender:
            return await _send_correlated(party, fields, _fitting(correlations, [field.shape for field in fields]))
        return await _receive_correlated(party, fields, _fitting(choices, [(field.count,) for field in fields]))


def correlated_ot_cost(_profile: Profile, fields: Sequence[CotField], *, sender: int) -> Cost:
    """The receiver's message, then the sender's."""
    return Cost.message(1 - sender, NARROW * sum(field.count for field in fields)) + Cost.message(
        sender, sum(field.count * field.repeat * field.bits for field in fields)
    )


async def _send_correlated(party: Party, fields: Sequence[CotField], correlations: list[Words]) -> list[Words]:
    key = party.fresh_key("correlated OT")
    count = sum(field.count for field in fields)
    pairs = await _send_random(party, key, count)
    outputs, corrections = [], []
    split = _split(pairs, [field.count for field in fields])
    for index, (field, seeds, correlation) in enumerate(zip(fields, split, correlations, strict=True)):
        zeros, ones = (_stretch(key, index, seeds[:, choice], field) for choice in (0, 1))
        # Who chose 0 keeps H(q); who chose 1 adds this to H(q ^ s), which makes H(q) + correlation.
        corrections.append(
            (zeros + correlation.reshape(zeros.shape).astype(zeros.dtype, copy=False) - ones, field.bits)
        )
        outputs.append(ring.reduce(np.negative(zeros), field.bits).reshape(field.shape))
    await party.channel.send(pack(corrections))
    return outputs


async def _receive_correlated(party: Party, fields: Sequence[CotField], choices: list[Words]) -> list[Words]:
    _check_choices(choices, [2] * len(fields))
    key = party.fresh_key("correlated OT")
    seeds = await _receive_random(party, key, np.concatenate([np.empty(0, np.uint8), *choices]))
    sizes = [(field.count * field.repeat, field.bits) for field in fields]
    corrections = unpack(await party.channel.recv(packed_bytes(sizes)), sizes)
    outputs = []
    split = _split(seeds, [field.count for field in fields])
    for index, (field, seed, choice, correction) in enumerate(zip(fields, split, choices, corrections, strict=True)):
        mask = _stretch(key, index, seed, field)
        taken = correction.reshape(mask.shape) * choice[:, np.newaxis].astype(mask.dtype)
        outputs.append(ring.reduce(mask + taken, field.bits).reshape(field.shape))
    return outputs


def _stretch(key: bytes, index: int, seeds: Blocks, field: CotField) -> Words:
    """The (count, repeat) words that mask one field, from a block for each OT; bits above the ring's are left in.

    A block that is wide enough is used as it is; any other is the seed of a generator and never used itself.
    """
    dtype = ring.dtype_for(field.bits)
    blocks = -(-field.repeat * dtype.itemsize // 16)
    if blocks == 1:
        return seeds.view(dtype)[:, : field.repeat]
    words = np.empty((field.count, field.repeat), dtype)
    size = max(1, HASHES_PER_KEY // blocks)
    for rows, chunk_key in chunks(derive_key(key, f"stretch field {index}"), field.count, size):
        words[rows] = expand(chunk_key, seeds[rows], blocks).view(dtype)[:, : field.repeat]
    return words


# ------------------------------------------------------------------------------------------ oblivious transfer


async def oblivious_transfer(
    party: Party,
    fields: Sequence[OtField],
    *,
    sender: int,
    messages: Sequence[Words] | None = None,
    choices: Sequence[Words] | None = None,
) -> list[Words]:
    """The receiver learns one message of each OT, the one it chose; the sender learns nothing.

    Args:
        party: this party.
        fields: what is transferred, the same at both parties.
        sender: role of the party that knows the messages.
        messages: at the sender, an array (count, N) of words for each field.
        choices: at the receiver, an array (count,) of numbers below N for each field.

    Returns:
        At the receiver the chosen words, (count,) for each field; at the sender an empty list.

    Raises:
        LocalError: arrays that are missing or do not fit the fields, a choice that is not below N, or a party that is
            not set up.

    Cost: `oblivious_transfer_cost`. Source: Kolesnikov and Kumaresan (CRYPTO 2013); for N = 2 IKNP (CRYPTO 2003).
    """
    with party.scope("oblivious_transfer"):
        if party.role == sender:
            shapes = [(field.count, field.choices) for field in fields]
            await _send_chosen(party, fields, _fitting(messages, shapes))
            return []
        return await _receive_chosen(party, fields, _fitting(choices, [(field.count,) for field in fields]))


def oblivious_transfer_cost(_profile: Profile, fields: Sequence[OtField], *, sender: int) -> Cost:
    """The receiver's message, then the sender's."""
    return Cost.message(1 - sender, sum(field.width * field.count for field in fields)) + Cost.message(
        sender, sum(field.count * field.choices * field.bits for field in fields)
    )


def _groups(fields: Sequence[OtField]) -> list[tuple[OtField, list[int]]]:
    """Fields with one N share an extension call and its hashing: (a field to stand for them, its members' places)."""
    members: dict[int, list[int]] = {}
    for index, field in enumerate(fields):
        members.setdefault(field.choices, []).append(index)
    return [
        (
            OtField(sum(fields[i].count for i in places), choices, max(fields[i].bits for i in places)),
            places,
        )
        for choices, places in sorted(members.items())
    ]


async def _send_chosen(party: Party, fields: Sequence[OtField], messages: list[Words]) -> None:
    key = party.fresh_key("oblivious transfer")
    groups = _groups(fields)
    data = await party.channel.recv(sum(group.count * group.width // 8 for group, _ in groups))
    hidden: dict[int, Words] = {}
    taken = 0
    for group, places in groups:
        keys = _extension(party, group.width).sender
        size = group.count * group.width // 8
        q = extend_sender(keys, _group_key(key, group), _rows(data[taken : taken + size], group.width))
        offsets = CODES[group.width][: group.choices] & keys.secret
        masks = _masks(_group_key(key, group), q, offsets, group)
        taken += size
        for place, mask in zip(places, _split(masks, [fields[i].count for i in places]), strict=True):
            hidden[place] = mask ^ messages[place].astype(mask.dtype, copy=False)
    await party.channel.send(pack([(hidden[place], field.bits) for place, field in enumerate(fields)]))


async def _receive_chosen(party: Party, fields: Sequence[OtField], choices: list[Words]) -> list[Words]:
    _check_choices(choices, [field.choices for field in fields])
    key = party.fresh_key("oblivious transfer")
    groups = _groups(fields)
    u, t = [], []
    for group, places in groups:
        codewords = CODES[group.width][np.concatenate([choices[i] for i in places])]
        keys = _extension(party, group.width).receiver
        sent, kept = extend_receiver(keys, _group_key(key, group), codewords)
        u.append(sent.tobytes())
        t.append(kept)
    await party.channel.send(b"".join(u))
    sizes = [(field.count * field.choices, field.bits) for field in fields]
    hidden = unpack(await party.channel.recv(packed_bytes(sizes)), sizes)
    outputs: dict[int, Words] = {}
    for (group, places), rows in zip(groups, t, strict=True):
        masks = _masks(_group_key(key, group), rows, _UNCHANGED[group.width], group)[:, 0]
        for place, mask in zip(places, _split(masks, [fields[i].count for i in places]), strict=True):
            field = fields[place]
            words = hidden[place].reshape(field.count, field.choices)[np.arange(field.count), choices[place]]
            outputs[place] = ring.reduce(words ^ mask.astype(words.dtype, copy=False), field.bits)
    return [outputs[place] for place in range(len(fields))]


def _group_key(key: bytes, group: OtField) -> bytes:
    return derive_key(key, f"1 of {group.choices}")


def _masks(key: bytes, rows: Blocks, offsets: Blocks, field: OtField) -> Words:
    """The masks of one field, (count, len(offsets)) words; bits above the message's width are left in."""
    masks = np.empty((field.count, len(offsets)), ring.dtype_for(field.bits))
    for run, blocks in pads(key, rows, offsets, field.choices):
        masks[run] = blocks[:, :, 0]
    return masks


def _split(rows: Words, counts: Sequence[int]) -> Iterator[Words]:
    start = 0
    for count in counts:
        yield rows[start : start + count]
        start += count


# --------------------------------------------------------------------------------------------------- random OT


async def random_ot(party: Party, count: int, *, sender: int) -> tuple[npt.NDArray[Any], Blocks]:
    """Random OTs of 128-bit blocks: the sender gets two blocks, the receiver a random bit and the block it names.

    Returns:
        At the sender the blocks for 0 and those for 1, each (count, 2) uint64. At the receiver its bits, (count,)
        uint8, and its blocks, (count, 2) uint64.

    Raises:
        LocalError: the party is not set up.

    Cost: `random_ot_cost`. Source: IKNP (CRYPTO 2003).
    """
    key = party.fresh_key("random OT")
    with party.scope("random_ot"):
        if party.role == sender:
            pairs = await _send_random(party, key, count)
            return pairs[:, 0], pairs[:, 1]
        bits = party.randomness.bits(count)
        return bits, await _receive_random(party, key, bits)


def random_ot_cost(_profile: Profile, count: int, *, sender: int) -> Cost:
    """The receiver's message."""
    return Cost.message(1 - sender, NARROW * count)


async def _send_random(party: Party, key: bytes, count: int) -> Blocks:
    """Both pads of `count` OTs, (count, 2, 2) uint64, on the receiver's message."""
    keys = _extension(party, NARROW).sender
    q = extend_sender(keys, key, _rows(await party.channel.recv(count * NARROW // 8), NARROW))
    pairs = np.empty((count, 2, 2), np.uint64)
    for run, blocks in pads(key, q, REPETITION & keys.secret, 2):
        pairs[run] = blocks
    return pairs


async def _receive_random(party: Party, key: bytes, choices: Words) -> Blocks:
    """The pads of these choices, (count, 2) uint64, and the message that lets the sender make its own."""
    u, t = extend_receiver(_extension(party, NARROW).receiver, key, REPETITION[choices])
    await party.channel.send(u.tobytes())
    masks = np.empty_like(t)
    for run, blocks in pads(key, t, _UNCHANGED[NARROW], 2):
        masks[run] = blocks[:, 0]
    return masks


# ------------------------------------------------------------------------------------------------------ common


def _extension(party: Party, width: int) -> ExtensionKeys:
    keys: OtKeys | None = party.ot
    extension = None if keys is None else keys.narrow if width == NARROW else keys.wide
    if extension is None:
        raise LocalError("this party has no OT keys", remedy="run sirnn.ot.setup.set_up first")
    return extension


def _rows(data: bytes, width: int) -> Blocks:
    return np.frombuffer(data, np.uint64).reshape(-1, width // 64)


def _fitting(arrays: Sequence[Words] | None, shapes: Sequence[tuple[int, ...]]) -> list[Words]:
    """The caller's arrays, if there is one of unsigned words and of the right shape for each field."""
    given = [] if arrays is None else [array.shape if array.dtype.kind == "u" else array.dtype for array in arrays]
    if given != list(shapes):
        raise LocalError(
            f"the fields take unsigned words of shapes {list(shapes)}, given {given}",
            remedy="the sender gives messages or correlations and the receiver choices, one array a field",
        )
    return list(arrays or ())


def _check_choices(choices: Sequence[Words], limits: Sequence[int]) -> None:
    for choice, limit in zip(choices, limits, strict=True):
        if choice.max(initial=0) >= limit:
            raise LocalError("a choice is not below the number of messages", remedy=f"choose from 0..{limit - 1}")


PRIMITIVES = (correlated_ot, oblivious_transfer, random_ot)
"""The public coroutines here; their lists of fields do not fit the registry, so they have a test suite of their own."""
