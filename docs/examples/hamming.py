"""A protocol of your own: the number of ones in a shared word."""

import numpy as np

from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.protocol import Arith, Bool, protocol
from sirnn.shares import stack


def hamming_weight_clear(word):
    return np.bitwise_count(word)


def hamming_weight_cost(profile, n, *, bits, out_bits):
    return b2a_cost(profile, n * bits, bits=out_bits)


@protocol(
    takes=(Bool("bits"),),
    gives=(Arith("out_bits"),),
    clear=hamming_weight_clear,
    cost=hamming_weight_cost,
    examples=[{"bits": 3, "out_bits": 2}, {"bits": 16, "out_bits": 5}],
)
async def hamming_weight(party, word, *, out_bits):
    """Every bit becomes an additive share, all of them in one batch; adding is free."""
    planes = stack([word.bit(place) for place in range(word.bits)])
    return (await b2a(party, planes, bits=out_bits)).sum(axis=0)
