"""In and out of sharing: a party's own value as a share, and a share opened to one party."""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.cost import Cost
from sirnn.kernels.bitpack import pack, packed_bytes, unpack
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Opened, protocol
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, PrivateValue


def share_input(party: Party, value: PrivateValue) -> ArithmeticShare:
    """A share of what one party knows: the value beside zero. Local and free.

    It is as good as a masked sharing: the owner knows the value anyway, and the other party's half says nothing.
    """
    if value.owner == party.role:
        return ArithmeticShare(value.known(), value.bits)
    return ArithmeticShare(np.zeros(value.shape, dtype=ring.dtype_for(value.bits)), value.bits)


def reveal_clear(x: Clear) -> Clear:
    """The value."""
    return x


def reveal_cost(_profile: Profile, n: int, *, bits: int, to: int) -> Cost:
    """One message of n * bits bits."""
    return Cost.message(1 - to, n * bits)


@protocol(
    takes=(Arith("bits"),),
    gives=(Opened("bits"),),
    clear=reveal_clear,
    cost=reveal_cost,
    examples=[{"bits": bits, "to": to} for bits in (1, 3, 8, 27, 64) for to in (SERVER, CLIENT)],
)
async def reveal(party: Party, x: ArithmeticShare, *, to: int) -> Words | None:
    """The words of x at party `to`, None at the other, which learns nothing. One flight."""
    if party.role != to:
        await party.channel.send(pack([(x.words.reshape(-1), x.bits)]))
        return None
    field = [(x.size, x.bits)]
    (theirs,) = unpack(await party.channel.recv(packed_bytes(field)), field)
    return ring.reduce(x.words + theirs.reshape(x.shape), x.bits)
