"""Matrix products in which one party knows one factor in clear: a model's weights.

The *activation's* share bits are the choices and the weights the correlations, so that one OT per activation bit
carries a whole row of weights: d3 messages share its 128-bit overhead. (With the weights' bits as choices and a batch
of one, as in SIRNN's code, every OT carries a single message.) Bit i of an m-bit activation contributes l - i bits.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb
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
from sirnn.linear.factor import Factor, Side
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Msb, Params, Private, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, PrivateValue

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

KNOWN_EXAMPLES = [{**example, "msb": msb} for example in EXAMPLES for msb in ("unknown", "zero", "shared")]


def product_clear(x: Clear, weights: Clear, *, bits: int, weight_bits: int) -> Clear:
    """The integer matrix product of signed factors, read modulo the output's ring."""
    product = ring.to_signed(x, bits) @ ring.to_signed(weights, weight_bits)
    return product.view(np.uint64)


# ------------------------------------------------------------ private times private


def client_by_server_cost(profile: Profile, x: Shape, weights: Shape, *, bits: int, out_bits: int) -> Cost:
    """d1 d2 (128 m + d3 (m l - m (m - 1) / 2)) bits in profile `paper`; 2 flights."""
    return words_times_rows_cost(profile, product_dims(x, weights), bits=bits, out_bits=out_bits, sender=SERVER)


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

    Raises:
        LocalError: the shapes or owners do not fit, or `out_bits` is narrower than a factor.
    """
    check_weights(x.shape, x.bits, weights, SERVER, out_bits)
    mine = _signed_weights(weights, out_bits) if party.is_server else x.known()
    dims = product_dims(x.shape, weights.shape)
    product = await words_times_rows(
        party, mine, dims, bits=x.bits, out_bits=out_bits, sender=SERVER, top_negative=True
    )
    return ArithmeticShare(product, out_bits)


# ------------------------------------------------------------ shared times private


def shared_by_server_cost(
    profile: Profile, x: Shape, weights: Shape, *, bits: int, out_bits: int, msb: str = "unknown"
) -> Cost:
    """client_by_server, and beside it a wrap per activation and its product with a row: 128 + d3 (l - m) bits."""
    activations = Side.of(x, bits, signed=True, msb=msb)
    return factor_by_private_cost(profile, activations, weights, out_bits=out_bits, owner=SERVER)


def shared_by_client_cost(
    profile: Profile, x: Shape, weights: Shape, *, bits: int, out_bits: int, msb: str = "unknown"
) -> Cost:
    """That of `shared_by_server`, with the parties' traffic exchanged but for the wraps'."""
    activations = Side.of(x, bits, signed=True, msb=msb)
    return factor_by_private_cost(profile, activations, weights, out_bits=out_bits, owner=CLIENT)


@protocol(
    takes=(Arith("bits"), Private("weight_bits", owner=SERVER), Msb()),
    gives=(Arith("out_bits"),),
    clear=product_clear,
    cost=shared_by_server_cost,
    examples=KNOWN_EXAMPLES,
    shapes=_shapes,
)
async def shared_by_server(
    party: Party, x: ArithmeticShare, weights: PrivateValue, msb: KnownMsb = None, *, out_bits: int
) -> ArithmeticShare:
    """x @ weights mod 2^out_bits: x (d1, d2) is a share, the server knows the weights (d2, d3), both signed.

    Args:
        party: this party.
        x: share of the activations.
        weights: known to the server.
        msb: what is known of the top bits of x.
        out_bits: l, at least as wide as each factor.

    Raises:
        LocalError: the shapes or owners do not fit, or `out_bits` is narrower than a factor.
    """
    check_weights(x.shape, x.bits, weights, SERVER, out_bits)
    return await factor_by_private(party, Factor.of(party, x, msb, signed=True), weights, out_bits=out_bits)


@protocol(
    takes=(Arith("bits"), Private("weight_bits", owner=CLIENT), Msb()),
    gives=(Arith("out_bits"),),
    clear=product_clear,
    cost=shared_by_client_cost,
    examples=KNOWN_EXAMPLES,
    shapes=_shapes,
)
async def shared_by_client(
    party: Party, x: ArithmeticShare, weights: PrivateValue, msb: KnownMsb = None, *, out_bits: int
) -> ArithmeticShare:
    """`shared_by_server` with the parties' parts exchanged: the client knows the weights.

    Raises:
        LocalError: the shapes or owners do not fit, or `out_bits` is narrower than a factor.
    """
    check_weights(x.shape, x.bits, weights, CLIENT, out_bits)
    return await factor_by_private(party, Factor.of(party, x, msb, signed=True), weights, out_bits=out_bits)


# ------------------------------------------------------------ what they share


def factor_by_private_cost(profile: Profile, x: Side, weights: Shape, *, out_bits: int, owner: int) -> Cost:
    """COTs for the bits of every entry; beside them a wrap an element, then its product with a row for every entry."""
    dims = product_dims(x.shape, weights)
    return parallel(
        words_times_rows_cost(profile, dims, bits=x.bits, out_bits=out_bits, sender=owner),
        _excess_cost(profile, x, dims, out_bits=out_bits, owner=owner),
    )


def _excess_cost(profile: Profile, x: Side, dims: Dims, *, out_bits: int, owner: int) -> Cost:
    if out_bits == x.bits:
        return FREE
    wraps = x.wrap_below_cost(profile, out_bits)
    return wraps + bits_times_rows_cost(profile, dims, bits=out_bits - x.bits, sender=owner)


async def factor_by_private(party: Party, x: Factor, weights: PrivateValue, *, out_bits: int) -> ArithmeticShare:
    """x @ weights mod 2^out_bits for a factor (d1, d2) and private weights (d2, d3), both signed.

    With x' = x + 2^(m-1), x W = x'0 W + x'1 W - 2^m wrap(x'0, x'1) W - 2^(m-1) (column sums of W). The owner's half of
    x' and the last term are its own business; in the others it sends rows of W and the other party chooses.
    """
    owner, dims, profile = weights.owner, product_dims(x.shape, weights.shape), party.profile
    rows = _signed_weights(weights, out_bits) if party.role == owner else None

    async def direct(p: Party) -> Words:
        mine = x.words() if rows is None else rows
        return await words_times_rows(p, mine, dims, bits=x.bits, out_bits=out_bits, sender=owner)

    async def excess(p: Party) -> Words | None:
        wraps = await x.wrap_below(p, out_bits)
        if wraps is None:
            return None
        narrow = None if rows is None else ring.reduce(rows, out_bits - x.bits)
        return await bits_times_rows(p, x.spread(wraps), narrow, dims, bits=out_bits - x.bits, sender=owner)

    product, wrapped = await party.parallel(
        (words_times_rows_cost(profile, dims, bits=x.bits, out_bits=out_bits, sender=owner), direct),
        (_excess_cost(profile, x.side, dims, out_bits=out_bits, owner=owner), excess),
    )
    if wrapped is not None:
        product = product - (ring.reduce(wrapped, out_bits) << product.dtype.type(x.bits))
    if rows is not None:
        sums = rows.dtype.type(x.offset) * rows.sum(axis=0, dtype=rows.dtype)
        product = product + ring.reduce(x.words(), out_bits) @ rows - sums
    return ArithmeticShare(ring.reduce(product, out_bits), out_bits)


def _signed_weights(weights: PrivateValue, bits: int) -> Words:
    return ring.from_signed(ring.to_signed(weights.known(), weights.bits), bits)


def check_weights(shape: Shape, bits: int, weights: PrivateValue, owner: int, out_bits: int) -> None:
    """Complain of weights that do not fit.

    Raises:
        LocalError: the shapes or owners do not fit, or `out_bits` is out of range.
    """
    if weights.owner != owner or len(shape) != 2 or len(weights.shape) != 2 or shape[1] != weights.shape[0]:
        raise LocalError(
            f"a product of shapes {shape} and {weights.shape} with weights of party {weights.owner}",
            remedy=f"give (d1, d2) activations and (d2, d3) weights that party {owner} knows",
        )
    if not max(bits, weights.bits) <= out_bits <= ring.MAX_BITS:
        raise LocalError(
            f"a product of {bits} and {weights.bits} bits in a ring of {out_bits}",
            remedy=f"the output is at least as wide as each factor and at most {ring.MAX_BITS} bits",
        )


PRIMITIVES = (factor_by_private,)
"""Takes a matrix in the form in which both products here and convolutions have it."""
