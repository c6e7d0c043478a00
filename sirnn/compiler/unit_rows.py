"""L2 normalisation out of a compiled plan: every row of a matrix divided by its Euclidean length, within 1 ULP.

The sum q of a row's squares is an integer of B bits (B even). It is shifted up by an even number of places, 2 j, until
one of its top two bits is set; its top bits are then a number v in [1, 4), and

    1 / sqrt q  =  1 / sqrt v * 2^(j - B/2 + 1)

The root is a compiled plan, on all words of [1, 4); the power of two is a table at j. However long or short a row is,
its error is the same: that of v, relative to it and halved, that of the root, at most doubled as 1 / sqrt v > 1/2, and
half a unit for the last rounding. A row of zeros stays one.
"""

from __future__ import annotations

from functools import lru_cache

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.lookup import lookup, lookup_cost
from sirnn.blocks.msnzb import APART, by_index, msnzb, msnzb_bits, msnzb_clear, msnzb_cost
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
from sirnn.blocks.scaling import scale, scale_clear, scale_cost
from sirnn.blocks.truncation import round_reduce, round_reduce_clear, truncate_reduce, truncate_reduce_cost
from sirnn.compiler.compiled import Compiled
from sirnn.compiler.evaluate import AHEAD, evaluate, evaluate_cost
from sirnn.compiler.search import compile_function
from sirnn.cost import Cost, sequence
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, protocol
from sirnn.shares import ArithmeticShare

FINER = 2
"""Bits that 1 / sqrt v has beyond the scale of the result, and v itself."""

ROOT_ERROR = 0.75
"""ULP of 1 / sqrt v."""


@attrs.frozen
class UnitRows:
    """How rows are normalised.

    Attributes:
        values: numbers in a row.
        inp: type of the numbers, signed.
        out: type of the results, signed.
        root: 1 / sqrt v, from the top bits of the shifted sum to the ring of the product.
    """

    values: int
    inp: FixedPoint
    out: FixedPoint
    root: Compiled

    @property
    def sum_bits(self) -> int:
        """B, width of the sum."""
        return _sum_bits(self.values, self.inp)

    @property
    def half_bits(self) -> int:
        """B / 2: j is below it; and it stands for a row of zeros."""
        return self.sum_bits // 2

    @property
    def shift_bits(self) -> int:
        """Width of j."""
        return self.half_bits.bit_length()

    @property
    def shifts(self) -> list[int]:
        """j, by the index of the top bit of the sum."""
        return by_index(
            self.sum_bits, lambda top: (self.sum_bits - 1 - top) // 2, zero=self.half_bits, unused=self.half_bits
        )

    @property
    def factors(self) -> list[int]:
        """4^j."""
        return [4**j if j < self.half_bits else 0 for j in range(1 << self.shift_bits)]

    @property
    def offsets(self) -> list[int]:
        """What is added to the shifted sum: v = 1 for a row of zeros."""
        return [0 if j < self.half_bits else 1 << (self.sum_bits - 2) for j in range(1 << self.shift_bits)]

    @property
    def powers(self) -> list[int]:
        """2^j."""
        return [2**j if j < self.half_bits else 0 for j in range(1 << self.shift_bits)]

    @property
    def shifted_drop(self) -> int:
        """Bits of the shifted sum that are dropped."""
        return self.sum_bits - self.root.task.inp.bits

    @property
    def product_bits(self) -> int:
        """Ring of 1 / length, and of a number times it."""
        return self.root.task.out.bits

    @property
    def product_drop(self) -> int:
        """Bits of the product that are rounded off."""
        return self.product_bits - self.out.bits

    @property
    def max_ulp(self) -> float:
        """No result errs by more, in ULP of the output."""
        root = 2 * np.ldexp(self.root.max_ulp, -self.root.task.out.scale)
        cut = np.ldexp(0.5, -self.root.task.inp.scale) if self.shifted_drop else 0.0
        return 0.5 + float(np.ldexp(root + cut, self.out.scale))


def _sum_bits(values: int, inp: FixedPoint) -> int:
    """Of a sum of squares, made even."""
    bits = squares_bits(values, inp.bits)
    return bits + bits % 2


@lru_cache(maxsize=64)
def unit_rows_parameters(values: int, inp: FixedPoint, out: FixedPoint) -> UnitRows:
    """The plan and the widths, compiled if it was not before.

    Raises:
        LocalError: the rows are empty, a type is unsigned, the output cannot hold 1 and a few ULP more, intermediate
            results do not fit in 64 bits, or there is no plan.
    """
    holds_one = out.scale >= 0 and out.int_range[1] >= (1 << out.scale) + 2
    if values < 1 or not (inp.signed and out.signed and holds_one):
        raise LocalError(
            f"rows of {values} numbers from {inp} to {out}",
            remedy="use rows of 1 or more, signed types, and an output that holds numbers above 1",
        )
    sum_bits, finer = _sum_bits(values, inp), out.scale + FINER
    read = min(sum_bits, finer + 2)
    ring_bits = finer + sum_bits // 2 - 1 - out.scale + out.bits
    if max(sum_bits, ring_bits) > ring.MAX_BITS:
        raise LocalError(f"no room to normalise rows of {values} numbers from {inp} to {out}", remedy="narrow them")
    root = compile_function(
        "1 / sqrt(x)",
        inp=FixedPoint(read, read - 2, signed=False),
        out=FixedPoint(ring_bits, finer, signed=False),
        domain=range(1 << (read - 2), 1 << read),
        max_ulp=ROOT_ERROR,
    )
    return UnitRows(values, inp, out, root)


def normalise_rows_clear(x: Clear, *, inp: FixedPoint, out: FixedPoint) -> Clear:
    """x / |x| row by row: words of `inp`, (rows, n), to words of `out`, uint64."""
    p, value = unit_rows_parameters(x.shape[1], inp, out), ring.to_signed(x, inp.bits).view(np.uint64)
    total = sum_of_squares_clear(x, bits=inp.bits)
    places = np.array(p.shifts, dtype=np.uint64)[msnzb_clear(total, bits=p.sum_bits, zero=APART)]
    shifted = scale_clear(total, places, factors=p.factors, offsets=p.offsets) & np.uint64(ring.mask(p.sum_bits))
    root = p.root.plan.evaluate(shifted >> np.uint64(p.shifted_drop))
    inverse = scale_clear(root, places, factors=p.powers)
    return round_reduce_clear(value * inverse[:, None], shift=p.product_drop) & np.uint64(ring.mask(out.bits))


def normalise_rows_cost(profile: Profile, shape: tuple[int, ...], *, inp: FixedPoint, out: FixedPoint) -> Cost:
    """A square for each number, one root for each row, and a product with a truncation for each number."""
    rows, values = shape
    p, n = unit_rows_parameters(values, inp, out), rows * values
    return sequence(
        sum_of_squares_cost(profile, shape, bits=inp.bits, out_bits=p.sum_bits),
        msnzb_cost(profile, rows, bits=p.sum_bits, zero=APART),
        lookup_cost(profile, rows, bits=msnzb_bits(p.sum_bits, APART), out_bits=[p.shift_bits]),
        scale_cost(profile, rows, bits=p.sum_bits, index_bits=p.shift_bits),
        truncate_reduce_cost(profile, rows, bits=p.sum_bits, shift=p.shifted_drop),
        evaluate_cost(profile, rows, plan=p.root.plan),
        scale_cost(profile, rows, bits=p.product_bits, index_bits=p.shift_bits),
        multiply_cost(profile, n, x_bits=inp.bits, y_bits=p.product_bits, out_bits=p.product_bits),
        truncate_reduce_cost(profile, n, bits=p.product_bits, shift=p.product_drop),
    )


@protocol(
    takes=(Arith(lambda p: p["inp"].bits),),
    gives=(Arith(lambda p: p["out"].bits),),
    clear=normalise_rows_clear,
    cost=normalise_rows_cost,
    examples=[
        {"values": 3, "inp": FixedPoint(6, 3), "out": FixedPoint(7, 4)},
        {"values": 1, "inp": FixedPoint(5, 2), "out": FixedPoint(8, 3)},
        {"values": 5, "inp": FixedPoint(8, 9), "out": FixedPoint(12, 8)},
        {"values": 10, "inp": FixedPoint(10, 6), "out": FixedPoint(12, 8)},
    ],
    shapes=row_shapes,
    profiles=AHEAD,
)
async def normalise_rows(party: Party, x: ArithmeticShare, *, inp: FixedPoint, out: FixedPoint) -> ArithmeticShare:
    """x / |x| row by row, |x| the Euclidean length, deterministic: the words of `normalise_rows_clear`.

    What `l2_normalise` is in the other profiles. No result errs by more than `unit_rows_parameters(..).max_ulp`: 1 ULP,
    for rows of every length.

    Args:
        party: this party.
        x: share of shape (rows, n) of type `inp`, signed.
        inp: type of the numbers.
        out: type of the results, signed, which holds numbers above 1.

    Raises:
        LocalError: x has another shape or width; or see `unit_rows_parameters`.
    """
    check_rows(x, inp)
    p = unit_rows_parameters(x.shape[1], inp, out)
    total = await sum_of_squares(party, x, out_bits=p.sum_bits)
    table = np.array(p.shifts, dtype=ring.dtype_for(p.shift_bits))
    (places,) = await lookup(party, await msnzb(party, total, zero=APART), tables=[table], out_bits=[p.shift_bits])
    shifted = await scale(party, total, places, factors=p.factors, offsets=p.offsets)
    root = await evaluate(party, await truncate_reduce(party, shifted, shift=p.shifted_drop), plan=p.root.plan)
    inverse = await scale(party, root, places, factors=p.powers)
    factors = spread(inverse, p.values)
    product = await multiply(party, x, factors, out_bits=p.product_bits, x_signed=True, y_signed=False)
    return await round_reduce(party, product, shift=p.product_drop)
