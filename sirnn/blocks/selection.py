"""Selection: which of several shared values is the largest.

A tournament of ceil(log2 values) rounds: neighbours are compared, and a MUX carries the winner and its index on.
"""

from __future__ import annotations

import numpy as np

from sirnn.blocks.comparison import msb, msb_cost
from sirnn.blocks.conversion import mux, mux_cost
from sirnn.blocks.rows import row_shapes
from sirnn.cost import FREE, Cost
from sirnn.errors import LocalError
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.shares import ArithmeticShare, BooleanShare, concatenate


def index_bits(count: int) -> int:
    """Bits of an index among `count` values."""
    return max(1, (count - 1).bit_length())


def argmax_clear(x: Clear) -> Clear:
    """Index of the largest value along the last axis; the first of equals."""
    return np.argmax(x, axis=-1).astype(np.uint64) if x.size else np.zeros(x.shape[:-1], dtype=np.uint64)


def argmax_cost(profile: Profile, shape: tuple[int, ...], *, bits: int, headroom: int = 1) -> Cost:
    """ceil(log2 k) rounds of a top bit and two MUXes at once; the last round needs the index alone."""
    rows, count = shape
    width, total = index_bits(count), FREE
    while count > 1:
        pairs, count = count // 2, -(-count // 2)
        n = rows * pairs
        chosen = mux_cost(profile, n, bits=width)
        total += msb_cost(profile, n, bits=bits - headroom + 1) + (
            chosen | mux_cost(profile, n, bits=bits) if count > 1 else chosen
        )
    return total


@protocol(
    takes=(Arith("bits", below=lambda p: 1 << (p["bits"] - p["headroom"])),),
    gives=(Arith(lambda p: index_bits(p["values"])),),
    clear=argmax_clear,
    cost=argmax_cost,
    examples=[
        {"bits": bits, "values": values, "headroom": headroom}
        for bits, values, headroom in (
            *((3, 2, 1), (4, 3, 1), (5, 1, 1), (17, 4, 1), (32, 7, 1), (64, 5, 1)),
            *((5, 3, 3), (32, 4, 16)),
        )
    ],
    shapes=row_shapes,
)
async def argmax(party: Party, x: ArithmeticShare, *, headroom: int = 1) -> ArithmeticShare:
    """Index of the largest value along the last axis of x (rows, values), the first of equals.

    The values are unsigned and have headroom, so that a difference has its sign on top; add a constant to signed ones.
    The index has ceil(log2 values) bits.

    Args:
        party: this party.
        x: share of shape (rows, values).
        headroom: h >= 1, public: every value is below 2^(bits - h). The more, the cheaper a comparison.

    Raises:
        LocalError: there is no headroom, or it leaves no bit.
    """
    if not 1 <= headroom < x.bits:
        raise LocalError(f"{headroom} bits of headroom in {x!r}", remedy="extend the values by a bit")
    width = index_bits(x.shape[1])
    index = party.constant(np.broadcast_to(np.arange(x.shape[1]), x.shape), width)
    while x.shape[1] > 1:
        x, index = await _round(party, x, index, x.bits - headroom + 1)
    return index[:, 0]


async def _round(
    party: Party, x: ArithmeticShare, index: ArithmeticShare, bits: int
) -> tuple[ArithmeticShare, ArithmeticShare]:
    """Neighbours meet; an odd last one passes."""
    paired = x.shape[1] // 2 * 2
    left, right, passed = slice(0, paired, 2), slice(1, paired, 2), slice(paired, None)
    smaller: BooleanShare = await msb(party, (x[:, left] - x[:, right]).reduce(bits))

    async def win(p: Party, values: ArithmeticShare) -> ArithmeticShare:
        chosen = values[:, left] + await mux(p, smaller, values[:, right] - values[:, left])
        return concatenate([chosen, values[:, passed]], axis=1)

    if x.shape[1] == 2:
        return x[:, left], await win(party, index)
    profile, n = party.profile, smaller.size
    return await party.parallel(
        (mux_cost(profile, n, bits=x.bits), lambda p: win(p, x)),
        (mux_cost(profile, n, bits=index.bits), lambda p: win(p, index)),
    )
