"""AND of shared bits, and a pool of ANDs made ahead.

`bit_and` and `and_common` are one OT on the shares themselves: party 0 offers the answer for every value that party 1's
shares can have. On random shares the same OT makes Beaver triples; `AndPool` makes a batch of them before the bits are
known and then spends them at one flight per layer of gates (SIRNN, section III-A; Beaver, CRYPTO 1991).

Two gates that share an operand come as a pair whose *common* operand gets the common mask. (Putting the common mask on
the operands that differ would open their xor, which in a comparison is a secret.)
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.ot.transfer import OtField, oblivious_transfer, oblivious_transfer_cost
from sirnn.party import SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Bool, Clear, protocol
from sirnn.ring import Words
from sirnn.shares import BooleanShare

Bits: TypeAlias = npt.NDArray[np.uint8]
ONE = np.uint8(1)

# ------------------------------------------------------------ two operands


def bit_and_clear(x: Clear, y: Clear) -> Clear:
    """The and of two bits."""
    return x & y


def bit_and_cost(profile: Profile, n: int) -> Cost:
    """One 1-of-16 OT of 2 bits for every two gates: 144 bits a gate, 2 flights."""
    return oblivious_transfer_cost(profile, [OtField(-(-n // 2), 16, 2)], sender=SERVER)


@protocol(takes=(Bool(), Bool()), gives=(Bool(),), clear=bit_and_clear, cost=bit_and_cost, examples=[{}])
async def bit_and(party: Party, x: BooleanShare, y: BooleanShare) -> BooleanShare:
    """AND of shared bits, two gates to an OT. Arrays of one shape. 144 bits a gate, 2 flights."""
    n, pairs = x.size, -(-x.size // 2)
    field = [OtField(pairs, 16, 2)]
    # Two gates a row; an odd last gate gets an idle partner.
    a, b = (_padded(_flat(share), 2 * pairs).reshape(pairs, 2) for share in (x, y))
    if not party.is_server:
        choice = _number(a[:, 0], b[:, 0], a[:, 1], b[:, 1])
        (received,) = await oblivious_transfer(party, field, sender=SERVER, choices=[choice])
        out = np.stack(_bits_of(received, 2), axis=1)
    else:
        out = party.randomness.bits((pairs, 2))
        a1, b1, c1, d1 = _bits_of(np.arange(16, dtype=np.uint8), 4)
        first = (a[:, :1] ^ a1) & (b[:, :1] ^ b1) ^ out[:, :1]
        second = (a[:, 1:] ^ c1) & (b[:, 1:] ^ d1) ^ out[:, 1:]
        await oblivious_transfer(party, field, sender=SERVER, messages=[_number(first, second)])
    return BooleanShare(out.reshape(-1)[:n].reshape(x.shape))


# ------------------------------------------------------------ one operand in common


def and_common_clear(common: Clear, x: Clear, y: Clear) -> tuple[Clear, Clear]:
    """Both products with the common operand."""
    return common & x, common & y


def and_common_cost(profile: Profile, n: int) -> Cost:
    """One 1-of-8 OT of 2 bits for each two gates: 272 bits, 2 flights."""
    return oblivious_transfer_cost(profile, [OtField(n, 8, 2)], sender=SERVER)


@protocol(
    takes=(Bool(), Bool(), Bool()), gives=(Bool(), Bool()), clear=and_common_clear, cost=and_common_cost, examples=[{}]
)
async def and_common(
    party: Party, common: BooleanShare, x: BooleanShare, y: BooleanShare
) -> tuple[BooleanShare, BooleanShare]:
    """AND of a common operand with each of two others. 272 bits for both, 2 flights."""
    field = [OtField(common.size, 8, 2)]
    a, b, c = (_flat(share).reshape(-1, 1) for share in (common, x, y))
    if not party.is_server:
        (received,) = await oblivious_transfer(party, field, sender=SERVER, choices=[_number(a, b, c)[:, 0]])
        out = _bits_of(received, 2)
    else:
        out = [party.randomness.bits(common.size) for _ in range(2)]
        a1, b1, c1 = _bits_of(np.arange(8, dtype=np.uint8), 3)
        first = (a ^ a1) & (b ^ b1) ^ out[0][:, None]
        second = (a ^ a1) & (c ^ c1) ^ out[1][:, None]
        await oblivious_transfer(party, field, sender=SERVER, messages=[_number(first, second)])
    return BooleanShare(out[0].reshape(common.shape)), BooleanShare(out[1].reshape(common.shape))


# ------------------------------------------------------------ made ahead


class AndPool:
    """ANDs of random bits, spent one layer of gates at a time. Each is used once.

    A single gate opens 2 bits a party, a pair with a common operand 3.
    """

    def __init__(self, singles: list[Bits], pairs: list[Bits]) -> None:
        self._singles = singles
        self._pairs = pairs

    @classmethod
    async def make(cls, party: Party, singles: int, pairs: int) -> AndPool:
        """Make that many single gates and pairs; the cost is `and_pool_cost`."""
        a, b = (BooleanShare(party.randomness.bits(singles)) for _ in range(2))
        d, e, f = (BooleanShare(party.randomness.bits(pairs)) for _ in range(3))
        if pairs:
            c, (g, h) = await party.parallel(lambda p: bit_and(p, a, b), lambda p: and_common(p, d, e, f))
        else:
            c, g, h = await bit_and(party, a, b), d, d
        return cls([_flat(share) for share in (a, b, c)], [_flat(share) for share in (d, e, f, g, h)])

    async def gates(
        self, party: Party, single: tuple[Bits, Bits], pair: tuple[Bits, Bits, Bits]
    ) -> tuple[Bits, tuple[Bits, Bits]]:
        """One layer: the ands of `single`, and of `pair[0]` with each of the other two. One flight."""
        self._singles, (a, b, c) = _take(self._singles, single[0].size)
        self._pairs, (d, e, f, g, h) = _take(self._pairs, pair[0].size)
        masked = [single[0] ^ a, single[1] ^ b, pair[0] ^ d, pair[1] ^ e, pair[2] ^ f]
        mine = np.concatenate(masked)
        packed = np.packbits(mine, bitorder="little").tobytes()
        theirs = np.frombuffer(await party.channel.exchange(packed, len(packed)), dtype=np.uint8)
        opened = mine ^ np.unpackbits(theirs, count=mine.size, bitorder="little")
        x, y, u, v, w = np.split(opened, np.cumsum([len(part) for part in masked])[:-1])
        # (x ^ a)(y ^ b) = xy ^ xb ^ ya ^ ab with x, y opened; the constant term goes to one party.
        one = ONE if party.is_server else np.uint8(0)
        product = c ^ x & b ^ y & a ^ one & x & y
        left = g ^ u & e ^ v & d ^ one & u & v
        right = h ^ u & f ^ w & d ^ one & u & w
        return product, (left, right)


def and_pool_cost(profile: Profile, singles: int, pairs: int) -> Cost:
    """Making an `AndPool`; spending it is `and_gates_cost` per layer."""
    ones = bit_and_cost(profile, singles)
    return ones | and_common_cost(profile, pairs) if pairs else ones


def and_gates_cost(singles: int, pairs: int) -> Cost:
    """One layer of gates out of a pool: one exchange."""
    return Cost.exchange(2 * singles + 3 * pairs)


def _flat(share: BooleanShare) -> Bits:
    return share.words.reshape(-1).astype(np.uint8, copy=False)


def _padded(bits: Bits, length: int) -> Bits:
    return np.concatenate([bits, np.zeros(length - bits.size, dtype=np.uint8)])


def _number(*bits: Bits) -> Bits:
    """The number with these bits, lowest first."""
    number = bits[0]
    for place, bit in enumerate(bits[1:], start=1):
        number = number | bit << np.uint8(place)
    return number


def _bits_of(numbers: Words, count: int) -> list[Bits]:
    """The lowest bits of each number, lowest first."""
    return [(numbers >> numbers.dtype.type(place)).astype(np.uint8) & ONE for place in range(count)]


def _take(pool: list[Bits], count: int) -> tuple[list[Bits], list[Bits]]:
    """What is left of the pool, and its first `count` gates."""
    if pool[0].size < count:
        raise LocalError(f"the pool has {pool[0].size} ANDs left and {count} are asked for", remedy="make more ahead")
    return [part[count:] for part in pool], [part[:count] for part in pool]
