"""Protocols that compute the right thing and give something away are told so, and told where."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.privacy.check import check_privacy
from simulator.privacy.views import dependence
from sirnn import ring
from sirnn.cost import Cost
from sirnn.kernels.bitpack import pack, unpack
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
from sirnn.profile import Profile
from sirnn.protocol import Arith, Private, ProtocolSpec
from sirnn.shares import ArithmeticShare

BITS = 16


ONE, TWO = (Arith(BITS),), (Arith(BITS), Arith(BITS))


def spec_of(run, cost, *, takes=ONE):
    """A protocol that gives its (first) input back, registered nowhere."""
    return ProtocolSpec(
        run.__name__, run, lambda *inputs: inputs[0], cost, takes, lambda _: (Arith(BITS),), ({},), None, tuple(Profile)
    )


async def swapped(party, *halves):
    """Both parties say these words and hear the other's."""
    mine = pack([(half.reshape(-1), BITS) for half in halves])
    theirs = await party.channel.exchange(mine, len(mine))
    return unpack(theirs, [(half.size, BITS) for half in halves])


async def sends_its_share(party, x):
    await swapped(party, x.words)
    return x


async def sends_a_private_input(party, x):
    if party.is_server:
        await party.channel.send(pack([(x.known().reshape(-1), BITS)]))
        return ArithmeticShare(x.known(), BITS)
    await party.channel.recv(2 * int(np.prod(x.shape)))
    return ArithmeticShare(np.zeros(x.shape, np.uint16), BITS)


async def masks_two_values_alike(party, x, y):
    mask = party.randomness.words(x.shape, BITS)
    await swapped(party, ring.reduce(x.words - mask, BITS), ring.reduce(y.words - mask, BITS))
    return x


async def masks_by_what_both_know(party, x):
    # Uniform, and no secret: whoever knows the session's name takes it off.
    key = np.frombuffer(party.fresh_key("mask"), np.uint64)
    mask = ring.reduce(key[0] * np.arange(1, x.size + 1, dtype=np.uint64), BITS).reshape(x.shape)
    await swapped(party, ring.reduce(x.words + mask, BITS))
    return x


async def masks_three_values_by_two(party, x, y):
    a, b = (party.randomness.words(x.shape, BITS) for _ in range(2))
    await swapped(party, x.words ^ a, y.words ^ b, x.words ^ y.words ^ a ^ b)
    return x


async def leaves_the_top_bit_bare(party, x):
    mask = party.randomness.words(x.shape, BITS - 1)
    await swapped(party, x.words ^ mask.astype(np.uint16))
    return x


async def transfers_its_share(party, x):
    field = OtField(x.size, 2, BITS)
    if party.is_server:
        messages = np.stack([x.words.reshape(-1), x.words.reshape(-1)], axis=1)
        # The receiver's half is the message itself, for the sender says its own.
        (half,) = await oblivious_transfer(party, [field], sender=0, messages=[messages])
        await party.channel.send(pack([(half, BITS)]))
    else:
        (half,) = await oblivious_transfer(party, [field], sender=0, choices=[np.zeros(x.size, np.uint8)])
        unpack(await party.channel.recv(2 * x.size), [(x.size, BITS)])
    return x


def swapping(words):
    """The cost of an exchange of so many words for each instance."""
    return lambda _, n: Cost.exchange(words * BITS * n)


def telling_cost(_, n):
    return Cost.message(0, BITS * n)


def transfer_cost(profile, n):
    return oblivious_transfer_cost(profile, [OtField(n, 2, BITS)], sender=0) + Cost.message(0, BITS * n)


MISTAKES = [
    (spec_of(sends_its_share, swapping(1)), "depends on the other party's input"),
    (
        spec_of(sends_a_private_input, lambda _, n: Cost.message(0, BITS * n), takes=(Private(BITS, owner=0),)),
        "depends",
    ),
    (spec_of(masks_two_values_alike, swapping(2), takes=TWO), "coincide"),
    (spec_of(masks_by_what_both_know, swapping(1)), "randomness"),
    (spec_of(masks_three_values_by_two, swapping(3), takes=TWO), "add up to a constant"),
    (spec_of(leaves_the_top_bit_bare, swapping(1)), "depends on the other party's input"),
    (spec_of(transfers_its_share, transfer_cost), "coincide"),
]


@pytest.mark.parametrize(("spec", "said"), MISTAKES, ids=lambda each: getattr(each, "name", ""))
async def test_a_mistake_is_told(spec, said):
    found = await check_privacy(spec, {}, Profile.PAPER)
    assert any(said in what for what in found), found
    assert all(what.startswith("party ") for what in found)


async def test_sizes_that_depend_on_an_input_are_told():
    async def says_more_of_odd_values(party, x):
        odd = int(x.words.reshape(-1)[0] & 1)
        theirs = await party.channel.exchange(bytes([odd]), 1)
        await party.channel.exchange(bytes(odd), theirs[0])
        return x

    found = await check_privacy(spec_of(says_more_of_odd_values, swapping(1)), {}, Profile.PAPER)
    assert any("sizes or order" in what for what in found)


def test_a_relation_of_any_number_of_bits_is_found():
    bits = np.random.default_rng(1).integers(0, 2, (200, 150), dtype=np.uint8)
    assert not dependence(bits).any()
    bits[:, 77] = bits[:, 3] ^ bits[:, 50] ^ bits[:, 120]
    assert list(np.flatnonzero(dependence(bits))) == [3, 50, 77, 120]
