"""Where one party's numbers meet the other party's matrix: what every matrix product sends.

The bits of the numbers are the choices and rows of the matrix the correlations, so that all messages of a row share the
overhead of one OT. Bit i of a number contributes l - i bits a message (SIRNN, section III-D, batched by rows). Both go
one way, the matrix known to one party, or both ways at once, each party with half of either factor.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.multiplication import bit_planes, weighted_sum
from sirnn.cost import Cost
from sirnn.ot.correlated import correlated_ot, correlated_ot_cost, cot_both_ways, cot_both_ways_cost
from sirnn.ot.fields import CotField
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.shares import BooleanShare

Dims = tuple[int, int, int]
"""d1, d2, d3 of a product (d1, d2) @ (d2, d3); d3 is not 0."""


def product_dims(x: tuple[int, ...], y: tuple[int, ...]) -> Dims:
    """The dimensions of x @ y, from the factors' shapes."""
    return x[0], x[1], y[1]


# ------------------------------------------------------------ numbers


def words_times_rows_cost(profile: Profile, dims: Dims, *, bits: int, out_bits: int, sender: int) -> Cost:
    """d1 d2 (128 m + d3 (m l - m (m - 1) / 2)) bits in profile `paper`, else 1 in place of 128; 2 flights."""
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
    fields = _fields(dims, bits, out_bits)
    if party.role != sender:
        products = await correlated_ot(party, fields, sender=sender, choices=bit_planes(mine.reshape(-1), bits))
    else:
        rows = np.tile(mine, (dims[0], 1)).reshape(fields[0].shape)
        correlations = [ring.reduce(rows, field.bits) for field in fields]
        if top_negative:
            correlations[-1] = ring.reduce(np.negative(rows), fields[-1].bits)
        products = await correlated_ot(party, fields, sender=sender, correlations=correlations)
    return _sum_rows(weighted_sum(products, out_bits), dims, out_bits)


def words_times_rows_both_ways_cost(profile: Profile, dims: Dims, *, bits: int, out_bits: int) -> Cost:
    """Twice `words_times_rows_cost`, in the same flights."""
    return cot_both_ways_cost(profile, _fields(dims, bits, out_bits))


async def words_times_rows_both_ways(
    party: Party, words: Words, matrix: Words, dims: Dims, *, bits: int, out_bits: int
) -> Words:
    """A share of (each party's words) @ (the other's matrix), both products added up mod 2^out_bits, (d1, d3).

    Args:
        party: this party.
        words: its own, (d1, d2), of `bits` bits.
        matrix: its own, (d2, d3), mod 2^out_bits.
        dims: d1, d2, d3.
        bits: m.
        out_bits: l, at least m.
    """
    fields = _fields(dims, bits, out_bits)
    rows = np.tile(matrix, (dims[0], 1)).reshape(fields[0].shape)
    correlations = [ring.reduce(rows, field.bits) for field in fields]
    products = await cot_both_ways(party, fields, correlations, bit_planes(words.reshape(-1), bits))
    return _sum_rows(weighted_sum(products, out_bits), dims, out_bits)


# ------------------------------------------------------------ shared bits


def bits_times_rows_cost(profile: Profile, dims: Dims, *, bits: int, sender: int) -> Cost:
    """d1 d2 (128 + d3 l) bits in profile `paper`, else 1 in place of 128; 2 flights."""
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
    fields, flat = _fields(dims, 1, bits), flags.words.reshape(-1)
    if matrix is None:
        (products,) = await correlated_ot(party, fields, sender=sender, choices=[flat])
        return _sum_rows(products, dims, bits)
    own, added = _own_and_added(flat, matrix, dims, fields[0])
    (products,) = await correlated_ot(party, fields, sender=sender, correlations=[added])
    return _sum_rows(own + products, dims, bits)


def bits_times_rows_both_ways_cost(profile: Profile, dims: Dims, *, bits: int) -> Cost:
    """Twice `bits_times_rows_cost`, in the same flights."""
    return cot_both_ways_cost(profile, _fields(dims, 1, bits))


async def bits_times_rows_both_ways(
    party: Party, flags: BooleanShare, matrix: Words, dims: Dims, *, bits: int
) -> Words:
    """A share of (shared bits) @ (the sum of the parties' matrices) mod 2^bits, (d1, d3).

    Args:
        party: this party.
        flags: share of the bits, (d1, d2).
        matrix: this party's, (d2, d3), words of `bits` bits.
        dims: d1, d2, d3.
        bits: l.
    """
    fields, flat = _fields(dims, 1, bits), flags.words.reshape(-1)
    own, added = _own_and_added(flat, matrix, dims, fields[0])
    (products,) = await cot_both_ways(party, fields, [added], [flat])
    return _sum_rows(own + products, dims, bits)


def _own_and_added(flags: Words, matrix: Words, dims: Dims, field: CotField) -> tuple[Words, Words]:
    """What our half of every bit makes of its row, and what the other's half adds: b0 ^ b1 = b0 + b1 (1 - 2 b0)."""
    rows, ours = np.tile(matrix, (dims[0], 1)), flags[:, None] == 1
    own = np.where(ours, rows, rows.dtype.type(0))
    added = ring.reduce(np.where(ours, np.negative(rows), rows), field.bits)
    return own.reshape(field.shape), added.reshape(field.shape)


# ------------------------------------------------------------ rows


def _fields(dims: Dims, bits: int, out_bits: int) -> list[CotField]:
    d1, d2, d3 = dims
    return [CotField(d1 * d2, out_bits - bit, d3) for bit in range(bits)]


def _sum_rows(products: Words, dims: Dims, bits: int) -> Words:
    """Every number's row, summed over d2."""
    return ring.reduce(products.reshape(dims).sum(axis=1, dtype=products.dtype), bits)


PRIMITIVES = (words_times_rows, words_times_rows_both_ways, bits_times_rows, bits_times_rows_both_ways)
"""Not protocols on shares: they take each party's own half."""
