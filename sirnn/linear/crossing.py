"""Where one party's numbers meet the other party's matrix: what every matrix product sends.

The bits of the numbers are the choices and rows of the matrix the correlations, so that all messages of a row share the
128-bit overhead of one OT. Bit i of a number contributes l - i bits a message (SIRNN, section III-D, batched by rows).
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.multiplication import bit_planes, weighted_sum
from sirnn.cost import Cost
from sirnn.ot.transfer import CotField, correlated_ot, correlated_ot_cost
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.shares import BooleanShare

Dims = tuple[int, int, int]
"""d1, d2, d3 of a product (d1, d2) @ (d2, d3); d3 is not 0."""


def product_dims(x: tuple[int, ...], y: tuple[int, ...]) -> Dims:
    """The dimensions of x @ y, from the factors' shapes."""
    return x[0], x[1], y[1]


def words_times_rows_cost(profile: Profile, dims: Dims, *, bits: int, out_bits: int, sender: int) -> Cost:
    """d1 d2 (128 m + d3 (m l - m (m - 1) / 2)) bits in profile `paper`; 2 flights."""
    return correlated_ot_cost(profile, _fields(dims, bits, out_bits), sender=sender)


async def words_times_rows(
    party: Party, mine: Words, dims: Dims, *, bits: int, out_bits: int, sender: int, top_negative: bool = False
) -> Words:
    """A share of (the receiver's words) @ (the sender's matrix) mod 2^out_bits, (d1, d3).

    Args:
        party: this party.
        mine: at the receiver its (d1, d2) words of `bits` bits, at the sender its (d2, d3) matrix mod 2^out_bits.
        dims: d1, d2, d3.
        bits: m, bits of the receiver's words.
        out_bits: l, at least m.
        sender: the party with the matrix.
        top_negative: read the receiver's words in two's complement.
    """
    (d1, d2, d3), fields = dims, _fields(dims, bits, out_bits)
    if party.role != sender:
        products = await correlated_ot(party, fields, sender=sender, choices=bit_planes(mine.reshape(-1), bits))
    else:
        rows = np.tile(mine, (d1, 1))
        correlations = [ring.reduce(rows, field.bits) for field in fields]
        if top_negative:
            correlations[-1] = ring.reduce(np.negative(rows), fields[-1].bits)
        correlations = [part.reshape(field.shape) for part, field in zip(correlations, fields, strict=True)]
        products = await correlated_ot(party, fields, sender=sender, correlations=correlations)
    total = weighted_sum([part.reshape(d1 * d2, d3) for part in products], out_bits)
    return _sum_rows(total, dims, out_bits)


def bits_times_rows_cost(profile: Profile, dims: Dims, *, bits: int, sender: int) -> Cost:
    """d1 d2 (128 + d3 l) bits in profile `paper`; 2 flights."""
    return correlated_ot_cost(profile, _fields(dims, 1, bits), sender=sender)


async def bits_times_rows(
    party: Party, flags: BooleanShare, matrix: Words | None, dims: Dims, *, bits: int, sender: int
) -> Words:
    """A share of (shared bits) @ (the sender's matrix) mod 2^bits, (d1, d3).

    Args:
        party: this party.
        flags: share of the bits, (d1, d2).
        matrix: at the sender its (d2, d3) words of `bits` bits.
        dims: d1, d2, d3.
        bits: l.
        sender: the party with the matrix.
    """
    (d1, d2, d3), (field,) = dims, _fields(dims, 1, bits)
    flat = flags.words.reshape(-1)
    if matrix is None:
        (products,) = await correlated_ot(party, [field], sender=sender, choices=[flat])
        return _sum_rows(products.reshape(d1 * d2, d3), dims, bits)
    rows = np.tile(matrix, (d1, 1))
    # b0 ^ b1 = b0 + b1 (1 - 2 b0): what the receiver's bit adds depends on ours.
    added = ring.reduce(np.where(flat[:, None] == 1, np.negative(rows), rows), bits)
    (products,) = await correlated_ot(party, [field], sender=sender, correlations=[added.reshape(field.shape)])
    return _sum_rows(products.reshape(d1 * d2, d3) + rows * flat[:, None].astype(rows.dtype), dims, bits)


def _fields(dims: Dims, bits: int, out_bits: int) -> list[CotField]:
    d1, d2, d3 = dims
    return [CotField(d1 * d2, out_bits - bit, d3) for bit in range(bits)]


def _sum_rows(products: Words, dims: Dims, bits: int) -> Words:
    """Every number's row, summed over d2."""
    return ring.reduce(products.reshape(dims).sum(axis=1, dtype=products.dtype), bits)


PRIMITIVES = (words_times_rows, bits_times_rows)
"""Not protocols on shares: they take each party's own half."""
