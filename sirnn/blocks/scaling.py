"""Scaling: a share times a public table's entry at a shared index.

x T[i] = x0 T[i] + x1 T[i], and each party can offer its own term for every half the other may have of i: a 1-of-2^m OT
each way, at once. For a shift by a secret amount that is far less than looking 2^i up and multiplying: at 15 bits and
16 places 992 bits in place of 4,080 for the product alone. An offset that depends on the index rides along for free.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sirnn import ring
from sirnn.blocks.lookup import WIDEST, candidates
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Params, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare


def scale_clear(x: Clear, index: Clear, *, factors: Sequence[int], offsets: Sequence[int] | None = None) -> Clear:
    """x * factors[index] + offsets[index], modulo 2^64."""
    scaled: Clear = x * _table(factors)[index]
    return scaled if offsets is None else scaled + _table(offsets)[index]


def scale_cost(profile: Profile, n: int, *, bits: int, index_bits: int) -> Cost:
    """A 1-of-2^m OT of `bits` each way, 2 flights.

    For m > 1, 2 (256 + 2^m bits) bits in profile `paper`, else 2 (m + (2^m - 1) bits).
    """
    fields = _fields(n, bits, index_bits)
    return parallel(*(oblivious_transfer_cost(profile, fields, sender=sender) for sender in (SERVER, CLIENT)))


def _fields(n: int, bits: int, index_bits: int) -> list[OtField]:
    return [OtField(n, 1 << index_bits, bits, additive=(bits,))]


def _example(bits: int, index_bits: int, *, offset: bool) -> Params:
    count = 1 << index_bits
    factors = [pow(3, place + 20) for place in range(count)]
    offsets = [7 * place + 1 for place in range(count)] if offset else None
    return {"bits": bits, "index_bits": index_bits, "factors": factors, "offsets": offsets}


@protocol(
    takes=(Arith("bits"), Arith("index_bits")),
    gives=(Arith("bits"),),
    clear=scale_clear,
    cost=scale_cost,
    examples=[
        _example(bits, index_bits, offset=offset)
        for bits, index_bits in ((3, 1), (5, 2), (15, 4), (33, 5), (64, 7))
        for offset in (False, True)
    ],
)
async def scale(
    party: Party,
    x: ArithmeticShare,
    index: ArithmeticShare,
    *,
    factors: Sequence[int],
    offsets: Sequence[int] | None = None,
) -> ArithmeticShare:
    """x * factors[index] + offsets[index], in the ring of x. 2 flights.

    Args:
        party: this party.
        x: any share.
        index: share of the same shape, of at most 8 bits.
        factors: 2^index.bits public integers.
        offsets: as many, or None for none.

    Raises:
        LocalError: the shapes differ, the index is too wide, or a table has not an entry for each of its values.
    """
    tables = [table for table in (factors, offsets) if table is not None]
    if x.shape != index.shape or index.bits > WIDEST or any(len(table) != 1 << index.bits for table in tables):
        raise LocalError(
            f"tables of lengths {[len(table) for table in tables]} for {x!r} at {index!r}",
            remedy=f"give shares of one shape, at most {WIDEST} index bits, and 2^bits entries in each table",
        )
    # What both parties' terms add up to holds the offset once.
    mine = offsets if party.is_server else None
    at = candidates(index.words.reshape(-1), index.bits)
    terms = scale_clear(x.words.reshape(-1, 1).astype(np.uint64), at, factors=factors, offsets=mine)
    message = ring.reduce(terms, x.bits)
    fields, flat = _fields(x.size, x.bits, index.bits), index.words.reshape(-1)

    async def one_way(p: Party, sender: int) -> Words:
        mine = {"messages": [message]} if p.role == sender else {"choices": [flat]}
        (half,) = await oblivious_transfer(p, fields, sender=sender, **mine)
        return half

    costs = [oblivious_transfer_cost(party.profile, fields, sender=sender) for sender in (SERVER, CLIENT)]
    first, second = await party.parallel(
        (costs[SERVER], lambda p: one_way(p, SERVER)), (costs[CLIENT], lambda p: one_way(p, CLIENT))
    )
    return ArithmeticShare(ring.reduce(first + second, x.bits).reshape(x.shape), x.bits)


def _table(integers: Sequence[int]) -> Clear:
    """Integers of any size, modulo 2^64."""
    return np.array([integer & ring.mask(ring.MAX_BITS) for integer in integers], dtype=np.uint64)


# ------------------------------------------------------------ powers of two


def power_shift(exponents: Sequence[int | None]) -> int:
    """Places by which the smallest of these powers of two is below 1."""
    return max(0, *(-exponent for exponent in exponents if exponent is not None))


def _factors(exponents: Sequence[int | None]) -> list[int]:
    shift = power_shift(exponents)
    return [0 if exponent is None else 1 << (exponent + shift) for exponent in exponents]


def scale_by_power_clear(x: Clear, index: Clear, *, bits: int, exponents: Sequence[int | None]) -> Clear:
    """floor(x 2^exponents[index]) for x modulo 2^bits; 0 where there is no exponent."""
    scaled = scale_clear(x, index, factors=_factors(exponents)) & np.uint64(ring.mask(bits))
    return scaled >> np.uint64(power_shift(exponents))


def scale_by_power_cost(
    profile: Profile, n: int, *, bits: int, index_bits: int, exponents: Sequence[int | None]
) -> Cost:
    """Scaling, and a truncation by `power_shift`."""
    scaled = scale_cost(profile, n, bits=bits, index_bits=index_bits)
    return scaled + truncate_reduce_cost(profile, n, bits=bits, shift=power_shift(exponents))


@protocol(
    takes=(Arith("bits"), Arith("index_bits")),
    gives=(Arith(lambda p: p["bits"] - power_shift(p["exponents"])),),
    clear=scale_by_power_clear,
    cost=scale_by_power_cost,
    examples=[
        {"bits": 5, "index_bits": 2, "exponents": [1, 0, -2, None]},
        {"bits": 4, "index_bits": 1, "exponents": [0, 3]},
        {"bits": 17, "index_bits": 4, "exponents": [place // 2 - 1 for place in range(16)]},
        {"bits": 64, "index_bits": 5, "exponents": [*range(-20, 11), None]},
    ],
)
async def scale_by_power(
    party: Party, x: ArithmeticShare, index: ArithmeticShare, *, exponents: Sequence[int | None]
) -> ArithmeticShare:
    """floor(x 2^exponents[index]), exactly, in a ring that is `power_shift(exponents)` bits narrower than that of x.

    Args:
        party: this party.
        x: any share; what is shifted out of its ring at the top is lost, so widen it first.
        index: share of the same shape, of at most 8 bits.
        exponents: 2^index.bits public integers, or None where the result is to be 0.

    Raises:
        LocalError: as `scale` and `truncate_reduce`.
    """
    scaled = await scale(party, x, index, factors=_factors(exponents))
    return await truncate_reduce(party, scaled, shift=power_shift(exponents))
