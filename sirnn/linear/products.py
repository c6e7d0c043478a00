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

from collections.abc import Awaitable, Callable

import attrs
import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb, wrap_cost
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.cost import FREE, Cost, parallel
from sirnn.errors import LocalError
from sirnn.linear.crossing import (
    Dims,
    bits_times_rows,
    bits_times_rows_cost,
    product_dims,
    words_times_rows,
    words_times_rows_cost,
)
from sirnn.linear.factor import Factor
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Msb, Params, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare

Shape = tuple[int, ...]

# ------------------------------------------------------------ what is multiplied


@attrs.frozen
class Side:
    """What both parties know of a factor, which is what it costs by.

    Attributes:
        shape: of the matrix.
        bits: of its entries.
        elements: how many different ones there are.
        signed: whether they are in two's complement.
        msb: what is known of their top bits: "unknown", "zero", "one" or "shared".
    """

    shape: tuple[int, int]
    bits: int
    elements: int
    signed: bool
    msb: str = "unknown"

    def turned(self) -> Side:
        """The transposed matrix."""
        return attrs.evolve(self, shape=self.shape[::-1])


def _needed(x_bits: int, x_signed: bool, out_bits: int) -> int:
    """Bits to which y itself is needed beside x."""
    return out_bits - x_bits + x_signed


def _cross_cost(profile: Profile, dims: Dims, bits: int, out_bits: int) -> Cost:
    return _both(lambda sender: words_times_rows_cost(profile, dims, bits=bits, out_bits=out_bits, sender=sender))


def _bits_of_x_choose(profile: Profile, dims: Dims, x_bits: int, y_bits: int, out_bits: int) -> bool:
    """Whether the bits of x make the cheaper choices in the cross terms."""
    by_x = _cross_cost(profile, dims, x_bits, out_bits)
    return by_x.payload <= _cross_cost(profile, _turned(dims), y_bits, out_bits).payload


def _turned(dims: Dims) -> Dims:
    return dims[2], dims[1], dims[0]


def _both(one_way: Callable[[int], Cost]) -> Cost:
    return one_way(SERVER) | one_way(CLIENT)


def factor_product_cost(profile: Profile, x: Side, y: Side, *, out_bits: int) -> Cost:
    """Cross terms, beside them the wraps and then what these multiply; free if the product is empty."""
    if 0 in (*x.shape, *y.shape):
        return FREE
    if x.shape[0] < y.shape[1]:
        x, y = y.turned(), x.turned()
    dims = product_dims(x.shape, y.shape)
    wraps, excess = FREE, FREE
    if out_bits > x.bits:
        wraps |= wrap_cost(profile, x.elements, bits=x.bits, msb=x.msb)
        missing, narrow = _needed(x.bits, x.signed, out_bits) - y.bits, out_bits - x.bits
        extend = b2a_cost(profile, y.elements, bits=missing) if missing > 0 else FREE
        excess |= extend + _both(lambda sender: bits_times_rows_cost(profile, dims, bits=narrow, sender=sender))
    if out_bits > y.bits:
        wraps |= wrap_cost(profile, y.elements, bits=y.bits, msb=y.msb)
        rest = out_bits - y.bits
        excess |= _both(lambda sender: bits_times_rows_cost(profile, _turned(dims), bits=rest, sender=sender))
    by_x = _bits_of_x_choose(profile, dims, x.bits, y.bits, out_bits)
    cross = _cross_cost(profile, *((dims, x.bits) if by_x else (_turned(dims), y.bits)), out_bits)
    return parallel(cross, wraps + excess)


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
    left = Side((x[0], x[1]), x_bits, x[0] * x[1], x_signed, msb_x)
    right = Side((y[0], y[1]), y_bits, y[0] * y[1], y_signed, msb_y)
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
        lambda p: _cross(p, x, y, out_bits), lambda p: _excess(p, x, y, out_bits)
    )
    left, right = ring.reduce(x.words(), out_bits), ring.reduce(y.words(), out_bits)
    total = left @ right + cross - excess
    # What is left is linear in one factor, and each party has its half of it.
    total = total - left.dtype.type(y.offset) * left.sum(axis=1, keepdims=True, dtype=left.dtype)
    total = total - left.dtype.type(x.offset) * itself.sum(axis=0, keepdims=True, dtype=left.dtype)
    return ring.reduce(total, out_bits)


async def _both_ways(party: Party, one_way: Callable[[Party, int], Awaitable[Words]]) -> Words:
    """One term with either party as the sender, added up (not reduced)."""
    first, second = await party.parallel(lambda p: one_way(p, SERVER), lambda p: one_way(p, CLIENT))
    return first + second


async def _cross(party: Party, x: Factor, y: Factor, out_bits: int) -> Words:
    """A share of x0 y1 + x1 y0."""
    dims = product_dims(x.shape, y.shape)
    if _bits_of_x_choose(party.profile, dims, x.bits, y.bits, out_bits):
        return await _words_times_words(party, x, y, dims, out_bits)
    return (await _words_times_words(party, y.turned(), x.turned(), _turned(dims), out_bits)).T


async def _words_times_words(party: Party, choosing: Factor, offered: Factor, dims: Dims, out_bits: int) -> Words:
    choices, rows = choosing.words(), ring.reduce(offered.words(), out_bits)

    async def one_way(p: Party, sender: int) -> Words:
        mine = rows if p.role == sender else choices
        return await words_times_rows(p, mine, dims, bits=choosing.bits, out_bits=out_bits, sender=sender)

    return await _both_ways(party, one_way)


async def _excess(party: Party, x: Factor, y: Factor, out_bits: int) -> tuple[Words, Words]:
    """2^m wx y + 2^n wy X, and y itself as far as it is needed; neither is reduced."""
    wrap_x, wrap_y = await party.parallel(lambda p: x.wrap_below(p, out_bits), lambda p: y.wrap_below(p, out_bits))
    dims, dtype = product_dims(x.shape, y.shape), ring.dtype_for(out_bits)
    nothing = np.zeros((dims[0], dims[2]), dtype=dtype)

    async def of_x(p: Party) -> tuple[Words, Words]:
        itself = await _itself(p, y, wrap_y, max(1, _needed(x.bits, x.offset > 0, out_bits)))
        if wrap_x is None:
            return nothing, itself
        product = await _flags_times_words(p, x.spread(wrap_x), itself, dims, out_bits - x.bits)
        return ring.reduce(product, out_bits) << dtype.type(x.bits), itself

    async def of_y(p: Party) -> Words:
        if wrap_y is None:
            return nothing
        # The halves of x as integers, whatever they add up to.
        flags = y.turned().spread(wrap_y)
        product = await _flags_times_words(p, flags, x.turned().words(), _turned(dims), out_bits - y.bits)
        return ring.reduce(product.T, out_bits) << dtype.type(y.bits)

    (excess_x, itself), excess_y = await party.parallel(of_x, of_y)
    return excess_x + excess_y, itself


async def _itself(party: Party, y: Factor, wraps: BooleanShare | None, bits: int) -> Words:
    """The value of y mod 2^bits, its offset taken off and its wrap where that matters."""
    elements, missing = ArithmeticShare(ring.reduce(y.elements.words, bits), bits), bits - y.bits
    if missing > 0 and wraps is not None:
        carry = await b2a(party, wraps, bits=missing)
        elements = elements - (ArithmeticShare(ring.reduce(carry.words, bits), bits) << y.bits)
    return y.placed((elements - party.constant(y.offset, bits, elements.shape)).words)


async def _flags_times_words(party: Party, flags: BooleanShare, shared: Words, dims: Dims, bits: int) -> Words:
    """Shared bits times a matrix of which each party has half, not reduced."""
    rows = ring.reduce(shared, bits)

    async def one_way(p: Party, sender: int) -> Words:
        return await bits_times_rows(p, flags, rows if p.role == sender else None, dims, bits=bits, sender=sender)

    return await _both_ways(party, one_way)


PRIMITIVES = (factor_product,)
"""Takes matrices in the form in which products and convolutions have them."""
