"""Correlated OT: shares of (one party's bit) x (the other's word), the workhorse of everything arithmetic.

The receiver has choice bits, the sender correlations; they get shares of choice * correlation, additive or xor. One
message each way for a whole batch of fields. Payload per OT in bits:

    profile `paper`    128 + repeat * bits     IKNP
    otherwise            1 + repeat * bits     and a random COT from the store

All fields of a batch are packed into one bit string, rounded up to bytes once. `cot_both_ways` runs both directions
in the same two flights. Secure against semi-honest parties.

Source: Asharov, Lindell, Schneider, Zohner (CCS 2013), section 5.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import attrs
import numpy as np

from sirnn import ring
from sirnn.cost import Cost
from sirnn.crypto.confined import Confined
from sirnn.crypto.hashing import Blocks, derive_key
from sirnn.kernels.bitpack import pack, packed_bytes, unpack
from sirnn.kernels.correlate import correct_sums, correct_xors, take_sums, take_xors
from sirnn.ot.fields import CotField, check_choices, fitting
from sirnn.ot.pads import WORD_BITS, receiver_pads, sender_pads, words_of
from sirnn.ot.rows import Bits, Offer, choose, narrow_keys, offer, rows_cost
from sirnn.ot.source import choices as random_choices
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words

# ------------------------------------------------------------ one way


async def correlated_ot(
    party: Party,
    fields: Sequence[CotField],
    *,
    sender: int,
    correlations: Sequence[Words] | None = None,
    choices: Sequence[Words] | None = None,
) -> list[Words]:
    """Shares of choice * correlation, the choice known to one party and the correlation to the other.

    Args:
        party: this party.
        fields: what is transferred, the same at both parties.
        sender: role of the party that knows the correlations.
        correlations: at the sender, an array of `field.shape` for each field.
        choices: at the receiver, an array of (field.count,) bits for each field.

    Returns:
        Words of `field.shape` for each field, random alone; the two parties' add up (or xor) to choice * correlation,
        the choice holding for all `repeat` correlations of its OT.

    Raises:
        LocalError: arrays that are missing or do not fit the fields, choices that are no bits, a party that is not
            set up, or a store that is short.

    Cost: `correlated_ot_cost`, 2 flights.
    """
    key = party.fresh_key("correlated OT")
    with party.scope("correlated_ot"):
        if party.role == sender:
            words = fitting(correlations, [field.shape for field in fields])
            made = await offer(party, key, _count(fields))
            message, outputs = _correct(made, await party.channel.recv(made.message_bytes), fields, words)
            await party.channel.send(message)
            return outputs
        bits = _bits(fields, choices)
        message, rows = await choose(party, key, bits)
        await party.channel.send(message)
        return _take(key, rows, bits, fields, await party.channel.recv(_payload(fields)))


def correlated_ot_cost(profile: Profile, fields: Sequence[CotField], *, sender: int) -> Cost:
    """The receiver's message, then the sender's."""
    return rows_cost(profile, _count(fields), sender=sender) + Cost.message(sender, _payload_bits(fields))


# ------------------------------------------------------------ both ways


async def cot_both_ways(
    party: Party, fields: Sequence[CotField], correlations: Sequence[Words], choices: Sequence[Words]
) -> list[Words]:
    """Shares of (my choices x their correlations) + (their choices x mine), for each field.

    Args:
        party: this party.
        fields: what is transferred in each direction.
        correlations: this party's, an array of `field.shape` for each field.
        choices: this party's, an array of (field.count,) bits for each field.

    Raises:
        LocalError: as `correlated_ot`.

    Cost: `cot_both_ways_cost`, 2 flights.
    """
    with party.scope("correlated_ot"):
        asked = await ask_both_ways(party, fields, choices)
        return await asked.answer(party, await party.channel.exchange(asked.message, asked.expects), correlations)


def cot_both_ways_cost(profile: Profile, fields: Sequence[CotField]) -> Cost:
    """Both directions in the same flights."""
    return correlated_ot_cost(profile, fields, sender=0) | correlated_ot_cost(profile, fields, sender=1)


@attrs.frozen(eq=False, repr=False)
class Asked(Confined):
    """Both directions of a batch whose choices are made and whose correlations are still to come: answered once.

    For a protocol that has something else to say in the flight of the choices: it sends `message` along, and hands the
    peer's to `answer`.

    Attributes:
        message: this party's choices, for the peer.
        fields: what is transferred in each direction.
    """

    message: bytes
    fields: Sequence[CotField]
    _made: Offer
    _key: bytes
    _rows: Blocks
    _bits: Bits

    @property
    def expects(self) -> int:
        """Length of the peer's message."""
        return self._made.message_bytes

    async def answer(self, party: Party, theirs: bytes, correlations: Sequence[Words]) -> list[Words]:
        """What `cot_both_ways` returns, given the peer's message; one flight.

        Raises:
            LocalError: correlations that do not fit the fields, a party of another session, or this was answered
                before: the same pads on other correlations would give the peer their difference.
        """
        words = fitting(correlations, [field.shape for field in self.fields])
        self.bind(party.session)
        self.spend()
        answer, sent = _correct(self._made, theirs, self.fields, words)
        corrections = await party.channel.exchange(answer, _payload(self.fields))
        received = _take(self._key, self._rows, self._bits, self.fields, corrections)
        return [
            a ^ b if field.xor else ring.reduce(a + b, field.bits)
            for a, b, field in zip(sent, received, self.fields, strict=True)
        ]


async def ask_both_ways(party: Party, fields: Sequence[CotField], choices: Sequence[Words]) -> Asked:
    """The first half of `cot_both_ways`, with nothing sent.

    Raises:
        LocalError: choices that are no bits or do not fit the fields, or a store that is short.
    """
    bits = _bits(fields, choices)
    keys = _both_keys(party)
    made = await offer(party, keys[party.role], _count(fields))
    message, rows = await choose(party, keys[1 - party.role], bits)
    asked = Asked(message, fields, made, keys[1 - party.role], rows, bits)
    asked.bind(party.session)
    return asked


def _both_keys(party: Party) -> list[bytes]:
    """Of the direction in which each party sends."""
    return [party.fresh_key(f"correlated OT, sender {sender}") for sender in (0, 1)]


# ------------------------------------------------------------ choices left to the COTs


async def random_choice_cot(
    party: Party,
    fields: Sequence[CotField],
    rows: Blocks,
    *,
    sender: int,
    correlations: Sequence[Words] | None = None,
) -> list[Words]:
    """As `correlated_ot`, where the choices are those of random COTs drawn before: the sender's message alone.

    A row may serve several calls, each with a hash key of its own; its choice is then the same in all.

    Args:
        party: this party.
        fields: what is transferred.
        rows: the COTs, one for each choice of the fields in turn.
        sender: role of the party that knows the correlations and sends the COTs.
        correlations: at the sender, as in `correlated_ot`.

    Raises:
        LocalError: correlations that do not fit the fields.

    Cost: the fields' bits from the sender, 1 flight; no COT beyond `rows`.
    """
    key = party.fresh_key("correlated OT, random choices")
    if party.role == sender:
        words = fitting(correlations, [field.shape for field in fields])
        made = Offer(key, len(rows), narrow_keys(party), rows)
        message, outputs = _correct(made, bytes(made.message_bytes), fields, words)
        await party.channel.send(message)
        return outputs
    return _take(key, rows, random_choices(rows), fields, await party.channel.recv(_payload(fields)))


async def random_choice_cot_both_ways(
    party: Party, fields: Sequence[CotField], correlations: Sequence[Words], *, sent: Blocks, received: Blocks
) -> list[Words]:
    """As `cot_both_ways`, where the choices are those of random COTs drawn before; see `random_choice_cot`.

    Args:
        party: this party.
        fields: what is transferred in each direction.
        correlations: this party's.
        sent: rows of the COTs this party sends.
        received: rows of those it receives, whose choices are its own.

    Cost: the fields' bits from each party, 1 flight.
    """
    keys = _both_keys(party)
    made = Offer(keys[party.role], len(sent), narrow_keys(party), sent)
    asked = Asked(b"", fields, made, keys[1 - party.role], received, random_choices(received))
    return await asked.answer(party, bytes(made.message_bytes), correlations)


# ------------------------------------------------------------ the two sides


def _correct(
    made: Offer, message: bytes, fields: Sequence[CotField], correlations: Sequence[Words]
) -> tuple[bytes, list[Words]]:
    """The sender's answer, and its outputs.

    Who chose 0 keeps pad 0; who chose 1 adds the correction to pad 1, which makes pad 0 + correlation.
    """
    rows, flips = made.rows(message)

    def hashed(key: bytes, part: slice, bits: int) -> tuple[Words, ...]:
        return sender_pads(key, rows[part], flips[part], made.delta, bits=bits)

    corrections, outputs = [], []
    for field, (zeros, ones), correlation in zip(fields, _pads(made.key, fields, hashed), correlations, strict=True):
        sent, kept = (np.empty(field.count * field.repeat, ring.dtype_for(field.bits)) for _ in range(2))
        correct = correct_xors if field.xor else correct_sums
        correct(zeros, ones, correlation.ravel(), _cut_to(field), sent, kept)
        corrections.append((sent, field.bits))
        outputs.append(kept.reshape(field.shape))
    return pack(corrections), outputs


def _take(key: bytes, rows: Blocks, bits: Bits, fields: Sequence[CotField], message: bytes) -> list[Words]:
    """The receiver's outputs."""

    def hashed(key: bytes, part: slice, bits: int) -> tuple[Words, ...]:
        return (receiver_pads(key, rows[part], bits=bits),)

    corrections = unpack(message, [(field.count * field.repeat, field.bits) for field in fields])
    outputs, start = [], 0
    for field, (pads,), sent in zip(fields, _pads(key, fields, hashed), corrections, strict=True):
        kept = np.empty_like(sent)
        take = take_xors if field.xor else take_sums
        take(pads, sent, bits[start : start + field.count], field.repeat, _cut_to(field), kept)
        outputs.append(kept.reshape(field.shape))
        start += field.count
    return outputs


Hash: TypeAlias = Callable[[bytes, slice, int], tuple[Words, ...]]
"""(key, rows, bits) -> pads of those rows: one array at the receiver, two at the sender."""


def _pads(key: bytes, fields: Sequence[CotField], hashed: Hash) -> Iterator[tuple[Words, ...]]:
    """For each field its pads, (count * repeat,) words each; bits above the field's width are left in.

    Neighbours that need pads of one length are hashed together.
    """
    start = 0
    for bits, group in itertools.groupby(fields, key=_pad_bits):
        members = list(group)
        stop = start + _count(members)
        pads = hashed(derive_key(key, f"rows {start}"), slice(start, stop), bits)
        place = 0
        for field in members:
            yield tuple(_cut(part[place : place + field.count], field) for part in pads)
            place += field.count
        start = stop


def _pad_bits(field: CotField) -> int:
    """Bits of a pad that serves all of a choice's correlations, rounded up to whole words of pads."""
    needed = field.repeat * 8 * ring.dtype_for(field.bits).itemsize
    return WORD_BITS * words_of(needed)


def _cut(pads: Words, field: CotField) -> Words:
    """(count, words) of 64 bits as (count * repeat,) words of the field's dtype, or wider."""
    if field.repeat == 1:
        return pads[:, 0]
    return pads.view(ring.dtype_for(field.bits))[:, : field.repeat].reshape(-1)


def _cut_to(field: CotField) -> np.uint64:
    """The mask for the kernels; a Python int of 64 bits would be another type than a smaller one."""
    return np.uint64(ring.mask(field.bits))


# ------------------------------------------------------------ sizes and arguments


def _count(fields: Sequence[CotField]) -> int:
    return sum(field.count for field in fields)


def _payload_bits(fields: Sequence[CotField]) -> int:
    return sum(field.count * field.repeat * field.bits for field in fields)


def _payload(fields: Sequence[CotField]) -> int:
    return packed_bytes([(field.count * field.repeat, field.bits) for field in fields])


def _bits(fields: Sequence[CotField], choices: Sequence[Words] | None) -> Bits:
    """The choices of all fields, checked, as one array of uint8."""
    given = fitting(choices, [(field.count,) for field in fields])
    joined = np.concatenate([np.empty(0, np.uint8), *given])
    check_choices([joined], [2])
    bits: Bits = joined.astype(np.uint8, copy=False)
    return bits


PRIMITIVES = (correlated_ot, cot_both_ways, ask_both_ways, random_choice_cot, random_choice_cot_both_ways)
"""The public coroutines here; their lists of fields do not fit the registry, so they have a test suite of their own."""
