"""The calls that protocols make: value, bytes in each direction and flights, for every shape they are used in."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sirnn import ring
from sirnn.crypto import hashing
from sirnn.crypto.hashing import HASHES_PER_KEY, permute
from sirnn.errors import LocalError
from sirnn.ot import transfer
from sirnn.ot.transfer import (
    CotField,
    OtField,
    correlated_ot,
    correlated_ot_cost,
    oblivious_transfer,
    oblivious_transfer_cost,
    random_ot,
    random_ot_cost,
)
from sirnn.profile import Profile
from tests.ot.parties import declared, measured, run_parties

DIRECTIONS = pytest.mark.parametrize("sender", [0, 1])


def words(shape, bits, seed=0):
    """Test data, no secret: uniform words, the largest one among them."""
    data = ring.reduce(np.random.default_rng(seed).integers(0, 2**64, shape, dtype=np.uint64), bits)
    data.reshape(-1)[:1] = ring.mask(bits)
    return data


# ------------------------------------------------------------------------------ correlated OT


async def correlated(fields, correlations, choices, *, sender, **options):
    def body(party):
        if party.role == sender:
            return correlated_ot(party, fields, sender=sender, correlations=correlations)
        return correlated_ot(party, fields, sender=sender, choices=choices)

    return await run_parties(body, **options)


async def check_correlated(fields, *, sender, seed=0):
    correlations = [words(field.shape, field.bits, seed) for field in fields]
    choices = [words(field.count, 1, seed + 1) for field in fields]
    outcome = await correlated(fields, correlations, choices, sender=sender, seed=seed)
    assert measured(outcome) == declared(correlated_ot_cost(Profile.PAPER, fields, sender=sender))
    for field, correlation, choice, a, b in zip(fields, correlations, choices, *outcome.values, strict=True):
        assert a.shape == b.shape == field.shape
        assert a.dtype == b.dtype == ring.dtype_for(field.bits)
        for share in (a, b):
            assert np.array_equal(share, ring.reduce(share, field.bits))
        spread = choice.reshape(choice.shape + (1,) * (correlation.ndim - 1)).astype(correlation.dtype)
        assert np.array_equal(ring.reduce(a + b, field.bits), ring.reduce(spread * correlation, field.bits))


@DIRECTIONS
@pytest.mark.parametrize("bits", [1, 2, 7, 8, 9, 16, 17, 33, 63, 64])
async def test_correlated(bits, sender):
    for repeat in (1, 2, 3, 40):
        for count in (0, 1, 33):
            await check_correlated([CotField(count, bits, repeat)], sender=sender)


@DIRECTIONS
async def test_correlated_batch(sender):
    await check_correlated([CotField(50, 16 - i, 1 + i % 3) for i in range(16)] + [CotField(3, 30, 700)], sender=sender)


async def test_correlated_in_many_chunks():
    await check_correlated([CotField(9001, 12), CotField(5000, 40, 5)], sender=0)


async def test_no_fields_are_two_empty_messages():
    await check_correlated([], sender=0)
    await check_chosen([], sender=1)


COT_FIELDS = st.lists(st.builds(CotField, st.integers(0, 30), st.integers(1, 64), st.integers(1, 20)), max_size=5)


@settings(max_examples=30)
@given(COT_FIELDS, st.integers(0, 1), st.integers(0, 1000))
async def test_any_correlated_fields(fields, sender, seed):
    await check_correlated(fields, sender=sender, seed=seed)


@pytest.mark.parametrize("field", [CotField(4000, 8), CotField(200, 8, 20)])
async def test_each_share_alone_is_uniform(field):
    constant = np.full(field.shape, 7, np.uint8)
    outcome = await correlated([field], [constant], [np.ones(field.count, np.uint8)], sender=0)
    for (share,) in outcome.values:
        counts = np.bincount(share.reshape(-1), minlength=256)
        expected = share.size / 256
        # Chi-squared with 255 degrees of freedom: mean 255, standard deviation 22.6.
        assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * 22.6


# -------------------------------------------------------------------------------- chosen OT


async def chosen(fields, messages, choices, *, sender, **options):
    def body(party):
        if party.role == sender:
            return oblivious_transfer(party, fields, sender=sender, messages=messages)
        return oblivious_transfer(party, fields, sender=sender, choices=choices)

    return await run_parties(body, **options)


async def check_chosen(fields, *, sender, seed=0, choices=None):
    messages = [words((field.count, field.choices), field.bits, seed) for field in fields]
    rng = np.random.default_rng(seed)
    if choices is None:
        choices = [rng.integers(0, field.choices, field.count).astype(np.uint8) for field in fields]
    outcome = await chosen(fields, messages, choices, sender=sender, seed=seed)
    assert measured(outcome) == declared(oblivious_transfer_cost(Profile.PAPER, fields, sender=sender))
    assert outcome.values[sender] == []
    for field, message, choice, got in zip(fields, messages, choices, outcome.values[1 - sender], strict=True):
        assert got.dtype == ring.dtype_for(field.bits)
        assert np.array_equal(got, message[np.arange(field.count), choice])


@DIRECTIONS
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 16, 31, 64, 128, 256])
async def test_every_choice_of_every_message(n, sender):
    for bits in (1, 2, 14, 16, 64):
        await check_chosen([OtField(2 * n, n, bits)], sender=sender, choices=[(np.arange(2 * n) % n).astype(np.uint8)])


@DIRECTIONS
async def test_chosen_batch_of_mixed_sizes_in_any_order(sender):
    sizes = [(40, 16, 2), (7, 2, 9), (40, 16, 1), (0, 256, 12), (5, 256, 12), (40, 8, 2), (9, 2, 40), (1, 3, 64)]
    await check_chosen([OtField(*size) for size in sizes], sender=sender)


async def test_chosen_in_many_chunks():
    await check_chosen([OtField(9001, 2, 5), OtField(5001, 16, 2), OtField(50, 256, 20)], sender=0)


OT_FIELDS = st.lists(st.builds(OtField, st.integers(0, 20), st.integers(2, 256), st.integers(1, 64)), max_size=5)


@settings(max_examples=30)
@given(OT_FIELDS, st.integers(0, 1), st.integers(0, 1000))
async def test_any_chosen_fields(fields, sender, seed):
    await check_chosen(fields, sender=sender, seed=seed)


def test_costs_are_the_papers_formulas():
    # Bits per OT: 128 + l, 128 + 2 l and 256 + N l; the counts make whole bytes.
    for sender in (0, 1):
        correlation = correlated_ot_cost(Profile.PAPER, [CotField(80, 13, 3)], sender=sender)
        assert (correlation.sent[1 - sender], correlation.sent[sender]) == (80 * 16, 10 * 13 * 3)
        two = oblivious_transfer_cost(Profile.PAPER, [OtField(80, 2, 13)], sender=sender)
        assert (two.sent[1 - sender], two.sent[sender]) == (80 * 16, 10 * 2 * 13)
        many = oblivious_transfer_cost(Profile.PAPER, [OtField(80, 16, 2)], sender=sender)
        assert (many.sent[1 - sender], many.sent[sender]) == (80 * 32, 10 * 16 * 2)
        assert {correlation.flights, two.flights, many.flights} == {2}
    # Rounded up once for a batch, not once a field: 3 bits in one byte.
    assert correlated_ot_cost(Profile.PAPER, [CotField(1, 1)] * 3, sender=0).sent == (1, 48)


# -------------------------------------------------------------------------------- random OT


@DIRECTIONS
@pytest.mark.parametrize("count", [0, 1, 300, 5000])
async def test_random(count, sender):
    outcome = await run_parties(lambda party: random_ot(party, count, sender=sender))
    assert measured(outcome) == declared(random_ot_cost(Profile.PAPER, count, sender=sender))
    zeros, ones = outcome.values[sender]
    bits, blocks = outcome.values[1 - sender]
    assert np.array_equal(blocks, np.where(bits[:, None] == 1, ones, zeros))
    assert len(np.unique(np.concatenate([zeros, ones]), axis=0)) == 2 * count
    assert abs(int(bits.sum()) - count / 2) <= 2.5 * count**0.5


# ---------------------------------------------------------------------------------- privacy


def recording(party, sent):
    send = party.channel.send

    async def recorded(payload):
        sent.append(bytes(payload))
        await send(payload)

    party.channel.send = recorded
    return party


@pytest.mark.parametrize("n", [2, 16])
async def test_what_is_sent_never_repeats_and_hides_what_was_not_chosen(n):
    """The same inputs twice, then in a fork: nothing on the wire repeats; messages of zeros look random."""
    sent = {0: [], 1: []}
    field = OtField(64, n, 64)

    async def body(party):
        given = (
            {"messages": [np.zeros((64, n), np.uint64)]} if party.is_server else {"choices": [np.zeros(64, np.uint8)]}
        )
        for each in (party, party, party.fork("again")):
            await oblivious_transfer(recording(each, sent[party.role]), [field], sender=0, **given)

    await run_parties(body)
    # `party` was wrapped twice, so its second message is noted twice.
    for messages in sent.values():
        assert len(messages) == 4
        assert len(set(messages)) == 3
    for message in set(sent[0]):
        assert len(np.unique(np.frombuffer(message, np.uint64))) == 64 * n


async def test_correlations_are_hidden_from_both_choices():
    sent = []
    field = CotField(64, 64)

    async def body(party):
        if party.is_server:
            recording(party, sent)
            return await correlated_ot(party, [field], sender=0, correlations=[np.zeros(64, np.uint64)])
        return await correlated_ot(party, [field], sender=0, choices=[np.arange(64, dtype=np.uint8) % 2])

    outcome = await run_parties(body)
    corrections = np.frombuffer(sent[0], np.uint64)
    assert len(np.unique(corrections)) == 64
    assert not np.intersect1d(corrections, outcome.values[1][0]).size


async def test_no_key_hashes_more_than_the_limit(monkeypatch):
    used = Counter()

    def counting(key, inputs):
        used[key] += len(inputs.reshape(-1, 2))
        return permute(key, inputs)

    monkeypatch.setattr(hashing, "permute", counting)
    await check_correlated([CotField(9000, 30), CotField(2000, 16, 40)], sender=0)
    await check_chosen([OtField(9000, 2, 3), OtField(1000, 100, 3)], sender=1)
    # Both parties are counted here, and both pads of an OT: three at most for each that one party does not know.
    assert max(used.values()) <= 3 * HASHES_PER_KEY


# ------------------------------------------------------------------------- forks and seeds


async def test_both_directions_in_parallel_forks():
    field = OtField(100, 16, 5)
    messages, choices = words((100, 16), 5), words(100, 4)

    async def body(party):
        def one(sender):
            given = {"messages": [messages]} if party.role == sender else {"choices": [choices]}
            return lambda fork: oblivious_transfer(fork, [field], sender=sender, **given)

        return await party.parallel(one(0), one(1), one(0))

    outcome = await run_parties(body)
    expected = messages[np.arange(100), choices]
    for branch, sender in enumerate((0, 1, 0)):
        (got,) = outcome.values[1 - sender][branch]
        assert np.array_equal(got, expected)
        assert outcome.values[sender][branch] == []
    cost = [oblivious_transfer_cost(Profile.PAPER, [field], sender=sender) for sender in (0, 1, 0)]
    assert measured(outcome) == declared(cost[0] | cost[1] | cost[2])
    assert measured(outcome)[1] == 2


async def test_seeds_decide_the_transcript():
    digests = [
        (await run_parties(lambda party: random_ot(party, 100, sender=0), seed=seed, digest=True)).digests
        for seed in (1, 1, 2)
    ]
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


# ---------------------------------------------------------------------------- caller's faults


@pytest.mark.parametrize(
    "make",
    [
        lambda: CotField(-1, 8),
        lambda: CotField(1, 8, 0),
        lambda: OtField(1, 1, 8),
        lambda: OtField(1, 257, 8),
        lambda: OtField(-1, 2, 8),
    ],
)
def test_fields_that_cannot_be(make):
    with pytest.raises(ValueError, match="must be"):
        make()


@pytest.mark.parametrize("bits", [0, 65])
@pytest.mark.parametrize("kind", [lambda bits: CotField(1, bits), lambda bits: OtField(1, 2, bits)])
def test_widths_that_cannot_be(kind, bits):
    with pytest.raises(LocalError, match="bitwidths"):
        kind(bits)


GOOD = np.zeros(3, np.uint8)


@pytest.mark.parametrize("bad", [None, [], [GOOD[:2]], [GOOD, GOOD], [GOOD.astype(np.int64)]])
@DIRECTIONS
async def test_arrays_that_do_not_fit(bad, sender):
    given = {"correlations": bad, "choices": [GOOD]} if sender == 0 else {"correlations": [GOOD], "choices": bad}
    with pytest.raises(LocalError, match="unsigned words of shapes"):
        await run_parties(lambda party: correlated_ot(party, [CotField(3, 8)], sender=0, **given))


@pytest.mark.parametrize("n", [2, 5])
async def test_choices_that_are_no_choices(n):
    bad = np.array([0, 1, n], np.uint8)
    with pytest.raises(LocalError, match="not below"):
        await chosen([OtField(3, n, 8)], [np.zeros((3, n), np.uint8)], [bad], sender=0)
    with pytest.raises(LocalError, match="not below"):
        await correlated([CotField(3, 8)], [GOOD], [np.array([0, 1, 2], np.uint8)], sender=0)


def test_the_primitives_are_listed():
    assert {call.__name__ for call in transfer.PRIMITIVES} == {"correlated_ot", "oblivious_transfer", "random_ot"}
