"""Where one party's numbers meet the other party's matrix: what every matrix product sends.

The bits of the numbers are the choices and rows of the matrix the correlations, so that all messages of a row share the
overhead of one OT. Bit i of a number contributes l - i bits a message (SIRNN, section III-D, batched by rows). Both go
one way, the matrix known to one party, or both ways at once, each party with half of either factor.

There are as many messages as multiplications, so they are made, sent and added up a block at a time.
"""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.blocks.multiplication import bit_planes
from sirnn.blocks.sums import WeightedSums
from sirnn.cost import Cost
from sirnn.ot.correlated import (
    Correlate,
    correlated_ot_cost,
    cot_both_ways_cost,
    stream_correlated_ot,
    stream_cot_both_ways,
)
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
    fields, sums = _fields(dims, bits, out_bits), _sums(dims, out_bits)
    if party.role != sender:
        planes = bit_planes(mine.reshape(-1), bits)
        await stream_correlated_ot(party, fields, sums.add, sender=sender, choices=planes)
    else:
        negated = bits - 1 if top_negative else None
        correlate = _rows_of(mine, negated_field=negated)
        await stream_correlated_ot(party, fields, sums.add, sender=sender, correlate=correlate)
    return sums.reduced()


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
    fields, sums = _fields(dims, bits, out_bits), _sums(dims, out_bits)
    await stream_cot_both_ways(party, fields, _rows_of(matrix), bit_planes(words.reshape(-1), bits), sums.add)
    return sums.reduced()


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
    fields, sums, flat = _fields(dims, 1, bits), _sums(dims, bits), flags.words.reshape(-1)
    if matrix is None:
        await stream_correlated_ot(party, fields, sums.add, sender=sender, choices=[flat])
        return sums.reduced()
    await stream_correlated_ot(party, fields, sums.add, sender=sender, correlate=_signed_rows(flat, matrix))
    return ring.reduce(_own(flags, matrix) + sums.reduced(), bits)


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
    fields, sums, flat = _fields(dims, 1, bits), _sums(dims, bits), flags.words.reshape(-1)
    await stream_cot_both_ways(party, fields, _signed_rows(flat, matrix), [flat], sums.add)
    return ring.reduce(_own(flags, matrix) + sums.reduced(), bits)


def _own(flags: BooleanShare, matrix: Words) -> Words:
    """What our halves of the bits make of the rows, summed over d2."""
    own: Words = flags.words.astype(matrix.dtype) @ matrix
    return own


def _signed_rows(flags: Words, matrix: Words) -> Correlate:
    """What the other's half of a bit adds to its row: b0 ^ b1 = b0 + b1 (1 - 2 b0)."""
    rows_of = _rows_of(matrix)

    def rows(index: int, part: slice) -> Words:
        rows = rows_of(index, part)
        return np.where(flags[part, None] == 1, np.negative(rows), rows)

    return rows


# ------------------------------------------------------------ rows


def _fields(dims: Dims, bits: int, out_bits: int) -> list[CotField]:
    d1, d2, d3 = dims
    return [CotField(d1 * d2, out_bits - bit, d3) for bit in range(bits)]


def _rows_of(matrix: Words, *, negated_field: int | None = None) -> Correlate:
    """The matrix over and over again, d1 times in all, for every field; its rows are negated in one of them."""
    depth = len(matrix)

    def rows(index: int, part: slice) -> Words:
        rows: Words = matrix[np.arange(part.start, part.stop) % depth]
        return np.negative(rows) if index == negated_field else rows

    return rows


def _sums(dims: Dims, bits: int) -> WeightedSums:
    """Every number's row, summed over d2."""
    return WeightedSums((dims[0], dims[2]), bits, depth=dims[1])


PRIMITIVES = (words_times_rows, words_times_rows_both_ways, bits_times_rows, bits_times_rows_both_ways)
"""Not protocols on shares: they take each party's own half."""
