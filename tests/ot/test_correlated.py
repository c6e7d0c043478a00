"""Correlated OT: shares of the products, bytes in each direction and flights, in both ways of making it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sirnn import ring
from sirnn.crypto.confined import Confined
from sirnn.errors import LocalError
from sirnn.ot import correlated as ot
from sirnn.ot import strings
from sirnn.ot.correlated import ask_both_ways, correlated_ot, correlated_ot_cost, cot_both_ways, cot_both_ways_cost
from sirnn.ot.fields import CotField
from sirnn.ot.rows import draw_rows, drawn, offer
from sirnn.profile import Profile
from tests.ot.parties import declared, measured, run_for, run_parties
from tests.ot.shared import DIRECTIONS, PROFILES, recording, words


async def correlated(fields, correlations, choices, *, sender, profile, **options):
    cost = correlated_ot_cost(profile, fields, sender=sender)

    def body(party):
        if party.role == sender:
            return correlated_ot(party, fields, sender=sender, correlations=correlations)
        return correlated_ot(party, fields, sender=sender, choices=choices)

    return await run_for(profile, cost, body, **options), cost


def product(field, correlation, choice):
    spread = choice.reshape(choice.shape + (1,) * (correlation.ndim - 1)).astype(correlation.dtype)
    return ring.reduce(spread * correlation, field.bits)


def together(field, a, b):
    return a ^ b if field.xor else ring.reduce(a + b, field.bits)


def check_shares(field, a, b, expected):
    assert a.shape == b.shape == field.shape
    assert a.dtype == b.dtype == ring.dtype_for(field.bits)
    for share in (a, b):
        assert np.array_equal(share, ring.reduce(share, field.bits))
    assert np.array_equal(together(field, a, b), expected)


async def check(fields, *, sender, profile, seed=0):
    correlations = [words(field.shape, field.bits, seed) for field in fields]
    choices = [words(field.count, 1, seed + 1) for field in fields]
    outcome, cost = await correlated(fields, correlations, choices, sender=sender, profile=profile, seed=seed)
    assert measured(outcome) == declared(cost)
    for field, correlation, choice, a, b in zip(fields, correlations, choices, *outcome.values, strict=True):
        check_shares(field, a, b, product(field, correlation, choice))


@PROFILES
@DIRECTIONS
@pytest.mark.parametrize("bits", [1, 2, 7, 8, 9, 16, 17, 33, 63, 64])
async def test_correlated(bits, sender, profile):
    for repeat in (1, 2, 3, 40):
        for count in (0, 1, 33):
            for xor in (False, True):
                await check([CotField(count, bits, repeat, xor)], sender=sender, profile=profile)


@PROFILES
@DIRECTIONS
async def test_batch(sender, profile):
    fields = [CotField(50, 16 - i, 1 + i % 3, i % 4 == 0) for i in range(16)] + [CotField(3, 30, 700)]
    await check(fields, sender=sender, profile=profile)


@PROFILES
async def test_many_chunks(profile):
    await check([CotField(9001, 12), CotField(5000, 40, 5)], sender=0, profile=profile)


@PROFILES
async def test_no_fields_are_two_empty_messages(profile):
    await check([], sender=0, profile=profile)


@pytest.fixture
def small_blocks(monkeypatch):
    """Strings of many parts, made of many blocks."""
    monkeypatch.setattr(strings, "PART", 1 << 10)
    monkeypatch.setattr(ot, "BLOCK_WORDS", 1 << 7)


LONG = [CotField(501, 12), CotField(40, 33, 9), CotField(300, 8, 2, xor=True), CotField(7, 64, 200)]


@PROFILES
@DIRECTIONS
async def test_in_parts_it_costs_the_same_and_gives_the_same(sender, profile, small_blocks):
    await check(LONG, sender=sender, profile=profile)


@PROFILES
async def test_both_ways_in_parts(profile, small_blocks):
    await both_ways(profile, LONG, seed=3)


COT_FIELDS = st.lists(
    st.builds(CotField, st.integers(0, 30), st.integers(1, 64), st.integers(1, 20), st.booleans()), max_size=5
)


@PROFILES
@settings(max_examples=20)
@given(COT_FIELDS, st.integers(0, 1), st.integers(0, 1000))
async def test_any_fields(profile, fields, sender, seed):
    await check(fields, sender=sender, seed=seed, profile=profile)


@PROFILES
@settings(max_examples=20)
@given(COT_FIELDS, st.integers(0, 1000))
async def test_both_ways_at_once(profile, fields, seed):
    await both_ways(profile, fields, seed)


async def both_ways(profile, fields, seed):
    correlations = [[words(field.shape, field.bits, seed + role) for field in fields] for role in (0, 1)]
    choices = [[words(field.count, 1, seed + 2 + role) for field in fields] for role in (0, 1)]
    cost = cot_both_ways_cost(profile, fields)
    outcome = await run_for(
        profile, cost, lambda party: cot_both_ways(party, fields, correlations[party.role], choices[party.role])
    )
    assert measured(outcome) == declared(cost)
    for index, (field, a, b) in enumerate(zip(fields, *outcome.values, strict=True)):
        terms = [product(field, correlations[role][index], choices[1 - role][index]) for role in (0, 1)]
        check_shares(field, a, b, together(field, *terms))


@PROFILES
@pytest.mark.parametrize("field", [CotField(4000, 8), CotField(200, 8, 20), CotField(4000, 8, xor=True)])
async def test_each_share_alone_is_uniform(field, profile):
    constant = np.full(field.shape, 7, np.uint8)
    ones = [np.ones(field.count, np.uint8)]
    outcome, _ = await correlated([field], [constant], ones, sender=0, profile=profile)
    for (share,) in outcome.values:
        counts = np.bincount(share.reshape(-1), minlength=256)
        expected = share.size / 256
        # Chi-squared with 255 degrees of freedom: mean 255, standard deviation 22.6.
        assert ((counts - expected) ** 2 / expected).sum() < 255 + 5 * 22.6


def test_costs_are_the_formulas():
    # Bits per OT: 128 + l, or 1 + l and a random COT; the counts make whole bytes.
    for sender in (0, 1):
        paper = correlated_ot_cost(Profile.PAPER, [CotField(80, 13, 3)], sender=sender)
        assert (paper.sent[1 - sender], paper.sent[sender]) == (80 * 16, 10 * 13 * 3)
        ahead = correlated_ot_cost(Profile.EXACT, [CotField(80, 13, 3)], sender=sender)
        assert (ahead.sent[1 - sender], ahead.sent[sender]) == (10, 10 * 13 * 3)
        assert dict(ahead.demand) == {("cot/server", "cot/client")[sender]: 80}
        assert {paper.flights, ahead.flights} == {2}
    # Rounded up once for a batch, not once a field: 3 bits in one byte.
    assert correlated_ot_cost(Profile.PAPER, [CotField(1, 1)] * 3, sender=0).sent == (1, 48)
    assert correlated_ot_cost(Profile.EXACT, [CotField(1, 1)] * 3, sender=0).sent == (1, 1)


# ---------------------------------------------------------------------------------- privacy


@PROFILES
async def test_correlations_are_hidden_from_both_choices(profile):
    sent = []
    field = CotField(64, 64)

    async def body(party):
        if party.is_server:
            recording(party, sent)
            return await correlated_ot(party, [field], sender=0, correlations=[np.zeros(64, np.uint64)])
        return await correlated_ot(party, [field], sender=0, choices=[np.arange(64, dtype=np.uint8) % 2])

    outcome = await run_for(profile, correlated_ot_cost(profile, [field], sender=0), body)
    corrections = np.frombuffer(sent[0], np.uint64)
    assert len(np.unique(corrections)) == 64
    assert not np.intersect1d(corrections, outcome.values[1][0]).size


async def test_equal_choices_are_hidden():
    """What the receiver says of its choices is one bit each, uniform whatever they are."""
    sent = []
    field = CotField(1 << 14, 8)

    async def body(party):
        if party.is_server:
            return await correlated_ot(party, [field], sender=0, correlations=[np.zeros(1 << 14, np.uint8)])
        recording(party, sent)
        return await correlated_ot(party, [field], sender=0, choices=[np.ones(1 << 14, np.uint8)])

    await run_for(Profile.EXACT, correlated_ot_cost(Profile.EXACT, [field], sender=0), body)
    ones = int(np.unpackbits(np.frombuffer(sent[0], np.uint8)).sum())
    assert abs(ones - (1 << 13)) < 5 * (1 << 6)


@PROFILES
async def test_an_answer_is_given_once(profile, monkeypatch):
    """Given twice, on other correlations, its two messages tell the peer their differences: all of them."""
    fields = [CotField(64, 32)]
    ones, first = [np.ones(64, np.uint8)], words(64, 32)
    cost = cot_both_ways_cost(profile, fields)

    async def body(party):
        heard = []
        asked = await ask_both_ways(party, fields, ones)
        theirs = await party.channel.exchange(asked.message, asked.expects)
        exchange = party.channel.exchange

        async def listening(payload, nbytes):
            heard.append(np.frombuffer(await exchange(payload, nbytes), np.uint32))
            return heard[-1].tobytes()

        party.channel.exchange = listening
        for extra in (0, 1000):
            await asked.answer(party, theirs, [ring.reduce(first + np.uint32(extra), 32)])
        return heard

    with pytest.raises(LocalError, match="Asked used a second time"):
        await run_for(profile, cost, body)
    monkeypatch.setattr(Confined, "spend", Confined.stay)
    for one, other in (await run_for(profile, cost, body)).values:
        assert np.array_equal(other - one, np.full(64, 1000, np.uint32))


@PROFILES
async def test_rows_are_offered_once(profile):
    async def body(party):
        made = await offer(party, bytes(16), 8)
        made.rows(bytes(made.message_bytes))
        with pytest.raises(LocalError, match="Offer used a second time"):
            made.rows(bytes(made.message_bytes))
        assert len((await offer(party, bytes(16), 8)).rows(bytes(made.message_bytes))[0]) == 8
        if profile.ahead:
            await draw_rows(party, 16, sender=1 - party.role)  # the other party's

    demand = drawn(16, sender=0) | drawn(16, sender=1)
    await run_for(profile, demand, body)


async def test_seeds_decide_the_transcript():
    def body(party):
        mine = {"correlations": [words(100, 8)]} if party.is_server else {"choices": [words(100, 1)]}
        return correlated_ot(party, [CotField(100, 8)], sender=0, **mine)

    digests = [(await run_parties(body, seed=seed, digest=True)).digests for seed in (1, 1, 2)]
    assert digests[0] == digests[1]
    # IKNP draws nothing beyond its keys: the transcript depends on them and on the session alone.
    assert digests[0] == digests[2]


# ---------------------------------------------------------------------------- caller's faults


@pytest.mark.parametrize("make", [lambda: CotField(-1, 8), lambda: CotField(1, 8, 0)])
def test_fields_that_cannot_be(make):
    with pytest.raises(ValueError, match="must be"):
        make()


@pytest.mark.parametrize("bits", [0, 65])
def test_widths_that_cannot_be(bits):
    with pytest.raises(LocalError, match="bitwidths"):
        CotField(1, bits)


GOOD = np.zeros(3, np.uint8)


@pytest.mark.parametrize("bad", [None, [], [GOOD[:2]], [GOOD, GOOD], [GOOD.astype(np.int64)]])
@DIRECTIONS
async def test_arrays_that_do_not_fit(bad, sender):
    given = {"correlations": bad, "choices": [GOOD]} if sender == 0 else {"correlations": [GOOD], "choices": bad}
    with pytest.raises(LocalError, match="unsigned words of shapes"):
        await run_parties(lambda party: correlated_ot(party, [CotField(3, 8)], sender=0, **given))


@PROFILES
async def test_choices_that_are_no_choices(profile):
    bad = np.array([0, 1, 2], np.uint8)
    with pytest.raises(LocalError, match="not below"):
        await correlated([CotField(3, 8)], [GOOD], [bad], sender=0, profile=profile)
