"""What holds secrets is in one place: not copied, not pickled, not used after a fork, by another session or twice."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from simulator.simulation import simulate
from sirnn.blocks.boolean import NO_PAIRS, NONE, AndPool
from sirnn.correlations.one_hot import RandomBits
from sirnn.correlations.store import Store
from sirnn.correlations.supply import Supply
from sirnn.crypto.confined import Confined
from sirnn.crypto.randomness import InsecureSeededRandomness, SystemRandomness
from sirnn.errors import LocalError
from sirnn.ot.correlated import Asked, ask_both_ways
from sirnn.ot.ferret import Ferret
from sirnn.ot.iknp import Iknp
from sirnn.ot.keys import OtKeys
from sirnn.ot.lpn import B10
from sirnn.ot.rows import Offer, narrow_keys
from sirnn.ot.softspoken import SoftSpoken
from sirnn.party import Party
from sirnn.profile import Profile
from tests.correlations.parties import ot_keys

NO_ROWS = np.empty((0, 2), np.uint64)


def keys():
    """New ones, as those of the tests' dealer are bound to a session."""
    return OtKeys(ot_keys()[0].narrow)


def stocked():
    store = Store()
    store.put("x", (np.arange(3),))
    return store


def offer():
    return Offer(bytes(16), 0, keys().narrow, NO_ROWS)


def asked():
    return Asked(b"", [], offer(), bytes(16), NO_ROWS, NONE)


MADE = {
    "SystemRandomness": SystemRandomness,
    "InsecureSeededRandomness": lambda: InsecureSeededRandomness(1),
    "a fork": lambda: SystemRandomness().fork("x"),
    "Store": stocked,
    "Supply": Supply,
    "Iknp": lambda: Iknp(0),
    "SoftSpoken": lambda: SoftSpoken(8, 0),
    "Ferret": lambda: Ferret(B10, 0, Iknp(0)),
    "OtKeys": keys,
    "ExtensionKeys": lambda: keys().narrow,
    "SenderKeys": lambda: keys().narrow.sender,
    "ReceiverKeys": lambda: keys().narrow.receiver,
    "Offer": offer,
    "Asked": asked,
    "RandomBits": lambda: RandomBits(NONE, NO_ROWS, NO_ROWS),
    "AndPool": lambda: AndPool([NONE] * 3, [NONE] * 5),
}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_nothing_is_copied(name, duplicate):
    with pytest.raises(TypeError, match="never copied"):
        duplicate(MADE[name]())


# ------------------------------------------------------------ processes


async def uses(party):
    """One use of each thing whose second use, in another process, would give something away: (name, coroutine)."""
    store, randomness, supply, made, answered = stocked(), SystemRandomness(), Supply(), offer(), asked()
    pool = AndPool([NONE] * 3, [NONE] * 5)
    own, inner = keys(), Party(party.channel, randomness=SystemRandomness(), session=b"x", ot=keys())
    sources = [Iknp(0), SoftSpoken(8, 0), Ferret(B10, 0, Iknp(0))]

    async def call(function, *arguments):
        return function(*arguments)

    return [
        ("randomness.bytes", lambda: call(randomness.bytes, 4)),
        ("randomness.words", lambda: call(randomness.words, 4, 7)),
        ("randomness.bits", lambda: call(randomness.bits, 4)),
        ("randomness.fork", lambda: call(randomness.fork, "x")),
        ("store.take", lambda: call(store.take, "x", 1)),
        ("store.reserve", lambda: call(store.reserve, {"x": 1}, "/")),
        ("supply", lambda: call(supply.bind, b"x")),
        ("offer", lambda: call(made.rows, b"")),
        ("asked", lambda: answered.answer(party, b"", [])),
        ("pool", lambda: pool.gates(party, (NONE, NONE), NO_PAIRS)),
        ("keys", lambda: call(own.stay)),
        ("narrow_keys", lambda: call(narrow_keys, inner)),
        ("fresh_key", lambda: call(inner.fresh_key, "x")),
        *((type(source).__name__, lambda source=source: source.extend(inner, 0)) for source in sources),
    ]


async def test_nothing_is_used_by_a_forked_process(monkeypatch):
    async def body(channel):
        party = Party(channel, randomness=SystemRandomness(), session=b"x")
        waiting = await uses(party)
        here, refused = os.getpid(), []
        monkeypatch.setattr(os, "getpid", lambda: here + 1)
        for name, use in waiting:
            with pytest.raises(LocalError, match="after a fork"):
                await use()
            refused.append(name)
        monkeypatch.undo()
        assert len(refused) == 16

    await simulate(body, lambda _: nothing())


async def nothing():
    pass


FORKED = """
import os
from sirnn.crypto.randomness import SystemRandomness
from sirnn.errors import LocalError
stream = SystemRandomness()
stream.bytes(16)
if not os.fork():
    try:
        stream.bytes(16)
    except LocalError:
        os._exit(7)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
assert len(stream.bytes(16)) == 16
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_real_fork():
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=120)  # noqa: S603 - our own program


# ------------------------------------------------------------ sessions


def test_the_first_session_is_the_only_one():
    held = Supply()
    assert not held.is_bound
    held.bind(b"one")
    held.bind(b"one")
    assert held.is_bound
    with pytest.raises(LocalError, match=r"type Supply of another session.*make a new one"):
        held.bind(b"two")


@pytest.mark.parametrize("name", ["ot", "store", "supply"])
async def test_a_party_refuses_what_belongs_to_another_session(name):
    async def body(channel):
        held = {"ot": keys, "store": Store, "supply": Supply}[name]()
        Party(channel, randomness=SystemRandomness(), session=b"one", **{name: held})
        with pytest.raises(LocalError, match="of another session"):
            Party(channel, randomness=SystemRandomness(), session=b"two", **{name: held})

    await simulate(body, body)


async def test_a_source_serves_one_session():
    async def body(channel):
        for source in (Iknp(0), SoftSpoken(8, 0), Ferret(B10, 0, Iknp(0))):
            source.bind(b"one")
            party = Party(channel, randomness=SystemRandomness(), session=b"two", profile=Profile.EXACT, ot=keys())
            for use in (source.set_up(party), source.extend(party, 1)):
                with pytest.raises(LocalError, match="of another session"):
                    await use

    await simulate(body, body)


async def test_halves_serve_the_session_they_were_made_in():
    async def body(channel):
        one, two = (
            Party(channel, randomness=SystemRandomness(), session=name, profile=Profile.EXACT, ot=keys(), store=Store())
            for name in (b"one", b"two")
        )
        waiting, pool = await ask_both_ways(one, [], []), await AndPool.make(one, 0, 0)
        await pool.gates(one, (NONE, NONE), NO_PAIRS)
        with pytest.raises(LocalError, match="Asked of another session"):
            await waiting.answer(two, b"", [])
        with pytest.raises(LocalError, match="AndPool of another session"):
            await pool.gates(two, (NONE, NONE), NO_PAIRS)

    await simulate(body, body)


# ------------------------------------------------------------ twice


def test_what_is_spent_is_spent():
    held = Confined()
    held.spend()
    with pytest.raises(LocalError, match=r"second time.*new one"):
        held.spend()
