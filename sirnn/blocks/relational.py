"""Relations between shared values, and what is built on them: less-than, ReLU, ReLU6, maximum and max-pooling.

All are exact for every value of the ring, or for every one that is declared. The top bit of a difference alone is not:
it is the sign only if the difference fits. What a comparison costs depends on what is known of the operands:

* two values of which nothing is known: with d = x - y mod 2^l, the integers y + d and x differ by 2^l [x < y], and each
  of the three is its halves less 2^l times their wrap; modulo 2 only the wraps remain, all found at once;
* values whose top bits are known: equal ones leave the top bit of d to decide, different ones decide themselves. In a
  tournament the top bits are found once and the winners' follow by an AND;
* values with headroom, that is of a few bits less than the ring has: the difference fits, and a ring just wide enough
  for it has its sign on top. Whoever declares it answers for it: beyond it, results are wrong without a word.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.boolean import bit_and, bit_and_cost
from sirnn.blocks.comparison import KnownMsb, invert, msb, msb_cost, wrap, wrap_cost
from sirnn.blocks.conversion import b2a, b2a_cost, mux, mux_cost
from sirnn.blocks.rows import row_shapes
from sirnn.cost import FREE, Cost, parallel
from sirnn.errors import LocalError
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, Msb, Params, protocol
from sirnn.shares import ArithmeticShare, BooleanShare, concatenate, stack

PAIRS = [
    {"bits": bits, "signed": signed, "headroom": headroom}
    for bits, headroom in (
        *((bits, 0) for bits in (1, 2, 4, 5, 8, 16, 31, 64)),
        *((2, 1), (4, 1), (5, 2), (8, 7), (16, 1), (32, 1), (32, 12), (64, 3)),
    )
    for signed in (False, True)
]
"""Nothing known, and headroom; of signed values with headroom, those that are not negative: they are a run of words."""


def _below(p: Params) -> int:
    """One past the largest operand that is not negative."""
    headroom: int = p["headroom"]
    value: int = 1 << (p["bits"] - headroom - (headroom > 0 and p.get("signed", True)))
    return value


def _check_headroom(bits: int, headroom: int) -> None:
    if not 0 <= headroom < bits:
        raise LocalError(f"{headroom} bits of headroom in {bits}", remedy="leave at least one bit for the values")


def _difference_bits(bits: int, headroom: int) -> int:
    """Of the narrowest ring in which a difference of values with headroom has its sign on top."""
    _check_headroom(bits, headroom)
    return bits - headroom + 1 if headroom else bits


def _ordered(x: Clear, bits: int, signed: bool) -> Clear:
    """Words whose unsigned order is that of the values."""
    return x ^ np.uint64(1 << (bits - 1)) if signed else x


# ------------------------------------------------------------ less than


def less_than_clear(x: Clear, y: Clear, *, bits: int, signed: bool) -> Clear:
    """1{x < y}."""
    return (_ordered(x, bits, signed) < _ordered(y, bits, signed)).astype(np.uint64)


def less_than_cost(profile: Profile, n: int, *, bits: int, headroom: int = 0) -> Cost:
    """Three wraps at once, 16 bits in profile `paper`: 5,130 bits, 4 flights; with headroom one top bit."""
    _check_headroom(bits, headroom)
    if headroom:
        return msb_cost(profile, n, bits=_difference_bits(bits, headroom))
    return wrap_cost(profile, 3 * n, bits=bits)


@protocol(
    takes=(Arith("bits", below=_below), Arith("bits", below=_below)),
    gives=(Bool(),),
    clear=less_than_clear,
    cost=less_than_cost,
    examples=PAIRS,
)
async def less_than(
    party: Party, x: ArithmeticShare, y: ArithmeticShare, *, signed: bool, headroom: int = 0
) -> BooleanShare:
    """A share of 1{x < y} for shares of one ring and shape; exact for all values that are declared.

    Args:
        party: this party.
        x: any share.
        y: a share like it.
        signed: whether both are in two's complement.
        headroom: h, public: both values need at most bits - h bits, their sign included if they have one. One bit
            makes it a third of the price; 32 bits in a large batch, profile `lean`: 113 bytes, 38 with one bit, 27
            with ten.

    Raises:
        LocalError: rings or shapes differ, or the headroom leaves no bit.
    """
    _check_alike(x, y)
    _check_headroom(x.bits, headroom)
    if headroom:
        return await msb(party, (x - y).reduce(_difference_bits(x.bits, headroom)))
    if signed:
        offset = party.constant(1 << (x.bits - 1), x.bits, x.shape)
        x, y = x + offset, y + offset
    wraps = await wrap(party, stack([x, y, x - y]))
    borrow = BooleanShare((x.words < y.words).astype(np.uint8))
    return borrow ^ wraps[0] ^ wraps[1] ^ wraps[2]


def _check_alike(x: ArithmeticShare, y: ArithmeticShare) -> None:
    if x.shape != y.shape or x.bits != y.bits:
        raise LocalError(f"{x!r} and {y!r} do not compare", remedy="broadcast or extend one of them first")


# ------------------------------------------------------------ maximum of two


def maximum_clear(x: Clear, y: Clear, *, bits: int, signed: bool) -> Clear:
    """The larger of two."""
    return np.where(less_than_clear(x, y, bits=bits, signed=signed) == 1, y, x)


def maximum_cost(profile: Profile, n: int, *, bits: int, headroom: int = 0) -> Cost:
    """A less-than and a MUX."""
    return less_than_cost(profile, n, bits=bits, headroom=headroom) + mux_cost(profile, n, bits=bits)


@protocol(
    takes=(Arith("bits", below=_below), Arith("bits", below=_below)),
    gives=(Arith("bits"),),
    clear=maximum_clear,
    cost=maximum_cost,
    examples=PAIRS,
)
async def maximum(
    party: Party, x: ArithmeticShare, y: ArithmeticShare, *, signed: bool, headroom: int = 0
) -> ArithmeticShare:
    """The larger of x and y, shares of one ring and shape; exact for all values that are declared, as `less_than`.

    Raises:
        LocalError: as `less_than`.
    """
    return x + await mux(party, await less_than(party, x, y, signed=signed, headroom=headroom), y - x)


# ------------------------------------------------------------ ReLU


def relu_clear(x: Clear, *, bits: int) -> Clear:
    """max(x, 0)."""
    return np.where(ring.top_bit(x, bits) == 1, np.uint64(0), x)


def relu_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """A top bit and a MUX; 16 bits in profile `paper`: 1,982 bits, 6 flights."""
    return msb_cost(profile, n, bits=bits) + mux_cost(profile, n, bits=bits)


@protocol(
    takes=(Arith("bits"),),
    gives=(Arith("bits"),),
    clear=relu_clear,
    cost=relu_cost,
    examples=[{"bits": bits} for bits in (1, 2, 5, 8, 16, 33, 64)],
)
async def relu(party: Party, x: ArithmeticShare) -> ArithmeticShare:
    """max(x, 0) of a signed x, in its ring; the result's top bit is publicly 0."""
    return await mux(party, invert(party, await msb(party, x)), x)


def relu6_clear(x: Clear, *, bits: int, scale: int) -> Clear:
    """min(max(x, 0), 6)."""
    return np.clip(ring.to_signed(x, bits), 0, 6 << scale).view(np.uint64)


def relu6_cost(profile: Profile, n: int, *, bits: int, scale: int) -> Cost:
    """Two top bits at once, then a B2A beside an AND and a MUX."""
    level = b2a_cost(profile, n, bits=bits - scale - 1)
    return msb_cost(profile, 2 * n, bits=bits) + parallel(level, _inside_cost(profile, n, bits=bits))


def _inside_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    return bit_and_cost(profile, n) + mux_cost(profile, n, bits=bits)


@protocol(
    takes=(Arith("bits"),),
    gives=(Arith("bits"),),
    clear=relu6_clear,
    cost=relu6_cost,
    examples=[
        {"bits": b, "scale": s} for b, s in ((4, 0), (5, 1), (8, 0), (8, 4), (16, 8), (16, 12), (40, 20), (64, 60))
    ],
)
async def relu6(party: Party, x: ArithmeticShare, *, scale: int) -> ArithmeticShare:
    """min(max(x, 0), 6) of a signed x with `scale` fraction bits, in its ring.

    Between 0 and 6 it is (x - 6) + 6, above 0 + 6 and below 0 + 0: one MUX of x - 6, and 6 times 1{x >= 0}.
    That bit is also what keeps the difference from being read where it wraps.

    Raises:
        LocalError: 6 is no value of this type.
    """
    if not 0 <= scale < x.bits - 3:
        raise LocalError(f"6 at scale {scale} does not fit {x!r}", remedy="need 0 <= scale and scale + 4 <= bits")
    below = x - party.constant(6 << scale, x.bits, x.shape)
    tops = await msb(party, stack([x, below]))
    positive, low = invert(party, tops[0]), tops[1]

    async def inside(p: Party) -> ArithmeticShare:
        return await mux(p, await bit_and(p, positive, low), below)

    # 6 * 2^scale is 3 * 2^(scale + 1): the bit is needed to as many bits less.
    narrow = x.bits - scale - 1
    level, kept = await party.parallel(
        (b2a_cost(party.profile, x.size, bits=narrow), lambda p: b2a(p, positive, bits=narrow)),
        (_inside_cost(party.profile, x.size, bits=x.bits), inside),
    )
    return kept + (ArithmeticShare(ring.reduce(level.words, x.bits), x.bits) * 3 << (scale + 1))


# ------------------------------------------------------------ max-pooling


def maxpool_clear(x: Clear, *, bits: int) -> Clear:
    """The largest along the last axis, as signed values."""
    flip = np.uint64(1 << (bits - 1))
    return (x ^ flip).max(axis=-1) ^ flip if x.size else np.zeros(x.shape[:-1], dtype=np.uint64)


def maxpool_cost(
    profile: Profile, shape: tuple[int, ...], *, bits: int, msb: str = "unknown", headroom: int = 0
) -> Cost:
    """ceil(log2 k) rounds of a top bit, an AND and a MUX; in the first the values' own top bits are found too.

    Another AND carries the winners' top bits on, but out of the last round. If the top bits are public, or there is
    headroom, no round has an AND and none is found.
    """
    rows, count = shape
    fits, difference = bool(headroom), _difference_bits(bits, headroom)
    total, public, unknown = FREE, msb in ("zero", "one") or fits, msb == "unknown" and not fits
    while count > 1:
        pairs = count // 2
        n, found = rows * pairs, rows * count if unknown else 0
        total += msb_cost(profile, n + found, bits=difference)
        if not public:
            total += bit_and_cost(profile, n if count == 2 else 2 * n)
        total += mux_cost(profile, n, bits=bits)
        count, unknown = count - pairs, False
    return total


@protocol(
    takes=(Arith("bits", below=_below), Msb()),
    gives=(Arith("bits"),),
    clear=maxpool_clear,
    cost=maxpool_cost,
    examples=[
        {"bits": bits, "values": values, "msb": msb, "headroom": 0}
        for bits, values in ((1, 3), (3, 2), (4, 3), (8, 4), (16, 1), (17, 5), (32, 9), (64, 4))
        for msb in ("unknown", "zero", "one", "shared")
    ]
    + [
        {"bits": bits, "values": 3, "msb": "unknown", "headroom": headroom}
        for bits, headroom in ((3, 1), (8, 4), (32, 1), (64, 20))
    ],
    shapes=row_shapes,
)
async def maxpool(party: Party, x: ArithmeticShare, sign: KnownMsb = None, *, headroom: int = 0) -> ArithmeticShare:
    """The largest value along the last axis of x (rows, values), signed, in the ring of x; exact for all values that
    are declared.

    Args:
        party: this party.
        x: share of shape (rows, values), at least one value.
        sign: what is known of the top bits of x; behind a ReLU they are 0, and more than half the cost falls away.
        headroom: as `less_than`; any does the same, and what is known of the top bits is then of no use.

    Returns:
        Share of shape (rows,).

    Raises:
        LocalError: x has another shape, or the headroom leaves no bit.
    """
    _check_headroom(x.bits, headroom)
    if len(x.shape) != 2 or x.shape[1] == 0:
        raise LocalError(f"max-pooling over {x!r}", remedy="give (rows, values) with at least one value")
    while x.shape[1] > 1:
        x, sign = await _round(party, x, 0 if headroom else sign, _difference_bits(x.bits, headroom))
    return x[:, 0]


async def _round(party: Party, x: ArithmeticShare, sign: KnownMsb, bits: int) -> tuple[ArithmeticShare, KnownMsb]:
    """Neighbours meet; an odd last one passes."""
    pairs = x.shape[1] // 2
    left, right, passed = slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2), slice(2 * pairs, None)
    negative = x[:, left] - x[:, right]
    if sign is None:
        found: BooleanShare = await msb(party, concatenate([negative, x], axis=1))
        smaller, sign = found[:, :pairs], found[:, pairs:]
    else:
        smaller = await msb(party, negative.reduce(bits))
    if isinstance(sign, BooleanShare):
        last = x.shape[1] == 2
        smaller, winners = await _by_sign(party, smaller, sign[:, left], sign[:, right], last=last)
        sign = winners if last else concatenate([winners, sign[:, passed]], axis=1)
    won = x[:, left] + await mux(party, smaller, x[:, right] - x[:, left])
    return concatenate([won, x[:, passed]], axis=1), sign


async def _by_sign(
    party: Party, smaller: BooleanShare, left: BooleanShare, right: BooleanShare, *, last: bool
) -> tuple[BooleanShare, BooleanShare]:
    """1{left < right} where signs differ, and the winner's sign: it is negative if both are."""
    differ, wrong = left ^ right, smaller ^ left
    if last:
        return smaller ^ await bit_and(party, differ, wrong), left
    gates = await bit_and(party, stack([differ, left]), stack([wrong, right]))
    return smaller ^ gates[0], gates[1]
