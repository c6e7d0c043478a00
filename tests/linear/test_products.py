"""Products of shared matrices on every pair of shares of small factors, and what they refuse."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

from simulator.simulation import simulate
from sirnn import ring
from sirnn.cost import FREE
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.errors import LocalError
from sirnn.linear.convolution import (
    convolution,
    convolution_by_server,
    convolution_by_server_cost,
    convolution_cost,
)
from sirnn.linear.matmul import shared_by_client, shared_by_server
from sirnn.linear.products import matmul, matmul_clear, matmul_cost
from sirnn.profile import Profile
from sirnn.session import start_session
from sirnn.shares import ArithmeticShare, PrivateValue


async def run(body):
    """Both parties' results of `body(party)`."""

    async def session(channel):
        return await body(await start_session(channel, randomness=InsecureSeededRandomness(channel.role)))

    return (await simulate(session, session)).values


def every_sharing(bits):
    """Both halves of every sharing of every value."""
    halves = np.indices((1 << bits, 1 << bits)).reshape(2, -1)
    return [ring.reduce(half.astype(np.uint64), bits) for half in halves]


@pytest.mark.parametrize("signed", [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize(
    ("x_bits", "y_bits", "out_bits"),
    [(1, 1, 1), (1, 2, 4), (2, 2, 2), (2, 2, 4), (2, 2, 5), (3, 1, 6), (3, 2, 9), (2, 3, 64)],
)
async def test_every_pair_of_shares(x_bits, y_bits, out_bits, signed, tall):
    """A column of all sharings times a row of all sharings has every pair; repeated, it is the taller factor."""
    columns, rows = every_sharing(x_bits), every_sharing(y_bits)
    if tall:
        columns = [np.tile(half, 17) for half in columns]
    x, y = [half.reshape(-1, 1) for half in columns], [half.reshape(1, -1) for half in rows]
    x_signed, y_signed = signed

    async def body(party):
        left, right = ArithmeticShare(x[party.role], x_bits), ArithmeticShare(y[party.role], y_bits)
        return await matmul(party, left, right, out_bits=out_bits, x_signed=x_signed, y_signed=y_signed)

    first, second = await run(body)
    values = [ring.reduce(pair[0] + pair[1], bits).astype(np.uint64) for pair, bits in ((x, x_bits), (y, y_bits))]
    wanted = matmul_clear(*values, x_bits=x_bits, y_bits=y_bits, x_signed=x_signed, y_signed=y_signed)
    assert np.array_equal((first + second).words, ring.reduce(wanted, out_bits))


@pytest.mark.parametrize("owner", [0, 1])
@pytest.mark.parametrize(("bits", "weight_bits", "out_bits"), [(1, 1, 1), (2, 2, 4), (3, 2, 3), (3, 3, 10)])
async def test_every_share_by_every_weight(owner, bits, weight_bits, out_bits):
    x = [half.reshape(-1, 1) for half in every_sharing(bits)]
    weights = ring.reduce(np.arange(1 << weight_bits, dtype=np.uint64), weight_bits).reshape(1, -1)

    async def body(party):
        known = PrivateValue(owner, weights.shape, weight_bits, weights if party.role == owner else None)
        product = (shared_by_server, shared_by_client)[owner]
        return await product(party, ArithmeticShare(x[party.role], bits), known, out_bits=out_bits)

    first, second = await run(body)
    wanted = ring.to_signed(ring.reduce(x[0] + x[1], bits), bits) @ ring.to_signed(weights, weight_bits)
    assert np.array_equal((first + second).words, ring.from_signed(wanted, out_bits))


@pytest.mark.parametrize(("x", "y"), [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((2, 3), (3, 0))])
async def test_an_empty_product_is_zeros_and_free(x, y):
    options = {"out_bits": 12, "x_signed": True, "y_signed": True}

    async def body(party):
        before = party.channel.ledger.copy()
        zeros = (party.constant(0, 4, shape) for shape in (x, y))
        product = await matmul(party, *zeros, **options)
        return product, party.channel.ledger == before

    (first, free), (second, also_free) = await run(body)
    assert np.array_equal((first + second).words, np.zeros((x[0], y[1])))
    assert free
    assert also_free
    assert matmul_cost(Profile.PAPER, x, y, x_bits=4, y_bits=4, **options) == FREE


def test_a_product_costs_the_same_turned():
    options = {"out_bits": 20, "msb_x": "zero", "msb_y": "unknown", "x_signed": True, "y_signed": False}
    cost = matmul_cost(Profile.PAPER, (7, 3), (3, 2), x_bits=8, y_bits=6, **options)
    options = {"out_bits": 20, "msb_x": "unknown", "msb_y": "zero", "x_signed": False, "y_signed": True}
    turned = matmul_cost(Profile.PAPER, (2, 3), (3, 7), x_bits=6, y_bits=8, **options)
    assert cost == turned


def test_a_pixel_no_patch_holds_costs_nothing():
    """A 1 x 1 kernel at stride 2 meets 9 of 25 pixels, which are all that a 3 x 3 image has."""
    options = {"bits": 8, "kernel_bits": 8, "out_bits": 16, "padding": 0}
    sparse = convolution_cost(Profile.PAPER, (1, 5, 5, 1), (1, 1, 1, 4), stride=2, **options)
    dense = convolution_cost(Profile.PAPER, (1, 3, 3, 1), (1, 1, 1, 4), stride=1, **options)
    assert sparse == dense


def test_the_cost_of_any_number_of_images_is_that_of_one_so_many_times():
    options = {"bits": 8, "out_bits": 16, "padding": 1, "stride": 2}
    costs = (convolution_by_server_cost(Profile.EXACT, (n, 5, 5, 1), (3, 3, 1, 4), **options) for n in (8, 8 * 10**9))
    some, many = costs
    assert many.sent == tuple(10**9 * nbytes for nbytes in some.sent)


async def test_a_public_one_holds_beside_padding():
    """The zeros around an image of negative values have no top bit that could be wrong."""
    image = np.arange(8, 16, dtype=np.uint8).reshape(1, 2, 4, 1)
    kernel = np.array([1, 2, 3, 7], dtype=np.uint8).reshape(2, 2, 1, 1)

    async def body(party):
        x = ArithmeticShare(image if party.is_server else np.zeros_like(image), 4)
        mine = PrivateValue(0, kernel.shape, 4, kernel if party.is_server else None)
        public = await convolution_by_server(party, x, mine, 1, out_bits=10, stride=1, padding=1)
        unknown = await convolution_by_server(party, x, mine, out_bits=10, stride=1, padding=1)
        return public, unknown

    (public0, unknown0), (public1, unknown1) = await run(body)
    assert public0.shape == (1, 3, 5, 1)
    assert np.array_equal((public0 + public1).words, (unknown0 + unknown1).words)


@attrs.frozen
class Bad:
    x: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    out_bits: int = 8


@pytest.mark.parametrize(
    "bad",
    [
        Bad((1, 4, 4), (2, 2, 1, 1)),
        Bad((1, 4, 4, 2), (2, 2, 1, 1)),
        Bad((1, 4, 4, 1), (5, 2, 1, 1)),
        Bad((1, 4, 4, 1), (2, 2, 1, 0)),
        Bad((1, 4, 4, 1), (2, 2, 1, 1), stride=0),
        Bad((1, 4, 4, 1), (2, 2, 1, 1), padding=-1),
        Bad((1, 4, 4, 1), (2, 2, 1, 1), out_bits=3),
        Bad((1, 4, 4, 1), (2, 2, 1, 1), out_bits=65),
    ],
)
async def test_a_convolution_that_does_not_fit(bad):
    async def body(party):
        x, kernel = party.constant(0, 4, bad.x), party.constant(0, 4, bad.kernel)
        with pytest.raises(LocalError):
            await convolution(party, x, kernel, out_bits=bad.out_bits, stride=bad.stride, padding=bad.padding)

    await run(body)


@pytest.mark.parametrize(
    ("x", "y", "out_bits"), [((2, 3), (2, 3), 8), ((3,), (3, 1), 8), ((2, 3), (3, 1), 3), ((2, 3), (3, 1), 65)]
)
async def test_factors_that_make_no_product(x, y, out_bits):
    async def body(party):
        with pytest.raises(LocalError):
            await matmul(
                party,
                party.constant(0, 4, x),
                party.constant(0, 4, y),
                out_bits=out_bits,
                x_signed=False,
                y_signed=False,
            )

    await run(body)


async def test_weights_of_the_other_party():
    async def body(party):
        weights = PrivateValue(1, (3, 1), 4, np.zeros((3, 1), np.uint8) if party.role == 1 else None)
        with pytest.raises(LocalError, match="party 1"):
            await shared_by_server(party, party.constant(0, 4, (2, 3)), weights, out_bits=8)

    await run(body)
