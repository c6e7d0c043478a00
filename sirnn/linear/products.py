"""Matrix products with both factors shared, exact in any ring that holds them (SIRNN, section III-D).

With X = x0 + x1 and Y = y0 + y1 over the integers, an unsigned x is X - 2^m wx and a signed one X - 2^m wx - a, where
a = 2^(m-1) has been added to its share before; y likewise with n, wy and b. So

    x y = X (Y - 2^n wy - b) - (2^m wx + a) y   (mod 2^l).

X Y costs cross terms: a COT for each bit of the cheaper factor, which carries a row or column of the other. Each wrap
is found once an element and meets the other matrix in COTs both ways. Only what 2^m and a multiply needs y itself, and
just modulo 2^(l-m+1): no wider than y unless l is m + n or more, and then one B2A of wy per element extends it. That
element is one of the smaller factor, since (x y)^T = y^T x^T lets either be y. No product is truncated.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.cost import FREE, Cost, parallel
from sirnn.errors import LocalError
from sirnn.linear.crossing import (
    bits_times_rows_both_ways,
    bits_times_rows_both_ways_cost,
    product_dims,
    words_times_rows_both_ways,
    words_times_rows_both_ways_cost,
)
from sirnn.linear.factor import Factor, Side
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Msb, Params, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

Shape = tuple[int, ...]

# ------------------------------------------------------------ product


def matmul_clear(x: Clear, y: Clear, *, x_bits: int, y_bits: int, x_signed: bool, y_signed: bool) -> Clear:
    """The integer matrix product, read modulo the output's ring."""
    left = ring.to_signed(x, x_bits).view(np.uint64) if x_signed else x
    right = ring.to_signed(y, y_bits).view(np.uint64) if y_signed else y
    return left @ right


def matmul_cost(
    profile: Profile,
    x: Shape,
    y: Shape,
    *,
    x_bits: int,
    y_bits: int,
    out_bits: int,
    x_signed: bool,
    y_signed: bool,
    msb_x: str = "unknown",
    msb_y: str = "unknown",
) -> Cost:
    """Cross terms, beside them the wraps and then what these multiply; free if the product is empty.

    In profile `paper` the cross terms are 2 d1 d2 (128 m + d3 (m l - m (m - 1) / 2)) bits if the bits of x choose;
    then a wrap per element of x and y, and 2 d1 d2 (128 + d3 (l - m)) + 2 d2 d3 (128 + d1 (l - n)) bits.
    """
    left = Side.of(x, x_bits, signed=x_signed, msb=msb_x)
    right = Side.of(y, y_bits, signed=y_signed, msb=msb_y)
    return factor_product_cost(profile, left, right, out_bits=out_bits)


def _shapes(size: int, params: Params) -> list[Shape]:
    return [(size, params["depth"]), (params["depth"], params["width"])]


EXAMPLES = [
    {"x_bits": x, "y_bits": y, "out_bits": out, "depth": depth, "width": width, "msb_x": mx, "msb_y": my}
    for x, y, out, depth, width, mx, my in (
        (2, 2, 4, 1, 1, "unknown", "unknown"),
        (3, 2, 3, 2, 2, "unknown", "unknown"),
        (2, 3, 3, 2, 4, "unknown", "zero"),
        (1, 1, 5, 2, 3, "unknown", "unknown"),
        (4, 4, 4, 2, 3, "unknown", "unknown"),
        (8, 8, 19, 5, 2, "shared", "zero"),
        (8, 4, 20, 3, 5, "unknown", "unknown"),
        (4, 8, 13, 3, 1, "zero", "shared"),
        (16, 16, 35, 4, 3, "unknown", "shared"),
        (32, 31, 64, 2, 2, "unknown", "unknown"),
        (64, 16, 64, 2, 1, "unknown", "unknown"),
    )
]


@protocol(
    takes=(Arith("x_bits"), Arith("y_bits"), Msb(of=0, param="msb_x"), Msb(of=1, param="msb_y")),
    gives=(Arith("out_bits"),),
    clear=matmul_clear,
    cost=matmul_cost,
    examples=[
        {**example, "x_signed": x_signed, "y_signed": y_signed}
        for example in EXAMPLES
        for x_signed in (False, True)
        for y_signed in (False, True)
    ],
    shapes=_shapes,
)
async def matmul(
    party: Party,
    x: ArithmeticShare,
    y: ArithmeticShare,
    msb_x: KnownMsb = None,
    msb_y: KnownMsb = None,
    *,
    out_bits: int,
    x_signed: bool,
    y_signed: bool,
) -> ArithmeticShare:
    """x @ y mod 2^out_bits for shares of (d1, d2) and (d2, d3), each read as signed or unsigned.

    Args:
        party: this party.
        x: m-bit share.
        y: n-bit share.
        msb_x: what is known of the top bits of x.
        msb_y: what is known of the top bits of y.
        out_bits: l, with max(m, n) <= l <= 64; m + n + log2 d2 hold every sum.
        x_signed: read x in two's complement.
        y_signed: read y in two's complement.

    Raises:
        LocalError: the shapes do not fit, or `out_bits` is out of range.
    """
    check_factors(x.shape, y.shape, x.bits, y.bits, out_bits)
    left, right = Factor.of(party, x, msb_x, signed=x_signed), Factor.of(party, y, msb_y, signed=y_signed)
    return await factor_product(party, left, right, out_bits=out_bits)


def check_factors(x: Shape, y: Shape, x_bits: int, y_bits: int, out_bits: int) -> None:
    """Complain of factors that make no product.

    Raises:
        LocalError: the shapes do not fit, or `out_bits` is out of range.
    """
    if len(x) != 2 or len(y) != 2 or x[1] != y[0]:
        raise LocalError(f"a product of shapes {x} and {y}", remedy="give (d1, d2) and (d2, d3)")
    if not max(x_bits, y_bits) <= out_bits <= ring.MAX_BITS:
        raise LocalError(
            f"a product of {x_bits} and {y_bits} bits in a ring of {out_bits}",
            remedy=f"the output is at least as wide as each factor and at most {ring.MAX_BITS} bits",
        )


# ------------------------------------------------------------ its terms


def factor_product_cost(profile: Profile, x: Side, y: Side, *, out_bits: int) -> Cost:
    """Cross terms, beside them the wraps and then what these multiply; free if the product is empty."""
    if 0 in (*x.shape, *y.shape):
        return FREE
    if x.shape[0] < y.shape[1]:
        x, y = y.turned(), x.turned()
    return parallel(_cross_cost(profile, x, y, out_bits), _excess_cost(profile, x, y, out_bits))


async def factor_product(party: Party, x: Factor, y: Factor, *, out_bits: int) -> ArithmeticShare:
    """x @ y mod 2^out_bits for two factors that fit."""
    shape = (x.shape[0], y.shape[1])
    if 0 in (*x.shape, *y.shape):
        return party.constant(0, out_bits, shape)
    if shape[0] < shape[1]:
        turned = await _product(party, y.turned(), x.turned(), out_bits)
        return ArithmeticShare(turned.T, out_bits)
    return ArithmeticShare(await _product(party, x, y, out_bits), out_bits)


async def _product(party: Party, x: Factor, y: Factor, out_bits: int) -> Words:
    cross, (excess, itself) = await party.parallel(
        (_cross_cost(party.profile, x.side, y.side, out_bits), lambda p: _cross(p, x, y, out_bits)),
        (_excess_cost(party.profile, x.side, y.side, out_bits), lambda p: _excess(p, x, y, out_bits)),
    )
    left, right = ring.reduce(x.words(), out_bits), ring.reduce(y.words(), out_bits)
    total = left @ right + cross - excess
    # What is left is linear in one factor, and each party has its half of it.
    total = total - left.dtype.type(y.offset) * left.sum(axis=1, keepdims=True, dtype=left.dtype)
    total = total - left.dtype.type(x.offset) * itself.sum(axis=0, keepdims=True, dtype=left.dtype)
    return ring.reduce(total, out_bits)


# ------------------------------------------------------------ cross terms


def _cross_cost(profile: Profile, x: Side, y: Side, out_bits: int) -> Cost:
    if not _bits_of_x_choose(profile, x, y, out_bits):
        x, y = y.turned(), x.turned()
    return _choose_rows_cost(profile, x, y, out_bits)


async def _cross(party: Party, x: Factor, y: Factor, out_bits: int) -> Words:
    """A share of x0 y1 + x1 y0."""
    if _bits_of_x_choose(party.profile, x.side, y.side, out_bits):
        return await _choose_rows(party, x, y, out_bits)
    return (await _choose_rows(party, y.turned(), x.turned(), out_bits)).T


def _bits_of_x_choose(profile: Profile, x: Side, y: Side, out_bits: int) -> bool:
    """Whether the bits of x make the cheaper choices."""
    by_y = _choose_rows_cost(profile, y.turned(), x.turned(), out_bits)
    return _choose_rows_cost(profile, x, y, out_bits).payload <= by_y.payload


def _choose_rows_cost(profile: Profile, x: Side, y: Side, out_bits: int) -> Cost:
    return words_times_rows_both_ways_cost(profile, product_dims(x.shape, y.shape), bits=x.bits, out_bits=out_bits)


async def _choose_rows(party: Party, x: Factor, y: Factor, out_bits: int) -> Words:
    """The bits of x choose, the rows of y are chosen."""
    dims, rows = product_dims(x.shape, y.shape), ring.reduce(y.words(), out_bits)
    return await words_times_rows_both_ways(party, x.words(), rows, dims, bits=x.bits, out_bits=out_bits)


# ------------------------------------------------------------ wrap terms


def _excess_cost(profile: Profile, x: Side, y: Side, out_bits: int) -> Cost:
    wraps = parallel(x.wrap_below_cost(profile, out_bits), y.wrap_below_cost(profile, out_bits))
    of_y = _wrap_times_cost(profile, y.turned(), x.turned(), out_bits)
    return wraps + parallel(_excess_of_x_cost(profile, x, y, out_bits), of_y)


async def _excess(party: Party, x: Factor, y: Factor, out_bits: int) -> tuple[Words, Words]:
    """2^m wx y + 2^n wy X, and y itself as far as it is needed; neither is reduced."""
    profile, left, right = party.profile, x.side, y.side
    wrap_x, wrap_y = await party.parallel(
        (left.wrap_below_cost(profile, out_bits), lambda p: x.wrap_below(p, out_bits)),
        (right.wrap_below_cost(profile, out_bits), lambda p: y.wrap_below(p, out_bits)),
    )

    async def of_x(p: Party) -> tuple[Words, Words]:
        itself = await _itself(p, y, wrap_y, _needed(left, out_bits))
        return await _wrap_times(p, x, wrap_x, itself, out_bits), itself

    async def of_y(p: Party) -> Words:
        # The halves of x as integers, whatever they add up to.
        return (await _wrap_times(p, y.turned(), wrap_y, x.turned().words(), out_bits)).T

    (excess_x, itself), excess_y = await party.parallel(
        (_excess_of_x_cost(profile, left, right, out_bits), of_x),
        (_wrap_times_cost(profile, right.turned(), left.turned(), out_bits), of_y),
    )
    return excess_x + excess_y, itself


def _excess_of_x_cost(profile: Profile, x: Side, y: Side, out_bits: int) -> Cost:
    return _itself_cost(profile, y, _needed(x, out_bits)) + _wrap_times_cost(profile, x, y, out_bits)


def _wrap_times_cost(profile: Profile, x: Side, y: Side, out_bits: int) -> Cost:
    if out_bits == x.bits:
        return FREE
    return bits_times_rows_both_ways_cost(profile, product_dims(x.shape, y.shape), bits=out_bits - x.bits)


async def _wrap_times(party: Party, x: Factor, wraps: BooleanShare | None, matrix: Words, out_bits: int) -> Words:
    """2^m wx times a matrix of which each party has half; 0 if 2^m is."""
    dims, rest, dtype = product_dims(x.shape, matrix.shape), out_bits - x.bits, ring.dtype_for(out_bits)
    if wraps is None:
        return np.zeros((dims[0], dims[2]), dtype=dtype)
    product = await bits_times_rows_both_ways(party, x.spread(wraps), ring.reduce(matrix, rest), dims, bits=rest)
    return ring.reduce(product, out_bits) << dtype.type(x.bits)


def _needed(x: Side, out_bits: int) -> int:
    """Bits to which y itself is needed beside x."""
    return max(1, out_bits - x.bits + x.signed)


def _itself_cost(profile: Profile, y: Side, bits: int) -> Cost:
    return b2a_cost(profile, y.elements, bits=bits - y.bits) if bits > y.bits else FREE


async def _itself(party: Party, y: Factor, wraps: BooleanShare | None, bits: int) -> Words:
    """The value of y mod 2^bits, its offset taken off and its wrap where that matters."""
    elements, missing = ArithmeticShare(ring.reduce(y.elements.words, bits), bits), bits - y.bits
    if missing > 0 and wraps is not None:
        carry = await b2a(party, wraps, bits=missing)
        elements = elements - (ArithmeticShare(ring.reduce(carry.words, bits), bits) << y.bits)
    return y.placed((elements - party.constant(y.offset, bits, elements.shape)).words)


PRIMITIVES = (factor_product,)
"""Takes matrices in the form in which products and convolutions have them."""
