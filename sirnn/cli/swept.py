"""What the fault sweep runs: protocols, sources of random OTs, whole sessions and short inferences, as jobs.

Every job is the smallest that takes all the code paths: a few instances of a protocol's first example, one recording
through one step of a network. Registered protocols run alike in profiles `exact` and `lean`, out of the same store.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache, partial
from typing import Any

import attrs
import numpy as np

from simulator.check import Outputs, check_values, prepare_cases, random_case, run_protocol
from simulator.simulation import run_simulation
from simulator.sweep import Job
from sirnn import ring
from sirnn.channel import Channel, Phase
from sirnn.cli.library import find_protocol, load_library
from sirnn.cli.scenario import load_scenario
from sirnn.cli.setting import SMALLEST_FERRET
from sirnn.correlations.prepare import prepare
from sirnn.correlations.store import Demand, Store
from sirnn.correlations.supply import AUTO, SOURCES, Supply
from sirnn.cost import sequence
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.errors import LocalError
from sirnn.models.fastgrnn_shape import FastGrnnShape
from sirnn.models.model import run_twin
from sirnn.nn.service import Reply, answer, ask
from sirnn.ot.keys import OtKeys
from sirnn.ot.rows import COTS
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, ProtocolSpec
from sirnn.session import start_session

SIZE = 3
"""Instances of a protocol; rows, for matrices."""

SESSION = "session"
"""The job that is hello, base OTs and, where the profile prepares anything, a correlation of every kind."""

INFERENCES = {"inference": "basicmotions", "svm": "iris"}
"""Whole inferences, from hello to farewell, and the scenarios they are cut from."""

SWEPT_SOURCES = tuple(name for name in SOURCES if not name.startswith("ferret") or name == SMALLEST_FERRET)
"""Sources of random OTs, each a job that sets it up and makes a few; all sizes of Ferret share their code."""


@attrs.frozen
class Place:
    """A job by name, for another process to make."""

    name: str
    profile: Profile

    def make(self) -> Job:
        """The job.

        Raises:
            LocalError: there is none of that name, or not in this profile.
        """
        if self.name in INFERENCES:
            return _inference(self.name, self.profile)
        if self.name == SESSION or self.name in SWEPT_SOURCES:
            return _session(self.name, self.profile)
        spec = find_protocol(self.name)
        if self.profile not in spec.profiles:
            raise LocalError(
                f"{self.name} does not exist in profile {self.profile.value}",
                remedy=f"choose from {', '.join(profile.value for profile in spec.profiles)}",
            )
        return _protocol(spec, self.profile)


def job_names() -> list[str]:
    """Every job there is, the longest first."""
    load_library()
    return [*INFERENCES, SESSION, *SWEPT_SOURCES, *REGISTRY]


def profiles_of(name: str) -> tuple[Profile, ...]:
    """The profiles to sweep a job in: those in which it differs; of inferences, the one they are meant for.

    Raises:
        LocalError: there is none of that name.
    """
    if name in INFERENCES:
        return (Profile.LEAN,)
    if name == SESSION:
        return (Profile.PAPER, Profile.EXACT)
    if name in SWEPT_SOURCES:
        return (Profile.EXACT,)
    found = find_protocol(name).profiles
    return tuple(profile for profile in found if profile is not Profile.LEAN or Profile.EXACT not in found)


# ------------------------------------------------------------ protocols


@cache
def _keys(profile: Profile) -> tuple[OtKeys, OtKeys]:
    """What set-up leaves at both parties. Base OTs take longer than a protocol; calls are told apart by the session."""

    async def body(channel: Channel) -> OtKeys:
        party = await start_session(channel, profile=profile, randomness=_randomness(channel))
        assert party.ot is not None  # noqa: S101 - narrows the type: a session that has started has its keys
        return party.ot

    return run_simulation(body, body).values


def _protocol(spec: ProtocolSpec, profile: Profile) -> Job:
    case, keys = random_case(spec, spec.examples[0], SIZE, seed=0), _keys(profile)

    async def body(channel: Channel) -> Outputs:
        party = Party(
            channel,
            randomness=_randomness(channel),
            session=f"sweep of {spec.name}".encode(),
            profile=profile,
            ot=attrs.evolve(keys[channel.role]),  # keys serve one session; a simulation may stretch that
            store=Store() if profile.ahead else None,
            supply=Supply() if profile.ahead else None,
        )
        await prepare_cases(party, [case])
        with channel.phase(Phase.ONLINE):
            return await run_protocol(party, case)

    return Job(spec.name, (body, body), _plain_outputs, partial(check_values, case), online_only=True)


def _plain_outputs(outputs: Outputs) -> tuple[bytes | None, ...]:
    return tuple(None if words is None else words.tobytes() for words in outputs)


# ------------------------------------------------------------ sessions


def _session(name: str, profile: Profile) -> Job:
    source, demand = (AUTO, _one_of_each(profile)) if name == SESSION else (name, dict.fromkeys(COTS, 1))

    async def body(channel: Channel) -> tuple[tuple[str, int], ...]:
        party = await start_session(
            channel, profile=profile, randomness=_randomness(channel), supply=Supply(source) if profile.ahead else None
        )
        if party.store is None:
            return ()
        await prepare(party, demand)
        return tuple(party.store.missing(demand).items())

    def check(*missing: tuple[tuple[str, int], ...]) -> None:
        assert missing == ((), ())  # noqa: S101 - preparing brings a store up to the demand

    return Job(name, (body, body), lambda missing: missing, check)


def _one_of_each(profile: Profile) -> Demand:
    """One correlation of every kind that a protocol's first example uses."""
    load_library()
    specs = [spec for spec in REGISTRY.values() if profile in spec.profiles]
    return dict.fromkeys(sequence(*(spec.cost(profile, 1, spec.examples[0]) for spec in specs)).demand, 1)


# ------------------------------------------------------------ inferences


def _inference(name: str, profile: Profile) -> Job:
    scenario = load_scenario(INFERENCES[name])
    model, recordings = scenario.model, scenario.recordings[:1]
    if isinstance(model.shape, FastGrnnShape):
        model, recordings = attrs.evolve(model, shape=attrs.evolve(model.shape, steps=1)), recordings[:, :1]

    def party(run: Callable[..., Awaitable[Reply]], **arguments: Any) -> Callable[[Channel], Awaitable[Reply]]:
        return lambda channel: run(channel, profile=profile, randomness=_randomness(channel), **arguments)

    def check(server: Reply, client: Reply) -> None:
        twin = run_twin(model, model.shape.encode_recordings(recordings), profile)
        words = ring.reduce(server.logits.words + client.logits.words, client.logits.bits)
        assert np.array_equal(words, twin.logits)  # noqa: S101 - an inference's words are its twin's
        assert client.classes == tuple(int(index) for index in twin.prediction)  # noqa: S101 - and so is its answer

    bodies = (party(answer, model=model), party(ask, recordings=recordings))
    return Job(name, bodies, lambda reply: (reply.classes, reply.logits.words.tobytes()), check)


def _randomness(channel: Channel) -> InsecureSeededRandomness:
    """The same in every run, so that the same answer can be asked of it."""
    return InsecureSeededRandomness(channel.role)
