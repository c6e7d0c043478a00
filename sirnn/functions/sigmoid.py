"""sigmoid, SIRNN's way: 1 / (1 + e^-|x|), and its mirror image for negative x.

With E = e^-|x| in (0, 1] the denominator 1 + E is in (1, 2], where the reciprocal needs no normalisation; then
sigmoid(x) = 1 / (1 + E) for x >= 0 and E / (1 + E) for x < 0. Error at most 3.20 ULP for 16-bit words at scales 8..14
(`proof.py`).

Source: SIRNN (Rathee et al., IEEE S&P 2021), section on sigmoid and tanh. Bit-exact with the authors' implementation.
"""

from __future__ import annotations

import numpy as np

from sirnn.blocks.conversion import mux, mux_cost
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.multiplication import multiply, multiply_cost
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.cost import FREE, Cost, parallel, sequence
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.exponential import check_types, exp, exp_clear, exp_cost, unit_type
from sirnn.functions.identities import Int64s, reach_of
from sirnn.functions.magnitude import (
    negative_magnitude,
    negative_magnitude_clear,
    negative_magnitude_cost,
    one_plus,
    one_plus_clear,
    one_plus_cost,
)
from sirnn.functions.reciprocal import reciprocal, reciprocal_bits, reciprocal_clear, reciprocal_cost
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.shares import ArithmeticShare


def sigmoid_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """sigmoid(x): words of `inp` to words of `out`, any shape, uint64.

    Raises:
        LocalError: see `check_types`.
    """
    check_types(inp, out)
    unit, one = unit_type(out.scale), np.uint64(1 << out.scale)
    negative, magnitude = negative_magnitude_clear(x, bits=inp.bits)
    e = exp_clear(magnitude, inp=inp, out=unit)
    denominator = one_plus_clear(e, scale=out.scale)
    inverse = reciprocal_clear(denominator, scale=out.scale, out_scale=out.scale)
    return (np.where(negative == 1, e, one) * inverse) >> np.uint64(out.scale)


def sigmoid_reach(inp: FixedPoint, out: FixedPoint) -> tuple[int, int]:
    """The least and the greatest integer that the words can be, whatever the input: by every E there may be."""
    check_types(inp, out)
    one = np.uint64(1 << out.scale)

    def words(integers: Int64s) -> Int64s:
        e = integers.astype(np.uint64)
        inverse = reciprocal_clear(one_plus_clear(e, scale=out.scale), scale=out.scale, out_scale=out.scale)
        return out.to_int(np.stack([e, np.full_like(e, one)]) * inverse >> np.uint64(out.scale))

    return reach_of(words, range((1 << out.scale) + 1))


def sigmoid_cost(profile: Profile, n: int, *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """Sign, exponential, reciprocal beside the choice of numerator, their product, truncation, widening."""
    check_types(inp, out)
    s, unit = out.scale, unit_type(out.scale)
    return sequence(
        negative_magnitude_cost(profile, n, bits=inp.bits),
        exp_cost(profile, n, inp=inp, out=unit),
        parallel(
            _inverse_cost(profile, n, scale=s),
            mux_cost(profile, n, bits=unit.bits),
        ),
        multiply_cost(
            profile,
            n,
            x_bits=unit.bits,
            y_bits=reciprocal_bits(s),
            out_bits=2 * s + 2,
            msb_x="zero",
            msb_y="zero",
        ),
        truncate_reduce_cost(profile, n, bits=2 * s + 2, shift=s),
        extend_cost(profile, n, bits=unit.bits, out_bits=out.bits, msb="zero") if out.bits > unit.bits else FREE,
    )


def _inverse_cost(profile: Profile, n: int, *, scale: int) -> Cost:
    return one_plus_cost(profile, n, scale=scale) + reciprocal_cost(profile, n, scale=scale, out_scale=scale)


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=sigmoid_clear,
    cost=sigmoid_cost,
    examples=[
        {"inp": FixedPoint(7, 4), "out": FixedPoint(8, 5)},
        {"inp": FixedPoint(16, 12), "out": FixedPoint(16, 12)},
        {"inp": FixedPoint(16, 11), "out": FixedPoint(16, 14)},
        {"inp": FixedPoint(20, 14), "out": FixedPoint(24, 20)},
    ],
)
async def sigmoid(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """The sigmoid of x: a share of `inp` to a share of `out`, any shape.

    Deterministic: the words of `sigmoid_clear`. At 16 bits, scale 12 to 12, profile `paper`: 3,935 bytes each in a
    large batch.

    Raises:
        LocalError: see `check_types`.
    """
    check_types(inp, out)
    s, unit = out.scale, unit_type(out.scale)
    one = party.constant(1 << s, unit.bits, x.shape)
    negative, magnitude = await negative_magnitude(party, x)
    e = await exp(party, magnitude, inp=inp, out=unit)

    async def invert_denominator(p: Party) -> ArithmeticShare:
        return await reciprocal(p, await one_plus(p, e, scale=s), scale=s, out_scale=s)

    inverse, chosen = await party.parallel(
        (_inverse_cost(party.profile, x.size, scale=s), invert_denominator),
        (mux_cost(party.profile, x.size, bits=unit.bits), lambda p: mux(p, negative, e - one)),
    )
    product = await multiply(party, one + chosen, inverse, 0, 0, out_bits=2 * s + 2, x_signed=False, y_signed=False)
    return await zero_extend(party, await truncate_reduce(party, product, shift=s), 0, out_bits=out.bits)
