"""Stretches: every word has a place of its own, finer tiers are wider, and parts that do not fit are refused."""

from __future__ import annotations

import itertools

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn.compiler.examples import TIERED
from sirnn.compiler.stretch import Tier, segments, stretch
from sirnn.errors import LocalError


@st.composite
def stretches(draw):
    """Any origin, either direction, and tiers of which each reaches at least a segment of the one above."""
    read_bits = draw(st.integers(2, 10))
    cuts = [(read_bits, draw(st.integers(1, read_bits - 1)))]
    while not (len(cuts) > 1 and draw(st.booleans())):
        reach, width = cuts[-1]
        if width == 0:
            break
        cuts.append((draw(st.integers(width, reach - 1)), draw(st.integers(0, width - 1))))
    return stretch(draw(st.integers(-2000, 2000)), draw(st.sampled_from([1, -1])), cuts), cuts


@given(stretches())
def test_every_word_has_one_place_and_comes_back_from_it(made):
    found, _ = made
    words = np.arange(1 << found.read_bits)
    places = found(words)
    assert np.all(np.diff(places[np.argsort(found.distance(words))]) > 0)
    origins, does = found.inverse(places)
    assert np.all(does)
    assert np.array_equal(origins, words)
    every = np.arange(1 << found.bits)
    assert np.count_nonzero(found.inverse(every)[1]) == words.size


@given(stretches())
def test_a_segment_holds_words_of_one_tier_and_of_one_width(made):
    found, cuts = made
    words = np.arange(1 << found.read_bits)
    segment, distance = found(words) >> cuts[0][1], found.distance(words)
    # By hand: the last tier that reaches a word says how wide the segment around it is.
    width = np.zeros_like(words)
    for reach, rest in cuts:
        width = np.where(distance < 1 << reach, rest, width)
    by_hand = [(int(w), int(t) >> int(w)) for w, t in zip(width, distance, strict=True)]
    for one, other in itertools.pairwise(np.argsort(distance)):
        assert (segment[one] == segment[other]) == (by_hand[one] == by_hand[other])
    assert sum(segments(cuts)) == len(set(by_hand))


@given(stretches(), st.integers(-3000, 3000), st.integers(1, 900))
def test_the_runs_of_the_tiers_are_all_of_a_run(made, start, length):
    found, _ = made
    within = range(start, start + min(length, 1 << found.read_bits))
    runs = [found.runs(place, within) for place in range(len(found.tiers))]
    assert sorted(x for tier in runs for run in tier for x in run) == list(within)
    for place, tier in enumerate(runs):
        low, high = found.span(place)
        for run in tier:
            assert all(low <= t < high for t in found.distance(np.array(run)))


@pytest.mark.parametrize(
    "change",
    [
        {"tiers": ()},
        {"tiers": (Tier(15, 0, 0),)},
        {"tiers": (Tier(14, 0, 0), Tier(9, 2, 1 << 14))},
        {"tiers": (Tier(15, 0, 0), Tier(15, 2, 1 << 15))},
        {"tiers": (Tier(15, 1, 0), Tier(9, 2, 1 << 16))},
        {"tiers": (Tier(15, 0, 0), Tier(9, 60, 0))},
        {"tiers": (Tier(15, 0, 0), Tier(9, 2, 3), Tier(4, 4, 1 << 15 | 1))},
        {"tiers": (Tier(15, 0, -9000), Tier(13, 2, 0))},
        {"bits": 14},
        {"bits": 99},
        {"step": 2},
    ],
    ids=str,
)
def test_what_is_no_stretch_is_refused(change):
    with pytest.raises(LocalError):
        attrs.evolve(TIERED[-1].stretch, **change)
