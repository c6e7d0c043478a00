"""Ferret at both parties: the relation of every row, the cost to the byte, and what never leaves."""

import hashlib

import attrs
import numpy as np
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from sirnn.channel import Phase
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.ot.ferret import Ferret
from sirnn.ot.iknp import Iknp
from sirnn.ot.keys import ExtensionKeys, OtKeys, ReceiverKeys, SenderKeys
from sirnn.ot.lpn import B10, B11, PARAMETERS, ROWS_AT_ONCE, Encoder, LpnParameters
from sirnn.ot.source import Source, choices
from tests.kernels.test_lpn import indices
from tests.ot.parties import declared, measured, run_parties

TOY = LpnParameters("toy", 6, 30, 5)
TOYS = [TOY, LpnParameters("wide", 3, 7, 9), LpnParameters("many", 8, 300, 4), LpnParameters("deep", 4, 1, 16)]

ONE = np.uint64(1)


def dealt(count, seed=0):
    """Delta and both parties' rows of `count` COTs, as test data."""
    rng = np.random.default_rng(seed)
    delta = rng.integers(0, 2**64, 2, dtype=np.uint64) | np.array([1, 0], np.uint64)
    q = rng.integers(0, 2**64, (count, 2), dtype=np.uint64) & ~np.array([1, 0], np.uint64)
    return delta, q, q ^ rng.integers(0, 2, (count, 1), dtype=np.uint64) * delta


class Dealt(Source):
    """COTs out of nowhere, for as many bits a COT as it is told to send."""

    def __init__(self, sender, bits=0, seed=0):
        self.sender, self.bits, self.seed = sender, bits, seed

    def set_up_cost(self):
        return Cost.message(self.sender, 8)

    async def set_up(self, party):
        if party.role == self.sender:
            await party.channel.send(b"!")
        else:
            await party.channel.recv(1)

    def yields(self, count):
        return count + 3

    def cost(self, count):
        return Cost.message(1 - self.sender, self.bits * self.yields(count))

    async def extend(self, party, count, *, progress=None):
        size = self.bits * self.yields(count) // 8
        if party.role == self.sender:
            await party.channel.recv(size)
        else:
            await party.channel.send(bytes(size))
        _, q, t = dealt(self.yields(count), self.seed)
        return q if party.role == self.sender else t


def keys(delta):
    """Session keys of which only Delta is ever looked at."""
    empty = np.empty((0, 2), np.uint64)
    return OtKeys(ExtensionKeys(SenderKeys(delta, empty), ReceiverKeys(empty, empty)))


async def make(party, parameters, *, sender=0, seed=0, bits=0):
    """A source that is set up, in the phase before the one that is counted."""
    if party.ot is None:
        party.ot = keys(dealt(0, seed)[0])
    source = Ferret(parameters, sender, Dealt(sender, bits, seed))
    with party.channel.phase(Phase.SETUP):
        await source.set_up(party)
    return source


def check(q, t, seed=0):
    """Every row is in normal form."""
    delta = dealt(0, seed)[0]
    assert q.shape == t.shape
    assert q.dtype == t.dtype == np.uint64
    for start in range(0, len(q), 1 << 20):
        rows, bits = q[start : start + (1 << 20)], choices(t[start : start + (1 << 20)]).astype(np.uint64)
        assert not np.any(rows[:, 0] & ONE)
        assert np.array_equal(t[start : start + (1 << 20)], rows ^ bits[:, None] * delta)


def distinct(*rows):
    joined = np.concatenate(rows)
    return len(np.unique(joined.view([("low", np.uint64), ("high", np.uint64)]))) == len(joined)


async def run(parameters, *counts, sender=0, seed=0, **options):
    """Both parties' outputs of consecutive extensions, in order of their roles in the OT: sender, receiver."""

    async def body(party):
        source = await make(party, parameters, sender=sender, seed=seed)
        return [await source.extend(party, count) for count in counts]

    outcome = await run_parties(body, seed=seed, keys=False, **options)
    return outcome, outcome.values[sender], outcome.values[1 - sender]


# ------------------------------------------------------------------------------ the relation and the cost


@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize("parameters", TOYS, ids=lambda each: each.name)
async def test_small_sizes(parameters, sender):
    counts = [0, 1, parameters.usable, parameters.usable + 1, 3 * parameters.usable]
    outcome, sent, received = await run(parameters, *counts, sender=sender)
    source = Ferret(parameters, sender, Dealt(sender))
    for count, q, t in zip(counts, sent, received, strict=True):
        assert len(q) == source.yields(count) == -(-count // parameters.usable) * parameters.usable
        check(q, t)
    assert distinct(*sent)
    assert distinct(*received)
    assert measured(outcome) == declared(sum((source.cost(count) for count in counts), Cost()))
    assert measured(outcome)[1] == 1


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 7),
    st.integers(1, 40),
    st.integers(2, 8),
    st.integers(0, 2000),
    st.integers(0, 1),
    st.integers(0, 99),
)
async def test_any_size(dimension_bits, trees, depth, count, sender, seed):
    try:
        parameters = LpnParameters("any", dimension_bits, trees, depth)
    except ValueError:
        return
    _, (q,), (t,) = await run(parameters, count, sender=sender, seed=seed)
    assert len(q) >= count
    check(q, t, seed)


@pytest.mark.parametrize(("name", "iterations"), [("b10", 2), ("b11", 1), ("b12", 1), ("b13", 1)])
async def test_sizes_in_use(name, iterations):
    parameters = PARAMETERS[name]
    outcome, (q,), (t,) = await run(parameters, (iterations - 1) * parameters.usable + 1)
    assert len(q) == iterations * parameters.usable
    check(q, t)
    assert abs(int(choices(t).sum()) - len(t) / 2) <= 2.5 * len(t) ** 0.5  # five standard deviations of fair coins
    message = 16 * parameters.trees * parameters.depth
    assert measured(outcome) == ((iterations * message, 0), 1)


def test_sizes_in_use_are_the_published_ones():
    sizes = {each.name: (each.outputs, each.dimension, each.trees, each.depth) for each in PARAMETERS.values()}
    assert sizes == {
        "b10": (870_400, 2**16, 850, 10),
        "b11": (2_396_160, 2**17, 1170, 11),
        "b12": (6_225_920, 2**18, 1520, 12),
        "b13": (15_564_800, 2**19, 1900, 13),
    }
    assert all(each.security_bits >= 128 for each in PARAMETERS.values())
    bits = {name: 128 * each.trees * each.depth / each.usable for name, each in PARAMETERS.items()}
    assert {name: round(each, 2) for name, each in bits.items()} == {"b10": 1.37, "b11": 0.73, "b12": 0.39, "b13": 0.21}


async def test_both_directions_in_parallel_forks():
    async def body(party):
        party.ot = keys(dealt(0, party.role)[0])
        sources = [await make(party, TOY, sender=sender, seed=sender) for sender in (0, 1)]
        return await party.parallel(
            *((each.cost(5000), lambda fork, each=each: each.extend(fork, 5000)) for each in sources)
        )

    outcome = await run_parties(body, keys=False)
    for sender in (0, 1):
        check(outcome.values[sender][sender], outcome.values[1 - sender][sender], seed=sender)
    source = Ferret(TOY, 0, Dealt(0))
    cost = source.cost(5000).sent[0]
    assert measured(outcome) == ((cost, cost), 1)


# ---------------------------------------------------------------------------------- the code and the noise


async def test_choices_are_a_codeword_and_one_error_a_tree(monkeypatch):
    """The receiver's choices minus A s, A being recomputed from the words drawn, are 1 once in every tree."""
    drawn = []

    class Watched(Encoder):
        def __init__(self, key, secret):
            super().__init__(key, secret)
            drawn.append((key, choices(secret).copy()))

    monkeypatch.setattr("sirnn.ot.ferret.Encoder", Watched)
    _, _, (t,) = await run(TOY, 1)
    (key, _), (again, _) = drawn  # one at each party
    assert key == again
    secret = choices(dealt(Dealt(0).yields(TOY.base_rows))[2][: TOY.dimension])
    assert any(np.array_equal(secret, seen) for _, seen in drawn)
    rows = np.zeros((TOY.outputs, 2), np.uint64)
    table = np.stack([secret.astype(np.uint64)] * 2, axis=1)
    Encoder(key, table).add_to(rows)
    noise = choices(t) ^ rows[: TOY.usable, 0].astype(np.uint8)
    whole = TOY.usable >> TOY.depth
    assert np.array_equal(noise[: whole << TOY.depth].reshape(whole, -1).sum(axis=1), np.ones(whole))


def test_the_matrix_is_the_key_stream_however_it_is_asked_for():
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    n, k, key = 2 * ROWS_AT_ONCE + 5, 1 << 9, bytes(range(16))
    table = np.random.default_rng(0).integers(0, 2**64, (k, 2), dtype=np.uint64)
    stream = Cipher(algorithms.AES128(key), modes.CTR(bytes(16))).encryptor().update(bytes(24 * n))
    named = indices(np.frombuffer(stream, np.uint64), k)
    expected = np.bitwise_xor.reduce(table[named], axis=1)
    whole, parts = np.zeros((n, 2), np.uint64), np.zeros((n, 2), np.uint64)
    Encoder(key, table).add_to(whole)
    encoder = Encoder(key, table)
    for start in range(0, n, 1000):
        encoder.add_to(parts[start : start + 1000])
    assert np.array_equal(whole, expected)
    assert np.array_equal(parts, expected)
    # Every column is used about as often as any: chi-squared with k - 1 degrees of freedom.
    counts = np.bincount(named.reshape(-1), minlength=k)
    assert ((counts - 10 * n / k) ** 2 / (10 * n / k)).sum() < k + 6 * (2 * k) ** 0.5


# ------------------------------------------------------------------------------------------- bootstrapping


@pytest.mark.parametrize("sender", [0, 1])
@pytest.mark.parametrize(("parameters", "bits", "steps"), [(TOY, 128, 0), (B10, 128, 0), (B11, 8, 0), (B11, 128, 1)])
async def test_set_up_takes_the_shorter_way(parameters, bits, steps, sender):
    async def body(party):
        source = await make(party, parameters, sender=sender, bits=bits)
        return await source.extend(party, 1)

    outcome = await run_parties(body, keys=False)
    check(outcome.values[sender], outcome.values[1 - sender])
    source = Dealt(sender, bits)
    cost = Ferret(parameters, sender, source).set_up_cost()
    assert measured(outcome, Phase.SETUP) == declared(cost)
    rows = (B10 if steps else parameters).base_rows
    assert cost.sent[1 - sender] == source.cost(rows).sent[1 - sender]
    assert cost.sent[sender] == 1 + steps * 16 * B10.trees * B10.depth


@pytest.mark.parametrize("sender", [0, 1])
async def test_from_the_keys_of_a_session(sender):
    """Delta is the secret of the narrow extension of that direction."""

    async def body(party):
        source = Ferret(TOY, sender, Iknp(sender))
        await source.set_up(party)
        return party.ot.narrow.sender.secret, await source.extend(party, 1000)

    outcome = await run_parties(body)
    (delta, q), (_, t) = outcome.values[sender], outcome.values[1 - sender]
    assert np.array_equal(t, q ^ choices(t).astype(np.uint64)[:, None] * delta)


async def test_one_ferret_feeds_another():
    async def body(party):
        first = await make(party, TOY)
        second = Ferret(TOYS[2], 0, Ferret(TOY, 0, Dealt(0)))
        await second.set_up(party)
        return await second.extend(party, 10_000), await first.extend(party, 10)

    outcome = await run_parties(body, keys=False)
    for q, t in zip(*outcome.values, strict=True):
        check(q, t)


# ------------------------------------------------------------------------------------- what never leaves


async def test_rows_put_aside_are_not_handed_out():
    async def body(party):
        source = await make(party, TOY)
        rows = await source.extend(party, 3 * TOY.usable)
        return rows, rows.base, source._base

    outcome = await run_parties(body, keys=False)
    for rows, memory, kept in outcome.values:
        assert len(memory) == len(rows) + TOY.base_rows
        assert not memory[len(rows) :].any()
        assert distinct(rows, kept)
        assert not np.shares_memory(kept, memory)


async def test_what_is_sent_is_masked_afresh():
    sent = []

    async def body(party):
        source = await make(party, TOY)
        send = party.channel.send

        async def recorded(payload):
            sent.append(np.frombuffer(bytes(payload), np.uint64).reshape(-1, 2))
            await send(payload)

        party.channel.send = recorded
        return [await source.extend(party, 2 * TOY.usable), await source.extend(party, 1)]

    await run_parties(body, keys=False)
    assert len(sent) == 3
    assert distinct(*sent, dealt(0)[0][None])


async def test_a_source_has_one_user_at_a_time():
    async def twice(party):
        source = await make(party, TOY)
        await party.parallel(*[(source.cost(1), lambda fork: source.extend(fork, 1))] * 2)

    with pytest.raises(LocalError, match="at work already"):
        await run_parties(twice, keys=False)


async def test_a_source_that_was_stopped_stays_stopped():
    async def body(party):
        source = await make(party, TOY)
        with trio.CancelScope() as scope:
            scope.cancel()
            await source.extend(party.fork("stopped"), 1)
        with pytest.raises(LocalError, match="stopped in the middle"):
            await source.extend(party, 1)

    await run_parties(body, keys=False)


# --------------------------------------------------------------------------------- seeds, progress, faults


PINNED = "91e861693643d3540d920d8408605be5a780602cee48daa5e42e9b481628784b"


async def test_seeds_decide_everything():
    digests = []
    for seed in (1, 1, 2):
        outcome, sent, received = await run(TOY, 1000, 10, seed=seed, digest=True)
        digests.append(hashlib.sha256(b"".join(rows.tobytes() for rows in (*sent, *received))).hexdigest())
        assert outcome.digests[0] == outcome.digests[1]
    assert digests[0] == digests[1] == PINNED
    assert digests[0] != digests[2]


async def test_progress_reaches_the_count_in_steps():
    async def body(party):
        told = []
        rows = await (await make(party, B10)).extend(party, B10.usable + 1, progress=told.append)
        assert told == sorted(told)
        assert len(told) > 20
        assert told[-1] == len(rows)

    await run_parties(body, keys=False)


async def test_set_up_comes_first_and_once():
    async def body(party):
        source = Ferret(TOY, 0, Dealt(0))
        with pytest.raises(LocalError, match="is not set up"):
            await source.extend(party, 1)
        with pytest.raises(LocalError, match="set up already"):
            await (await make(party, TOY)).set_up(party)

    await run_parties(body, keys=False)


async def test_keys_that_do_not_fit():
    async def body(party):
        with pytest.raises(LocalError, match="no OT keys"):
            await Ferret(TOY, party.role, Dealt(party.role)).set_up(party)
        party.ot = keys(dealt(0)[0] ^ np.array([1, 0], np.uint64))
        with pytest.raises(LocalError, match="lowest bit of Delta"):
            await Ferret(TOY, party.role, Dealt(party.role)).set_up(party)

    await run_parties(body, keys=False)
    with pytest.raises(LocalError, match="another sender"):
        Ferret(TOY, 0, Dealt(1))


@pytest.mark.parametrize(
    "change",
    [{"dimension_bits": 20}, {"dimension_bits": 10}, {"trees": 0}, {"depth": 1}, {"depth": 2}],
)
def test_sizes_that_cannot_be(change):
    with pytest.raises(ValueError, match="must"):
        attrs.evolve(TOY, **change)
