"""What a party gets says nothing: its output shares are uniform, and all it receives or opens looks random.

All instances of a run have the same inputs, so that anything that depends on them shows up as a pattern: a bias of
the bits of a message, or bits at some distance that agree too often. (Opening two values under one mask,
for one, makes every such pair agree or disagree.) Seeds are fixed; the limits are 5.5 standard deviations.
"""

from __future__ import annotations

import numpy as np
import pytest

from simulator.check import prepare_cases, random_case, run_case
from simulator.simulation import simulate
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.endpoint import _Fork as Fork
from sirnn.protocol import REGISTRY, Opened
from sirnn.session import start_session
from tests.protocols import distinct_profiles, label

LIMIT = 5.5
SMALL = 4096
SMALLEST_SAMPLE = 2048


def size_for(spec, params) -> int:
    """Instances enough to see a pattern, fewer where an instance is large."""
    weight = max(int(np.prod(shape)) for shape in spec.input_shapes(64, params)) // 64
    heavy = any(name in params for name in ("inp", "out", "num", "scale"))
    return SMALL // (8 if heavy else 1) // max(1, weight)


CASES = [
    (spec, spec.examples[place], profile)
    for spec in REGISTRY.values()
    for place in sorted({0, len(spec.examples) // 2, len(spec.examples) - 1})
    for profile in distinct_profiles(spec)
]


async def observe(monkeypatch, spec, params, size, seed, profile):
    """Each party's outputs, and all it learned while the protocol ran: messages, and what exchanges opened."""
    case = random_case(spec, params, size, seed, constant=True)
    received: tuple[list[bytes], list[bytes]] = ([], [])
    receive, exchange = Fork._recv, Fork.exchange

    async def listening(self, nbytes):
        data = await receive(self, nbytes)
        received[self.role].append(data)
        return data

    async def opening(self, payload, nbytes):
        data = await exchange(self, payload, nbytes)
        if len(payload) == len(data):  # shares of masked bits: their xor is what both learn
            received[self.role].append(bytes(a ^ b for a, b in zip(payload, data, strict=True)))
        return data

    async def body(channel):
        randomness = InsecureSeededRandomness(10 * seed + channel.role)
        party = await start_session(channel, profile=profile, randomness=randomness)
        await prepare_cases(party, [case])
        received[channel.role].clear()
        return await run_case(party, case, scope="case")

    monkeypatch.setattr(Fork, "_recv", listening)
    monkeypatch.setattr(Fork, "exchange", opening)
    result = await simulate(body, body)
    return list(zip(result.values, received, strict=True))


def deviation(ones: int, count: int) -> float:
    """Standard deviations between a count of ones and half."""
    return abs(2 * ones - count) / np.sqrt(count)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{label(case[:2])}-{case[2].value}")
async def test_shares_are_uniform_and_messages_look_random(case, monkeypatch):
    spec, params, profile = case
    size = size_for(spec, params)
    values = await observe(monkeypatch, spec, params, size, seed=3, profile=profile)
    if spec.cost(profile, size, params).payload:  # a local protocol's output is a function of what one held
        check_outputs(spec, params, [outputs for outputs, _ in values])
    for _, received in values:
        check_messages(received, size)


def check_outputs(spec, params, parties):
    """Every bit of every output share is as often one as zero."""
    for outputs in parties:
        for kind, words in zip(spec.gives(params), outputs, strict=True):
            if isinstance(kind, Opened) or words.size < 256:
                continue
            for place in range(kind.width(params)):
                plane = (words.astype(np.uint64) >> np.uint64(place)) & np.uint64(1)
                assert deviation(int(plane.sum()), plane.size) < LIMIT, f"bit {place}"


def check_messages(received, size):
    """No bit is biased, none agrees with one at a distance more often than not."""
    distances = sorted({1, 2, 3, 4, 5, 8, 16, 64, 128, 256, *(k * size for k in range(1, 9))})
    for number, data in enumerate(received):
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[: 1 << 18]
        if bits.size < SMALLEST_SAMPLE:
            continue
        assert deviation(int(bits.sum()), bits.size) < LIMIT, f"message {number} is biased"
        for distance in distances:
            if bits.size - distance >= SMALLEST_SAMPLE:
                agree = int(np.count_nonzero(bits[distance:] == bits[:-distance]))
                assert deviation(agree, bits.size - distance) < LIMIT, f"message {number}, distance {distance}"
