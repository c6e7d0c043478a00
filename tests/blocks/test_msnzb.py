"""The top nonzero bit where uniform inputs hardly ever have it: every place, alone and with all bits below it."""

from __future__ import annotations

import numpy as np
import pytest

from sirnn import ring
from sirnn.blocks.msnzb import (
    APART,
    msnzb,
    msnzb_bits,
    msnzb_cost,
    msnzb_one_hot,
    msnzb_one_hot_cost,
    normalise,
    normalise_clear,
    normalise_cost,
)
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.errors import LocalError
from sirnn.profile import Profile
from sirnn.session import start_session
from sirnn.shares import ArithmeticShare
from tests.functions.shared import on_shares
from tests.harness import run_both

WIDTHS = [1, 3, 7, 8, 9, 15, 16, 17, 31, 40, 63, 64]


def every_magnitude(bits):
    """0, and for every place its bit alone, with some, and with all bits below; as integers and as words."""
    numbers = [0]
    for place in range(bits):
        numbers += [1 << place, (2 << place) - 1, (1 << place) | (0x5555555555555555 & ((1 << place) - 1))]
    return numbers, np.array(numbers, dtype=np.uint64)


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("zero", [0, APART])
async def test_every_place(bits, zero):
    numbers, words = every_magnitude(bits)
    index_bits = msnzb_bits(bits, zero)

    async def run(party, x):
        profile, n = party.profile, x.size
        return await party.parallel(
            (msnzb_cost(profile, n, bits=bits, zero=zero), lambda p: msnzb(p, x, zero=zero)),
            (msnzb_one_hot_cost(profile, n, bits=bits, zero=zero), lambda p: msnzb_one_hot(p, x, zero=zero)),
            (normalise_cost(profile, n, bits=bits), lambda p: normalise(p, x)),
        )

    async def flat(party, x):
        index, one_hot, (normal, place) = await run(party, x)
        return index, one_hot, normal, place

    index, one_hot, normal, place = await on_shares(flat, (words, bits))
    for number, i, hot, scaled, k in zip(numbers, index, one_hot, normal, place, strict=True):
        top = number.bit_length() - 1
        apart = ring.mask(msnzb_bits(bits, APART))
        assert int(i) == (top if number else zero & ring.mask(index_bits))
        assert int(hot) == (1 << top if number else (1 if zero == 0 else 0))
        assert int(k) == (top if number else apart)
        assert int(scaled) == (number << (bits - 1 - top) if number else 1 << (bits - 1))


@pytest.mark.parametrize("bits", WIDTHS)
def test_the_index_of_zero_apart_is_no_other_index(bits):
    assert bits - 1 < ring.mask(msnzb_bits(bits, APART))
    assert bits - 1 <= ring.mask(msnzb_bits(bits))


def test_the_normalised_value_has_its_top_bit_set():
    value, _ = normalise_clear(np.arange(1 << 9, dtype=np.uint64), bits=9)
    assert np.all(value >> np.uint64(8) == 1)


def test_cost_is_below_the_papers():
    """4,734 bits for a one-hot of 15 bits, were the paper's protocol sent without rounding."""
    assert msnzb_cost(Profile.PAPER, 16384, bits=15).payload * 8 == 16384 * 3282
    assert msnzb_one_hot_cost(Profile.PAPER, 16384, bits=15).payload * 8 == 16384 * 3778


@pytest.mark.parametrize("options", [{"zero": 1}, {"digit_bits": 9}, {"digit_bits": 0}])
async def test_what_it_cannot_do_is_refused(options):
    async def body(channel):
        party = await start_session(channel, randomness=InsecureSeededRandomness(channel.role))
        with pytest.raises(LocalError, match="no index"):
            await msnzb(party, ArithmeticShare(np.zeros(2, np.uint16), 12), **options)

    await run_both(body, body)
