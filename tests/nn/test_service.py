"""What either side of an inference says to a peer that is wrong, and to a caller that is."""

from __future__ import annotations

from functools import partial

import attrs
import numpy as np
import pytest

from sirnn.errors import LocalError, PeerError
from sirnn.nn.inference import Reveal
from sirnn.nn.service import answer, as_batch, as_reals, ask
from sirnn.profile import Profile
from sirnn.session import start_session
from tests.harness import run_pair
from tests.nn.sessions import assert_is_the_twin, infer_both, small_model, some_recordings

MODEL = small_model(1)
RECORDINGS = some_recordings(MODEL, 1)


async def ends_of(server, client, over="sim"):
    """How both sides end."""
    return [outcome.error for outcome in (await run_pair(server, client, over=over)).outcomes]


def impostor(**facts):
    """A peer that greets like one of ours but for these facts, and waits."""

    async def body(channel):
        agree = {"reveals": Reveal.CLASS.value}
        party = await start_session(
            channel, profile=Profile.LEAN, agree=agree, tell={key: value for key, value in facts.items() if value}
        )
        await party.channel.recv(1)

    return body


def good_facts():
    return {"model": MODEL.shape.digest(), "shape": MODEL.shape.to_json()}


# ------------------------------------------------------------ agreement


async def test_the_expected_model_is_taken():
    outcome = await infer_both(MODEL, RECORDINGS, expected=MODEL.shape)
    assert_is_the_twin(outcome, MODEL, RECORDINGS)


async def test_a_single_recording_needs_no_batch():
    outcome = await infer_both(MODEL, RECORDINGS[0])
    assert_is_the_twin(outcome, MODEL, RECORDINGS)


@pytest.mark.parametrize("over", ["sim", "tcp"])
async def test_another_model_than_expected_is_an_error_at_both(over):
    other = small_model(2).shape
    errors = await ends_of(
        partial(answer, model=MODEL), partial(ask, recordings=np.zeros((4, 3)), expected=other), over=over
    )
    names = [MODEL.shape.digest()[:16], other.digest()[:16]]
    for role, error in enumerate(errors):
        assert isinstance(error, PeerError)
        assert f"shape '{names[role]}' here, '{names[1 - role]}' there" in str(error)


@pytest.mark.parametrize("over", ["sim", "tcp"])
async def test_another_answer_than_asked_for_is_an_error_at_both(over):
    errors = await ends_of(
        partial(answer, model=MODEL, reveals=Reveal.LOGITS), partial(ask, recordings=RECORDINGS), over=over
    )
    for error, values in zip(errors, ["'logits' here, 'class' there", "'class' here, 'logits' there"], strict=True):
        assert isinstance(error, PeerError)
        assert f"reveals: {values}" in str(error)


# ------------------------------------------------------------ a client that is wrong


@pytest.mark.parametrize(
    "shape",
    [None, "4", "4x3x1", "4x2", "0x4x3", "-1x4x3", "4x3.0", "x", "9" * 5000, "²x3", "\x1b[31m", " 4x3"],
    ids=lambda shape: ascii(shape)[:12],
)
async def test_a_client_that_announces_nonsense(shape):
    errors = await ends_of(partial(answer, model=MODEL), impostor(model="any", recordings=shape))
    assert isinstance(errors[0], PeerError)
    assert "the client has a recording of shape" in str(errors[0])
    assert "this model takes 4 steps of 3 channels, or several" in str(errors[0])
    assert len(str(errors[0])) < 300
    assert "\x1b" not in str(errors[0])
    assert isinstance(errors[1], PeerError)


async def test_a_client_that_names_no_model_is_told_so():
    errors = await ends_of(partial(answer, model=MODEL), impostor(recordings="4x3"))
    assert isinstance(errors[0], PeerError)
    assert "different models" in str(errors[0])


@pytest.mark.parametrize("over", ["sim", "tcp"])
@pytest.mark.parametrize(
    ("recordings", "at_client", "at_server"),
    [
        (np.zeros((5, 3)), "4 steps of 3 channels", "of shape '5x3' (in / [hello], message 4); this model"),
        (np.zeros(()), "4 steps of 3 channels", "of shape '' (in / [hello], message 4); this model"),
    ],
    ids=["shape", "scalar"],
)
async def test_a_recording_that_does_not_fit_is_known_before_the_set_up(recordings, at_client, at_server, over):
    result = await run_pair(partial(answer, model=MODEL), partial(ask, recordings=recordings), over=over)
    server, client = (outcome.error for outcome in result.outcomes)
    assert isinstance(client, LocalError)
    assert at_client in str(client)
    assert isinstance(server, PeerError)
    assert at_server in str(server)
    assert {scope for _, scope in result.ledgers[1]} == {"hello"}


# ------------------------------------------------------------ a server that is wrong


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": None}, "makes no sense"),
        ({"shape": "{}"}, "makes no sense"),
        ({"shape": "[" * 10_000}, "makes no sense"),
        ({"shape": small_model(2).shape.to_json()}, "not the one it announces"),
        ({"shape": attrs.evolve(MODEL.shape, classes=("a", "b", "c")).to_json()}, "not the one it announces"),
        ({"shape": MODEL.shape.to_json().replace('"left"', '"\\u001b[31mleft"')}, "makes no sense"),
        ({"shape": MODEL.shape.to_json().replace('"steps":4', '"steps":99999999999')}, "makes no sense"),
        ({"model": None}, "different models|not the one it announces"),
    ],
    ids=["none", "empty", "deep", "other", "names", "escape", "steps", "digest"],
)
async def test_a_server_whose_model_makes_no_sense(changes, words):
    errors = await ends_of(impostor(**{**good_facts(), **changes}), partial(ask, recordings=RECORDINGS))
    assert isinstance(errors[1], PeerError)
    with pytest.raises(PeerError, match=words):
        raise errors[1]


# ------------------------------------------------------------ recordings


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.float16, np.float32, np.float64])
def test_numbers_of_any_kind_are_reals(dtype):
    assert as_reals(np.ones((4, 3), dtype=dtype)).dtype == np.float64
    assert as_reals([[1, 2], [3, 4]]).tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    "recordings",
    [
        np.ones((4, 3), dtype=bool),
        np.ones((4, 3), dtype=complex),
        np.array([["1", "2"]]),
        np.array([[None]]),
        np.array([["2024-01-01"]], dtype="datetime64[D]"),
        [[1, 2], [3]],
        [[1.0, np.nan]],
        [[1.0, -np.inf]],
        np.array([np.longdouble("1e4000")]),
    ],
    ids=["bool", "complex", "text", "object", "date", "ragged", "nan", "infinity", "wide"],
)
def test_anything_else_is_not(recordings):
    with pytest.raises(LocalError):
        as_reals(recordings)


def test_one_recording_or_several_are_a_batch():
    assert as_batch(np.ones((4, 3)), MODEL.shape).shape == (1, 4, 3)
    assert as_batch(np.ones((1, 4, 3)), MODEL.shape).shape == (1, 4, 3)


@pytest.mark.parametrize("shape", [(), (3,), (12,), (3, 4), (4, 3, 1), (0, 4, 3)], ids=str)
def test_other_shapes_are_no_batch(shape):
    with pytest.raises(LocalError, match="this model takes 4 steps of 3 channels"):
        as_batch(np.ones(shape), MODEL.shape)
