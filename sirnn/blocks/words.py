"""Shared strings of bits times shared numbers.

Bit by bit it is a MUX, but bit k counts 2^k and so needs k bits less; all bits go into one batch. The string needs no
additive share for it.
"""

from __future__ import annotations

from sirnn import ring
from sirnn.blocks.conversion import mux_across
from sirnn.blocks.multiplication import bit_planes, weighted_sum
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.ot.correlated import cot_both_ways_cost
from sirnn.ot.fields import CotField
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, protocol
from sirnn.shares import ArithmeticShare, BooleanShare


def bit_vector_product_clear(bits: Clear, y: Clear) -> Clear:
    """The product, read modulo the output's ring."""
    return bits * y


def bit_vector_product_cost(profile: Profile, n: int, *, word_bits: int, out_bits: int) -> Cost:
    """A COT of out_bits - k bits each way for each bit k of the word; 2 flights."""
    return cot_both_ways_cost(profile, _product_fields(n, word_bits, out_bits))


def _product_fields(n: int, word_bits: int, out_bits: int) -> list[CotField]:
    return [CotField(n, out_bits - bit) for bit in range(min(word_bits, out_bits))]


@protocol(
    takes=(Bool("word_bits"), Arith("bits")),
    gives=(Arith("out_bits"),),
    clear=bit_vector_product_clear,
    cost=bit_vector_product_cost,
    examples=[
        {"word_bits": word_bits, "bits": bits, "out_bits": out_bits}
        for word_bits, bits, out_bits in (
            (1, 1, 1),
            (2, 3, 3),
            (3, 4, 2),
            (9, 23, 23),
            (12, 20, 14),
            (33, 8, 8),
            (64, 64, 64),
        )
    ],
)
async def bit_vector_product(party: Party, word: BooleanShare, y: ArithmeticShare, *, out_bits: int) -> ArithmeticShare:
    """The number that xor-shared bits spell, times y, modulo 2^out_bits. 2 flights.

    It is a MUX for every bit (SIRNN, section III-A), each in a ring as narrow as its place allows.

    Args:
        party: this party.
        word: words of any number of bits.
        y: of the same shape, in a ring of at least out_bits bits.
        out_bits: of the result.

    Raises:
        LocalError: the shapes differ, or y is in too narrow a ring.
    """
    if word.shape != y.shape or y.bits < out_bits:
        raise LocalError(
            f"{word!r} times {y!r} in {out_bits} bits", remedy="broadcast, extend y, or ask for fewer bits"
        )
    fields = _product_fields(y.size, word.bits, out_bits)
    planes, words = bit_planes(word.words.reshape(-1), len(fields)), ring.reduce(y.words.reshape(-1), out_bits)
    crossed = await mux_across(party, fields, planes, words)
    own = words * ring.reduce(word.words.reshape(-1), out_bits)
    product = ring.reduce(own + weighted_sum(crossed, out_bits), out_bits)
    return ArithmeticShare(product.reshape(y.shape), out_bits)
