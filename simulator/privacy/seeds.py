"""Same session, other seeds: what is secret changes with the parties' randomness when nothing else does.

Uniform is not secret: a mask grown from a public key looks as random as any other, and whoever knows the key takes it
off. Here a session is run twice in which all that is public is the same, the nonces included, and all inputs too; only
the parties' own randomness differs. Then no key, no message, no output of an OT and no correlation may be what it was
the time before. Where 64 bits in a row are, something was derived from what both know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from simulator.check import Case, prepare_cases, random_case, run_protocol
from simulator.privacy.taps import (
    ADDED,
    RANDOM,
    RECEIVED,
    XORED,
    Arrays,
    View,
    replaced_everywhere,
    tapped,
    watching,
)
from simulator.simulation import simulate
from sirnn.channel import Channel
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.handshake import hello
from sirnn.profile import Profile
from sirnn.protocol import Opened, Params, ProtocolSpec
from sirnn.session import start_session

KEY = "key"

SIZE = 64
"""Instances in a run, so that a word of each makes 64 bits."""

RUN_BITS = 64
"""As many bits in a row are not alike by chance."""


async def unchanged(spec: ProtocolSpec, params: Params, profile: Profile, *, seed: int = 0) -> list[str]:
    """What is the same in two sessions that differ in the parties' randomness alone, in words; nothing should be.

    Args:
        spec: the registered protocol; what it opens depends on its inputs alone, so that one with an `Opened` output
            is not looked at beyond its session.
        params: its parameters.
        profile: of the session.
        seed: of the inputs.
    """
    case = random_case(spec, params, SIZE, seed)
    first, second = [await _session(case, profile, seed) for seed in (2 * seed + 1, 2 * seed + 2)]
    found = []
    for party in (0, 1):
        found += [f"party {party}: {what}" for what in _alike(first[party], second[party])]
    return found


async def _session(case: Case, profile: Profile, seed: int) -> tuple[View, View]:
    """What both parties see from hello to the end of one run."""
    opens = any(isinstance(kind, Opened) for kind in case.spec.gives(case.params))

    async def body(channel: Channel) -> View:
        view = View()
        with watching(view):
            randomness = InsecureSeededRandomness(2 * seed + channel.role)
            party = await start_session(channel, profile=profile, randomness=randomness)
            for name, key in _keys(party.ot):
                view.add(KEY, name, "", (key,))
            await prepare_cases(party, [case])
        if not opens:
            with watching(view):
                await run_protocol(party, case)
        return view

    with tapped(), same_nonces():
        result = await simulate(body, body)
    return result.values


def same_nonces() -> Any:
    """Sessions begun inside have one name: their nonces are no longer random."""

    def wrap(original: Any) -> Any:
        async def constant(channel: Channel, facts: Any, *, nonce: bytes, **options: Any) -> Any:
            return await original(channel, facts, nonce=bytes([channel.role]) * len(nonce), **options)

        return constant

    return replaced_everywhere(hello, wrap)


def _alike(one: View, other: View) -> Iterator[str]:
    for item in one.items.keys() & other.items.keys():
        if item.what in (XORED, ADDED, RANDOM) or item.scope.startswith("hello"):
            continue
        runs = _words if item.what in (RECEIVED, KEY) else _planes
        if _share_a_run(runs(one.items[item]), runs(other.items[item])):
            yield f"{item} does not depend on anybody's randomness"


def _keys(keys: Any, name: str = "") -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """The arrays that OT keys consist of."""
    if isinstance(keys, np.ndarray):
        yield name, keys
    elif keys is not None:
        for field in attrs.fields(type(keys)):
            yield from _keys(getattr(keys, field.name), f"{name}/{field.name}")


def _words(arrays: Arrays) -> list[bytes]:
    """Packed bits, 64 at a time; what is less is left out."""
    data = b"".join(array.tobytes() for array in arrays)
    return [data[start : start + RUN_BITS // 8] for start in range(0, len(data) - RUN_BITS // 8 + 1, RUN_BITS // 8)]


def _planes(arrays: Arrays) -> list[bytes]:
    """For every bit of a word, that bit of all words of an array."""
    planes = []
    for array in arrays:
        words = array.reshape(-1)
        if len(words) >= RUN_BITS:
            bits = np.unpackbits(words.view(np.uint8).reshape(len(words), -1), axis=1, bitorder="little")
            planes += [np.packbits(column).tobytes() for column in bits.T]
    return planes


def _share_a_run(one: list[bytes], other: list[bytes]) -> bool:
    """Whether something is the same in both, other than a bit that is the same in all words."""
    return any(a == b and len(set(a)) > 1 for a, b in zip(one, other, strict=False))
