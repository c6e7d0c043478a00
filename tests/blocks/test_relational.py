"""Comparisons of values with headroom: right for every value that is declared, and cheaper."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.check import Case
from sirnn import ring
from sirnn.blocks.comparison import msb_cost
from sirnn.blocks.relational import less_than_cost, maximum_cost, maxpool_cost
from sirnn.blocks.selection import argmax_cost
from sirnn.correlations.kinds import price
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY
from tests.blocks.test_split_lookup import check_ahead

LEAN = Profile.LEAN


@pytest.mark.parametrize("name", ["less_than", "maximum"])
@pytest.mark.parametrize(("bits", "headroom"), [(3, 1), (4, 1), (4, 2), (4, 3), (5, 3)])
async def test_every_signed_pair_and_every_sharing(name, bits, headroom):
    """The registry's own examples have no negative values with headroom, which are no run of words."""
    most = 1 << (bits - 1 - headroom)
    values, masks = np.arange(-most, most), np.arange(1 << bits)
    x, y, first, second = (axis.reshape(-1) for axis in np.meshgrid(values, values, masks, masks, indexing="ij"))
    words = [ring.from_signed(each, bits).astype(np.uint64) for each in (x, y)]
    halves = [
        (ring.reduce(mask.astype(np.uint64), bits), ring.reduce(word - mask.astype(np.uint64), bits))
        for word, mask in zip(words, (first, second), strict=True)
    ]
    spec, params = REGISTRY[name], {"bits": bits, "signed": True, "headroom": headroom}
    await check_ahead(spec, Case(spec, params, "every pair", x.size, tuple(words), tuple(halves)))


def test_one_bit_of_headroom_is_a_third_of_the_price():
    def bytes_of(headroom):
        return price(LEAN, less_than_cost(LEAN, 1 << 16, bits=32, headroom=headroom)) / (8 << 16)

    assert bytes_of(1) < 0.34 * bytes_of(0)
    assert bytes_of(10) < 0.72 * bytes_of(1)


@pytest.mark.parametrize("profile", Profile)
def test_a_comparison_is_as_wide_as_the_difference(profile):
    assert less_than_cost(profile, 9, bits=32, headroom=12) == msb_cost(profile, 9, bits=21)
    for cost in (
        lambda h: maximum_cost(profile, 9, bits=32, headroom=h),
        lambda h: maxpool_cost(profile, (9, 5), bits=32, headroom=h),
        lambda h: argmax_cost(profile, (9, 5), bits=32, headroom=h),
    ):
        assert price(profile, cost(9)) < price(profile, cost(1))
    behind_a_relu = maxpool_cost(profile, (9, 5), bits=32, msb="zero")
    assert maxpool_cost(profile, (9, 5), bits=32, headroom=1) == behind_a_relu
