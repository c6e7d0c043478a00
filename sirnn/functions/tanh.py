"""tanh, SIRNN's way: (1 - e^-2|x|) / (1 + e^-2|x|), with the sign of x.

e^-2|x| is the exponential of the same word read at a scale one lower, so doubling costs nothing. Error at most
3.59 ULP for 16-bit words at scales 8..14 (`proof.py`). The quotient is widened before it gets its sign: zero is
not negative, so the sign of x is not the sign of the result and cannot stand in for it.

Source: SIRNN (Rathee et al., IEEE S&P 2021), section on sigmoid and tanh. Bit-exact with the authors' implementation.
"""

from __future__ import annotations

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.conversion import mux, mux_cost
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.cost import Cost, sequence
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.exponential import check_types, exp, exp_clear, exp_cost, unit_type
from sirnn.functions.magnitude import (
    negative_magnitude,
    negative_magnitude_clear,
    negative_magnitude_cost,
    one_plus,
    one_plus_clear,
    one_plus_cost,
)
from sirnn.functions.reciprocal import divide, divide_clear, divide_cost
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.shares import ArithmeticShare


def doubled(inp: FixedPoint) -> FixedPoint:
    """The type in which a word of `inp` stands for twice its value."""
    return attrs.evolve(inp, scale=inp.scale - 1)


def ratio_type(scale: int) -> FixedPoint:
    """The type of 1 - E and of the quotient: in [0, 1] like `unit_type`, but the division reads it as signed."""
    return FixedPoint(scale + 2, scale)


def tanh_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """tanh(x): words of `inp` to words of `out`, any shape, uint64.

    Raises:
        LocalError: see `check_types`.
    """
    check_types(inp, out)
    ratio, one = ratio_type(out.scale), np.uint64(1 << out.scale)
    negative, magnitude = negative_magnitude_clear(x, bits=inp.bits)
    e = exp_clear(magnitude, inp=doubled(inp), out=unit_type(out.scale))
    denominator = one_plus_clear(e, scale=out.scale)
    quotient = divide_clear(one - e, denominator, num=ratio, scale=out.scale, out=ratio)
    return np.where(negative == 1, np.negative(quotient), quotient) & np.uint64(ring.mask(out.bits))


def tanh_cost(profile: Profile, n: int, *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """Sign, exponential, division, widening, sign again."""
    check_types(inp, out)
    s, ratio = out.scale, ratio_type(out.scale)
    return sequence(
        negative_magnitude_cost(profile, n, bits=inp.bits),
        exp_cost(profile, n, inp=doubled(inp), out=unit_type(s)),
        one_plus_cost(profile, n, scale=s),
        divide_cost(profile, n, num=ratio, scale=s, out=ratio, msb="zero"),
        extend_cost(profile, n, bits=ratio.bits, out_bits=out.bits, msb="zero"),
        mux_cost(profile, n, bits=out.bits),
    )


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=tanh_clear,
    cost=tanh_cost,
    examples=[
        {"inp": FixedPoint(7, 4), "out": FixedPoint(8, 5)},
        {"inp": FixedPoint(16, 12), "out": FixedPoint(16, 12)},
        {"inp": FixedPoint(16, 11), "out": FixedPoint(16, 14)},
        {"inp": FixedPoint(20, 14), "out": FixedPoint(24, 20)},
    ],
)
async def tanh(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """The tanh of x: a share of `inp` to a share of `out`, any shape.

    Deterministic: the words of `tanh_clear`.

    Raises:
        LocalError: see `check_types`.
    """
    check_types(inp, out)
    s, ratio = out.scale, ratio_type(out.scale)
    one = party.constant(1 << s, ratio.bits, x.shape)
    negative, magnitude = await negative_magnitude(party, x)
    e = await exp(party, magnitude, inp=doubled(inp), out=unit_type(s))
    denominator = (await one_plus(party, e, scale=s)).reduce(s + 1)
    quotient = await divide(party, one - e, denominator, 0, num=ratio, scale=s, out=ratio)
    wide = await zero_extend(party, quotient, 0, out_bits=out.bits)
    return wide - (await mux(party, negative, wide << 1))
