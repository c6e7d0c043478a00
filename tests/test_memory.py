"""Peak memory against count: a bulk protocol holds its inputs, outputs and correlations, and blocks of a fixed size.

Both parties run in this process, over a socket; bytes are those of both. Blocks are made small, so that small runs show
what large ones do.
"""

import gc
import tracemalloc

import numpy as np
import pytest

from simulator.check import prepare_cases, random_case, run_case
from sirnn import ring
from sirnn.channel import Phase
from sirnn.cli.library import find_protocol
from sirnn.correlations.prepare import prepare
from sirnn.correlations.supply import Supply
from sirnn.ot import chosen, correlated, strings
from sirnn.ot.rows import COTS
from sirnn.profile import Profile
from sirnn.session import start_session
from tests.harness import run_both

LEAN, PAPER = Profile.LEAN, Profile.PAPER

DEPTH = {"depth": 200, "width": 40}
MATMUL = {
    "msb_x": "unknown",
    "msb_y": "unknown",
    "x_bits": 8,
    "y_bits": 8,
    "out_bits": 38,
    "x_signed": True,
    "y_signed": True,
    **DEPTH,
}
BY_SERVER = {"bits": 8, "weight_bits": 8, "out_bits": 30, "msb": "unknown", **DEPTH}
WINDOW = {"image": (8, 8, 4), "kernel": (3, 3, 4, 40), "stride": 1, "padding": 1}
CONVOLUTION = {"bits": 8, "kernel_bits": 8, "out_bits": 28, "msb": "unknown", **WINDOW}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(strings, "PART", 1 << 16)
    monkeypatch.setattr(correlated, "BLOCK_WORDS", 1 << 12)
    monkeypatch.setattr(chosen, "BLOCK_MESSAGES", 1 << 12)


class Peak:
    """The most that was allocated at a time since `begin`, beyond what there was then."""

    def begin(self):
        gc.collect()
        tracemalloc.reset_peak()
        self.before = tracemalloc.get_traced_memory()[0]

    def end(self):
        return tracemalloc.get_traced_memory()[1] - self.before


async def growth(run, small, large):
    """Bytes by which the peak that `run(count)` gives grows for each that is added to the count."""
    tracemalloc.start()
    try:
        few, many = [await run(count) for count in (small, large)]
    finally:
        tracemalloc.stop()
    return (many - few) / (large - small)


async def online_peak(name, params, size, profile):
    case, peak = random_case(find_protocol(name), params, size, seed=1), Peak()

    async def body(channel):
        party = await start_session(channel, profile=profile)
        await prepare_cases(party, [case])
        with channel.phase(Phase.SETUP):
            await channel.exchange(b"", 0)  # neither begins before the other is ready
        if party.is_server:
            peak.begin()
        await run_case(party, case, scope="case")
        return peak.end()

    return max((await run_both(body, body, over="tcp")).values)


# A multiplication sends 70 bytes here, or 35 if one party knows a factor, and hashes three times as many. In profile
# `paper` the rows of OTs are made as they are used, and there are eight for a row of 40.
@pytest.mark.parametrize(
    ("name", "params", "sizes", "each", "most"),
    [
        ("matmul", MATMUL, (10, 20), 200 * 40, {LEAN: 25, PAPER: 60}),
        ("client_by_server", BY_SERVER, (6, 18), 200 * 40, {LEAN: 15}),
        ("shared_by_server", BY_SERVER, (6, 18), 200 * 40, {LEAN: 15}),
        ("convolution_by_server", CONVOLUTION, (2, 5), 64 * 36 * 40, {LEAN: 15}),
    ],
)
async def test_of_a_product(name, params, sizes, each, most):
    for profile, bound in most.items():
        grown = await growth(lambda size, profile=profile: online_peak(name, params, size, profile), *sizes)
        assert grown / each < bound


# Of 256 messages of 14 bits, 448 bytes, one at a time is sent; the rows of an OT are 32 bytes at either party.
async def test_of_a_table():
    table = ring.reduce(np.arange(256, dtype=np.uint64) * np.uint64(2654435761), 14)
    params = {"bits": 8, "out_bits": [14], "tables": [table]}
    assert await growth(lambda size: online_peak("lookup", params, size, PAPER), 1000, 3000) < 300


# Both parties' halves of COTs in both directions are 64 bytes.
@pytest.mark.parametrize(("source", "most"), [("softspoken-8", 75), ("iknp", 130)])
async def test_of_making_cots(source, most):
    async def peak_of(count):
        peak = Peak()

        async def body(channel):
            party = await start_session(channel, profile=LEAN, supply=Supply(source))
            if party.is_server:
                peak.begin()
            await prepare(party, dict.fromkeys(COTS, count))
            return peak.end()

        return max((await run_both(body, body, over="tcp")).values)

    assert await growth(peak_of, 50_000, 150_000) < most
