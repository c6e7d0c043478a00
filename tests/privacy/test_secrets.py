"""The secrets of a session have the entropy they claim, and every one of them is the party's own.

A session's name is public. So each test begins sessions of one name that differ in the parties' randomness alone, and
looks at what must then be different: the secrets of the OT extensions, the scalars of the base OTs, the seeds that
trees and columns are grown from, the random OTs themselves.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict

import numpy as np
import pytest

from simulator.privacy.ledger import at_party, bookkeeping
from simulator.privacy.seeds import same_nonces
from simulator.privacy.taps import replaced, replaced_everywhere
from sirnn.crypto import group
from sirnn.crypto.hashing import expand
from sirnn.crypto.randomness import InsecureSeededRandomness, Randomness, SystemRandomness
from sirnn.ot.ggm import Forest
from sirnn.profile import Profile
from tests.privacy.sessions import FEW_TREES, SMALL_SOURCES, both, extending

LIMIT = 6.5
"""Standard deviations; seeds are fixed."""

SESSIONS = 32


def bits_of(rows) -> np.ndarray:
    """(n, bits) of n equally long strings of bytes or rows of words."""
    return np.stack([np.unpackbits(np.frombuffer(bytes(row), np.uint8), bitorder="little") for row in rows])


def assert_uniform(bits, limit=LIMIT):
    """No bit is biased, and no two agree or disagree too often."""
    signs = 2.0 * bits - 1
    rows, columns = signs.shape
    assert np.all(np.abs(signs.sum(axis=0)) < limit * np.sqrt(rows)), "a bit is biased"
    agreement = signs.T @ signs - rows * np.eye(columns)
    assert np.all(np.abs(agreement) < limit * np.sqrt(rows)), "two bits coincide"


def is_half(bits) -> bool:
    """Whether as many are one as zero."""
    return abs(2 * int(bits.sum()) - bits.size) < LIMIT * np.sqrt(bits.size)


# ------------------------------------------------------------ the session


async def test_deltas_are_random_and_each_party_has_its_own():
    """Over many sessions of one name; only the lowest bit is given."""

    async def program(party):
        return party.ot.narrow.sender.secret.tobytes()

    with same_nonces():
        deltas = [b"".join(await both(program, seed=seed)) for seed in range(SESSIONS)]
    bits = bits_of(deltas)
    lowest = [0, 128]
    assert np.all(bits[:, lowest] == 1)
    assert_uniform(np.delete(bits, lowest, axis=1), limit=0.95 * np.sqrt(SESSIONS))


async def test_wide_secrets_are_random():
    async def program(party):
        return party.ot.wide.sender.secret.tobytes()

    with same_nonces():
        secrets = [b"".join(await both(program, seed=seed, profile=Profile.PAPER)) for seed in range(SESSIONS)]
    assert_uniform(bits_of(secrets), limit=0.95 * np.sqrt(SESSIONS))


async def test_sessions_have_names_of_their_own():
    async def program(party):
        return party.session

    names = [await both(program, seed=seed) for seed in range(8)]
    assert all(server == client for server, client in names)
    assert len(set(names)) == len(names)


async def test_scalars_of_base_ots_are_uniform_and_used_once():
    scalars = []

    def listening(multiply):
        def tap(scalar):
            scalars.append(scalar)
            return multiply(scalar)

        return tap

    async def program(party):
        return None

    with replaced_everywhere(group.base_multiply, listening):
        await both(program)
        await both(program, seed=1)
    assert len(scalars) == 2 * 2 * 129
    assert max(Counter(scalars).values()) == 1
    assert_uniform(bits_of(scalars)[:, :252])


async def test_answers_of_base_ots_are_elements_of_their_own():
    """Whoever saw one blind twice would see which choices are equal."""
    elements = []

    def listening(check):
        def tap(element):
            elements.append(element)
            return check(element)

        return tap

    async def program(party):
        return None

    with replaced_everywhere(group.is_valid, listening):
        await both(program)
    assert len(elements) >= 2 * 129
    assert max(Counter(elements).values()) == 1


# ------------------------------------------------------------ where random OTs come from


@pytest.mark.parametrize("name", SMALL_SOURCES)
async def test_random_ots_follow_from_nothing_that_both_know(name):
    """In sessions of one name both the rows and the choices are others: half of the bits differ."""
    with same_nonces():
        one, other = [await both(extending(name, 512), seed=seed) for seed in (1, 2)]
    for first, second in zip((*one[0], *one[1]), (*other[0], *other[1]), strict=True):
        differ = bits_of(first) ^ bits_of(second)
        wide = differ[:, 1:]  # the lowest bit of a row is a choice or nothing
        assert is_half(wide)
        assert not differ[:, 0].any() or is_half(differ[:, 0])


@pytest.mark.parametrize("name", SMALL_SOURCES)
async def test_random_ots_are_unlike_each_other(name):
    """Of both directions and of two extensions; the receiver's choices are as often 0 as 1."""
    server, client = await both(extending(name, 512))
    for rows in (server, client):
        assert_uniform(np.concatenate([bits_of(each[:512])[:, 1:] for each in rows], axis=1)[:, ::2])
    for received in (*client[:2], *server[2:]):
        assert is_half(received[:, 0] & np.uint64(1))


@pytest.mark.parametrize("name", SMALL_SOURCES)
async def test_sources_hash_nothing_twice(name):
    async def program(party):
        with at_party(party.role):
            await extending(name, 512)(party)

    with bookkeeping() as ledger:
        await both(program)
    assert not list(ledger.findings())
    assert ledger.hashes > 1000


@pytest.mark.parametrize("name", SMALL_SOURCES)
async def test_seeds_that_are_grown_are_random(name):
    """What is expanded into columns and leaves, and the roots of trees, each for itself."""
    grown = defaultdict(list)

    def expanding(original):
        def tap(key, seeds, nblocks, **options):
            grown[len(seeds)].append(np.array(seeds))
            return original(key, seeds, nblocks, **options)

        return tap

    def growing(original):
        def tap(self, key, roots, delta, leaves):
            grown["roots"].append(np.array(roots))
            return original(self, key, roots, delta, leaves)

        return tap

    with replaced_everywhere(expand, expanding), replaced(Forest, "grow", growing):
        for seed in range(4):
            await both(extending(name, 512), seed=seed)
    for batches in grown.values():
        seeds = np.unique(np.concatenate(batches), axis=0)
        seeds = seeds[np.any(seeds > 1 << 32, axis=1)]  # a node that a party does not know is held as zero
        assert len(seeds) > 100
        assert_uniform(bits_of(seeds))


# ------------------------------------------------------------ how much of it


def drawn(name: str) -> int:
    """Bytes of randomness that a source takes at both parties, to set up and to make 512 COTs twice.

    IKNP: a choice for every COT. SoftSpoken: a root of 16 bytes for every digit of Delta. Ferret: a root for every tree
    of an iteration, beside what its first COTs take.
    """
    if name == "iknp":
        return 2 * 512 // 8
    if name == "ferret":
        iterations = 2 * -(-512 // FEW_TREES.usable)
        return iterations * FEW_TREES.trees * 16 + drawn("softspoken-8")
    return 128 // int(name.removeprefix("softspoken-")) * 16


@pytest.mark.parametrize("name", SMALL_SOURCES)
async def test_as_much_randomness_is_drawn_as_security_takes(name):
    """Less would be a secret that has another origin, or none."""
    lengths = []

    def streaming(original):
        def tap(self, n):
            lengths.append(n)
            return original(self, n)

        return tap

    with replaced(Randomness, "_stream", streaming):
        await both(extending(name, 512))
    session = 2 * (16 + 64 * 129 + 16)  # at each party a nonce, 129 scalars and a Delta
    assert sum(lengths) == session + 2 * drawn(name)


# ------------------------------------------------------------ streams and keys


def test_the_systems_streams_begin_at_random():
    starts = bits_of([SystemRandomness().bytes(16) for _ in range(1500)])
    assert_uniform(starts)
    assert len(np.unique(starts, axis=0)) == len(starts)


def test_the_systems_streams_follow_from_the_system_alone(monkeypatch):
    """From 16 bytes of it, every one of which counts, and from nothing else that changes."""
    given = []

    def start(flipped=None):
        def urandom(size):
            given.append(size)
            return bytes(255 * (place == flipped) for place in range(size))

        monkeypatch.setattr(os, "urandom", urandom)
        return SystemRandomness().bytes(32)

    starts = [start(), *map(start, range(16))]
    assert set(given) == {16}
    assert starts[0] == start()
    assert len(set(starts)) == 17


def test_streams_go_on_and_their_forks_are_others():
    """All that is drawn from a stream, its forks and theirs is unlike, whatever they are called."""
    root = InsecureSeededRandomness(7)
    streams = [root, *(root.fork(label) for label in ("/0", "/1", "/0"))]
    streams += [streams[1].fork("/0"), streams[2].fork("/0")]
    assert_uniform(np.concatenate([bits_of([each.bytes(4) for _ in range(400)]) for each in streams], axis=1))
    words = streams[0].words((400, 2), 13)
    assert_uniform(bits_of(words)[:, [place for place in range(32) if place % 16 < 13]])


async def test_keys_belong_to_their_session_fork_and_call():
    async def program(party):
        forks = [party, party.fork("0"), party.fork("1"), party.fork("0")]
        return [fork.fresh_key(purpose) for fork in forks for purpose in ("a", "a", "b")]

    keys = [key for seed in range(3) for key in (await both(program, seed=seed))[0]]
    assert len(set(keys)) == len(keys) == 3 * 12
