"""ANDs of random shared bits out of random COTs, with nothing sent.

The pads of a random COT differ by something only its sender knows, and the receiver holds the first pad plus its
choice times that difference: a shared product of two random bits as it stands. One COT in each direction makes the
two cross terms of an AND whose first operand is the senders' differences and whose second is the receivers' choices.
Two bits of the pads make a pair of ANDs that have the choice as common operand (Beaver, CRYPTO 1991; the random OTs
are those of `sirnn.ot.source`).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sirnn.cost import Cost
from sirnn.ot.pads import receiver_pads, sender_pads
from sirnn.ot.rows import Bits, draw_rows, drawn, narrow_keys
from sirnn.ot.source import choices
from sirnn.party import Party
from sirnn.profile import Profile

Singles: TypeAlias = list[Bits]
"""This party's halves of random bits a, b and of c = a b, (n,) uint8 each."""

Pairs: TypeAlias = list[Bits]
"""This party's halves of random bits d, e, f and of g = d e, h = d f, (n,) uint8 each: d is the common operand."""


async def and_triples(party: Party, singles: int, pairs: int) -> tuple[Singles, Pairs]:
    """Random ANDs, and random pairs of ANDs with a common operand; no party learns a bit.

    Raises:
        LocalError: the store is short of COTs, or this profile keeps none.

    Cost: `and_triples_cost`, 0 flights.
    """
    keys = [party.fresh_key(f"random ANDs, sender {sender}") for sender in (0, 1)]
    sent = await draw_rows(party, singles + pairs, sender=party.role)
    received = await draw_rows(party, singles + pairs, sender=1 - party.role)
    as_drawn = np.zeros(len(sent), np.uint8)
    zeros, ones = sender_pads(keys[party.role], sent, as_drawn, narrow_keys(party).sender.secret)
    chosen = receiver_pads(keys[1 - party.role], received)[:, 0]
    common = choices(received)
    operands = zeros[:, 0] ^ ones[:, 0]
    # Bit by bit: own choice times own difference, and this party's parts of both cross terms.
    products = (operands & np.negative(common.astype(np.uint64))) ^ zeros[:, 0] ^ chosen
    one, two = slice(0, singles), slice(singles, None)
    a, c = _bit(operands[one], 0), _bit(products[one], 0)
    e, f = (_bit(operands[two], place) for place in (0, 1))
    g, h = (_bit(products[two], place) for place in (0, 1))
    return [a, common[one], c], [common[two], e, f, g, h]


def and_triples_cost(_profile: Profile, singles: int, pairs: int) -> Cost:
    """A COT in each direction for each AND and for each pair."""
    return drawn(singles + pairs, sender=0) | drawn(singles + pairs, sender=1)


def _bit(words: npt.NDArray[np.uint64], place: int) -> Bits:
    return (words >> np.uint64(place)).astype(np.uint8) & np.uint8(1)


PRIMITIVES = (and_triples,)
"""Not a protocol on shares: it has tests of its own."""
