"""What the clock of a run says: stages, and medians of repeated ones."""

from __future__ import annotations

import pytest

from sirnn.channel import Phase
from sirnn.cli.stages import Seconds, Stopwatch, seconds_of

SETUP, OFFLINE, ONLINE = Phase.SETUP, Phase.OFFLINE, Phase.ONLINE


def marks(*entered):
    return tuple(entered)


def test_a_stage_is_over_when_both_parties_are_done_with_it():
    server = marks((SETUP, 0.0), (OFFLINE, 1.0), (ONLINE, 4.0), (None, 6.0))
    client = marks((SETUP, 0.5), (OFFLINE, 2.0), (ONLINE, 3.0), (None, 7.0))
    assert seconds_of(server, client) == Seconds(setup=1.5, offline=2.0, online=3.0)
    assert seconds_of(server, client).total == 6.5
    assert seconds_of(server) == Seconds(setup=1.0, offline=3.0, online=2.0)


def test_of_several_runs_the_median_counts_and_every_set_up():
    lengths = [(2.0, 1.0, 8.0), (0.0, 3.0, 4.0), (0.0, 2.0, 5.0)]
    now, entered = 0.0, []
    for setup, offline, online in lengths:
        for stage, length in ((SETUP, setup), (OFFLINE, offline), (ONLINE, online)):
            entered.append((stage, now))
            now += length
    assert seconds_of(marks(*entered, (None, now))) == Seconds(setup=2.0, offline=2.0, online=5.0)


def test_a_run_that_makes_nothing_ahead_has_no_offline_time():
    assert seconds_of(marks((SETUP, 0.0), (ONLINE, 1.0), (None, 3.0))) == Seconds(1.0, 0.0, 2.0)


def test_parties_that_went_through_other_stages_cannot_be_compared():
    with pytest.raises(ValueError, match="zip"):
        seconds_of(marks((SETUP, 0.0), (None, 1.0)), marks((SETUP, 0.0), (ONLINE, 0.5), (None, 1.0)))


def test_a_stopwatch_notes_stages_in_order():
    watch = Stopwatch()
    watch(SETUP)
    watch(ONLINE)
    noted = watch.stop()
    assert [stage for stage, _ in noted] == [SETUP, ONLINE, None]
    instants = [at for _, at in noted]
    assert instants == sorted(instants)
