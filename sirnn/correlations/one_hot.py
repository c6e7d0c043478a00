"""Random shared bits, and the one-hot vectors of the numbers they spell.

The one-hot vector of an m-bit number r is the string of 2^m bits whose entry r is 1, here xor-shared. Adding a bit on
top doubles it: the upper half is the bit times the string, the lower half is what that leaves of it. Every bit is
fresh, so its halves can be the choices of random COTs, and then a product of bit and string is one message each way,
of the string less its last entry, which the others and the bit determine. In all 2^(m+1) - 2m - 2 bits, where
multiplying out halves takes a little more and log m levels (Keller, Orsini, Rotaru, Scholl, Soria-Vazquez, Vivek,
CRYPTO 2017, section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.cost import FREE, Cost, sequence
from sirnn.crypto.confined import Confined
from sirnn.crypto.hashing import Blocks
from sirnn.ot.correlated import random_choice_cot, random_choice_cot_both_ways
from sirnn.ot.fields import CotField
from sirnn.ot.pads import WORD_BITS
from sirnn.ot.rows import Bits, draw_rows, drawn
from sirnn.ot.source import choices
from sirnn.party import CLIENT, SERVER, Party
from sirnn.ring import Words

Strings: TypeAlias = npt.NDArray[np.uint64]
"""(n, ceil(2^m / 64)): entry i of string j is bit i % 64 of word [j, i // 64]; bits beyond the string are 0."""

# ------------------------------------------------------------ bits


@attrs.frozen(eq=False, repr=False)
class RandomBits(Confined):
    """Numbers of `width` random shared bits, and the COTs whose choices their halves are.

    Attributes:
        halves: this party's, (width, n) uint8, lowest bit first.
        sent: rows of the COTs this party sends, whose choices are the other's halves: (., n, 2) uint64, of all bits or
            of all but the first.
        received: rows of those it receives, whose choices are its own halves, likewise.
    """

    halves: Bits
    sent: Blocks
    received: Blocks

    @property
    def width(self) -> int:
        return len(self.halves)

    @property
    def count(self) -> int:
        return len(self.halves[0])


async def random_bits(party: Party, width: int, count: int) -> RandomBits:
    """Draw `count` numbers of `width` bits; nothing is sent.

    Raises:
        LocalError: the store is short of COTs, or this profile keeps none.

    Cost: `random_bits_cost`.
    """
    by_server: Blocks = (await draw_rows(party, width * count, sender=SERVER)).reshape(width, count, 2)
    by_client: Blocks = (await draw_rows(party, (width - 1) * count, sender=CLIENT)).reshape(width - 1, count, 2)
    if not party.is_server:
        return RandomBits(choices(by_server.reshape(-1, 2)).reshape(width, count), by_client, by_server)
    # A string of one entry is not multiplied, so the first bit needs no COT from the client.
    halves = [party.randomness.bits(count), *(choices(rows) for rows in by_client)]
    return RandomBits(np.stack(halves), by_server, by_client)


def random_bits_cost(width: int, count: int) -> Cost:
    """A COT from the server for every bit, and one from the client for every bit but the first."""
    return drawn(width * count, sender=SERVER) | drawn((width - 1) * count, sender=CLIENT)


# ------------------------------------------------------------ as a number


async def as_number(party: Party, bits: Sequence[RandomBits]) -> Words:
    """An additive share modulo 2^m of the number all these m bits spell, the first ones being the lowest.

    Cost: `as_number_cost`, 1 flight.
    """
    halves = np.concatenate([each.halves for each in bits])
    width, count = halves.shape
    number = np.zeros(count, ring.dtype_for(width))
    for place, half in enumerate(halves):
        number |= half.astype(number.dtype) << number.dtype.type(place)
    fields = _number_fields(width, count)
    # b = b0 + b1 - 2 b0 b1: the product at bit k counts 2^(k+1), so it is needed modulo 2^(width - k - 1).
    if fields:
        rows = np.concatenate([rows for each in bits for rows in (each.sent if party.is_server else each.received)])
        mine = list(halves[:-1]) if party.is_server else None
        used = rows[: len(fields) * count]
        products = await random_choice_cot(party, fields, used, sender=SERVER, correlations=_widened(mine, fields))
        for place, product in enumerate(products):
            number -= product.astype(number.dtype) << number.dtype.type(place + 1)
    return ring.reduce(number, width)


def as_number_cost(width: int, count: int) -> Cost:
    """One message from the server: width (width - 1) / 2 bits for each."""
    fields = _number_fields(width, count)
    return Cost.message(SERVER, sum(field.count * field.bits for field in fields)) if fields else FREE


def _number_fields(width: int, count: int) -> list[CotField]:
    return [CotField(count, width - place - 1) for place in range(width - 1)]


def _widened(halves: Sequence[Bits] | None, fields: Sequence[CotField]) -> list[Words] | None:
    if halves is None:
        return None
    return [ring.reduce(half, field.bits) for half, field in zip(halves, fields, strict=True)]


# ------------------------------------------------------------ as a one-hot vector


async def one_hots(party: Party, bits: Sequence[RandomBits]) -> list[Strings]:
    """Xor shares of the one-hot vectors of several batches of numbers, grown side by side.

    Cost: `one_hots_cost`, a flight for every bit but the first.
    """
    strings = [_first(party, each.halves[0]) for each in bits]
    for level in range(1, max(each.width for each in bits)):
        growing = [index for index, each in enumerate(bits) if each.width > level]
        fields = [_string_field(level, bits[index].count) for index in growing]
        crossed = await random_choice_cot_both_ways(
            party,
            fields,
            [_as_sent(strings[index], field) for index, field in zip(growing, fields, strict=True)],
            sent=np.concatenate([bits[index].sent[level - bits[index].width] for index in growing]),
            received=np.concatenate([bits[index].received[level - bits[index].width] for index in growing]),
        )
        for index, product in zip(growing, crossed, strict=True):
            strings[index] = _grown(strings[index], bits[index].halves[level], product, level)
    return strings


def one_hots_cost(widths: Sequence[int], count: int) -> Cost:
    """`count` of each width, side by side: at every level the strings as they are then, from each party."""

    def level_cost(level: int) -> Cost:
        fields = [_string_field(level, count) for width in widths if width > level]
        return Cost.exchange(sum(field.count * field.repeat * field.bits for field in fields))

    return sequence(*(level_cost(level) for level in range(1, max(widths))))


def _string_field(level: int, count: int) -> CotField:
    """A string of 2^level entries. One of several words is sent whole: the last entry is not worth a field."""
    entries = 1 << level
    if entries <= WORD_BITS:
        return CotField(count, entries - 1, xor=True)
    return CotField(count, WORD_BITS, repeat=entries // WORD_BITS, xor=True)


def _first(party: Party, half: Bits) -> Strings:
    """Of a single bit: entry 1 is the bit, entry 0 its complement."""
    entry = half.astype(np.uint64)
    return ((entry << np.uint64(1)) | (entry ^ np.uint64(party.is_server)))[:, None]


def _as_sent(strings: Strings, field: CotField) -> Words:
    return strings if field.repeat > 1 else ring.reduce(strings[:, 0], field.bits)


def _grown(strings: Strings, half: Bits, crossed: Words, level: int) -> Strings:
    """The strings with one more bit on top, given the cross terms of its product with them."""
    entry = half.astype(np.uint64)
    upper = (strings & np.negative(entry)[:, None]) ^ crossed.reshape(strings.shape).astype(np.uint64)
    # The entries of the upper half add up to the bit.
    last = np.uint64(((1 << level) - 1) % WORD_BITS)
    upper[:, -1] &= ~(np.uint64(1) << last)
    ones = np.bitwise_count(np.bitwise_xor.reduce(upper, axis=1)).astype(np.uint64)
    upper[:, -1] |= ((ones ^ entry) & np.uint64(1)) << last
    if 2 << level > WORD_BITS:
        return np.concatenate([strings ^ upper, upper], axis=1)
    joined: Strings = (strings ^ upper) | (upper << np.uint64(1 << level))
    return joined


PRIMITIVES = (random_bits, as_number, one_hots)
"""Not protocols on shares: they have tests of their own."""
