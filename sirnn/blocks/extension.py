"""Extension: the same value in a wider ring.

x = x0 + x1 - 2^m wrap(x0, x1) over the integers, so widening is a wrap and its B2A (SIRNN, section III-B).
A signed value is shifted by half the ring first, which makes it an unsigned one.

Where OTs are made ahead and the top bit is public, the wrap is had as a number at once: with m0, m1 the halves' own
top bits it is m0 + m1 - m0 m1 if the top bit is 0 and m0 m1 if it is 1, and m0 m1 is one COT.
"""

from __future__ import annotations

from sirnn import ring
from sirnn.blocks.comparison import KnownMsb, invert_known, wrap, wrap_cost
from sirnn.blocks.conversion import b2a, b2a_cost
from sirnn.cost import FREE, Cost, remembered
from sirnn.errors import LocalError
from sirnn.ot.correlated import correlated_ot, correlated_ot_cost
from sirnn.ot.fields import CotField
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.protocol import Arith, Clear, Msb, protocol
from sirnn.shares import ArithmeticShare

EXAMPLES = [
    {"bits": narrow, "out_bits": wide, "msb": msb}
    for narrow, wide in ((1, 3), (3, 4), (4, 4), (5, 9), (8, 16), (16, 37), (33, 64))
    for msb in ("unknown", "zero", "one", "shared")
] + [{"bits": 4, "out_bits": 7, "msb": "zero", "sender": CLIENT}]


def zero_extend_clear(x: Clear) -> Clear:
    """The same unsigned number."""
    return x


def sign_extend_clear(x: Clear, *, bits: int) -> Clear:
    """The same signed number."""
    return ring.to_signed(x, bits).view("uint64")


@remembered(512)
def extend_cost(
    profile: Profile, n: int, *, bits: int, out_bits: int, msb: str = "unknown", sender: int = SERVER
) -> Cost:
    """A wrap of `bits` and a B2A to out_bits - bits; free if the width stays.

    In the profiles that make OTs ahead a public top bit makes it 1 + out_bits - bits bits and a COT, 2 flights.
    """
    if out_bits == bits:
        return FREE
    if profile.ahead and msb in ("zero", "one"):
        return correlated_ot_cost(profile, [CotField(n, out_bits - bits)], sender=sender)
    return wrap_cost(profile, n, bits=bits, msb=msb) + b2a_cost(profile, n, bits=out_bits - bits, sender=sender)


@protocol(
    takes=(Arith("bits"), Msb()),
    gives=(Arith("out_bits"),),
    clear=zero_extend_clear,
    cost=extend_cost,
    examples=EXAMPLES,
)
async def zero_extend(
    party: Party, x: ArithmeticShare, msb: KnownMsb = None, *, out_bits: int, sender: int = SERVER
) -> ArithmeticShare:
    """The unsigned value of x in a ring of `out_bits` bits.

    Args:
        party: this party.
        x: any share.
        msb: what is known of its top bit.
        out_bits: width of the result.
        sender: of the last OT.

    Raises:
        LocalError: `out_bits` is narrower than x.
    """
    if out_bits < x.bits:
        raise LocalError(f"cannot extend {x!r} to {out_bits} bits", remedy="use reduce")
    if out_bits == x.bits:
        return x
    missing = out_bits - x.bits
    if party.profile.ahead and isinstance(msb, int):
        wrapped = await _wrap_from_public(party, x, msb, missing, sender)
    else:
        wrapped = await b2a(party, await wrap(party, x, msb), bits=missing, sender=sender)
    wide = ring.reduce(x.words, out_bits)
    carry = ring.reduce(wrapped.words, out_bits) << wide.dtype.type(x.bits)
    return ArithmeticShare(ring.reduce(wide - carry, out_bits), out_bits)


async def _wrap_from_public(party: Party, x: ArithmeticShare, msb: int, bits: int, sender: int) -> ArithmeticShare:
    """Whether the halves wrap, modulo 2^bits, for a public top bit."""
    field, top = [CotField(x.size, bits)], ring.top_bit(x.words, x.bits)
    own, flat = ring.reduce(top, bits), top.reshape(-1)
    if party.role == sender:
        (half,) = await correlated_ot(party, field, sender=sender, correlations=[ring.reduce(flat, bits)])
    else:
        (half,) = await correlated_ot(party, field, sender=sender, choices=[flat])
    both = half.reshape(x.shape)
    return ArithmeticShare(both if msb else ring.reduce(own - both, bits), bits)


@protocol(
    takes=(Arith("bits"), Msb()),
    gives=(Arith("out_bits"),),
    clear=sign_extend_clear,
    cost=extend_cost,
    examples=EXAMPLES,
)
async def sign_extend(
    party: Party, x: ArithmeticShare, msb: KnownMsb = None, *, out_bits: int, sender: int = SERVER
) -> ArithmeticShare:
    """The signed value of x in a ring of `out_bits` bits; `msb` is what is known of its sign, else as `zero_extend`."""
    if out_bits == x.bits:
        return x
    offset = 1 << (x.bits - 1)
    shifted = x + party.constant(offset, x.bits, x.shape)
    wide = await zero_extend(party, shifted, invert_known(party, msb), out_bits=out_bits, sender=sender)
    return wide - party.constant(offset, out_bits, x.shape)
