"""One inference from hello to answer, over any channel: `answer` at the server, `ask` at the client.

    recordings = as_reals(numpy.load(path))      # refuses what is no recording, before anybody hears of it
    async with connect(host, port, role=1, version=...) as channel:
        reply = await ask(channel, recordings)
    print(reply.names, reply.clipped)

The client needs no model file. The server tells it the model's public shape, and the client may insist on one it knows.

From the first byte on nothing that either party does depends on a private value where the other can see it: neither
whether a message leaves nor when, how long it is, or how the session ends. A reading beyond the type that the server
names is therefore clipped and not refused, and the client's own user is told how many were.

Both parties price what is asked for and hold it to their limits before anything is prepared. In a profile that makes
correlations ahead, both then make what the model demands, before the recordings are used; what would be too much at
once is made in portions, between the steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from sirnn.channel import Channel, Phase
from sirnn.correlations import prepare as ahead
from sirnn.correlations.portions import Portions, Ready, always_ready
from sirnn.correlations.supply import Supply
from sirnn.crypto.randomness import Randomness
from sirnn.errors import LocalError, PeerError, quoted
from sirnn.models.model import Model, ModelShape
from sirnn.nn.inference import Answer, Reveal, infer, infer_steps
from sirnn.nn.limits import HELLO_SLACK_BYTES, SLACK_BYTES, Bill, Limits, bill, hold, least_bill, within
from sirnn.nn.weights import Progress
from sirnn.party import CLIENT, SERVER, Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.session import Facts, start_session
from sirnn.shares import ArithmeticShare, PrivateValue

ANY_MODEL = "any"
"""What a client says that does not insist on a model."""

Stage: TypeAlias = Callable[[Phase], None]
"""Told when a party enters a phase."""

LIMITS = Limits()
"""What a session may take unless the caller says otherwise."""


@attrs.frozen(eq=False)
class Reply:
    """What one party has when an inference is over.

    Attributes:
        shape: the model's public shape.
        recordings: how many recordings were run.
        words: at the client, what was opened: class indices (B,) or logits (B, classes); None at the server.
        classes: at the client, the index of each predicted class; None at the server.
        logits: this party's share of the logits. It says nothing alone; a simulation can put both together.
        clipped: at the client, how many readings lay beyond the model's input type and were replaced by its end.
    """

    shape: ModelShape
    recordings: int
    words: Words | None = attrs.field(repr=False)
    classes: tuple[int, ...] | None = attrs.field(repr=False)
    logits: ArithmeticShare
    clipped: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """At the client, the name of each predicted class.

        Raises:
            PeerError: an answer names no class. It is found out here, after the session, as no server may know.
        """
        if any(index >= len(self.shape.classes) for index in self.classes or ()):
            raise PeerError("the answer names no class of the model", remedy="the server does not follow the protocol")
        return tuple(self.shape.classes[index] for index in self.classes or ())


async def answer(
    channel: Channel,
    *,
    model: Model,
    reveals: Reveal = Reveal.CLASS,
    profile: Profile = Profile.LEAN,
    limits: Limits = LIMITS,
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
        limits: what the client may make this party do.
        randomness: see `start_session`.
        supply: see `start_session`.
        stage: told when this party enters a phase.
        preparing: told how far the correlations are.
        progress: told after every step.

    Raises:
        PeerError: the client insists on another model, or asks for what this server does not do or too much of it.
        LocalError: the model itself takes more than the limits.
        TransportError: the hello or the session takes too long.
    """
    shape, job = model.shape, _Job(SERVER, profile, reveals, limits, supply or Supply(), stage, preparing)

    def asked(theirs: Facts) -> tuple[ModelShape, int]:
        return shape, _count(shape, theirs)

    with job.session():
        party, ready = await job.begin(channel, {"model": shape.digest(), "shape": shape.to_json()}, asked, randomness)
        recordings = PrivateValue(CLIENT, (job.count, *shape.input_shape), shape.input_type.bits)
        result = await infer(party, shape, model, recordings, reveals=reveals, progress=progress, ready=ready)
    return _reply(shape, job.count, result)


async def ask(
    channel: Channel,
    recordings: npt.ArrayLike,
    *,
    expected: ModelShape | None = None,
    reveals: Reveal = Reveal.CLASS,
    profile: Profile = Profile.LEAN,
    limits: Limits = LIMITS,
    randomness: Randomness | None = None,
    supply: Supply | None = None,
    stage: Stage = lambda _: None,
    preparing: ahead.Progress | None = None,
    progress: Progress | None = None,
) -> Reply:
    """Be the client of one inference.

    Args:
        channel: the root channel of a fresh connection, of role 1.
        recordings: real numbers, one recording or a batch (B, ...) of them. What `as_reals` refuses should be refused
            before there is a connection, whose end would tell the server of it.
        expected: the shape the server's model must have; any by default.
        reveals: what this client learns; the server must offer the same.
        profile: how functions are evaluated.
        limits: what the server may make this party do.
        randomness: see `start_session`.
        supply: see `start_session`.
        stage: told when this party enters a phase.
        preparing: told how far the correlations are.
        progress: told after every step.

    Raises:
        LocalError: the recordings have not the model's dimensions, or are too many.
        PeerError: the server's model is not the expected one, its shape makes no sense, or it takes too much.
        TransportError: the hello or the session takes too long.
    """
    given = as_reals(recordings)
    job = _Job(CLIENT, profile, reveals, limits, supply or Supply(), stage, preparing)
    if expected is not None:
        as_batch(given, expected)  # before anything is sent

    def told(theirs: Facts) -> tuple[ModelShape, int]:
        shape = _told_shape(theirs)
        return shape, len(as_batch(given, shape))

    tell = {"model": expected.digest() if expected else ANY_MODEL, "recordings": _dimensions(given.shape)}
    with job.session():
        party, ready = await job.begin(channel, tell, told, randomness)
        shape = job.shape
        words, clipped = shape.encode_clipped(as_batch(given, shape))
        private = PrivateValue.mine(CLIENT, words, shape.input_type.bits)
        result = await infer(party, shape, None, private, reveals=reveals, progress=progress, ready=ready)
    return attrs.evolve(_reply(shape, job.count, result), clipped=clipped)


@attrs.define
class _Job:
    """What is to be done and how, and the way up to where the inputs are needed."""

    role: int
    profile: Profile
    reveals: Reveal
    limits: Limits
    supply: Supply
    stage: Stage
    preparing: ahead.Progress | None
    shape: ModelShape = attrs.field(init=False)
    count: int = attrs.field(init=False)

    def session(self) -> AbstractContextManager[object]:
        """Bounds how long the session takes."""
        return within(self.limits.session_seconds, "the session", "allow more seconds, or ask for fewer recordings")

    async def begin(
        self,
        channel: Channel,
        tell: Facts,
        asked: Callable[[Facts], tuple[ModelShape, int]],
        randomness: Randomness | None,
    ) -> tuple[Party, Ready]:
        """Agree on what is asked for, hold it to the limits of both, and make what it demands, or a first portion.

        Returns:
            The party, and what makes the other portions as they are due.
        """
        both = (self.limits, self.limits)

        def check(mine: Facts, theirs: Facts) -> None:
            nonlocal both
            hello.deadline = math.inf  # it is over
            channel.allow(SLACK_BYTES)
            _same_model(mine, theirs)
            self.shape, self.count = asked(theirs)
            peer = Limits.told(theirs.get("limits"))
            both = (self.limits, peer) if self.role == SERVER else (peer, self.limits)
            hold(least_bill(self.shape, self.count), lambda: least_bill(self.shape, 1), both, self.role)

        self.stage(Phase.SETUP)
        channel.allow(HELLO_SLACK_BYTES)
        with within(self.limits.hello_seconds, "the hello", "the other party hangs, or is none of ours") as hello:
            party = await start_session(
                channel,
                profile=self.profile,
                agree={"reveals": self.reveals.value},
                tell={**tell, "limits": self.limits.tell()},
                check=check,
                randomness=randomness,
                supply=self.supply,
            )
        await _same_plans(party, self.shape)
        total = self._bill(self.count)
        hold(total, lambda: self._bill(1), both, self.role)
        channel.allow(total.sent[1 - self.role] + SLACK_BYTES)
        return party, await self._prepare(party)

    def _bill(self, count: int) -> Bill:
        return bill(self.profile, self.shape, count, self.reveals, self.supply)

    async def _prepare(self, party: Party) -> Ready:
        ready = always_ready
        if party.profile.ahead:
            steps = infer_steps(party.profile, self.shape, self.count, reveals=self.reveals)
            portions = Portions(party, steps, stage=self.stage, progress=self.preparing)
            await portions.begin()
            ready = portions.ready
        self.stage(Phase.ONLINE)
        return ready


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
        LocalError: not real numbers, or not finite.
    """
    try:
        given = np.asarray(recordings)
    except ValueError as failure:
        raise LocalError("the recording is not an array", remedy="make all its rows equally long") from failure
    if given.dtype.kind not in "iuf":
        raise LocalError(f"the recording holds {given.dtype} values", remedy="save real numbers, with numpy.save")
    with np.errstate(over="ignore"):  # a wider float may become infinite
        reals = given.astype(np.float64)
    if not np.all(np.isfinite(reals)):
        raise LocalError("the recording contains NaN or infinity", remedy="clean it first")
    return reals


def as_batch(recordings: npt.NDArray[np.float64], shape: ModelShape) -> npt.NDArray[np.float64]:
    """One recording, or several, as a batch.

    Raises:
        LocalError: neither, or none.
    """
    count = count_of(recordings.shape, shape)
    if count is None:
        raise LocalError(
            f"a recording of shape {recordings.shape}",
            remedy=f"this model takes {shape.takes}, or several such recordings in one array",
        )
    return recordings.reshape(count, *shape.input_shape)


def count_of(dimensions: tuple[int, ...], shape: ModelShape) -> int | None:
    """How many recordings an array of these dimensions holds; None if it does not fit the model."""
    if dimensions == shape.input_shape:
        return 1
    fits = dimensions[1:] == shape.input_shape and dimensions[0] >= 1
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
            f"the two parties mean different models: shape {_named(here)} here, {_named(there)} there",
            remedy="give the client the shape of the server's model, or let it take any",
        )


def _named(digest: str) -> str:
    return quoted(digest[:16], 16)


def _count(shape: ModelShape, theirs: Facts) -> int:
    said = theirs.get("recordings", "")[:100].split("x")
    sizes = tuple(int(size[:9]) for size in said) if all(size.isascii() and size.isdigit() for size in said) else ()
    count = count_of(sizes, shape) if sizes else None
    if count is None:
        raise PeerError(
            f"the client has a recording of shape {quoted('x'.join(said))}",
            remedy=f"this model takes {shape.takes}, or several such recordings",
        )
    return count


def _told_shape(theirs: Facts) -> ModelShape:
    try:
        shape = ModelShape.from_json(theirs.get("shape", ""))
    except LocalError as failure:
        raise PeerError(
            f"the server's model makes no sense: {quoted(failure.problem, 200)}", remedy="tell its operator"
        ) from failure
    if shape.digest() != theirs.get("model"):
        raise PeerError("the server's model is not the one it announces", remedy="tell its operator")
    return shape


PRIMITIVES = (answer, ask)
"""Sessions, not protocols on shares."""
