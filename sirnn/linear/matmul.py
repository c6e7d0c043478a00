"""Matrix products in which one party knows one factor in clear: a model's weights.

The *activation's* share bits are the choices and the weights the correlations, so that one OT per activation bit
carries a whole row of weights: d3 messages share its 128-bit overhead. (With the weights' bits as choices and a batch
of one, as in SIRNN's code, every OT carries a single message.) Bit i of an m-bit activation contributes l - i bits.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import wrap, wrap_cost
from sirnn.blocks.multiplication import bit_planes, weighted_sum
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from sirnn.ot.transfer import CotField, correlated_ot, correlated_ot_cost
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Params, Private, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, BooleanShare, PrivateValue

Shape = tuple[int, ...]


def _shapes(size: int, params: Params) -> list[Shape]:
    return [(size, params["depth"]), (params["depth"], params["width"])]


EXAMPLES = [
    {"bits": bits, "weight_bits": weights, "out_bits": out, "depth": depth, "width": width}
    for bits, weights, out, depth, width in (
        (2, 2, 4, 1, 1),
        (3, 2, 5, 1, 1),
        (8, 8, 18, 3, 2),
        (16, 8, 28, 6, 5),
        (32, 16, 52, 2, 1),
    )
]


def product_clear(x: Clear, weights: Clear, *, bits: int, weight_bits: int) -> Clear:
    """The integer matrix product of signed factors, read modulo the output's ring."""
    product = ring.to_signed(x, bits) @ ring.to_signed(weights, weight_bits)
    return product.view(np.uint64)


def _fields(count: int, bits: int, out_bits: int, width: int) -> list[CotField]:
    return [CotField(count, out_bits - bit, width) for bit in range(bits)]


# ------------------------------------------------------------ private times private


def client_by_server_cost(profile: Profile, x: Shape, weights: Shape, *, bits: int, out_bits: int) -> Cost:
    """d1 d2 (128 m + d3 (m l - m (m - 1) / 2)) bits in profile `paper`; 2 flights."""
    return correlated_ot_cost(profile, _fields(x[0] * x[1], bits, out_bits, weights[1]), sender=SERVER)


@protocol(
    takes=(Private("bits", owner=CLIENT), Private("weight_bits", owner=SERVER)),
    gives=(Arith("out_bits"),),
    clear=product_clear,
    cost=client_by_server_cost,
    examples=EXAMPLES,
    shapes=_shapes,
)
async def client_by_server(party: Party, x: PrivateValue, weights: PrivateValue, *, out_bits: int) -> ArithmeticShare:
    """x @ weights mod 2^out_bits: the client knows x (d1, d2), the server the weights (d2, d3), both signed.

    The client's bits are whole, so no wrap is needed: the top bit just weighs -2^(m - 1). 2 flights.
    """
    _check(x.shape, x.bits, weights, out_bits)
    words = None if party.is_server else x.known()
    product = await _bits_times_rows(party, words, x.shape, x.bits, weights, out_bits, top_negative=True)
    return ArithmeticShare(product, out_bits)


# ------------------------------------------------------------ shared times private


def shared_by_server_cost(profile: Profile, x: Shape, weights: Shape, *, bits: int, out_bits: int) -> Cost:
    """client_by_server, and beside it a wrap per activation and its product with a row: 128 + d3 (l - m) bits."""
    direct = client_by_server_cost(profile, x, weights, bits=bits, out_bits=out_bits)
    if out_bits == bits:
        return direct
    count = x[0] * x[1]
    excess = correlated_ot_cost(profile, [CotField(count, out_bits - bits, weights[1])], sender=SERVER)
    return parallel(direct, wrap_cost(profile, count, bits=bits) + excess)


@protocol(
    takes=(Arith("bits"), Private("weight_bits", owner=SERVER)),
    gives=(Arith("out_bits"),),
    clear=product_clear,
    cost=shared_by_server_cost,
    examples=EXAMPLES,
    shapes=_shapes,
)
async def shared_by_server(
    party: Party, x: ArithmeticShare, weights: PrivateValue, *, out_bits: int
) -> ArithmeticShare:
    """x @ weights mod 2^out_bits: x (d1, d2) is a share, the server knows the weights (d2, d3), both signed.

    With x' = x + 2^(m-1), x W = x'0 W + x'1 W - 2^m wrap(x'0, x'1) W - 2^(m-1) (column sums of W): the first and
    the last are the server's own, the other two are OTs in which the client chooses.

    Raises:
        LocalError: the shapes do not fit, or `out_bits` is narrower than x.
    """
    _check(x.shape, x.bits, weights, out_bits)
    offset = 1 << (x.bits - 1)
    shifted = x + party.constant(offset, x.bits, x.shape)
    words = None if party.is_server else shifted.words
    if out_bits == x.bits:
        product = await _bits_times_rows(party, words, x.shape, x.bits, weights, out_bits, top_negative=False)
    else:
        product, excess = await party.parallel(
            lambda p: _bits_times_rows(p, words, x.shape, x.bits, weights, out_bits, top_negative=False),
            lambda p: _wrap_times_rows(p, shifted, weights, out_bits - x.bits),
        )
        product = product - (ring.reduce(excess, out_bits) << product.dtype.type(x.bits))
    if party.is_server:
        rows = _signed_weights(weights, out_bits)
        product = (
            product
            + ring.reduce(shifted.words, out_bits) @ rows
            - rows.dtype.type(offset) * rows.sum(axis=0, dtype=rows.dtype)
        )
    return ArithmeticShare(ring.reduce(product, out_bits), out_bits)


async def _wrap_times_rows(party: Party, x: ArithmeticShare, weights: PrivateValue, bits: int) -> Words:
    """A share of wrap(x) @ weights mod 2^bits."""
    wrapped: BooleanShare = await wrap(party, x)
    flat, (d1, d2), d3 = wrapped.words.reshape(-1), x.shape, weights.shape[1]
    field = [CotField(d1 * d2, bits, d3)]
    if not party.is_server:
        (products,) = await correlated_ot(party, field, sender=SERVER, choices=[flat])
        return ring.reduce(products.reshape(d1, d2, d3).sum(axis=1, dtype=products.dtype), bits)
    rows = np.tile(_signed_weights(weights, bits), (d1, 1))
    # b0 ^ b1 = b0 + b1 (1 - 2 b0): what the client's bit adds depends on ours.
    added = ring.reduce(np.where(flat[:, None] == 1, np.negative(rows), rows), bits)
    (products,) = await correlated_ot(party, field, sender=SERVER, correlations=[added.reshape(_row_shape(field[0]))])
    own = products.reshape(d1 * d2, d3) + rows * flat[:, None].astype(rows.dtype)
    return ring.reduce(own.reshape(d1, d2, d3).sum(axis=1, dtype=rows.dtype), bits)


async def _bits_times_rows(
    party: Party,
    words: Words | None,
    shape: Shape,
    bits: int,
    weights: PrivateValue,
    out_bits: int,
    *,
    top_negative: bool,
) -> Words:
    """A share of (the client's words) @ weights mod 2^out_bits, by a COT for each bit of each word."""
    (d1, d2), d3 = shape, weights.shape[1]
    fields = _fields(d1 * d2, bits, out_bits, d3)
    if words is not None:
        planes = bit_planes(words.reshape(-1), bits)
        products = await correlated_ot(party, fields, sender=SERVER, choices=planes)
    else:
        rows = np.tile(_signed_weights(weights, out_bits), (d1, 1))
        correlations = [ring.reduce(rows, field.bits) for field in fields]
        if top_negative:
            correlations[-1] = ring.reduce(np.negative(rows), fields[-1].bits)
        correlations = [part.reshape(_row_shape(field)) for part, field in zip(correlations, fields, strict=True)]
        products = await correlated_ot(party, fields, sender=SERVER, correlations=correlations)
    total = weighted_sum([part.reshape(d1 * d2, d3) for part in products], out_bits)
    return ring.reduce(total.reshape(d1, d2, d3).sum(axis=1, dtype=total.dtype), out_bits)


def _row_shape(field: CotField) -> Shape:
    return (field.count, field.repeat) if field.repeat > 1 else (field.count,)


def _signed_weights(weights: PrivateValue, bits: int) -> Words:
    return ring.from_signed(ring.to_signed(weights.known(), weights.bits), bits)


def _check(shape: Shape, bits: int, weights: PrivateValue, out_bits: int) -> None:
    if weights.owner != SERVER or len(shape) != 2 or len(weights.shape) != 2 or shape[1] != weights.shape[0]:
        raise LocalError(
            f"a product of shapes {shape} and {weights.shape} with weights of party {weights.owner}",
            remedy="give (d1, d2) activations and the server's (d2, d3) weights",
        )
    if not max(bits, weights.bits) <= out_bits <= ring.MAX_BITS:
        raise LocalError(
            f"a product of {bits} and {weights.bits} bits in a ring of {out_bits}",
            remedy=f"the output is at least as wide as each factor and at most {ring.MAX_BITS} bits",
        )
