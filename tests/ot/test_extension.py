"""The extension core, both sides in one place: what each can compute, and what the receiver cannot."""

import numpy as np
import pytest

from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.ot.extension import NARROW, REPETITION, WALSH_HADAMARD, WIDE, code_pads, extend_receiver, extend_sender
from sirnn.ot.keys import ReceiverKeys, SenderKeys

KEY = bytes(range(16))
CODES = {NARROW: REPETITION, WIDE: WALSH_HADAMARD}


def keys(width, seed=0):
    randomness = InsecureSeededRandomness(seed)
    seeds = randomness.words((2, width, 2), 64)
    secret = randomness.bits(width)
    return SenderKeys.from_bits(secret, seeds[secret, np.arange(width)]), ReceiverKeys(seeds[0], seeds[1])


def extended(width, choices, key=KEY):
    sender, receiver = keys(width)
    u, t = extend_receiver(receiver, key, CODES[width][choices])
    return u, t, extend_sender(sender, key, u), sender.secret


def all_pads(key, rows, offsets, choices):
    return np.concatenate([blocks for _, blocks in code_pads(key, rows, offsets, choices)])


@pytest.mark.parametrize("code", [REPETITION, WALSH_HADAMARD])
def test_codewords_differ_in_128_places(code):
    distances = np.bitwise_count(code[:, None, :] ^ code[None, :, :]).sum(axis=2)
    assert np.array_equal(distances, 128 * (1 - np.eye(len(code), dtype=np.int64)))


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("n", [0, 1, 127, 128, 129, 2048, 4097, 9000])
def test_rows_differ_by_the_codeword_under_the_secret(width, n):
    choices = np.arange(n) % len(CODES[width])
    u, t, q, secret = extended(width, choices)
    assert u.shape == t.shape == q.shape == (n, width // 64)
    assert np.array_equal(q, t ^ (CODES[width][choices] & secret))


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_every_row_has_a_stream_of_its_own(width):
    u, t, _, _ = extended(width, np.zeros(10_000, np.uint8))
    for rows in (u, t):
        assert len(np.unique(rows, axis=0)) == len(rows)
        ones = np.bitwise_count(rows).sum(dtype=np.int64)
        assert abs(ones - rows.size * 32) < 5 * 4 * rows.size**0.5  # five standard deviations of fair coins


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_what_is_sent_is_masked_afresh_in_every_call(width):
    choices = np.arange(300) % 2
    first, second = (extended(width, choices, key)[0] for key in (KEY, bytes(16)))
    assert not np.any(np.all(first == second, axis=1))


@pytest.mark.parametrize(("width", "choices"), [(NARROW, 2), (WIDE, 3), (WIDE, 16), (WIDE, 256)])
def test_the_receiver_has_the_pad_it_chose_and_no_other(width, choices):
    chosen = np.arange(2 * choices + 5) % choices
    _, t, q, secret = extended(width, chosen)
    sent = all_pads(KEY, q, CODES[width][:choices] & secret, choices)
    got = all_pads(KEY, t, np.zeros((1, width // 64), np.uint64), choices)[:, 0]
    assert np.array_equal(sent[np.arange(len(chosen)), chosen], got)
    flat = sent.reshape(-1, 2)
    assert len(np.unique(flat, axis=0)) == len(flat)
