"""Division by any positive number, SIRNN's way: normalise the denominator, divide by it, put the power of two back.

d = v 2^e with v in [1, 2), so n / d = (n / v) 2^-e, and both shifts by the secret e are a table each way. 1 / v is good
to about two ULP of the output type; where n is above 1 or d below 1 they multiply that error with the result.

For every input the result is a function of the inputs alone: a denominator of 0 is read as half a unit, a negative one
modulo 2^(bits - 1), and a result that does not fit the output type is reduced modulo 2^bits.

Source: SIRNN (Rathee et al., IEEE S&P 2021), section on division.
"""

from __future__ import annotations

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.msnzb import APART, by_index, msnzb_bits, normalise, normalise_clear, normalise_cost
from sirnn.blocks.scaling import power_shift, scale_by_power, scale_by_power_clear, scale_by_power_cost
from sirnn.cost import FREE, Cost, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.reciprocal import (
    divide,
    divide_clear,
    divide_cost,
    reciprocal,
    reciprocal_bits,
    reciprocal_clear,
    reciprocal_cost,
    reciprocal_parameters,
)
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Msb, protocol
from sirnn.shares import ArithmeticShare

WIDEST = 32
"""Bits of the input and of the output of `positive_reciprocal`."""


def inverse_exponents(den: FixedPoint) -> list[int | None]:
    """The exponent of 1 / 2^(k - den.scale), by the index k of the top bit of a denominator, -1 standing for 0."""

    def exponent(k: int) -> int:
        return den.scale - k

    return by_index(den.magnitude_bits, exponent, zero=exponent(-1), unused=None)


def _widened(den: FixedPoint, out: FixedPoint) -> FixedPoint:
    """The output type with room for what the last truncation drops."""
    return attrs.evolve(out, bits=out.bits + power_shift(inverse_exponents(den)))


def _normalised(d: Clear, den: FixedPoint) -> tuple[Clear, Clear]:
    bits = den.magnitude_bits
    return normalise_clear(d & np.uint64(ring.mask(bits)), bits=bits)


def _rescaled(quotient: Clear, index: Clear, den: FixedPoint, out: FixedPoint) -> Clear:
    return scale_by_power_clear(quotient, index, bits=_widened(den, out).bits, exponents=inverse_exponents(den))


def _rescale_cost(profile: Profile, n: int, den: FixedPoint, out: FixedPoint) -> Cost:
    index_bits = msnzb_bits(den.magnitude_bits, APART)
    wide = _widened(den, out).bits
    return scale_by_power_cost(profile, n, bits=wide, index_bits=index_bits, exponents=inverse_exponents(den))


# ------------------------------------------------------------ n / d


def divide_normalised_clear(nm: Clear, dn: Clear, *, num: FixedPoint, den: FixedPoint, out: FixedPoint) -> Clear:
    """nm / dn for dn > 0: words of `num` and `den` to words of `out`, any shape, uint64."""
    v, index = _normalised(dn, den)
    quotient = divide_clear(nm, v, num=num, scale=den.magnitude_bits - 1, out=_widened(den, out))
    return _rescaled(quotient, index, den, out)


def divide_normalised_cost(
    profile: Profile, n: int, *, num: FixedPoint, den: FixedPoint, out: FixedPoint, msb: str = "unknown"
) -> Cost:
    """Normalisation, division, scaling by the power of two."""
    bits = den.magnitude_bits
    return sequence(
        normalise_cost(profile, n, bits=bits),
        divide_cost(profile, n, num=num, scale=bits - 1, out=_widened(den, out), msb=msb),
        _rescale_cost(profile, n, den, out),
    )


@protocol(
    takes=(Arith(lambda p: p["num"].bits), Arith(lambda p: p["den"].bits), Msb(of=0)),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=divide_normalised_clear,
    cost=divide_normalised_cost,
    examples=[
        {"num": FixedPoint(3, 1), "den": FixedPoint(5, 2), "out": FixedPoint(6, 3)},
        {"num": FixedPoint(4, 0, signed=False), "den": FixedPoint(4, 4, signed=False), "out": FixedPoint(9, 3)},
        {"num": FixedPoint(16, 12), "den": FixedPoint(16, 12), "out": FixedPoint(16, 12)},
        {"num": FixedPoint(16, 12), "den": FixedPoint(20, 8, signed=False), "out": FixedPoint(16, 14), "msb": "zero"},
        {"num": FixedPoint(24, 20), "den": FixedPoint(24, 20), "out": FixedPoint(26, 20), "msb": "shared"},
    ],
)
async def divide_normalised(
    party: Party,
    nm: ArithmeticShare,
    dn: ArithmeticShare,
    msb: KnownMsb = None,
    *,
    num: FixedPoint,
    den: FixedPoint,
    out: FixedPoint,
) -> ArithmeticShare:
    """nm / dn for dn > 0, deterministic for every input: the words of `divide_normalised_clear`.

    At 16 bits, scale 12 throughout, profile `paper`: 3,056 bytes, 58 flights.

    Args:
        party: this party.
        nm: share of type `num`.
        dn: share of type `den`, same shape.
        msb: what is known of the top bit of nm.
        num: type of the numerator.
        den: type of the denominator.
        out: type of the quotient, signed if the numerator is.

    Raises:
        LocalError: the types have no room for the intermediate results; see `reciprocal_parameters`.
    """
    bits = den.magnitude_bits
    v, index = await normalise(party, dn.reduce(bits))
    quotient = await divide(party, nm, v, msb, num=num, scale=bits - 1, out=_widened(den, out))
    return await scale_by_power(party, quotient, index, exponents=inverse_exponents(den))


# ------------------------------------------------------------ 1 / x


def _mantissa_bits(inp: FixedPoint, out: FixedPoint) -> int:
    """Width of 1 / v, once the types are known to be ones the algorithm serves."""
    if max(inp.bits, out.bits) > WIDEST:
        raise LocalError(f"{inp} to {out} is too wide", remedy=f"use at most {WIDEST} bits on either side")
    reciprocal_parameters(inp.magnitude_bits - 1, out.scale)
    return reciprocal_bits(out.scale)


def positive_reciprocal_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """1 / x for x > 0: words of `inp` to words of `out`, any shape, uint64.

    Raises:
        LocalError: a type of more than 32 bits; or see `reciprocal_parameters`.
    """
    _mantissa_bits(inp, out)  # refuses types that cannot be served
    v, index = _normalised(x, inp)
    inverse = reciprocal_clear(v, scale=inp.magnitude_bits - 1, out_scale=out.scale)
    return _rescaled(inverse, index, inp, out)


def positive_reciprocal_cost(profile: Profile, n: int, *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """Normalisation, reciprocal, widening, scaling by the power of two."""
    bits, narrow, wide = inp.magnitude_bits, _mantissa_bits(inp, out), _widened(inp, out).bits
    return sequence(
        normalise_cost(profile, n, bits=bits),
        reciprocal_cost(profile, n, scale=bits - 1, out_scale=out.scale),
        extend_cost(profile, n, bits=narrow, out_bits=wide, msb="zero") if wide > narrow else FREE,
        _rescale_cost(profile, n, inp, out),
    )


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=positive_reciprocal_clear,
    cost=positive_reciprocal_cost,
    examples=[
        {"inp": FixedPoint(7, 3), "out": FixedPoint(8, 4)},
        {"inp": FixedPoint(6, 6, signed=False), "out": FixedPoint(4, 4)},
        {"inp": FixedPoint(16, 12), "out": FixedPoint(16, 12)},
        {"inp": FixedPoint(32, 16), "out": FixedPoint(32, 20, signed=False)},
    ],
)
async def positive_reciprocal(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """1 / x for x > 0: a share of `inp` to a share of `out`, any shape.

    Deterministic for every input: the words of `positive_reciprocal_clear`. At 16 bits, scale 12 to 12, profile
    `paper`: 1,736 bytes, 44 flights.

    Raises:
        LocalError: a type of more than 32 bits; or see `reciprocal_parameters`.
    """
    bits, narrow, wide = inp.magnitude_bits, _mantissa_bits(inp, out), _widened(inp, out).bits
    v, index = await normalise(party, x.reduce(bits))
    inverse = await reciprocal(party, v, scale=bits - 1, out_scale=out.scale)
    inverse = inverse.reduce(wide) if wide < narrow else await zero_extend(party, inverse, 0, out_bits=wide)
    return await scale_by_power(party, inverse, index, exponents=inverse_exponents(inp))
