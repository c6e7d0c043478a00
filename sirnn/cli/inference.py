"""Running a scenario's model with both parties here, and the report of it: what `demo` and `run` have in common."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from rich.console import Group

from sirnn import ring
from sirnn.channel import Channel, Phase
from sirnn.cli.declared import hold_to
from sirnn.cli.measurement import seconds_rows, traffic_rows
from sirnn.cli.pair import Body, PairRun, bound, rehearsal, run_pair
from sirnn.cli.report import amount, inference_bars, network_rows, table, traffic_report
from sirnn.cli.scenario import Scenario
from sirnn.cli.setting import Setting
from sirnn.cli.stages import Seconds, Stopwatch, Timed, seconds_of
from sirnn.correlations import prepare as ahead
from sirnn.correlations.portions import schedule
from sirnn.cost import Cost
from sirnn.models.fastgrnn_shape import FastGrnnShape
from sirnn.models.model import Model, TwinTrace, run_twin
from sirnn.nn.inference import Reveal, infer_cost, infer_steps
from sirnn.nn.limits import UNLIMITED, Limits
from sirnn.nn.service import Reply, answer, ask
from sirnn.nn.weights import Progress
from sirnn.profile import Profile

# ------------------------------------------------------------ the two bodies


@attrs.frozen
class Terms:
    """What both parties say alike of an inference: how the model is evaluated, what is revealed, how it is run.

    And what it may take, which each party says for itself: by default, as both are one user's, anything.
    """

    profile: Profile
    reveals: Reveal
    setting: Setting
    limits: Limits = UNLIMITED

    def options(self, role: int) -> dict[str, Any]:
        """Arguments of `answer` and `ask`."""
        randomness, supply = self.setting.randomness(role), self.setting.supply()
        return {
            "profile": self.profile,
            "reveals": self.reveals,
            "limits": self.limits,
            "randomness": randomness,
            "supply": supply,
        }


async def server_body(
    channel: Channel, *, model: Model, terms: Terms, progress: Progress | None, preparing: ahead.Progress | None
) -> Timed:
    """The server's side of one inference."""
    watch = Stopwatch()
    options = terms.options(channel.role)
    reply = await answer(channel, model=model, stage=watch, preparing=preparing, progress=progress, **options)
    return Timed(reply, watch.stop())


async def client_body(channel: Channel, *, recordings: npt.NDArray[Any], terms: Terms) -> Timed:
    """The client's side of one inference."""
    watch = Stopwatch()
    reply = await ask(channel, recordings, stage=watch, **terms.options(channel.role))
    return Timed(reply, watch.stop())


# ------------------------------------------------------------ a run of both


@attrs.frozen(eq=False)
class InferenceRun:
    """A finished run.

    Attributes:
        scenario: what was run.
        indices: the recordings that were run.
        terms: how.
        pair: how the run of both parties went.
        twin: the plaintext twin on the same recordings.
    """

    scenario: Scenario
    indices: list[int]
    terms: Terms
    pair: PairRun
    twin: TwinTrace

    @property
    def network(self) -> str | None:
        """The simulated network, None over TCP."""
        return self.terms.setting.network if self.terms.setting.over == "sim" else None

    @property
    def reply(self) -> Reply:
        """What the client has."""
        reply: Reply = self.pair.values[1].value
        return reply

    @property
    def logits(self) -> npt.NDArray[Any]:
        """The logits' words, both parties' shares put together; only a run of both can do that."""
        server, client = (party.value for party in self.pair.values)
        return ring.reduce(server.logits.words + client.logits.words, client.logits.bits)

    @property
    def matches(self) -> bool:
        """Every logit word and every prediction equals the twin's."""
        same_words = bool(np.array_equal(self.logits, self.twin.logits))
        return same_words and self.reply.classes == tuple(int(index) for index in self.twin.prediction)

    @property
    def correct(self) -> int:
        """Predictions that equal the label."""
        return int(np.sum(np.array(self.reply.classes) == self.scenario.labels[self.indices]))

    @property
    def declared(self) -> Cost:
        """What the run should send and use online."""
        return infer_cost(self.terms.profile, self.scenario.model.shape, len(self.indices), reveals=self.terms.reveals)

    @property
    def plan(self) -> ahead.Plan:
        """What should be made ahead of it."""
        terms, shape = self.terms, self.scenario.model.shape
        steps = infer_steps(terms.profile, shape, len(self.indices), reveals=terms.reveals)
        return schedule(terms.profile, steps, terms.setting.supply()).total

    @property
    def seconds(self) -> Seconds:
        """By stage, each over when both parties are done with it."""
        return seconds_of(*(party.marks for party in self.pair.values))

    @property
    def network_seconds(self) -> dict[str, float]:
        """Waiting time by network, set-up excluded; empty over TCP."""
        stages = (Phase.OFFLINE, Phase.ONLINE)
        return {name: sum(ns.get(each, 0) for each in stages) / 1e9 for name, ns in self.pair.network_ns.items()}

    def report(self) -> dict[str, Any]:
        """The keys of `--json`."""
        classes = self.scenario.model.shape.classes
        single = len(self.indices) == 1
        expected = [classes[index] for index in self.twin.prediction]
        names = list(self.reply.names)
        labels = [classes[index] for index in self.scenario.labels[self.indices]]
        return {
            "scenario": self.scenario.name,
            "profile": self.terms.profile.value,
            "ot": self.terms.setting.ot,
            "network": self.network,
            "count": len(self.indices),
            "recordings": self.indices,
            "prediction": names[0] if single else names,
            "expected": expected[0] if single else expected,
            "label": labels[0] if single else labels,
            "matches_plaintext": self.matches,
            "correct": self.correct,
            "clipped": self.reply.clipped,
            "output_words": self.reply.words.tolist() if self.reply.words is not None else None,
            **traffic_report(self.pair.ledger),
            "bytes_declared": self.declared.payload + self.plan.offline.payload,
            "flights_declared": self.declared.flights + self.plan.offline.flights,
            **self.seconds.report(),
            **self.pair.memory_report(),
            **self._predicted(),
        }

    def _predicted(self) -> dict[str, float]:
        """Seconds on a network: of waiting for it alone, and with this machine's computing added."""
        keys = {}
        for name, seconds in self.network_seconds.items():
            keys[f"network_seconds_{name}"] = seconds
            keys[f"predicted_seconds_{name}"] = seconds + self.seconds.total
        return keys


def run_inference(scenario: Scenario, indices: list[int], terms: Terms) -> InferenceRun:
    """Run a scenario's model on some of its recordings, both parties here.

    Args:
        scenario: what to run.
        indices: which of its recordings, as one batch.
        terms: how.

    Raises:
        LocalError: there is no such recording, it does not fit the model, or the run does not cost what it declares.
        PeerError: a party's process broke off.
    """
    recordings, setting = scenario.some(indices), terms.setting
    words = scenario.model.shape.encode_recordings(recordings)
    with inference_bars() as (progress, preparing):
        # A bar cannot be handed to another process; the server's is always this one.
        server = bound(server_body, model=scenario.model, terms=terms, progress=progress, preparing=preparing)
        client = bound(client_body, recordings=recordings, terms=terms)
        rehearse = rehearsal(*_tiny_bodies(scenario, recordings, terms))
        pair = run_pair(server, client, over=setting.over, network=setting.network, rehearse=rehearse)
    run = InferenceRun(scenario, indices, terms, pair, run_twin(scenario.model, words, terms.profile))
    hold_to(pair.ledger, scenario.name, terms.profile, run.declared, run.plan)
    return run


def _tiny_bodies(scenario: Scenario, recordings: npt.NDArray[Any], terms: Terms) -> tuple[Body, Body]:
    """One recording through the model, cut down to its first step if it has several."""
    model, shape = scenario.model, scenario.model.shape
    declared = infer_cost(terms.profile, shape, len(recordings), reveals=terms.reveals)
    tiny = attrs.evolve(terms, setting=terms.setting.rehearsal(terms.profile, declared))
    if isinstance(shape, FastGrnnShape):
        model, recordings = attrs.evolve(model, shape=attrs.evolve(shape, steps=1)), recordings[:, :1]
    server = bound(server_body, model=model, terms=tiny, progress=None, preparing=None)
    return server, bound(client_body, recordings=recordings[:1], terms=tiny)


def cost_table(run: InferenceRun) -> Group:
    """What a run cost, for people."""
    report = run.report()
    rows = [
        ["declared beforehand", amount(report["bytes_declared"])],
        *traffic_rows(report),
        *seconds_rows(report),
        *network_rows(run.network_seconds),
    ]
    both = "two processes over TCP" if run.network is None else "both parties in one process"
    return table(f"What it cost ({both})", [], rows)
