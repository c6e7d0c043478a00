"""From the first byte on, what a server sees of a session does not depend on what the client's readings are."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from sirnn.errors import LocalError, PeerError
from sirnn.fixedpoint import FixedPoint
from sirnn.nn import service
from sirnn.nn.inference import Reveal
from sirnn.nn.service import Reply, answer, ask
from sirnn.profile import Profile
from sirnn.session import start_session
from tests.attacks import bisection
from tests.harness import run_pair
from tests.nn.sessions import small_model

FASTGRNN = small_model(1)
SVM = bisection.model()

EXTREMES = {
    "ordinary": lambda shape: np.random.default_rng(1).normal(size=shape),
    "zero": np.zeros,
    "huge": lambda shape: np.full(shape, 1.7e308),
    "tiny": lambda shape: np.full(shape, 5e-324),
    "out of range": lambda shape: 1e6 * np.random.default_rng(2).normal(size=shape),
    "mixed": lambda shape: np.resize([1e300, -1e300, 0.0, 1e-300, 3.99, -4.0, 4.0], shape),
}


async def view(model, reading, over, **options):
    """Everything that the server sees: its messages with their sizes and depths, in order, and how the session ends."""
    events = []

    def observe(role, event):
        if role == 0:
            events.append(event._replace(after=None))

    result = await run_pair(
        partial(answer, model=model, **options),
        partial(ask, recordings=reading, **options),
        over=over,
        observer=observe,
    )
    ends = [outcome.error for outcome in result.outcomes]
    assert ends == [None, None]  # that it ends well, whatever the reading, is part of it
    events.sort(key=lambda event: event.path)  # branches that run at once are served in any order
    return events, [(each.sent_ns, each.nbytes, each.sender) for each in result.log], result.outcomes[1].value.clipped


@pytest.mark.parametrize("over", ["sim", "tcp"])
@pytest.mark.parametrize(
    ("model", "options"),
    [(FASTGRNN, {}), (SVM, {}), (SVM, {"profile": Profile.PAPER, "reveals": Reveal.LOGITS})],
    ids=["fastgrnn", "svm", "svm-paper"],
)
async def test_every_reading_looks_the_same_to_the_server(model, options, over):
    shape = model.shape.input_shape
    readings = {name: make(shape) for name, make in EXTREMES.items()}
    views = {name: await view(model, reading, over, **options) for name, reading in readings.items()}
    for name, (events, log, clipped) in views.items():
        assert (events, log) == views["ordinary"][:2], name
        assert clipped == np.count_nonzero(
            ~within(model.shape.input_type, model.shape.scaled(np.clip(readings[name], -1e100, 1e100)))
        )
    assert views["huge"][2] == np.prod(shape)


def within(kind, values):
    """Which values round to a word of the type."""
    low, high = kind.range
    return (values >= low - kind.ulp / 2) & (values < high + kind.ulp / 2)


async def test_a_server_that_bisects_by_its_scaling_learns_nothing():
    """It sees the same of two readings at the ends of all that it believes possible."""
    views = [(await bisection.attack(np.array([reading, 1.0]), sessions=8))[2] for reading in (-99.0, 99.0)]
    assert views == [[True] * 8] * 2


async def test_the_same_server_wins_if_readings_are_refused(monkeypatch):
    """The attack is one: against a client that refuses what does not fit it is right to the last digit."""
    saturate = FixedPoint.saturate

    def refuse(self, values):
        words, outside = saturate(self, values)
        if outside:
            raise LocalError("a reading does not fit")
        return words, outside

    monkeypatch.setattr(FixedPoint, "saturate", refuse)
    monkeypatch.setattr(service, "as_batch", _refusing)
    low, high, _ = await bisection.attack(np.array([36.618, 1.0]))
    assert low <= 36.618 <= high
    assert high - low < 1e-4


def _refusing(given, shape):
    batch = given.reshape(-1, *shape.input_shape)
    shape.encode_clipped(batch)
    return batch


@pytest.mark.parametrize("scale", [-64, -3, 13, 64])
def test_every_input_type_that_a_server_names_takes_every_reading(scale):
    """The type alone says how large the largest reading is, to a power of two, if what does not fit is refused."""
    kind = FixedPoint(16, scale)
    for make in EXTREMES.values():
        words, clipped = kind.saturate(make((4, 3)))
        assert words.shape == (4, 3)
        assert 0 <= clipped <= 12


@pytest.mark.parametrize("reading", [np.full(2, np.nan), np.array([1.0, np.inf]), np.array([True, False])])
async def test_what_is_no_recording_is_refused_before_a_word_is_said(reading):
    result = await run_pair(partial(answer, model=SVM), partial(ask, recordings=reading))
    assert isinstance(result.outcomes[1].error, LocalError)
    assert result.ledgers[1] == {}


def test_an_answer_that_names_no_class_is_found_out_after_the_session():
    """Whether an index is one depends on the reading, and a server that cheats could make it depend as it likes."""
    reply = Reply(SVM.shape, 1, np.array([2]), (2,), None)
    with pytest.raises(PeerError, match="names no class"):
        _ = reply.names


async def test_a_scaling_that_could_overflow_is_refused_whatever_the_reading():
    text = SVM.shape.to_json()
    said = text.replace('"gain":[1.0,1.0]', '"gain":[1e300,1.0]')
    assert said != text

    async def server(channel):
        tell = {"model": "any", "shape": said}
        await start_session(channel, profile=Profile.PAPER, agree={"reveals": "class"}, tell=tell)

    for make in EXTREMES.values():
        result = await run_pair(server, partial(ask, recordings=make((2,)), profile=Profile.PAPER))
        errors = [outcome.error for outcome in result.outcomes]
        assert [type(error) for error in errors] == [PeerError, PeerError]
        assert "absurdly large" in str(errors[1])
