"""Digit decomposition: a share as shares of its digits (SIRNN, section III-E).

The halves' digits add up to the value's digits but for carries. Digit i sends a carry up if its halves wrap, or if they
add up to all ones and a carry came from below. The lowest digit gets none, so it needs no all-ones bit, and the top
one sends none: no AND and no B2A is spent on what is known to be zero.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.boolean import bit_and, bit_and_cost
from sirnn.blocks.comparison import wrap, wrap_and_all_ones, wrap_and_all_ones_cost, wrap_cost
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.cost import FREE, Cost, parallel, sequence
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.shares import ArithmeticShare, BooleanShare, stack


def digit_widths(bits: int, digit_bits: int) -> list[int]:
    """Widths of the digits, lowest first; the top one may be short."""
    return [min(digit_bits, bits - start) for start in range(0, bits, digit_bits)]


def digit_decompose_clear(x: Clear, *, bits: int, digit_bits: int) -> tuple[Clear, ...]:
    """The digits, lowest first."""
    starts = range(0, bits, digit_bits)
    return tuple(x >> np.uint64(start) & np.uint64(ring.mask(digit_bits)) for start in starts)


def digit_decompose_cost(profile: Profile, n: int, *, bits: int, digit_bits: int) -> Cost:
    """c digits: a wrap, c - 2 wraps with all-ones, c - 2 ANDs one after the other, and c - 1 B2As."""
    widths = digit_widths(bits, digit_bits)
    middle = len(widths) - 2
    if middle < 0:
        return FREE
    lowest = wrap_cost(profile, n, bits=digit_bits)
    top = b2a_cost(profile, n, bits=widths[-1])
    if middle == 0:
        return lowest + top
    return sequence(
        parallel(lowest, wrap_and_all_ones_cost(profile, middle * n, bits=digit_bits)),
        bit_and_cost(profile, n) * middle,
        parallel(b2a_cost(profile, middle * n, bits=digit_bits), top),
    )


@protocol(
    takes=(Arith("bits"),),
    gives=lambda p: [Arith(width) for width in digit_widths(p["bits"], p["digit_bits"])],
    clear=digit_decompose_clear,
    cost=digit_decompose_cost,
    examples=[
        {"bits": bits, "digit_bits": digit}
        for bits, digit in ((4, 2), (3, 4), (5, 2), (7, 3), (6, 1), (16, 8), (15, 8), (20, 6), (32, 8), (64, 8))
    ],
)
async def digit_decompose(party: Party, x: ArithmeticShare, *, digit_bits: int) -> tuple[ArithmeticShare, ...]:
    """The digits of x, lowest first, each a share of a ring of `digit_bits` bits (the top one may be narrower)."""
    widths = digit_widths(x.bits, digit_bits)
    halves = [
        ArithmeticShare(ring.reduce(x.words >> x.words.dtype.type(digit_bits * place), width), width)
        for place, width in enumerate(widths)
    ]
    carries = await _carries(party, halves)
    return (halves[0], *(half + carry for half, carry in zip(halves[1:], carries, strict=True)))


async def _carries(party: Party, halves: list[ArithmeticShare]) -> list[ArithmeticShare]:
    """The carry into every digit but the lowest, in that digit's ring."""
    middle, top = halves[1:-1], halves[-1]
    if len(halves) < 2:
        return []
    if not middle:
        return [await b2a(party, await wrap(party, halves[0]), bits=top.bits)]
    profile, n, bits = party.profile, top.size, halves[0].bits
    carry, (wraps, ones) = await party.parallel(
        (wrap_cost(profile, n, bits=bits), lambda p: wrap(p, halves[0])),
        (
            wrap_and_all_ones_cost(profile, len(middle) * n, bits=bits),
            lambda p: wrap_and_all_ones(p, stack(middle)),
        ),
    )
    carries = [carry]
    for place in range(len(middle)):
        carries.append(wraps[place] ^ await bit_and(party, ones[place], carries[-1]))
    inner: BooleanShare = stack(carries[:-1])
    below, last = await party.parallel(
        (b2a_cost(profile, inner.size, bits=bits), lambda p: b2a(p, inner, bits=bits)),
        (b2a_cost(profile, n, bits=top.bits), lambda p: b2a(p, carries[-1], bits=top.bits)),
    )
    return [*(below[place] for place in range(len(middle))), last]
