"""1-of-N OT: halves of the chosen message, bytes in each direction and flights, in both ways of making it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.kernels.bitpack import unpack
from sirnn.ot import chosen, strings
from sirnn.ot.chosen import oblivious_transfer, oblivious_transfer_cost
from sirnn.ot.fields import OtField
from sirnn.profile import Profile
from tests.ot.parties import declared, measured, run_for
from tests.ot.shared import DIRECTIONS, PROFILES, recording, words


async def transfer(fields, messages, choices, *, sender, profile, **options):
    cost = oblivious_transfer_cost(profile, fields, sender=sender)

    def body(party):
        if party.role == sender:
            return oblivious_transfer(party, fields, sender=sender, messages=messages)
        return oblivious_transfer(party, fields, sender=sender, choices=choices)

    return await run_for(profile, cost, body, **options), cost


def together(field, a, b):
    """What two halves are halves of."""
    if not field.additive:
        return a ^ b
    total, place = np.zeros_like(a, dtype=np.uint64), 0
    for width in field.additive:
        part = (a.astype(np.uint64) >> np.uint64(place)) + (b.astype(np.uint64) >> np.uint64(place))
        total |= (part & np.uint64(ring.mask(width))) << np.uint64(place)
        place += width
    return total.astype(a.dtype)


async def check(fields, *, sender, profile, seed=0, choices=None):
    messages = [words((field.count, field.choices), field.bits, seed) for field in fields]
    rng = np.random.default_rng(seed)
    if choices is None:
        choices = [rng.integers(0, field.choices, field.count).astype(np.uint8) for field in fields]
    outcome, cost = await transfer(fields, messages, choices, sender=sender, profile=profile, seed=seed)
    assert measured(outcome) == declared(cost)
    for field, message, choice, a, b in zip(fields, messages, choices, *outcome.values, strict=True):
        assert a.dtype == b.dtype == ring.dtype_for(field.bits)
        for half in (a, b):
            assert np.array_equal(half, ring.reduce(half, field.bits))
        assert np.array_equal(together(field, a, b), message[np.arange(field.count), choice])


@PROFILES
@DIRECTIONS
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 16, 31, 64, 128, 256])
async def test_every_choice_of_every_message(n, sender, profile):
    numbers = [(np.arange(2 * n) % n).astype(np.uint8)]
    for bits in (1, 2, 14, 16, 64):
        for additive in ((), (bits,), (1, bits - 1)):
            if 0 not in additive:
                field = OtField(2 * n, n, bits, additive)
                await check([field], sender=sender, profile=profile, choices=numbers)


@PROFILES
@DIRECTIONS
async def test_batch_of_mixed_sizes_in_any_order(sender, profile):
    sizes = [(40, 16, 2), (7, 2, 9), (40, 16, 1), (0, 256, 12), (5, 256, 12), (40, 8, 2), (9, 2, 40), (1, 3, 64)]
    await check([OtField(*size) for size in sizes], sender=sender, profile=profile)
    await check([], sender=sender, profile=profile)


@PROFILES
async def test_many_chunks(profile):
    await check([OtField(9001, 2, 5), OtField(5001, 16, 2), OtField(50, 256, 20)], sender=0, profile=profile)


@PROFILES
@DIRECTIONS
async def test_in_parts_it_costs_the_same_and_gives_the_same(sender, profile, monkeypatch):
    monkeypatch.setattr(strings, "PART", 1 << 10)
    monkeypatch.setattr(chosen, "BLOCK_MESSAGES", 1 << 7)
    fields = [OtField(501, 2, 5), OtField(33, 16, 12, (4, 8)), OtField(20, 256, 20)]
    await check(fields, sender=sender, profile=profile)


OT_FIELDS = st.lists(st.builds(OtField, st.integers(0, 20), st.integers(2, 256), st.integers(1, 64)), max_size=5)


@PROFILES
@settings(max_examples=20)
@given(OT_FIELDS, st.integers(0, 1), st.integers(0, 1000))
async def test_any_fields(profile, fields, sender, seed):
    await check(fields, sender=sender, seed=seed, profile=profile)


def test_costs_are_the_formulas():
    # The counts make whole bytes.
    for sender in (0, 1):
        two = oblivious_transfer_cost(Profile.PAPER, [OtField(80, 2, 13)], sender=sender)
        assert (two.sent[1 - sender], two.sent[sender]) == (80 * 16, 10 * 2 * 13)
        many = oblivious_transfer_cost(Profile.PAPER, [OtField(80, 16, 2)], sender=sender)
        assert (many.sent[1 - sender], many.sent[sender]) == (80 * 32, 10 * 16 * 2)
        ahead = oblivious_transfer_cost(Profile.EXACT, [OtField(80, 16, 2)], sender=sender)
        assert (ahead.sent[1 - sender], ahead.sent[sender]) == (10 * 4, 10 * 15 * 2)
        assert dict(ahead.demand) == {("cot/server", "cot/client")[sender]: 320}
        assert {two.flights, many.flights, ahead.flights} == {2}


# ---------------------------------------------------------------------------------- privacy


@PROFILES
@pytest.mark.parametrize("n", [2, 8])
async def test_what_is_sent_never_repeats_and_hides_what_was_not_chosen(n, profile):
    """The same inputs twice, then in a fork: nothing on the wire repeats; messages of zeros look random."""
    sent = {0: [], 1: []}
    field = OtField(64, n, 64)
    cost = oblivious_transfer_cost(profile, [field], sender=0)

    async def body(party):
        zeros = {"messages": [np.zeros((64, n), np.uint64)]} if party.is_server else {"choices": [GOOD64]}
        for _ in range(2):
            await oblivious_transfer(recording(party, sent[party.role]), [field], sender=0, **zeros)
        fork = party.fork("again", cost.demand)
        await oblivious_transfer(recording(fork, sent[party.role]), [field], sender=0, **zeros)

    await run_for(profile, cost * 3, body)
    # `party` was wrapped twice, so its second message is noted twice.
    for messages in sent.values():
        assert len(messages) == 4
        assert len(set(messages)) == 3
    for message in set(sent[0]):
        assert len(np.unique(np.frombuffer(message, np.uint64))) == 64 * (n - profile.ahead)


@pytest.mark.parametrize("bits", [1, 2, 3])
async def test_pads_of_what_was_not_chosen_are_uniform_together(bits):
    """Out of random COTs the pads of one OT share hashes: all N - 1 the receiver lacks must look independent of it all.

    The receiver could undo each hidden message with its own pads; what is left, jointly, is uniform on its
    (2^bits)^3 values whatever it chose.
    """
    count = 1 << 14
    for choice in range(4):
        field = OtField(count, 4, bits)
        numbers = np.full(count, choice, np.uint8)
        messages = np.zeros((count, 4), ring.dtype_for(bits))
        sent = {0: [], 1: []}

        async def body(party, field=field, messages=messages, numbers=numbers, sent=sent):
            given = {"messages": [messages]} if party.is_server else {"choices": [numbers]}
            recording(party, sent[party.role])
            return await oblivious_transfer(party, [field], sender=0, **given)

        cost = oblivious_transfer_cost(Profile.EXACT, [field], sender=0)
        outcome = await run_for(Profile.EXACT, cost, body)
        (hidden,) = unpack(sent[0][0], [(count * 3, bits)])
        seen = np.concatenate([outcome.values[1][0][:, None], hidden.reshape(count, 3)], axis=1).astype(np.int64)
        # Of the four numbers the receiver sees, the chosen message and its half are one and the same known thing.
        kept = np.delete(seen, choice, axis=1) if choice else seen[:, 1:]
        joint = np.zeros(count, np.int64)
        for column in kept.T[:2]:
            joint = joint << bits | column
        counts = np.bincount(joint, minlength=1 << (2 * bits))
        expected = count / len(counts)
        freedom = len(counts) - 1
        assert ((counts - expected) ** 2 / expected).sum() < freedom + 6 * (2 * freedom) ** 0.5


# ------------------------------------------------------------------------------------ forks


@PROFILES
async def test_both_directions_in_parallel_forks(profile):
    field = OtField(100, 16, 5)
    messages, choices = words((100, 16), 5), words(100, 4)
    costs = [oblivious_transfer_cost(profile, [field], sender=sender) for sender in (0, 1, 0)]

    async def body(party):
        def one(sender):
            given = {"messages": [messages]} if party.role == sender else {"choices": [choices]}
            return costs[sender], lambda fork: oblivious_transfer(fork, [field], sender=sender, **given)

        return await party.parallel(one(0), one(1), one(0))

    total = costs[0] | costs[1] | costs[2]
    outcome = await run_for(profile, total, body)
    expected = messages[np.arange(100), choices]
    for (a,), (b,) in zip(*outcome.values, strict=True):
        assert np.array_equal(a ^ b, expected)
    assert measured(outcome) == declared(total)
    assert measured(outcome)[1] == 2


# ---------------------------------------------------------------------------- caller's faults


@pytest.mark.parametrize("make", [lambda: OtField(1, 1, 8), lambda: OtField(1, 257, 8), lambda: OtField(-1, 2, 8)])
def test_fields_that_cannot_be(make):
    with pytest.raises(ValueError, match="must be"):
        make()


@pytest.mark.parametrize("bits", [0, 65])
def test_widths_that_cannot_be(bits):
    with pytest.raises(LocalError, match="bitwidths"):
        OtField(1, 2, bits)
    with pytest.raises(LocalError, match="add up"):
        OtField(1, 2, 8, (3, 4))


GOOD64 = np.zeros(64, np.uint8)


@PROFILES
@pytest.mark.parametrize("n", [2, 5])
async def test_choices_that_are_no_choices(n, profile):
    bad = np.array([0, 1, n], np.uint8)
    with pytest.raises(LocalError, match="not below"):
        await transfer([OtField(3, n, 8)], [np.zeros((3, n), np.uint8)], [bad], sender=0, profile=profile)
