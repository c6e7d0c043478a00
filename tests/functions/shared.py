"""Run a function on shares of chosen values, both parties simulated, and open what comes out."""

from __future__ import annotations

import numpy as np

from sirnn import ring
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.session import start_session
from sirnn.shares import ArithmeticShare, BooleanShare
from tests.harness import run_both


async def on_shares(run, *inputs, seed=0):
    """The opened outputs of `run(party, *shares)`, a tuple of uint64 arrays; each input is (words, bits)."""
    rng = np.random.default_rng(seed)
    halves = []
    for words, bits in inputs:
        mask = rng.integers(0, ring.mask(bits), size=words.shape, dtype=np.uint64, endpoint=True)
        halves.append((ring.reduce(mask, bits), ring.reduce(words.astype(np.uint64) - mask, bits)))

    async def body(channel):
        party = await start_session(channel, randomness=InsecureSeededRandomness(2 * seed + channel.role))
        shares = [ArithmeticShare(half[channel.role], bits) for half, (_, bits) in zip(halves, inputs, strict=True)]
        result = await run(party, *shares)
        return result if isinstance(result, tuple) else (result,)

    outcome = await run_both(body, body)
    return tuple(opened(a, b) for a, b in zip(*outcome.values, strict=True))


def opened(a, b):
    together = a.words ^ b.words if isinstance(a, BooleanShare) else a.words + b.words
    return ring.reduce(together, a.bits).astype(np.uint64)
