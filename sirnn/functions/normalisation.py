"""L2 normalisation: every row of a matrix divided by its Euclidean length.

The squares of a row are added up, 1 / sqrt of the sum comes as mantissa and exponent, and is multiplied on with all its
bits: the error is a few ULP however long or short the row is. A row of zeros stays one.

Source: SIRNN (Rathee et al., IEEE S&P 2021), whose head-detection network ends in three of them.
"""

from __future__ import annotations

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.msnzb import APART, msnzb_bits
from sirnn.blocks.multiplication import multiply, multiply_cost
from sirnn.blocks.rows import (
    check_rows,
    row_shapes,
    spread,
    squares_bits,
    sum_of_squares,
    sum_of_squares_clear,
    sum_of_squares_cost,
)
from sirnn.blocks.scaling import power_shift, scale_by_power, scale_by_power_clear, scale_by_power_cost
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.cost import FREE, Cost, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.square_root import (
    floating_root,
    floating_root_clear,
    floating_root_cost,
    root_exponents,
)
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.shares import ArithmeticShare


@attrs.frozen
class L2Parameters:
    """Widths and scales on the way.

    Attributes:
        values: numbers in a row, at least 1.
        inp: type of the numbers, signed.
        out: type of the results.
    """

    values: int
    inp: FixedPoint
    out: FixedPoint

    @property
    def sum_bits(self) -> int:
        """Width of a row's sum of squares."""
        return squares_bits(self.values, self.inp.bits)

    @property
    def total(self) -> FixedPoint:
        """Type of a row's sum of squares."""
        return FixedPoint(self.sum_bits, 2 * self.inp.scale, signed=False)

    @property
    def lift(self) -> int:
        """How much finer the scale of 1 / length is than that of its mantissa, so that no bit of it is lost."""
        return power_shift(root_exponents(self.total, inverse=True))

    @property
    def exponents(self) -> list[int | None]:
        """Exponents of 1 / length at that scale, none negative."""
        return [None if e is None else e + self.lift for e in root_exponents(self.total, inverse=True)]

    @property
    def product_shift(self) -> int:
        """Truncation of number times 1 / length."""
        return self.inp.scale + self.lift

    @property
    def product_bits(self) -> int:
        """Ring of that product."""
        return self.out.bits + self.product_shift

    @property
    def inverse_bits(self) -> int:
        """Width of 1 / length: up to a top bit of 0, or the product's ring if that is narrower."""
        return min(self.out.scale + 2 + max(e for e in self.exponents if e is not None), self.product_bits)


def l2_parameters(values: int, inp: FixedPoint, out: FixedPoint) -> L2Parameters:
    """The widths, if the algorithm can serve these types.

    Raises:
        LocalError: the rows are empty, the input is unsigned, or intermediate results do not fit in 64 bits.
    """
    if values < 1 or not inp.signed:
        raise LocalError(f"rows of {values} numbers of type {inp}", remedy="use a signed type and rows of 1 or more")
    p = L2Parameters(values, inp, out)
    # The root needs a bit beside the sum, and the product's factors must fill its ring.
    if p.sum_bits >= ring.MAX_BITS or p.product_bits > min(inp.bits + p.inverse_bits, ring.MAX_BITS):
        raise LocalError(
            f"no room to normalise rows of {values} numbers from {inp} to {out}",
            remedy="use narrower types on either side",
        )
    return p


def l2_normalise_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """x / |x| row by row: words of `inp`, (rows, values), to words of `out`, uint64.

    Raises:
        LocalError: see `l2_parameters` and `root_parameters`.
    """
    p, value = l2_parameters(x.shape[1], inp, out), ring.to_signed(x, inp.bits).view(np.uint64)
    total = sum_of_squares_clear(x, bits=inp.bits)
    mantissa, index = floating_root_clear(total, inp=p.total, out_scale=out.scale, inverse=True)
    inverse = scale_by_power_clear(mantissa, index, bits=p.inverse_bits, exponents=p.exponents)
    product: Clear = (value * inverse[:, None]) & np.uint64(ring.mask(p.product_bits))
    return product >> np.uint64(p.product_shift)


def l2_normalise_cost(profile: Profile, shape: tuple[int, ...], *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """A square for each number, one root for each row, and a product with a truncation for each number."""
    rows, values = shape
    p, n = l2_parameters(values, inp, out), rows * values
    mantissa_bits, index_bits = out.scale + 2, msnzb_bits(p.total.bits, APART)
    return sequence(
        sum_of_squares_cost(profile, shape, bits=inp.bits, out_bits=p.sum_bits),
        floating_root_cost(profile, rows, inp=p.total, out_scale=out.scale, inverse=True),
        extend_cost(profile, rows, bits=mantissa_bits, out_bits=p.inverse_bits, msb="zero")
        if p.inverse_bits > mantissa_bits
        else FREE,
        scale_by_power_cost(profile, rows, bits=p.inverse_bits, index_bits=index_bits, exponents=p.exponents),
        multiply_cost(profile, n, x_bits=inp.bits, y_bits=p.inverse_bits, out_bits=p.product_bits, msb_y="zero"),
        truncate_reduce_cost(profile, n, bits=p.product_bits, shift=p.product_shift),
    )


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=l2_normalise_clear,
    cost=l2_normalise_cost,
    examples=[
        {"values": 1, "inp": FixedPoint(8, 4), "out": FixedPoint(8, 5)},
        {"values": 2, "inp": FixedPoint(5, 2), "out": FixedPoint(6, 4)},
        {"values": 3, "inp": FixedPoint(16, 12), "out": FixedPoint(16, 14)},
        {"values": 5, "inp": FixedPoint(16, 8), "out": FixedPoint(8, 6)},
    ],
    shapes=row_shapes,
)
async def l2_normalise(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """x / |x| row by row, |x| the Euclidean length: a share (rows, values) of `inp` to one of `out`.

    Deterministic for every input: the words of `l2_normalise_clear`. For 16-bit numbers it is within 3 ULP in all rows
    that were tried at output scales 8..14, and within 5 at scale 20. At 16 bits, scale 12 to 12, rows of 100, profile
    `paper`: 1,845 bytes a number, 86 flights.

    Raises:
        LocalError: x has another shape or width; or see `l2_parameters` and `root_parameters`.
    """
    check_rows(x, inp)
    p = l2_parameters(x.shape[1], inp, out)
    total = await sum_of_squares(party, x, out_bits=p.sum_bits)
    mantissa, index = await floating_root(party, total, inp=p.total, out_scale=out.scale, inverse=True)
    mantissa = (
        mantissa.reduce(p.inverse_bits)
        if p.inverse_bits < mantissa.bits
        else await zero_extend(party, mantissa, 0, out_bits=p.inverse_bits)
    )
    inverse = await scale_by_power(party, mantissa, index, exponents=p.exponents)
    rows = spread(inverse, p.values)
    product = await multiply(party, x, rows, None, 0, out_bits=p.product_bits, x_signed=True, y_signed=False)
    return await truncate_reduce(party, product, shift=p.product_shift)
