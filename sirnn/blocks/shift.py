"""Right shift and division by a power of two, exact and in the same ring (SIRNN, section III-C).

With x = u 2^s + v half by half, c the wrap of the halves of v and w that of x,

    floor(x / 2^s) = u0 + u1 + c - 2^(l-s) w   (mod 2^l).

The wrap of x is the carry out of u's halves, which get c from below: w = wrap(u) ^ (all_ones(u) & c). If the top bit
is known, w follows from it instead. A signed x is shifted by half its ring before, and the result back after.

Division rounds towards zero as C does, so a negative x that is no multiple of 2^s gets one more. Whether v is 0 comes
out of the same comparison as its wrap, and the sign out of the same carry as w.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.blocks.boolean import bit_and, bit_and_cost
from sirnn.blocks.comparison import (
    KnownMsb,
    invert,
    invert_known,
    known,
    wrap,
    wrap_and_all_ones,
    wrap_and_all_ones_cost,
    wrap_cost,
)
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.cost import FREE, Cost, parallel
from sirnn.errors import LocalError
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Bool, Clear, Halves, Msb, protocol
from sirnn.shares import ArithmeticShare, BooleanShare, stack

WIDTHS = [
    (2, 1),
    (3, 0),
    (3, 2),
    (4, 1),
    (5, 2),
    (6, 3),
    (7, 6),
    (8, 4),
    (16, 8),
    (32, 12),
    (33, 1),
    (64, 24),
    (64, 63),
]

# ------------------------------------------------------------ right shift


def right_shift_clear(x: Clear, *, bits: int, shift: int, signed: bool) -> Clear:
    """floor(x / 2^shift)."""
    return (ring.to_signed(x, bits) >> np.int64(shift)).view(np.uint64) if signed else x >> np.uint64(shift)


def right_shift_cost(profile: Profile, n: int, *, bits: int, shift: int, msb: str = "unknown") -> Cost:
    """Both wraps at once and two B2As; the wrap of all of x is a comparison with equality and an AND, or its top bit's.

    32 bits by 12 in profile `paper`: 4,138 bits, or 1,572 with a public top bit.
    """
    if shift == 0:
        return FREE
    if msb != "unknown":
        return parallel(
            _carry_from_wrap_cost(profile, n, bits=bits, shift=shift),
            _excess_from_msb_cost(profile, n, bits=bits, shift=shift, msb=msb),
        )
    both = parallel(wrap_cost(profile, n, bits=shift), wrap_and_all_ones_cost(profile, n, bits=bits - shift))
    return both + parallel(b2a_cost(profile, n, bits=bits), _excess_from_carry_cost(profile, n, shift=shift))


@protocol(
    takes=(Arith("bits"), Msb()),
    gives=(Arith("bits"),),
    clear=right_shift_clear,
    cost=right_shift_cost,
    examples=[
        {"bits": bits, "shift": shift, "signed": signed, "msb": msb}
        for bits, shift in WIDTHS
        for signed in (False, True)
        for msb in ("unknown", "zero", "shared")
    ],
)
async def right_shift(
    party: Party, x: ArithmeticShare, msb: KnownMsb = None, *, shift: int, signed: bool
) -> ArithmeticShare:
    """floor(x / 2^shift) in the ring of x: the logical shift of an unsigned x, the arithmetic one of a signed x.

    Args:
        party: this party.
        x: any share.
        msb: what is known of the top bit of x.
        shift: s, with 0 <= s < bits.
        signed: read x in two's complement.

    Raises:
        LocalError: nothing would be left.
    """
    _check(x, shift)
    if shift == 0:
        return x
    if signed:
        x, msb = _offset(party, x), invert_known(party, msb)
    profile, n, bits = party.profile, x.size, x.bits
    if msb is not None:
        carry, excess = await party.parallel(
            (
                _carry_from_wrap_cost(profile, n, bits=bits, shift=shift),
                lambda p: _carry_from_wrap(p, x, shift),
            ),
            (
                _excess_from_msb_cost(profile, n, bits=bits, shift=shift, msb=known(msb)),
                lambda p: _excess_from_msb(p, x, msb, shift),
            ),
        )
    else:
        low, (high, ones) = await party.parallel(
            (wrap_cost(profile, n, bits=shift), lambda p: wrap(p, x.reduce(shift))),
            (
                wrap_and_all_ones_cost(profile, n, bits=bits - shift),
                lambda p: wrap_and_all_ones(p, _high(x, shift, bits)),
            ),
        )
        carry, excess = await party.parallel(
            (b2a_cost(profile, n, bits=bits), lambda p: b2a(p, low, bits=bits)),
            (
                _excess_from_carry_cost(profile, n, shift=shift),
                lambda p: _excess_from_carry(p, high, ones, low, shift),
            ),
        )
    return _assemble(party, x, [carry], excess, shift, signed)


def _carry_from_wrap_cost(profile: Profile, n: int, *, bits: int, shift: int) -> Cost:
    return wrap_cost(profile, n, bits=shift) + b2a_cost(profile, n, bits=bits)


async def _carry_from_wrap(party: Party, x: ArithmeticShare, shift: int) -> ArithmeticShare:
    return await b2a(party, await wrap(party, x.reduce(shift)), bits=x.bits)


def _excess_from_msb_cost(profile: Profile, n: int, *, bits: int, shift: int, msb: str) -> Cost:
    return wrap_cost(profile, n, bits=bits, msb=msb) + b2a_cost(profile, n, bits=shift)


async def _excess_from_msb(party: Party, x: ArithmeticShare, msb: KnownMsb, shift: int) -> ArithmeticShare:
    return await b2a(party, await wrap(party, x, msb), bits=shift)


def _excess_from_carry_cost(profile: Profile, n: int, *, shift: int) -> Cost:
    return bit_and_cost(profile, n) + b2a_cost(profile, n, bits=shift)


async def _excess_from_carry(
    party: Party, high: BooleanShare, ones: BooleanShare, low: BooleanShare, shift: int
) -> ArithmeticShare:
    return await b2a(party, high ^ await bit_and(party, ones, low), bits=shift)


def _assemble(
    party: Party, x: ArithmeticShare, added: list[ArithmeticShare], excess: ArithmeticShare, shift: int, signed: bool
) -> ArithmeticShare:
    """u + (what is added) - 2^(bits - shift) excess, and the offset of a signed value taken off again."""
    shifted = ArithmeticShare(x.words >> x.words.dtype.type(shift), x.bits)
    wide = ArithmeticShare(ring.reduce(excess.words, x.bits), x.bits)
    out = sum(added, shifted) - (wide << (x.bits - shift))
    return out - party.constant(1 << (x.bits - 1 - shift), x.bits, x.shape) if signed else out


def _offset(party: Party, x: ArithmeticShare) -> ArithmeticShare:
    """x + 2^(bits - 1), which makes a signed value an unsigned one with the opposite top bit."""
    return x + party.constant(1 << (x.bits - 1), x.bits, x.shape)


def _high(x: ArithmeticShare, low: int, top: int) -> ArithmeticShare:
    """Bits low .. top - 1 of each half, as halves of a share of their own."""
    return ArithmeticShare(ring.reduce(x.words >> x.words.dtype.type(low), top - low), top - low)


def _check(x: ArithmeticShare, shift: int) -> None:
    if not 0 <= shift < x.bits:
        raise LocalError(f"cannot shift {x!r} by {shift}", remedy="shift by at least 0 and fewer bits than it has")


# ------------------------------------------------------------ wrap and zero


def wrap_and_zero_clear(x0: Clear, x1: Clear, *, bits: int) -> tuple[Clear, Clear]:
    """1{x0 + x1 >= 2^bits} and 1{x0 + x1 = 0 mod 2^bits}."""
    mask = np.uint64(ring.mask(bits))
    return (x0 > mask - x1).astype(np.uint64), ((x0 + x1) & mask == 0).astype(np.uint64)


def wrap_and_zero_cost(profile: Profile, n: int, *, bits: int) -> Cost:
    """One comparison with equality."""
    return wrap_and_all_ones_cost(profile, n, bits=bits)


@protocol(
    takes=(Halves("bits"),),
    gives=(Bool(), Bool()),
    clear=wrap_and_zero_clear,
    cost=wrap_and_zero_cost,
    examples=[{"bits": bits} for bits in (1, 2, 4, 5, 8, 12, 17, 64)],
)
async def wrap_and_zero(party: Party, x: ArithmeticShare) -> tuple[BooleanShare, BooleanShare]:
    """Shares of whether the halves of x wrap, and of whether x is 0, for the price of one comparison.

    x0 against -x1 modulo 2^bits gives greater and equal, which is zero. The halves wrap if x0 >= 2^bits - x1, that is
    if greater or equal; but for x1 = 0, where one of them always holds and nothing wraps: party 1 takes that off.
    """
    one = ring.reduce(np.ones(x.shape, dtype=np.uint64), x.bits)
    # x0 + (x1 - 1) is all ones, or wraps, just where x0 equals -x1, or is greater.
    below = x if party.is_server else ArithmeticShare(ring.reduce(x.words - one, x.bits), x.bits)
    greater, zero = await wrap_and_all_ones(party, below)
    empty = np.zeros(x.shape, dtype=np.uint8) if party.is_server else (x.words == 0).astype(np.uint8)
    return greater ^ zero ^ BooleanShare(empty), zero


# ------------------------------------------------------------ division


def divide_by_power_of_two_clear(x: Clear, *, bits: int, shift: int, signed: bool) -> Clear:
    """x / 2^shift, rounded towards zero."""
    if not signed:
        return x >> np.uint64(shift)
    value = ring.to_signed(x, bits)
    quotient: npt.NDArray[np.int64] = value >> np.int64(shift)
    quotient += (value < 0) & (value & np.int64(ring.mask(shift)) != 0)
    return quotient.view(np.uint64)


def divide_by_power_of_two_cost(profile: Profile, n: int, *, bits: int, shift: int, signed: bool) -> Cost:
    """That of a right shift if unsigned. Signed: two comparisons with equality at once, three ANDs and three B2As.

    Signed, 32 bits by 12 in profile `paper`: 4,845 bits.
    """
    if shift == 0 or not signed:
        return right_shift_cost(profile, n, bits=bits, shift=shift)
    middle = bits - 1 - shift
    compared = wrap_and_zero_cost(profile, n, bits=shift)
    if middle > 0:
        compared |= wrap_and_all_ones_cost(profile, n, bits=middle)
    ends = _rounding_and_excess_cost(profile, n, bits=bits, shift=shift)
    return compared + parallel(b2a_cost(profile, n, bits=bits), ends)


@protocol(
    takes=(Arith("bits"),),
    gives=(Arith("bits"),),
    clear=divide_by_power_of_two_clear,
    cost=divide_by_power_of_two_cost,
    examples=[{"bits": bits, "shift": shift, "signed": signed} for bits, shift in WIDTHS for signed in (False, True)],
)
async def divide_by_power_of_two(party: Party, x: ArithmeticShare, *, shift: int, signed: bool) -> ArithmeticShare:
    """x / 2^shift in the ring of x, rounded towards zero as C does, for 0 <= shift < bits.

    Raises:
        LocalError: nothing would be left.
    """
    _check(x, shift)
    if shift == 0 or not signed:
        return await right_shift(party, x, shift=shift, signed=signed)
    x = _offset(party, x)
    profile, n, bits = party.profile, x.size, x.bits
    low, middle = x.reduce(shift), bits - 1 - shift
    if middle == 0:
        wrapped, zero = await wrap_and_zero(party, low)
        carries = None
    else:
        (wrapped, zero), carries = await party.parallel(
            (wrap_and_zero_cost(profile, n, bits=shift), lambda p: wrap_and_zero(p, low)),
            (
                wrap_and_all_ones_cost(profile, n, bits=middle),
                lambda p: wrap_and_all_ones(p, _high(x, shift, bits - 1)),
            ),
        )
    carry, (rounding, excess) = await party.parallel(
        (b2a_cost(profile, n, bits=bits), lambda p: b2a(p, wrapped, bits=bits)),
        (
            _rounding_and_excess_cost(profile, n, bits=bits, shift=shift),
            lambda p: _rounding_and_excess(p, x, shift, wrapped, zero, carries),
        ),
    )
    return _assemble(party, x, [carry, rounding], excess, shift, signed=True)


def _rounding_and_excess_cost(profile: Profile, n: int, *, bits: int, shift: int) -> Cost:
    into_top = bit_and_cost(profile, n) if shift < bits - 1 else FREE
    ends = parallel(b2a_cost(profile, n, bits=bits), b2a_cost(profile, n, bits=shift))
    return into_top + bit_and_cost(profile, 2 * n) + ends


async def _rounding_and_excess(
    party: Party,
    x: ArithmeticShare,
    shift: int,
    wrapped: BooleanShare,
    zero: BooleanShare,
    carries: tuple[BooleanShare, BooleanShare] | None,
) -> tuple[ArithmeticShare, ArithmeticShare]:
    """What rounding adds, and the wrap of the offset x.

    Args:
        party: this party.
        x: the offset value.
        shift: s.
        wrapped: wrap of the low s bits.
        zero: whether they are 0.
        carries: wrap and all ones of the bits between them and the top one, if there are any.
    """
    into_top = wrapped
    if carries is not None:
        into_top = carries[0] ^ await bit_and(party, carries[1], wrapped)
    tops = BooleanShare(ring.top_bit(x.words, x.bits))
    negative = invert(party, tops ^ into_top)
    # The wrap is the majority of m0, m1 and the carry into them: m0 ^ ((m0 ^ m1) & (m0 ^ carry)).
    first = tops if party.is_server else BooleanShare(np.zeros_like(tops.words))
    gates = await bit_and(party, stack([negative, tops]), stack([invert(party, zero), first ^ into_top]))
    rounding, excess = gates[0], first ^ gates[1]
    return await party.parallel(
        (b2a_cost(party.profile, x.size, bits=x.bits), lambda p: b2a(p, rounding, bits=x.bits)),
        (b2a_cost(party.profile, x.size, bits=shift), lambda p: b2a(p, excess, bits=shift)),
    )
