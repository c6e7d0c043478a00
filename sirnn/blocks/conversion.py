"""Between Boolean and arithmetic shares: B2A, and MUX (a shared bit times a shared word).

Both rest on one identity: for bits b = b0 ^ b1, b = b0 + b1 - 2 b0 b1, and the product of one party's bit and the
other's word is one correlated OT (SIRNN, section III-A).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sirnn import ring
from sirnn.cost import FREE, Cost, remembered
from sirnn.errors import LocalError
from sirnn.ot.correlated import correlated_ot, correlated_ot_cost, cot_both_ways, cot_both_ways_cost
from sirnn.ot.fields import CotField
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

# ------------------------------------------------------------ B2A


def b2a_clear(bit: Clear) -> Clear:
    """The bit as a word."""
    return bit


@remembered(512)
def b2a_cost(profile: Profile, n: int, *, bits: int, sender: int = SERVER) -> Cost:
    """One COT of bits - 1: 128 + bits - 1 bits in profile `paper`, else `bits`; 2 flights. Free for one bit."""
    return FREE if bits == 1 else correlated_ot_cost(profile, [CotField(n, bits - 1)], sender=sender)


@protocol(
    takes=(Bool(),),
    gives=(Arith("bits"),),
    clear=b2a_clear,
    cost=b2a_cost,
    examples=[{"bits": bits} for bits in (1, 2, 3, 8, 9, 16, 31, 64)] + [{"bits": 5, "sender": CLIENT}],
)
async def b2a(party: Party, bit: BooleanShare, *, bits: int, sender: int = SERVER) -> ArithmeticShare:
    """A shared bit as an additive share of Z_2^bits, by an OT from `sender`. 2 flights.

    The product b0 b1 is doubled, so it is needed modulo 2^(bits - 1) only: one bit less than the paper sends.
    """
    own = ring.reduce(bit.words, bits)
    if bits == 1:
        return ArithmeticShare(own, 1)
    field, flat = [CotField(bit.size, bits - 1)], bit.words.reshape(-1)
    if party.role == sender:
        (product,) = await correlated_ot(party, field, sender=sender, correlations=[ring.reduce(flat, bits - 1)])
    else:
        (product,) = await correlated_ot(party, field, sender=sender, choices=[flat])
    doubled = ring.reduce(product.astype(own.dtype) << own.dtype.type(1), bits)
    return ArithmeticShare(ring.reduce(own - doubled.reshape(bit.shape), bits), bits)


# ------------------------------------------------------------ MUX


def mux_clear(selector: Clear, x: Clear) -> Clear:
    """x where the selector is 1, else 0."""
    return selector * x


@remembered(512)
def mux_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """A COT of `bits` each way: 2 (128 + bits) bits in profile `paper`, else 2 (1 + bits); 2 flights."""
    return cot_both_ways_cost(profile, [CotField(n, bits)])


@protocol(
    takes=(Bool(), Arith("bits")),
    gives=(Arith("bits"),),
    clear=mux_clear,
    cost=mux_cost,
    examples=[{"bits": bits} for bits in (1, 2, 3, 8, 9, 16, 31, 64)],
)
async def mux(party: Party, selector: BooleanShare, x: ArithmeticShare) -> ArithmeticShare:
    """selector * x, arrays of one shape. 2 flights (SIRNN, section III-A).

    Raises:
        LocalError: the shapes differ.
    """
    if selector.shape != x.shape:
        raise LocalError(f"a selector of shape {selector.shape} for words of shape {x.shape}", remedy="broadcast first")
    sel, words = selector.words.reshape(-1), x.words.reshape(-1)
    (crossed,) = await mux_across(party, [CotField(x.size, x.bits)], [sel], words)
    own = words * sel.astype(words.dtype)
    return ArithmeticShare(ring.reduce(own + crossed, x.bits).reshape(x.shape), x.bits)


async def mux_across(party: Party, fields: Sequence[CotField], selectors: Sequence[Words], words: Words) -> list[Words]:
    """What the two parties' halves contribute across to selector * word, for several selectors of each word. 2 flights.

    s (x0 + x1) with s = s0 + s1 - 2 s0 s1: each party's word times the bit of the other, signed by its own bit.

    Args:
        party: this party.
        fields: one for each selector: of how many words, and how many of their bits are wanted.
        selectors: this party's halves, (n,) bits each.
        words: this party's halves, (n,).

    Returns:
        Shares to which each party adds its own selector times its own word.

    Cost: `cot_both_ways_cost` of the fields.
    """
    negated = np.negative(words)
    signed = [
        ring.reduce(np.where(selector == 1, negated, words), field.bits)
        for selector, field in zip(selectors, fields, strict=True)
    ]
    return await cot_both_ways(party, fields, signed, selectors)


PRIMITIVES = (mux_across,)
"""It takes and returns halves alone; MUX and the products made of it are tested in its place."""
