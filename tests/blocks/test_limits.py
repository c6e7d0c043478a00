"""What shifts, squares and relations refuse, and claims about their cost that the registry does not check."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.simulation import simulate
from sirnn.blocks.equality import equal_cost
from sirnn.blocks.multiplication import multiply_cost
from sirnn.blocks.relational import less_than, maximum, maxpool, maxpool_cost, relu6
from sirnn.blocks.selection import argmax
from sirnn.blocks.shift import divide_by_power_of_two, divide_by_power_of_two_cost, right_shift, right_shift_cost
from sirnn.blocks.square import square, square_cost
from sirnn.cost import FREE
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.errors import LocalError
from sirnn.profile import Profile
from sirnn.session import start_session

PAPER = Profile.PAPER


def zeros(party, bits, *shape):
    return party.constant(0, bits, shape or (3,))


REFUSED = {
    "shift by all bits": lambda p: right_shift(p, zeros(p, 8), shift=8, signed=False),
    "shift to the left": lambda p: right_shift(p, zeros(p, 8), shift=-1, signed=True),
    "divide by all bits": lambda p: divide_by_power_of_two(p, zeros(p, 8), shift=8, signed=True),
    "square narrower": lambda p: square(p, zeros(p, 8), out_bits=7, signed=False),
    "square too wide": lambda p: square(p, zeros(p, 8), out_bits=17, signed=False),
    "square beyond 64": lambda p: square(p, zeros(p, 40), out_bits=65, signed=True),
    "two rings": lambda p: less_than(p, zeros(p, 8), zeros(p, 9), signed=True),
    "two shapes": lambda p: maximum(p, zeros(p, 8, 3), zeros(p, 8, 4), signed=False),
    "six that wraps": lambda p: relu6(p, zeros(p, 8), scale=5),
    "no scale": lambda p: relu6(p, zeros(p, 8), scale=-1),
    "no values": lambda p: maxpool(p, zeros(p, 8, 3, 0)),
    "no rows": lambda p: maxpool(p, zeros(p, 8, 3)),
    "no bit left to compare": lambda p: less_than(p, zeros(p, 8), zeros(p, 8), signed=True, headroom=8),
    "negative headroom": lambda p: maxpool(p, zeros(p, 8, 3, 2), headroom=-1),
    "an index without headroom": lambda p: argmax(p, zeros(p, 8, 3, 2), headroom=0),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused(name):
    async def body(channel):
        party = await start_session(channel, randomness=InsecureSeededRandomness(channel.role))
        with pytest.raises(LocalError):
            await REFUSED[name](party)

    await simulate(body, body)


async def test_shapes_are_kept():
    """Relations and shifts work on arrays of any shape; where two comparisons are stacked it shows."""

    async def body(channel):
        party = await start_session(channel, randomness=InsecureSeededRandomness(channel.role))
        x = party.constant(np.array([[[-100, 7], [127, -128], [0, -1]]]), 8)
        return [
            await divide_by_power_of_two(party, x, shift=3, signed=True),
            await relu6(party, x, scale=4),
            await maximum(party, x, -x, signed=True),
            await square(party, x, out_bits=16, signed=True),
        ]

    first, second = (await simulate(body, body)).values
    got = [(a + b).words.tolist() for a, b in zip(first, second, strict=True)]
    assert got[0] == [[[244, 0], [15, 240], [0, 0]]]
    assert got[1] == [[[0, 7], [96, 0], [0, 0]]]
    assert got[2] == [[[100, 7], [127, 128], [0, 1]]]
    assert got[3] == [[[10000, 49], [16129, 16384], [0, 1]]]


def test_nothing_to_do_is_free():
    assert right_shift_cost(PAPER, 9, bits=8, shift=0) == FREE
    assert divide_by_power_of_two_cost(PAPER, 9, bits=8, shift=0, signed=True) == FREE
    assert maxpool_cost(PAPER, (9, 1), bits=8) == FREE
    assert equal_cost(PAPER, 9, bits=1) == FREE


def test_a_square_costs_half_a_product():
    """Its cross terms: twice as many messages, each a bit longer, make a product's."""
    widths = {"bits": 16, "out_bits": 32, "msb": "zero"}
    half = square_cost(PAPER, 800, **widths).payload
    whole = multiply_cost(PAPER, 800, x_bits=16, y_bits=16, out_bits=32, msb_x="zero", msb_y="zero").payload
    assert 0.49 * whole < half < 0.5 * whole


@pytest.mark.parametrize(
    ("cost", "bits"),
    [
        (lambda n: right_shift_cost(PAPER, n, bits=32, shift=12), 4138),
        (lambda n: right_shift_cost(PAPER, n, bits=32, shift=12, msb="zero"), 1572),
        (lambda n: divide_by_power_of_two_cost(PAPER, n, bits=32, shift=12, signed=True), 4845),
        (lambda n: square_cost(PAPER, n, bits=16, out_bits=32), 4420),
        (lambda n: equal_cost(PAPER, n, bits=16), 1532),
    ],
    ids=["shift", "shift, sign known", "division", "square", "equality"],
)
def test_the_figures_in_the_documentation(cost, bits):
    assert cost(8000).payload == bits * 1000
