"""A scenario with faults: the same inference on a bad link, and how both parties end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import attrs
import numpy as np

from simulator.faults import ROLES, Fault
from simulator.network import NANOSECONDS, NETWORKS
from simulator.simulation import SimulationResult, simulate
from sirnn import ring
from sirnn.cli import interrupts
from sirnn.cli.inference import Terms, client_body, server_body
from sirnn.cli.pair import bound
from sirnn.cli.report import inference_bars, out, table
from sirnn.cli.scenario import Scenario
from sirnn.errors import LocalError
from sirnn.models.model import TwinTrace, run_twin


@attrs.frozen(eq=False)
class StruckRun:
    """A finished run with faults.

    Attributes:
        scenario: what was run.
        indices: the recordings that were run.
        terms: how.
        faults: what went wrong.
        result: how both parties ended.
        twin: the plaintext twin on the same recordings.
    """

    scenario: Scenario
    indices: list[int]
    terms: Terms
    faults: tuple[Fault, ...]
    result: SimulationResult[Any, Any]
    twin: TwinTrace

    @property
    def matches(self) -> bool:
        """Both parties finished, and every word is the twin's."""
        if any(outcome.error is not None for outcome in self.result.outcomes):
            return False
        server, client = (timed.value for timed in self.result.values)
        words = ring.reduce(server.logits.words + client.logits.words, client.logits.bits)
        same_words = bool(np.array_equal(words, self.twin.logits))
        return same_words and client.classes == tuple(int(index) for index in self.twin.prediction)

    @property
    def ends(self) -> tuple[str, str]:
        """How each party ended, in words."""
        return str(self.result.outcomes[0]), str(self.result.outcomes[1])

    @property
    def seconds(self) -> float:
        """Virtual time until both had ended."""
        return self.result.virtual_ns / NANOSECONDS

    @property
    def missed(self) -> list[Fault]:
        """The faults whose message was never sent."""
        sent = [sum(line.sender == sender for line in self.result.log) for sender in (0, 1)]
        return [fault for fault in self.faults if fault.at >= sent[fault.sender]]

    def report(self) -> dict[str, Any]:
        """The keys of `--json`."""
        return {
            "scenario": self.scenario.name,
            "profile": self.terms.profile.value,
            "network": self.terms.setting.network,
            "recordings": self.indices,
            "faults": [str(fault) for fault in self.faults],
            "faults_without_message": [str(fault) for fault in self.missed],
            **dict(zip(ROLES, self.ends, strict=True)),
            "virtual_seconds": self.seconds,
            "matches_plaintext": self.matches,
        }

    def tell(self) -> None:
        """The report, for people."""
        rows = [[role, end] for role, end in zip(ROLES, self.ends, strict=True)]
        struck = ", ".join(map(str, self.faults))
        out.print(table(f"{self.scenario.title}, with {struck}", ["party", "how it ended"], rows, figures=0))
        out.print(f"Both had ended after {self.seconds:.2f} s of virtual time.")
        if self.missed:
            out.print(f"No such message was sent: {', '.join(map(str, self.missed))}.")
        if self.matches:
            out.print("Every output word equals the plaintext model's.")


def run_struck(scenario: Scenario, indices: list[int], terms: Terms, faults: Sequence[Fault]) -> StruckRun:
    """Run a scenario's model on some of its recordings with faults, both parties simulated.

    Raises:
        LocalError: the run is not simulated, there is no such recording, or a fault cannot strike its message.
    """
    if terms.setting.over != "sim":
        raise LocalError("faults are for simulated runs", remedy="drop them, or use --over sim")
    recordings = scenario.some(indices)
    words = scenario.model.shape.encode_recordings(recordings)
    with inference_bars() as (progress, preparing):
        server = bound(server_body, model=scenario.model, terms=terms, progress=progress, preparing=preparing)
        client = bound(client_body, recordings=recordings, terms=terms)
        network = NETWORKS[terms.setting.network]
        result = interrupts.run(partial(simulate, server, client, network=network, faults=faults, check=False))
    return StruckRun(scenario, indices, terms, tuple(faults), result, run_twin(scenario.model, words, terms.profile))
