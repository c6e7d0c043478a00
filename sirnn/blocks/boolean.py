"""AND of shared bits, and a pool of ANDs of random bits.

A gate is one flight out of a pool of Beaver triples, ANDs of random bits (Beaver, CRYPTO 1991). Where random OTs are
made ahead, a triple is two of them and nothing is sent for it. In profile `paper` an AND is one OT on the shares
themselves: party 0 offers the answer for every value that party 1's shares can have. On random shares the same OT
makes a batch of triples for a pool, before the bits are known (SIRNN, section III-A).

Two gates that share an operand come as a pair whose *common* operand gets the common mask. (Putting the common mask on
the operands that differ would open their xor, which in a comparison is a secret.)
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sirnn.correlations.triples import and_triples, and_triples_cost
from sirnn.cost import Cost, remembered
from sirnn.crypto.confined import Confined
from sirnn.errors import LocalError
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
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
    """In profile `paper` one 1-of-16 OT of 2 bits for every two gates: 144 bits a gate, 2 flights. Else 4 bits, 1."""
    if profile.ahead:
        return and_pool_cost(profile, n, 0) + and_gates_cost(n, 0)
    return oblivious_transfer_cost(profile, [OtField(-(-n // 2), 16, 2)], sender=SERVER)


@protocol(takes=(Bool(), Bool()), gives=(Bool(),), clear=bit_and_clear, cost=bit_and_cost, examples=[{}])
async def bit_and(party: Party, x: BooleanShare, y: BooleanShare) -> BooleanShare:
    """AND of shared bits, arrays of one shape. 4 bits a gate, 1 flight; in profile `paper` 144 bits, 2 flights."""
    if party.profile.ahead:
        product, _ = await (await AndPool.make(party, x.size, 0)).gates(party, (_flat(x), _flat(y)), NO_PAIRS)
        return BooleanShare(product.reshape(x.shape))
    n, pairs = x.size, -(-x.size // 2)
    field = [OtField(pairs, 16, 2)]
    # Two gates a row; an odd last gate gets an idle partner.
    a, b = (_padded(_flat(share), 2 * pairs).reshape(pairs, 2) for share in (x, y))
    if party.is_server:
        a1, b1, c1, d1 = _bits_of(np.arange(16, dtype=np.uint8), 4)
        first = (a[:, :1] ^ a1) & (b[:, :1] ^ b1)
        second = (a[:, 1:] ^ c1) & (b[:, 1:] ^ d1)
        (out,) = await oblivious_transfer(party, field, sender=SERVER, messages=[_number(first, second)])
    else:
        choice = _number(a[:, 0], b[:, 0], a[:, 1], b[:, 1])
        (out,) = await oblivious_transfer(party, field, sender=SERVER, choices=[choice])
    return BooleanShare(np.stack(_bits_of(out, 2), axis=1).reshape(-1)[:n].reshape(x.shape))


# ------------------------------------------------------------ one operand in common


def and_common_clear(common: Clear, x: Clear, y: Clear) -> tuple[Clear, Clear]:
    """Both products with the common operand."""
    return common & x, common & y


def and_common_cost(profile: Profile, n: int) -> Cost:
    """In profile `paper` one 1-of-8 OT of 2 bits for each two gates: 272 bits, 2 flights. Else 6 bits, 1 flight."""
    if profile.ahead:
        return and_pool_cost(profile, 0, n) + and_gates_cost(0, n)
    return oblivious_transfer_cost(profile, [OtField(n, 8, 2)], sender=SERVER)


@protocol(
    takes=(Bool(), Bool(), Bool()), gives=(Bool(), Bool()), clear=and_common_clear, cost=and_common_cost, examples=[{}]
)
async def and_common(
    party: Party, common: BooleanShare, x: BooleanShare, y: BooleanShare
) -> tuple[BooleanShare, BooleanShare]:
    """AND of a common operand with each of two others. 6 bits for both, 1 flight; in profile `paper` 272, 2 flights."""
    if party.profile.ahead:
        pool = await AndPool.make(party, 0, common.size)
        _, (left, right) = await pool.gates(party, NO_SINGLES, (_flat(common), _flat(x), _flat(y)))
        return BooleanShare(left.reshape(common.shape)), BooleanShare(right.reshape(common.shape))
    field = [OtField(common.size, 8, 2)]
    a, b, c = (_flat(share).reshape(-1, 1) for share in (common, x, y))
    if party.is_server:
        a1, b1, c1 = _bits_of(np.arange(8, dtype=np.uint8), 3)
        message = _number((a ^ a1) & (b ^ b1), (a ^ a1) & (c ^ c1))
        (out,) = await oblivious_transfer(party, field, sender=SERVER, messages=[message])
    else:
        (out,) = await oblivious_transfer(party, field, sender=SERVER, choices=[_number(a, b, c)[:, 0]])
    left, right = _bits_of(out, 2)
    return BooleanShare(left.reshape(common.shape)), BooleanShare(right.reshape(common.shape))


# ------------------------------------------------------------ out of a pool

NONE = np.zeros(0, dtype=np.uint8)
NO_SINGLES = (NONE, NONE)
NO_PAIRS = (NONE, NONE, NONE)


class AndPool(Confined):
    """ANDs of random bits, spent one layer of gates at a time. Each is used once.

    A single gate opens 2 bits a party, a pair with a common operand 3.
    """

    def __init__(self, singles: list[Bits], pairs: list[Bits]) -> None:
        self._singles = singles
        self._pairs = pairs

    @classmethod
    async def make(cls, party: Party, singles: int, pairs: int) -> AndPool:
        """Make that many single gates and pairs; the cost is `and_pool_cost`."""
        if party.profile.ahead:
            return cls(*await and_triples(party, singles, pairs))
        a, b = (BooleanShare(party.randomness.bits(singles)) for _ in range(2))
        d, e, f = (BooleanShare(party.randomness.bits(pairs)) for _ in range(3))
        if pairs:
            c, (g, h) = await party.parallel(
                (bit_and_cost(party.profile, singles), lambda p: bit_and(p, a, b)),
                (and_common_cost(party.profile, pairs), lambda p: and_common(p, d, e, f)),
            )
        else:
            c, g, h = await bit_and(party, a, b), d, d
        return cls([_flat(share) for share in (a, b, c)], [_flat(share) for share in (d, e, f, g, h)])

    async def gates(
        self, party: Party, single: tuple[Bits, Bits], pair: tuple[Bits, Bits, Bits]
    ) -> tuple[Bits, tuple[Bits, Bits]]:
        """One layer: the ands of `single`, and of `pair[0]` with each of the other two. One flight."""
        self.bind(party.session)
        self._singles, (a, b, c) = _take(self._singles, single[0].size)
        self._pairs, (d, e, f, g, h) = _take(self._pairs, pair[0].size)
        mine = np.concatenate([single[0] ^ a, single[1] ^ b, pair[0] ^ d, pair[1] ^ e, pair[2] ^ f])
        packed = np.packbits(mine, bitorder="little").tobytes()
        theirs = np.frombuffer(await party.channel.exchange(packed, len(packed)), dtype=np.uint8)
        opened = mine ^ np.unpackbits(theirs, count=mine.size, bitorder="little")
        x, y = opened[: 2 * a.size].reshape(2, -1)
        u, v, w = opened[2 * a.size :].reshape(3, -1)
        # (x ^ a)(y ^ b) = xy ^ xb ^ ya ^ ab with x, y opened; the constant term goes to one party.
        one = ONE if party.is_server else np.uint8(0)
        product = c ^ x & b ^ y & a ^ one & x & y
        left = g ^ u & e ^ v & d ^ one & u & v
        right = h ^ u & f ^ w & d ^ one & u & w
        return product, (left, right)


@remembered(512)
def and_pool_cost(profile: Profile, singles: int, pairs: int) -> Cost:
    """Making an `AndPool`; spending it is `and_gates_cost` per layer."""
    if profile.ahead:
        return and_triples_cost(profile, singles, pairs)
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
