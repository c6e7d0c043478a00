"""1-of-N OT: shares of the message that the receiver chose from the sender's N.

The sender's half is random, the receiver's is what makes the chosen message of it, additively or by xor; neither
learns more. One message each way for a whole batch of fields. Payload per OT in bits:

    profile `paper`    128 + 2 * bits (N = 2, IKNP), or 256 + N * bits (N <= 256, KK13)
    otherwise          log N + (N - 1) * bits, and log N random COTs from the store

Otherwise, that is: each bit of the choice takes one random OT, and the pad of message k is the xor over the bits s of
k of slice k mod 2^s of the pad for bit s. The receiver lacks, for every k but its own, the slice at the highest bit
where k differs from its choice, which no other message with the same higher bits uses: so all other pads look
random together. The sender's half is message 0 less its pad, so that message 0 need not be sent.

OTs are hashed, hidden and packed a block at a time; `stream_oblivious_transfer` asks for messages in the same blocks.

Secure against semi-honest parties. Source: Kolesnikov and Kumaresan (CRYPTO 2013), KK13 here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.cost import Cost
from sirnn.crypto.hashing import Blocks, chunks, derive_key
from sirnn.errors import LocalError
from sirnn.kernels.bitpack import packed_bytes
from sirnn.kernels.pads import chosen_pads, message_pads
from sirnn.ot.extension import (
    NARROW,
    REPETITION,
    WALSH_HADAMARD,
    WIDE,
    code_pads,
    extend_receiver,
    extend_sender,
)
from sirnn.ot.fields import OtField, check_choices, fitting
from sirnn.ot.keys import ExtensionKeys
from sirnn.ot.pads import WORD_BITS, receiver_pads, sender_pads
from sirnn.ot.rows import Bits, choose, narrow_keys, offer, rows_cost
from sirnn.ot.strings import Reader, Writer, receive_string, send_string
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words

BLOCK_MESSAGES = 1 << 16
"""Messages hidden at a time."""

Messages: TypeAlias = Callable[[int, slice], Words]
"""(number of a field, some of its OTs) -> their messages, (n, N) words below 2^bits."""

_CODES: dict[int, Blocks] = {NARROW: REPETITION, WIDE: WALSH_HADAMARD}
"""The code of each width of extension."""


async def oblivious_transfer(
    party: Party,
    fields: Sequence[OtField],
    *,
    sender: int,
    messages: Sequence[Words] | None = None,
    choices: Sequence[Words] | None = None,
) -> list[Words]:
    """Shares of messages[choice], for every OT of every field.

    Args:
        party: this party.
        fields: what is transferred, the same at both parties.
        sender: role of the party that knows the messages.
        messages: at the sender, an array (count, N) of words below 2^bits for each field.
        choices: at the receiver, an array (count,) of numbers below N for each field.

    Returns:
        For each field (count,) words: halves of the chosen messages, shared as the field says.

    Raises:
        LocalError: arrays that are missing or do not fit the fields, a choice that is not below N, a party that is not
            set up, or a store that is short.

    Cost: `oblivious_transfer_cost`, 2 flights.
    """
    told = _of_arrays(fields, messages) if party.role == sender else None
    return await stream_oblivious_transfer(party, fields, sender=sender, messages=told, choices=choices)


async def stream_oblivious_transfer(
    party: Party,
    fields: Sequence[OtField],
    *,
    sender: int,
    messages: Messages | None = None,
    choices: Sequence[Words] | None = None,
) -> list[Words]:
    """`oblivious_transfer` with the messages told block by block.

    Raises:
        LocalError: as `oblivious_transfer`.

    Cost: `oblivious_transfer_cost`, 2 flights.
    """
    key = party.fresh_key("oblivious transfer")
    ahead = party.profile.ahead
    nbytes = packed_bytes([(field.count * (field.choices - ahead), field.bits) for field in fields])
    halves = [np.empty(field.count, ring.dtype_for(field.bits)) for field in fields]
    with party.scope("oblivious_transfer"):
        if party.role == sender:
            if messages is None:
                raise LocalError("the sender of OTs has no messages", remedy="say what they are")
            hidden = await (_hidden_by_cots if ahead else _hidden_by_codes)(party, key, fields, messages)

            async def write(writer: Writer) -> None:
                for number, part, half, words in hidden:
                    halves[number][part] = half
                    await writer.write(words, fields[number].bits)

            await send_string(party.channel, nbytes, write)
            return halves
        numbers = fitting(choices, [(field.count,) for field in fields])
        check_choices(numbers, [field.choices for field in fields])
        pads = await (_pads_from_cots if ahead else _pads_from_codes)(party, key, fields, numbers)

        async def read(reader: Reader) -> None:
            for number, part, pad in pads:
                field, chosen = fields[number], numbers[number][part]
                # Nothing is sent for message 0 ahead: its pad is the receiver's half.
                words = np.zeros((len(chosen), field.choices), ring.dtype_for(field.bits))
                sent = await reader.read(len(chosen) * (field.choices - ahead), field.bits)
                words[:, int(ahead) :] = sent.reshape(len(chosen), -1)
                halves[number][part] = words[np.arange(len(chosen)), chosen] ^ ring.reduce(pad, field.bits)

        await receive_string(party.channel, nbytes, read)
        return halves


def oblivious_transfer_cost(profile: Profile, fields: Sequence[OtField], *, sender: int) -> Cost:
    """The receiver's message, then the sender's."""
    first = int(profile.ahead)
    answer = Cost.message(sender, sum(field.count * (field.choices - first) * field.bits for field in fields))
    if profile.ahead:
        return rows_cost(profile, _cots(fields), sender=sender) + answer
    return Cost.message(1 - sender, sum(_width(field) * field.count for field in fields)) + answer


Hidden: TypeAlias = Iterator[tuple[int, slice, Words, Words]]
"""Blocks at the sender: the number of a field, some of its OTs, own halves of them, and the messages hidden."""

Pads: TypeAlias = Iterator[tuple[int, slice, Words]]
"""Blocks at the receiver: the number of a field, some of its OTs, and the pads chosen in them."""

# ------------------------------------------------------------ out of random COTs


async def _hidden_by_cots(party: Party, key: bytes, fields: Sequence[OtField], messages: Messages) -> Hidden:
    """Own halves, and messages 1, 2, .. hidden."""
    made = await offer(party, key, _cots(fields))
    rows, flips = made.rows(await party.channel.recv(made.message_bytes))

    def blocks() -> Hidden:
        for number, part, block_key, places in _blocks(key, fields):
            field = fields[number]
            pairs = sender_pads(block_key, rows[places], flips[places], made.delta, bits=_pad_bits(field))
            zeros, ones = (_by_level(pad, field) for pad in pairs)
            pads = np.empty((zeros.shape[1], field.choices), ring.dtype_for(field.bits))
            message_pads(zeros, ones, field.bits, pads)
            words = ring.reduce(messages(number, part), field.bits)
            half = _minus(words[:, 0], pads[:, 0], field)
            yield number, part, half, _minus(words[:, 1:], half[:, None], field) ^ pads[:, 1:]

    return blocks()


async def _pads_from_cots(party: Party, key: bytes, fields: Sequence[OtField], choices: Sequence[Words]) -> Pads:
    planes = [_planes(number, field) for number, field in zip(choices, fields, strict=True)]
    message, rows = await choose(party, key, np.concatenate([np.empty(0, np.uint8), *planes]))
    await party.channel.send(message)

    def blocks() -> Pads:
        for number, part, block_key, places in _blocks(key, fields):
            field, chosen = fields[number], choices[number][part].astype(np.uint64)
            known = receiver_pads(block_key, rows[places], bits=_pad_bits(field))
            pads = np.empty(len(chosen), np.uint64)
            chosen_pads(_by_level(known, field), chosen, field.bits, pads)
            yield number, part, pads

    return blocks()


Places: TypeAlias = npt.NDArray[np.intp]


def _blocks(key: bytes, fields: Sequence[OtField]) -> Iterator[tuple[int, slice, bytes, Places]]:
    """All OTs in order: the number of a field, some of its OTs, their key, and the places of their COTs, by level."""
    start = 0
    for number, field in enumerate(fields):
        levels = start + field.count * np.arange(field.levels)[:, None]
        for part, block_key in _block_keys(key, number, field):
            yield number, part, block_key, (levels + np.arange(part.start, part.stop)).ravel()
        start += field.levels * field.count


def _planes(choices: Words, field: OtField) -> Bits:
    """The bits of the choices, level after level."""
    levels = np.arange(field.levels, dtype=np.uint8)[:, None]
    planes: Bits = choices.astype(np.uint8) >> levels & np.uint8(1)
    return planes.ravel()


def _cots(fields: Sequence[OtField]) -> int:
    return sum(field.levels * field.count for field in fields)


def _pad_bits(field: OtField) -> int:
    """Bits of the pad for one bit of a choice: a slice for every message of half of them, none across words."""
    slices = 1 << (field.levels - 1)
    return WORD_BITS * -(-slices // (WORD_BITS // field.bits))


def _by_level(pads: Words, field: OtField) -> Words:
    return pads.reshape(field.levels, -1, pads.shape[1])


# ------------------------------------------------------------ out of codes (profile `paper`)


async def _hidden_by_codes(party: Party, key: bytes, fields: Sequence[OtField], messages: Messages) -> Hidden:
    """Own halves, and every message hidden."""
    groups = _groups(fields)
    data = await party.channel.recv(sum(group.count * _width(group) // 8 for group, _ in groups))
    rows: dict[int, Blocks] = {}
    offsets: dict[int, Blocks] = {}
    taken = 0
    for group, places in groups:
        keys, width, group_key = _extension(party, group), _width(group), _group_key(key, group)
        size = group.count * width // 8
        u = np.frombuffer(data, np.uint64, size // 8, taken).reshape(-1, width // 64)
        taken += size
        q = extend_sender(keys.sender, group_key, u)
        rows.update(zip(places, _split(q, [fields[i].count for i in places]), strict=True))
        offsets.update(dict.fromkeys(places, _CODES[width][: group.choices] & keys.sender.secret))

    def blocks() -> Hidden:
        for number, field in enumerate(fields):
            for part, block_key in _block_keys(key, number, field):
                half = _random_half(party, field, part)
                masks = _masks(block_key, rows[number][part], offsets[number], field)
                words = ring.reduce(messages(number, part), field.bits)
                yield number, part, half, _minus(words, half[:, None], field) ^ masks.astype(half.dtype)

    return blocks()


async def _pads_from_codes(party: Party, key: bytes, fields: Sequence[OtField], choices: Sequence[Words]) -> Pads:
    u: list[bytes] = []
    rows: dict[int, Blocks] = {}
    for group, places in _groups(fields):
        codewords = _CODES[_width(group)][np.concatenate([choices[i] for i in places])]
        sent, kept = extend_receiver(_extension(party, group).receiver, _group_key(key, group), codewords)
        u.append(sent.tobytes())
        rows.update(zip(places, _split(kept, [fields[i].count for i in places]), strict=True))
    await party.channel.send(b"".join(u))

    def blocks() -> Pads:
        for number, field in enumerate(fields):
            unchanged = np.zeros((1, _width(field) // 64), np.uint64)
            for part, block_key in _block_keys(key, number, field):
                yield number, part, _masks(block_key, rows[number][part], unchanged, field)[:, 0]

    return blocks()


def _width(field: OtField) -> int:
    """Width of the extension that makes them, which is what the receiver sends for each."""
    return NARROW if field.choices == 2 else WIDE


def _groups(fields: Sequence[OtField]) -> list[tuple[OtField, list[int]]]:
    """Fields with one N share an extension call and its hashing: (a field to stand for them, its members' places)."""
    members: dict[int, list[int]] = {}
    for index, field in enumerate(fields):
        members.setdefault(field.choices, []).append(index)
    return [
        (OtField(sum(fields[i].count for i in places), choices, max(fields[i].bits for i in places)), places)
        for choices, places in sorted(members.items())
    ]


def _group_key(key: bytes, group: OtField) -> bytes:
    return derive_key(key, f"1 of {group.choices}")


def _extension(party: Party, group: OtField) -> ExtensionKeys:
    if _width(group) == NARROW:
        return narrow_keys(party)
    if party.ot is None or party.ot.wide is None:
        raise LocalError("this party has no keys for 1-of-N OTs", remedy="run sirnn.ot.setup.set_up first")
    party.ot.stay()
    return party.ot.wide


def _masks(key: bytes, rows: Blocks, offsets: Blocks, field: OtField) -> Words:
    """The masks of some OTs, (len(rows), len(offsets)) words; bits above the message's width are left in."""
    masks = np.empty((len(rows), len(offsets)), ring.dtype_for(field.bits))
    for run, blocks in code_pads(key, rows, offsets, field.choices):
        masks[run] = blocks[:, :, 0]
    return masks


def _random_half(party: Party, field: OtField, part: slice) -> Words:
    return party.randomness.words(part.stop - part.start, field.bits)


# ------------------------------------------------------------ common


def _of_arrays(fields: Sequence[OtField], messages: Sequence[Words] | None) -> Messages:
    """Messages that are there already, an array for each field."""
    words = fitting(messages, [(field.count, field.choices) for field in fields])
    return lambda number, part: words[number][part]


def _field_key(key: bytes, index: int) -> bytes:
    return derive_key(key, f"field {index}")


def _block_keys(key: bytes, number: int, field: OtField) -> Iterator[tuple[slice, bytes]]:
    """Some of a field's OTs at a time, and their key."""
    return chunks(_field_key(key, number), field.count, max(1, BLOCK_MESSAGES // field.choices))


def _split(rows: Words, counts: Sequence[int]) -> list[Words]:
    return np.split(rows, np.cumsum(counts)[:-1])


def _minus(words: Words, half: Words, field: OtField) -> Words:
    """What is left of messages when one half is taken away: by xor, or part by part by subtraction."""
    if not field.additive:
        return words ^ half
    if len(field.additive) == 1:
        return ring.reduce(words - half, field.bits)
    left, place = np.zeros(np.broadcast_shapes(words.shape, half.shape), words.dtype), 0
    for width in field.additive:
        cut, shift = words.dtype.type(ring.mask(width)), words.dtype.type(place)
        left |= (((words >> shift) - (half >> shift)) & cut) << shift
        place += width
    return left


PRIMITIVES = (oblivious_transfer, stream_oblivious_transfer)
"""The public coroutines here; their lists of fields do not fit the registry, so they have a test suite of their own."""
