"""One inference from hello to answer, over any channel: `answer` at the server, `ask` at the client.

    async with connect(host, port, role=1, version=...) as channel:
        reply = await ask(channel, recording)
        print(reply.names)

The client needs no model file. The server tells it the model's public shape, and the client may insist on one it knows.

In a profile that makes correlations ahead, both make what the model demands once they know it and how many recordings
there are, before the recordings are used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from sirnn.channel import Channel, Phase
from sirnn.correlations import prepare as ahead
from sirnn.correlations.supply import Supply
from sirnn.crypto.randomness import Randomness
from sirnn.errors import LocalError, PeerError
from sirnn.models.model import Model, ModelShape
from sirnn.nn.inference import Answer, Reveal, infer, infer_cost
from sirnn.nn.weights import Progress
from sirnn.party import CLIENT, Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.session import Facts, start_session
from sirnn.shares import ArithmeticShare, PrivateValue

ANY_MODEL = "any"
"""What a client says that does not insist on a model."""

Stage: TypeAlias = Callable[[Phase], None]
"""Told when a party enters a phase."""

MOST_RECORDINGS = 1024
"""Recordings a server takes in one session."""


@attrs.frozen(eq=False)
class Reply:
    """What one party has when an inference is over.

    Attributes:
        shape: the model's public shape.
        recordings: how many recordings were run.
        words: at the client, what was opened: class indices (B,) or logits (B, classes); None at the server.
        classes: at the client, the index of each predicted class; None at the server.
        logits: this party's share of the logits. It says nothing alone; a simulation can put both together.
    """

    shape: ModelShape
    recordings: int
    words: Words | None
    classes: tuple[int, ...] | None
    logits: ArithmeticShare

    @property
    def names(self) -> tuple[str, ...]:
        """At the client, the name of each predicted class."""
        return tuple(self.shape.classes[index] for index in self.classes or ())


async def answer(
    channel: Channel,
    *,
    model: Model,
    reveals: Reveal = Reveal.CLASS,
    profile: Profile = Profile.LEAN,
    randomness: Randomness | None = None,
    supply: Supply | None = None,
    stage: Stage = lambda _: None,
    preparing: ahead.Progress | None = None,
    progress: Progress | None = None,
) -> Reply:
    """Be the server of one inference.

    Args:
        channel: the root channel of a fresh connection, of role 0.
        model: the model; it does not leave this party.
        reveals: what the client learns; it must ask for the same.
        profile: how functions are evaluated.
        randomness: see `start_session`.
        supply: see `start_session`.
        stage: told when this party enters a phase.
        preparing: told how far the correlations are.
        progress: told after every step.

    Raises:
        PeerError: the client insists on another model, or asks for what this server does not do.
    """
    asked = 0

    def check(mine: Facts, theirs: Facts) -> None:
        nonlocal asked
        _same_model(mine, theirs)
        asked = _count(model.shape, theirs)

    tell = {"model": model.shape.digest(), "shape": model.shape.to_json()}
    agree = {"reveals": reveals.value}
    stage(Phase.SETUP)
    party = await start_session(
        channel, profile=profile, agree=agree, tell=tell, check=check, randomness=randomness, supply=supply
    )
    shape = model.shape
    await _prepare(party, shape, asked, reveals, stage, preparing)
    recordings = PrivateValue(CLIENT, (asked, *shape.input_shape), shape.input_type.bits)
    result = await infer(party, shape, model, recordings, reveals=reveals, progress=progress)
    return _reply(shape, asked, result)


async def ask(
    channel: Channel,
    recordings: npt.ArrayLike,
    *,
    expected: ModelShape | None = None,
    reveals: Reveal = Reveal.CLASS,
    profile: Profile = Profile.LEAN,
    randomness: Randomness | None = None,
    supply: Supply | None = None,
    stage: Stage = lambda _: None,
    preparing: ahead.Progress | None = None,
    progress: Progress | None = None,
) -> Reply:
    """Be the client of one inference.

    Args:
        channel: the root channel of a fresh connection, of role 1.
        recordings: real numbers, one recording or a batch (B, ...) of them.
        expected: the shape the server's model must have; any by default.
        reveals: what this client learns; the server must offer the same.
        profile: how functions are evaluated.
        randomness: see `start_session`.
        supply: see `start_session`.
        stage: told when this party enters a phase.
        preparing: told how far the correlations are.
        progress: told after every step.

    Raises:
        LocalError: the recording does not fit the model.
        PeerError: the server's model is not the expected one, or its shape makes no sense.
    """
    given = as_reals(recordings)
    told: tuple[ModelShape, Words] | None = None

    def check(mine: Facts, theirs: Facts) -> None:
        nonlocal told
        _same_model(mine, theirs)
        shape = _told_shape(theirs)
        # A recording that does not fit is better known now than later.
        told = shape, shape.encode_recordings(as_batch(given, shape))

    tell = {"model": expected.digest() if expected else ANY_MODEL, "recordings": _dimensions(given.shape)}
    agree = {"reveals": reveals.value}
    if expected is not None:
        expected.encode_recordings(as_batch(given, expected))  # before anything is sent
    stage(Phase.SETUP)
    party = await start_session(
        channel, profile=profile, agree=agree, tell=tell, check=check, randomness=randomness, supply=supply
    )
    assert told is not None  # noqa: S101 - narrows the type: a session that has started has been checked
    shape, words = told
    await _prepare(party, shape, len(words), reveals, stage, preparing)
    private = PrivateValue.mine(CLIENT, words, shape.input_type.bits)
    result = await infer(party, shape, None, private, reveals=reveals, progress=progress)
    return _reply(shape, len(words), result)


async def _prepare(
    party: Party, shape: ModelShape, count: int, reveals: Reveal, stage: Stage, progress: ahead.Progress | None
) -> None:
    """Make what one request demands, but for what the store still has."""
    await _same_plans(party, shape)
    if party.profile.ahead:
        demand = infer_cost(party.profile, shape, count, reveals=reveals).demand
        await ahead.equip(party, demand)
        stage(Phase.OFFLINE)
        await ahead.prepare(party, demand, progress=progress)
    stage(Phase.ONLINE)


async def _same_plans(party: Party, shape: ModelShape) -> None:
    """Compare what the two parties compiled the model's functions to, where the profile compiles any."""
    if party.profile is not Profile.LEAN:
        return
    mine = bytes.fromhex(shape.plans_digest(party.profile))
    with party.channel.phase(Phase.SETUP), party.scope("hello"):
        theirs = await party.channel.exchange(mine, len(mine))
        if theirs != mine:
            raise PeerError(
                f"the two parties compiled the model's functions differently: {mine.hex()[:16]} here, "
                f"{theirs.hex()[:16]} there",
                remedy="both must run the same release; clear the cache of compiled plans, or use profile exact",
            )


def as_reals(recordings: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Recordings as floats.

    Raises:
        LocalError: not real numbers.
    """
    try:
        given = np.asarray(recordings)
    except ValueError as failure:
        raise LocalError("the recording is not an array", remedy="make all its rows equally long") from failure
    if given.dtype.kind not in "iuf":
        raise LocalError(f"the recording holds {given.dtype} values", remedy="save real numbers, with numpy.save")
    return given.astype(np.float64)


def as_batch(recordings: npt.NDArray[np.float64], shape: ModelShape) -> npt.NDArray[np.float64]:
    """One recording, or several, as a batch.

    Raises:
        LocalError: neither, or none or too many.
    """
    count = count_of(recordings.shape, shape)
    if count is None:
        raise LocalError(
            f"a recording of shape {recordings.shape}",
            remedy=f"this model takes {shape.takes}, or up to {MOST_RECORDINGS} such recordings in one array",
        )
    return recordings.reshape(count, *shape.input_shape)


def count_of(dimensions: tuple[int, ...], shape: ModelShape) -> int | None:
    """How many recordings an array of these dimensions holds; None if it does not fit the model."""
    if dimensions == shape.input_shape:
        return 1
    fits = dimensions[1:] == shape.input_shape and 1 <= dimensions[0] <= MOST_RECORDINGS
    return dimensions[0] if fits else None


def _dimensions(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape)


def _reply(shape: ModelShape, count: int, result: Answer) -> Reply:
    return Reply(shape, count, result.words, result.classes, result.logits)


def _same_model(mine: Facts, theirs: Facts) -> None:
    """Both parties see the same two facts, so both come to the same verdict."""
    here, there = mine.get("model", ""), theirs.get("model", "")
    if ANY_MODEL not in (here, there) and here != there:
        raise PeerError(
            f"the two parties mean different models: shape {here[:16]} here, {there[:16]} there",
            remedy="give the client the shape of the server's model, or let it take any",
        )


def _count(shape: ModelShape, theirs: Facts) -> int:
    said = theirs.get("recordings", "")[:100].split("x")
    sizes = tuple(int(size[:9]) for size in said) if all(size.isascii() and size.isdigit() for size in said) else ()
    count = count_of(sizes, shape) if sizes else None
    if count is None:
        raise PeerError(
            f"the client has a recording of shape {'x'.join(said)!a}",
            remedy=f"this model takes {shape.takes}, or up to {MOST_RECORDINGS} such recordings at a time",
        )
    return count


def _told_shape(theirs: Facts) -> ModelShape:
    try:
        shape = ModelShape.from_json(theirs.get("shape", ""))
    except LocalError as failure:
        raise PeerError(
            f"the server's model makes no sense: {failure.problem}", remedy="tell its operator"
        ) from failure
    if shape.digest() != theirs.get("model"):
        raise PeerError("the server's model is not the one it announces", remedy="tell its operator")
    return shape


PRIMITIVES = (answer, ask)
"""Sessions, not protocols on shares."""
