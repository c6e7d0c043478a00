"""Running a scenario's model with both parties here, and the report of it: what `demo` and `run` have in common."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from rich.console import Group

from sirnn import ring
from sirnn.channel import Channel, Phase
from sirnn.cli.pair import PairRun, bound, run_pair
from sirnn.cli.report import amount, network_rows, phase_total, progress_bar, table, traffic_report
from sirnn.cli.scenario import Scenario
from sirnn.cost import Cost
from sirnn.crypto.randomness import InsecureSeededRandomness, Randomness
from sirnn.models.model import Model, TwinTrace, run_twin
from sirnn.nn.inference import Reveal, infer_cost
from sirnn.nn.service import Reply, answer, ask
from sirnn.nn.weights import Progress
from sirnn.profile import Profile

# ------------------------------------------------------------ the two bodies


async def server_body(
    channel: Channel, *, model: Model, reveals: Reveal, profile: Profile, seed: int | None, progress: Progress | None
) -> Reply:
    """The server's side of one inference."""
    randomness = seeded(seed, channel.role)
    return await answer(
        channel, model=model, reveals=reveals, profile=profile, randomness=randomness, progress=progress
    )


async def client_body(
    channel: Channel, *, recordings: npt.NDArray[Any], reveals: Reveal, profile: Profile, seed: int | None
) -> Reply:
    """The client's side of one inference."""
    return await ask(channel, recordings, reveals=reveals, profile=profile, randomness=seeded(seed, channel.role))


def seeded(seed: int | None, role: int) -> Randomness | None:
    """Reproducible randomness for a simulated party, or None: the system's."""
    return None if seed is None else InsecureSeededRandomness(2 * seed + role)


# ------------------------------------------------------------ a run of both


@attrs.frozen(eq=False)
class InferenceRun:
    """A finished run.

    Attributes:
        scenario: what was run.
        indices: the recordings that were run.
        reveals: what the client learned.
        network: the simulated network, None over TCP.
        pair: how the run of both parties went.
        twin: the plaintext twin on the same recordings.
    """

    scenario: Scenario
    indices: list[int]
    reveals: Reveal
    network: str | None
    pair: PairRun
    twin: TwinTrace

    @property
    def reply(self) -> Reply:
        """What the client has."""
        reply: Reply = self.pair.values[1]
        return reply

    @property
    def logits(self) -> npt.NDArray[Any]:
        """The logits' words, both parties' shares put together; only a run of both can do that."""
        server, client = self.pair.values
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
        """What the run should cost."""
        return infer_cost(self.scenario.profile, self.scenario.model.shape, len(self.indices), reveals=self.reveals)

    @property
    def network_seconds(self) -> dict[str, float]:
        """Waiting time by network, set-up excluded; empty over TCP."""
        return {name: phases.get(Phase.ONLINE, 0) / 1e9 for name, phases in self.pair.network_ns.items()}

    def report(self) -> dict[str, Any]:
        """The keys of `--json`."""
        classes = self.scenario.model.shape.classes
        single = len(self.indices) == 1
        expected = [classes[index] for index in self.twin.prediction]
        names = list(self.reply.names)
        labels = [classes[index] for index in self.scenario.labels[self.indices]]
        return {
            "scenario": self.scenario.name,
            "profile": self.scenario.profile.value,
            "network": self.network,
            "count": len(self.indices),
            "recordings": self.indices,
            "prediction": names[0] if single else names,
            "expected": expected[0] if single else expected,
            "label": labels[0] if single else labels,
            "matches_plaintext": self.matches,
            "correct": self.correct,
            "output_words": self.reply.words.tolist() if self.reply.words is not None else None,
            **traffic_report(self.pair.ledger),
            "bytes_declared": self.declared.payload,
            "flights_declared": self.declared.flights,
            "seconds": self.pair.seconds,
            "seconds_offline": 0.0,
            "seconds_online": self.pair.seconds,
            **self._predicted(),
        }

    def _predicted(self) -> dict[str, float]:
        """Seconds on a network: of waiting for it alone, and with this machine's computing added."""
        keys = {}
        for name, seconds in self.network_seconds.items():
            keys[f"network_seconds_{name}"] = seconds
            keys[f"predicted_seconds_{name}"] = seconds + self.pair.seconds
        return keys

    def online(self) -> int:
        """Payload bytes after set-up."""
        return (
            phase_total(self.pair.ledger, Phase.ONLINE).payload + phase_total(self.pair.ledger, Phase.OFFLINE).payload
        )


def run_inference(
    scenario: Scenario, indices: list[int], *, over: str, network: str | None, reveals: Reveal, seed: int | None
) -> InferenceRun:
    """Run a scenario's model on some of its recordings, both parties here.

    Args:
        scenario: what to run.
        indices: which of its recordings, as one batch.
        over: "sim" or "tcp".
        network: the network to simulate, None for the scenario's own.
        reveals: what the client learns.
        seed: makes a simulated run reproducible.

    Raises:
        LocalError: there is no such recording, or it does not fit the model.
        PeerError: a party's process broke off.
    """
    recordings = scenario.some(indices)
    words = scenario.model.shape.encode_recordings(recordings)
    network = network or scenario.network
    common = {"reveals": reveals, "profile": scenario.profile, "seed": seed}
    with progress_bar("steps") as progress:
        # A bar cannot be handed to another process; the server's is always this one.
        server = bound(server_body, model=scenario.model, progress=progress, **common)
        pair = run_pair(server, bound(client_body, recordings=recordings, **common), over=over, network=network)
    twin = run_twin(scenario.model, words)
    return InferenceRun(scenario, indices, reveals, network if over == "sim" else None, pair, twin)


def cost_table(run: InferenceRun) -> Group:
    """What a run cost, for people."""
    report = run.report()
    clock = "by the clock, two processes over TCP" if run.network is None else "computing, both parties in one process"
    rows = [
        ["payload, both directions", amount(run.online())],
        ["declared beforehand", amount(report["bytes_declared"])],
        ["set-up, once per session", amount(report["bytes_setup"])],
        ["framing", amount(report["bytes_framing"])],
        ["flights (causal depth)", f"{report['flights']:,}"],
        [clock, f"{run.pair.seconds:.2f} s"],
        *network_rows(run.network_seconds),
    ]
    return table("What it cost", [], rows)
