"""Correlated OT: shares of (one party's bit) x (the other's word), the workhorse of everything arithmetic.

The receiver has choice bits, the sender correlations; they get shares of choice * correlation, additive or xor. One
message each way for a whole batch of fields. Payload per OT in bits:

    profile `paper`    128 + repeat * bits     IKNP
    otherwise            1 + repeat * bits     and a random COT from the store

All fields of a batch are packed into one bit string, rounded up to bytes once. `cot_both_ways` runs both directions
in the same two flights. Secure against semi-honest parties.

OTs are hashed, corrected and packed a block at a time. `stream_correlated_ot` and `stream_cot_both_ways` ask for
correlations and hand out shares in the same blocks, for products whose terms would not fit in memory together.

Source: Asharov, Lindell, Schneider, Zohner (CCS 2013), section 5.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import attrs
import numpy as np

from sirnn import ring
from sirnn.cost import Cost
from sirnn.crypto.confined import Confined
from sirnn.crypto.hashing import Blocks, chunks, derive_key
from sirnn.errors import LocalError
from sirnn.kernels.bitpack import packed_bytes
from sirnn.kernels.correlate import correct_sums, correct_xors, take_sums, take_xors
from sirnn.ot.fields import CotField, check_choices, fitting
from sirnn.ot.pads import WORD_BITS, receiver_pads, sender_pads, words_of
from sirnn.ot.rows import Bits, Offer, choose, narrow_keys, offer, rows_cost
from sirnn.ot.source import choices as random_choices
from sirnn.ot.strings import Reader, Writer, exchange_strings, receive_string, send_string
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words

BLOCK_WORDS = 1 << 16
"""Words of pads hashed at a time: with corrections and shares they come to a few MB."""

Correlate: TypeAlias = Callable[[int, slice], Words]
"""(number of a field, some of its OTs) -> their correlations, (n,) or (n, repeat); bits beyond the width are cut."""

Collect: TypeAlias = Callable[[int, slice, Words], None]
"""Takes (number of a field, some of its OTs, shares of these); shares of both directions are to be added up."""

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
    sums, correlate = _Sums(fields), None
    if party.role == sender:
        correlate = _of_arrays(fields, correlations)
    await stream_correlated_ot(party, fields, sums.add, sender=sender, correlate=correlate, choices=choices)
    return sums.words


async def stream_correlated_ot(
    party: Party,
    fields: Sequence[CotField],
    collect: Collect,
    *,
    sender: int,
    correlate: Correlate | None = None,
    choices: Sequence[Words] | None = None,
) -> None:
    """`correlated_ot`, block by block.

    Args:
        party: this party.
        fields: what is transferred, the same at both parties.
        collect: takes this party's shares.
        sender: role of the party that knows the correlations.
        correlate: at the sender, tells them.
        choices: at the receiver, an array of (field.count,) bits for each field.

    Raises:
        LocalError: as `correlated_ot`.

    Cost: `correlated_ot_cost`, 2 flights.
    """
    key = party.fresh_key("correlated OT")
    with party.scope("correlated_ot"):
        if party.role == sender:
            if correlate is None:
                raise LocalError("the sender of correlated OTs has no correlations", remedy="say what they are")
            made = await offer(party, key, _count(fields))
            sent = _Sent(made, await party.channel.recv(made.message_bytes), fields, correlate, collect)
            await send_string(party.channel, _payload(fields), sent.write)
        else:
            bits = _bits(fields, choices)
            message, rows = await choose(party, key, bits)
            await party.channel.send(message)
            received = _Received(key, rows, bits, fields, collect)
            await receive_string(party.channel, _payload(fields), received.read)


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
    sums = _Sums(fields)
    await stream_cot_both_ways(party, fields, _of_arrays(fields, correlations), choices, sums.add)
    return sums.words


async def stream_cot_both_ways(
    party: Party, fields: Sequence[CotField], correlate: Correlate, choices: Sequence[Words], collect: Collect
) -> None:
    """`cot_both_ways`, block by block; see `stream_correlated_ot`. Shares of both directions go to `collect`.

    Cost: `cot_both_ways_cost`, 2 flights.
    """
    with party.scope("correlated_ot"):
        asked = await ask_both_ways(party, fields, choices)
        theirs = await party.channel.exchange(asked.message, asked.expects)
        await asked.stream(party, theirs, correlate, collect)


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
        sums = _Sums(self.fields)
        await self.stream(party, theirs, _of_arrays(self.fields, correlations), sums.add)
        return sums.words

    async def stream(self, party: Party, theirs: bytes, correlate: Correlate, collect: Collect) -> None:
        """`answer`, block by block."""
        self.bind(party.session)
        self.spend()
        sent = _Sent(self._made, theirs, self.fields, correlate, collect)
        received = _Received(self._key, self._rows, self._bits, self.fields, collect)
        await exchange_strings(party, _payload(self.fields), sent.write, received.read)


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
    sums, nbytes = _Sums(fields), _payload(fields)
    if party.role == sender:
        made = Offer(key, len(rows), narrow_keys(party), rows)
        correlate = _of_arrays(fields, correlations)
        sent = _Sent(made, bytes(made.message_bytes), fields, correlate, sums.add)
        await send_string(party.channel, nbytes, sent.write)
    else:
        received = _Received(key, rows, random_choices(rows), fields, sums.add)
        await receive_string(party.channel, nbytes, received.read)
    return sums.words


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


@attrs.frozen(eq=False, repr=False)
class _Sent:
    """The sender's side of a batch, whose choices are known to be flipped or not."""

    made: Offer
    message: bytes
    fields: Sequence[CotField]
    correlate: Correlate
    collect: Collect

    async def write(self, writer: Writer) -> None:
        """The corrections go to the peer and own shares to `collect`.

        Who chose 0 keeps pad 0; who chose 1 adds the correction to pad 1, which makes pad 0 + correlation.
        """
        rows, flips = self.made.rows(self.message)

        def hashed(key: bytes, part: slice, bits: int) -> tuple[Words, ...]:
            return sender_pads(key, rows[part], flips[part], self.made.delta, bits=bits)

        for index, part, _, (zeros, ones) in _pieces(self.made.key, self.fields, hashed):
            field = self.fields[index]
            sent, kept = (np.empty(len(zeros), ring.dtype_for(field.bits)) for _ in range(2))
            correct = correct_xors if field.xor else correct_sums
            correct(zeros, ones, self.correlate(index, part).ravel(), _cut_to(field), sent, kept)
            self.collect(index, part, _shaped(kept, field))
            await writer.write(sent, field.bits)


@attrs.frozen(eq=False, repr=False)
class _Received:
    """The receiver's side of a batch."""

    key: bytes
    rows: Blocks
    bits: Bits
    fields: Sequence[CotField]
    collect: Collect

    async def read(self, reader: Reader) -> None:
        """Own shares go to `collect`."""

        def hashed(key: bytes, part: slice, bits: int) -> tuple[Words, ...]:
            return (receiver_pads(key, self.rows[part], bits=bits),)

        for index, part, place, (pads,) in _pieces(self.key, self.fields, hashed):
            field = self.fields[index]
            sent = await reader.read(len(pads), field.bits)
            kept = np.empty_like(sent)
            take = take_xors if field.xor else take_sums
            take(pads, sent, self.bits[place], field.repeat, _cut_to(field), kept)
            self.collect(index, part, _shaped(kept, field))


class _Sums:
    """Shares of whole fields, both directions added up: a `Collect` that keeps everything."""

    def __init__(self, fields: Sequence[CotField]) -> None:
        self._fields = fields
        self._found: dict[int, Words] = {}

    def add(self, number: int, part: slice, words: Words) -> None:
        field, found = self._fields[number], self._found.get(number)
        if len(words) == field.count:
            self._found[number] = words if found is None else _together(found, words, field)
            return
        if found is None:
            found = self._found[number] = np.zeros(field.shape, words.dtype)
        found[part] = _together(found[part], words, field)

    @property
    def words(self) -> list[Words]:
        """An array of `field.shape` for each field."""
        return [
            self._found[number] if number in self._found else np.zeros(field.shape, ring.dtype_for(field.bits))
            for number, field in enumerate(self._fields)
        ]


def _together(one: Words, other: Words, field: CotField) -> Words:
    """Shares of one direction and of the other, as shares of both."""
    return one ^ other if field.xor else ring.reduce(one + other, field.bits)


def _of_arrays(fields: Sequence[CotField], correlations: Sequence[Words] | None) -> Correlate:
    """Correlations that are there already, an array for each field."""
    words = fitting(correlations, [field.shape for field in fields])
    return lambda index, part: words[index][part]


class _Piece(NamedTuple):
    """Some OTs of one field that are hashed together.

    Attributes:
        number: of the field.
        part: which of its OTs.
        place: the same, counted through all fields.
        pads: (n * repeat,) words each; bits above the field's width are left in.
    """

    number: int
    part: slice
    place: slice
    pads: Sequence[Words]


Hash: TypeAlias = Callable[[bytes, slice, int], tuple[Words, ...]]
"""(key, rows, bits) -> pads of those rows: one array at the receiver, two at the sender."""


def _pieces(key: bytes, fields: Sequence[CotField], hashed: Hash) -> Iterator[_Piece]:
    """All OTs, in order.

    Neighbours that need pads of one length are hashed together, in blocks that each have a key of their own.
    """
    start = 0
    for bits, group in itertools.groupby(enumerate(fields), key=lambda each: _pad_bits(each[1])):
        members = list(group)
        count = _count([field for _, field in members])
        size = max(1, BLOCK_WORDS * WORD_BITS // bits)
        for run, block_key in chunks(derive_key(key, f"rows {start}"), count, size):
            block = slice(start + run.start, start + run.stop)
            yield from _cut_up(members, start, block, hashed(block_key, block, bits))
        start += count


def _cut_up(
    members: Sequence[tuple[int, CotField]], start: int, block: slice, pads: tuple[Words, ...]
) -> Iterator[_Piece]:
    """A block's part of each field that reaches into it; the first field begins at `start`."""
    for number, field in members:
        if block.start < start + field.count and start < block.stop:
            first, last = max(start, block.start), min(start + field.count, block.stop)
            some = [_cut(part[first - block.start : last - block.start], field) for part in pads]
            yield _Piece(number, slice(first - start, last - start), slice(first, last), some)
        start += field.count


def _pad_bits(field: CotField) -> int:
    """Bits of a pad that serves all of a choice's correlations, rounded up to whole words of pads."""
    needed = field.repeat * 8 * ring.dtype_for(field.bits).itemsize
    return WORD_BITS * words_of(needed)


def _cut(pads: Words, field: CotField) -> Words:
    """(count, words) of 64 bits as (count * repeat,) words of the field's dtype, or wider."""
    if field.repeat == 1:
        return pads[:, 0]
    return pads.view(ring.dtype_for(field.bits))[:, : field.repeat].reshape(-1)


def _shaped(words: Words, field: CotField) -> Words:
    """The words of some OTs, a row for each that has several."""
    return words if field.repeat == 1 else words.reshape(-1, field.repeat)


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


PRIMITIVES = (
    correlated_ot,
    stream_correlated_ot,
    cot_both_ways,
    stream_cot_both_ways,
    ask_both_ways,
    random_choice_cot,
    random_choice_cot_both_ways,
)
"""The public coroutines here; their lists of fields do not fit the registry, so they have a test suite of their own."""
