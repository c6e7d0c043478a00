"""Two small steps that sigmoid and tanh share: the sign and -|x|, and 1 + E kept below 2."""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import msb, msb_cost
from sirnn.blocks.conversion import b2a, b2a_cost, mux, mux_cost
from sirnn.cost import Cost
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, protocol
from sirnn.shares import ArithmeticShare, BooleanShare

# ------------------------------------------------------------ sign and -|x|


def negative_magnitude_clear(x: Clear, *, bits: int) -> tuple[Clear, Clear]:
    """The sign bit of x and -|x| modulo 2^bits."""
    negative = ring.top_bit(x, bits)
    return negative.astype(np.uint64), np.where(negative == 1, x, np.negative(x) & np.uint64(ring.mask(bits)))


def negative_magnitude_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """A top bit and a MUX."""
    return msb_cost(profile, n, bits=bits) + mux_cost(profile, n, bits=bits)


@protocol(
    takes=(Arith("bits"),),
    gives=(Bool(), Arith("bits")),
    clear=negative_magnitude_clear,
    cost=negative_magnitude_cost,
    examples=[{"bits": bits} for bits in (2, 5, 7, 16, 40)],
)
async def negative_magnitude(party: Party, x: ArithmeticShare) -> tuple[BooleanShare, ArithmeticShare]:
    """The sign of x, and -|x| = 2 sign x - x."""
    negative = await msb(party, x)
    return negative, await mux(party, negative, x << 1) - x


# ------------------------------------------------------------ 1 + E


def one_plus_clear(e: Clear, *, scale: int) -> Clear:
    """1 + E for E in [0, 1], with 2 replaced by the word below it: the reciprocal takes [1, 2)."""
    total = e + np.uint64(1 << scale)
    return total - (total >> np.uint64(scale + 1))


def one_plus_cost(profile: Profile, n: int, *, scale: int) -> Cost:
    """A top bit and its B2A."""
    return msb_cost(profile, n, bits=scale + 2) + b2a_cost(profile, n, bits=scale + 2)


@protocol(
    takes=(Arith(lambda p: p["scale"] + 2, below=lambda p: (1 << p["scale"]) + 1),),
    gives=(Arith(lambda p: p["scale"] + 2),),
    clear=one_plus_clear,
    cost=one_plus_cost,
    examples=[{"scale": scale} for scale in (3, 12, 20)],
)
async def one_plus(party: Party, e: ArithmeticShare, *, scale: int) -> ArithmeticShare:
    """1 + e, less one ULP where e = 1; e has scale + 2 bits and lies in [0, 1]."""
    total = e + party.constant(1 << scale, e.bits, e.shape)
    return total - await b2a(party, await msb(party, total), bits=e.bits)
