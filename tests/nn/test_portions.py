"""Correlations made in portions: the same answers, at exactly the declared cost, with no more ready than declared."""

import pytest

from sirnn.channel import Phase
from sirnn.correlations import portions
from sirnn.correlations.portions import schedule
from sirnn.correlations.prepare import plan
from sirnn.correlations.store import Store
from sirnn.cost import sequence
from sirnn.nn.inference import Reveal, infer_cost, infer_steps
from sirnn.ot.rows import COTS, ROW_BYTES
from sirnn.profile import Profile
from tests.nn.sessions import STEPS, assert_is_the_twin, infer_both, small_model, some_recordings

MODEL = small_model(1)
COUNT = 3
RECORDINGS = some_recordings(MODEL, COUNT)
LEAN = Profile.LEAN


@pytest.fixture
def small_portions(monkeypatch):
    """So small that every step is a portion of its own; the rest of a step's COTs are left for the next."""
    monkeypatch.setattr(portions, "PORTION_COTS", 1)


@pytest.mark.parametrize("over", ["sim", "tcp"])
@pytest.mark.parametrize("reveals", list(Reveal))
async def test_an_inference_in_portions_costs_what_is_declared(reveals, over, small_portions):
    steps = infer_steps(LEAN, MODEL.shape, COUNT, reveals=reveals)
    planned = schedule(LEAN, steps)
    assert len(planned.portions) == STEPS + 3  # the input, every reading, the classes, the answer
    outcome = await infer_both(MODEL, RECORDINGS, reveals=reveals, over=over)
    assert_is_the_twin(outcome, MODEL, RECORDINGS, reveals)
    for phase, declared in ((Phase.ONLINE, sequence(*steps)), (Phase.OFFLINE, planned.total.offline)):
        for role in (0, 1):
            measured = outcome.traffic(role, phase)
            assert (measured.sent, measured.received) == (declared.sent[role], declared.sent[1 - role])
            assert measured.flights == declared.flights


async def test_no_more_lies_ready_than_the_schedule_says(small_portions, monkeypatch):
    most, take = {}, Store.take

    def watched(store, kind, count, **options):
        rows = sum(store.left(each) for each in COTS)
        most[id(store)] = max(most.get(id(store), 0), rows * ROW_BYTES)
        return take(store, kind, count, **options)

    monkeypatch.setattr(Store, "take", watched)
    steps = infer_steps(LEAN, MODEL.shape, COUNT)
    await infer_both(MODEL, RECORDINGS)
    in_portions = schedule(LEAN, steps).memory
    monkeypatch.undo()
    assert 0 < max(most.values()) <= in_portions < schedule(LEAN, steps).memory


def test_what_fits_in_one_portion_is_prepared_whole():
    steps = infer_steps(LEAN, MODEL.shape, COUNT)
    whole = schedule(LEAN, steps)
    assert list(whole.portions) == [0]
    assert whole.total == plan(LEAN, infer_cost(LEAN, MODEL.shape, COUNT).demand)


@pytest.mark.parametrize("reveals", list(Reveal))
def test_the_steps_make_the_cost(reveals):
    steps = infer_steps(LEAN, MODEL.shape, COUNT, reveals=reveals)
    assert sequence(*steps) == infer_cost(LEAN, MODEL.shape, COUNT, reveals=reveals)


def test_what_lies_ready_stops_growing_with_the_steps():
    """Of a long computation a portion at a time, however many recordings there are."""
    step = infer_steps(LEAN, MODEL.shape, 100_000)[1]
    few, many = (schedule(LEAN, [step] * count) for count in (10, 1000))
    assert len(many.portions) > 50 * len(few.portions) > 50
    assert many.memory <= few.memory * 1.25
