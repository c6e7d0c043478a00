"""1-of-N OT: shares of the message that the receiver chose from the sender's N.

The sender's half is random, the receiver's is what makes the chosen message of it, additively or by xor; neither
learns more. One message each way for a whole batch of fields. Payload per OT in bits:

    profile `paper`    128 + 2 * bits (N = 2, IKNP), or 256 + N * bits (N <= 256, KK13)
    otherwise          log N + (N - 1) * bits, and log N random COTs from the store

Otherwise, that is: each bit of the choice takes one random OT, and the pad of message k is the xor over the bits s of
k of slice k mod 2^s of the pad for bit s. The receiver lacks, for every k but its own, the slice at the highest bit
where k differs from its choice, which no other message with the same higher bits uses: so all other pads look
random together. The sender's half is message 0 less its pad, so that message 0 need not be sent.

Secure against semi-honest parties. Source: Kolesnikov and Kumaresan (CRYPTO 2013), KK13 here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sirnn import ring
from sirnn.cost import Cost
from sirnn.crypto.hashing import Blocks, derive_key
from sirnn.errors import LocalError
from sirnn.kernels.bitpack import pack, packed_bytes, unpack
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
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words

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
    key = party.fresh_key("oblivious transfer")
    ahead = party.profile.ahead
    with party.scope("oblivious_transfer"):
        if party.role == sender:
            words = fitting(messages, [(field.count, field.choices) for field in fields])
            send = _send_from_cots if ahead else _send_from_codes
            halves, hidden = await send(party, key, fields, words)
            await party.channel.send(pack([(row, field.bits) for row, field in zip(hidden, fields, strict=True)]))
            return halves
        numbers = fitting(choices, [(field.count,) for field in fields])
        check_choices(numbers, [field.choices for field in fields])
        return await (_receive_from_cots if ahead else _receive_from_codes)(party, key, fields, numbers)


def oblivious_transfer_cost(profile: Profile, fields: Sequence[OtField], *, sender: int) -> Cost:
    """The receiver's message, then the sender's."""
    first = int(profile.ahead)
    answer = Cost.message(sender, sum(field.count * (field.choices - first) * field.bits for field in fields))
    if profile.ahead:
        return rows_cost(profile, _cots(fields), sender=sender) + answer
    return Cost.message(1 - sender, sum(_width(field) * field.count for field in fields)) + answer


# ------------------------------------------------------------ out of random COTs


async def _send_from_cots(
    party: Party, key: bytes, fields: Sequence[OtField], messages: Sequence[Words]
) -> tuple[list[Words], list[Words]]:
    """Own halves, and messages 1, 2, .. hidden."""
    made = await offer(party, key, _cots(fields))
    rows, flips = made.rows(await party.channel.recv(made.message_bytes))
    halves, hidden, start = [], [], 0
    for index, (field, words) in enumerate(zip(fields, messages, strict=True)):
        part = slice(start, start + field.levels * field.count)
        start = part.stop
        pairs = sender_pads(_field_key(key, index), rows[part], flips[part], made.delta, bits=_pad_bits(field))
        zeros, ones = (_by_level(pad, field) for pad in pairs)
        pads = np.empty((field.count, field.choices), ring.dtype_for(field.bits))
        message_pads(zeros, ones, field.bits, pads)
        words = ring.reduce(words, field.bits)
        half = _minus(words[:, 0], pads[:, 0], field)
        halves.append(half)
        hidden.append(_minus(words[:, 1:], half[:, None], field) ^ pads[:, 1:])
    return halves, hidden


async def _receive_from_cots(
    party: Party, key: bytes, fields: Sequence[OtField], choices: Sequence[Words]
) -> list[Words]:
    planes = [_planes(number, field) for number, field in zip(choices, fields, strict=True)]
    message, rows = await choose(party, key, np.concatenate([np.empty(0, np.uint8), *planes]))
    await party.channel.send(message)
    sizes = [(field.count * (field.choices - 1), field.bits) for field in fields]
    hidden = unpack(await party.channel.recv(packed_bytes(sizes)), sizes)
    halves, start = [], 0
    for index, (field, number, sent) in enumerate(zip(fields, choices, hidden, strict=True)):
        part = slice(start, start + field.levels * field.count)
        start = part.stop
        known = receiver_pads(_field_key(key, index), rows[part], bits=_pad_bits(field))
        pads = np.empty(field.count, np.uint64)
        chosen_pads(_by_level(known, field), number.astype(np.uint64), field.bits, pads)
        # Nothing was sent for message 0: its pad is the receiver's half.
        padded = np.zeros((field.count, field.choices), sent.dtype)
        padded[:, 1:] = sent.reshape(field.count, field.choices - 1)
        halves.append(padded[np.arange(field.count), number] ^ ring.reduce(pads, field.bits))
    return halves


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
    return pads.reshape(field.levels, field.count, pads.shape[1])


def _field_key(key: bytes, index: int) -> bytes:
    return derive_key(key, f"field {index}")


# ------------------------------------------------------------ out of codes (profile `paper`)


async def _send_from_codes(
    party: Party, key: bytes, fields: Sequence[OtField], messages: Sequence[Words]
) -> tuple[list[Words], list[Words]]:
    """Own halves, and every message hidden."""
    groups = _groups(fields)
    data = await party.channel.recv(sum(group.count * _width(group) // 8 for group, _ in groups))
    halves: dict[int, Words] = {}
    hidden: dict[int, Words] = {}
    taken = 0
    for group, places in groups:
        keys, width, group_key = _extension(party, group), _width(group), _group_key(key, group)
        size = group.count * width // 8
        u = np.frombuffer(data[taken : taken + size], np.uint64).reshape(-1, width // 64)
        taken += size
        q = extend_sender(keys.sender, group_key, u)
        masks = _masks(group_key, q, _CODES[width][: group.choices] & keys.sender.secret, group)
        for place, mask in zip(places, _split(masks, [fields[i].count for i in places]), strict=True):
            field = fields[place]
            half = _random_half(party, field)
            halves[place] = half
            words = ring.reduce(messages[place], field.bits)
            hidden[place] = _minus(words, half[:, None], field) ^ mask.astype(half.dtype)
    return [halves[place] for place in range(len(fields))], [hidden[place] for place in range(len(fields))]


async def _receive_from_codes(
    party: Party, key: bytes, fields: Sequence[OtField], choices: Sequence[Words]
) -> list[Words]:
    groups = _groups(fields)
    u, t = [], []
    for group, places in groups:
        codewords = _CODES[_width(group)][np.concatenate([choices[i] for i in places])]
        sent, kept = extend_receiver(_extension(party, group).receiver, _group_key(key, group), codewords)
        u.append(sent.tobytes())
        t.append(kept)
    await party.channel.send(b"".join(u))
    sizes = [(field.count * field.choices, field.bits) for field in fields]
    hidden = unpack(await party.channel.recv(packed_bytes(sizes)), sizes)
    halves: dict[int, Words] = {}
    for (group, places), rows in zip(groups, t, strict=True):
        unchanged = np.zeros((1, _width(group) // 64), np.uint64)
        masks = _masks(_group_key(key, group), rows, unchanged, group)[:, 0]
        for place, mask in zip(places, _split(masks, [fields[i].count for i in places]), strict=True):
            field = fields[place]
            words = hidden[place].reshape(field.count, field.choices)[np.arange(field.count), choices[place]]
            halves[place] = ring.reduce(words ^ mask.astype(words.dtype, copy=False), field.bits)
    return [halves[place] for place in range(len(fields))]


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
    """The masks of one group, (count, len(offsets)) words; bits above the message's width are left in."""
    masks = np.empty((field.count, len(offsets)), ring.dtype_for(field.bits))
    for run, blocks in code_pads(key, rows, offsets, field.choices):
        masks[run] = blocks[:, :, 0]
    return masks


def _random_half(party: Party, field: OtField) -> Words:
    return party.randomness.words(field.count, field.bits)


# ------------------------------------------------------------ common


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


PRIMITIVES = (oblivious_transfer,)
"""The public coroutines here; their lists of fields do not fit the registry, so they have a test suite of their own."""
