"""Compiled functions: a plan, what was proved of it, what it costs, and what it was chosen from."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from sirnn.compiler import codec
from sirnn.compiler.plan import Bent, Clamped, Piecewise, Plan, Symmetric, Tiered
from sirnn.compiler.price import Bill
from sirnn.compiler.proof import Proof, errors_at
from sirnn.compiler.real import Reals
from sirnn.compiler.target import Int64s, tabulate
from sirnn.compiler.task import Task
from sirnn.functions.identities import Facts

SHOWN = 1 << 20
"""Inputs whose errors are shown."""


@attrs.frozen
class Candidate:
    """A way that was weighed.

    Attributes:
        plan: what it would be.
        bits: sent for an instance, ahead and online; of ways that were not taken, at least.
        flights: online.
        verdict: what became of it.
    """

    plan: str
    bits: float
    flights: int
    verdict: str


@attrs.frozen
class Compiled:
    """A function made into a plan.

    Attributes:
        task: what was asked for.
        plan: how it is evaluated.
        proof: its error.
        bill: its exact cost in a batch.
        candidates: ways that were weighed, the chosen one first.
        facts: which identities of the function hold of every word; None if there are too many to go through.
    """

    task: Task
    plan: Plan
    proof: Proof
    bill: Bill
    candidates: tuple[Candidate, ...]
    facts: Facts | None = None

    @property
    def max_ulp(self) -> float:
        """The largest error, in ULP of the output."""
        return self.proof.max_ulp

    @property
    def mean_ulp(self) -> float:
        """The mean error, in ULP of the output."""
        return self.proof.mean_ulp

    @property
    def bytes_per_instance(self) -> float:
        """Payload of a batch, offline and online, over its instances."""
        return self.bill.bytes_per_instance

    @property
    def flights(self) -> int:
        """Online."""
        return self.bill.online.flights

    @property
    def digest(self) -> str:
        """Of the plan; parties with equal digests compute the same words."""
        return codec.digest(self.plan)

    def inputs(self) -> Int64s:
        """Integers of the domain in ascending order, at most about a million: all of them, or evenly."""
        domain = self.task.domain
        count = min(len(domain), SHOWN)
        return domain.start + np.arange(count, dtype=np.int64) * (len(domain) - 1) // max(1, count - 1)

    def errors(self) -> Reals:
        """|result - real value| in ULP of the output at `inputs`."""
        return errors_at(self.plan, tabulate(self.task), self.inputs())[0]


def describe(plan: Plan) -> str:
    """A plan in a few words."""
    if isinstance(plan, Clamped):
        return f"{describe(plan.inner)} within {plan.inside_bits} bits"
    if isinstance(plan, Bent):
        return "a straight line" if plan.straight else f"a line either side of 0{', compared' * plan.compared}"
    if isinstance(plan, Tiered):
        return f"{describe(plan.inner)} in {len(plan.stretch.tiers)} tiers"
    if isinstance(plan, Piecewise):
        kind = {1: "lines", 2: "parabolas", 3: "cubics"}[plan.degree]
        return f"{1 << plan.index_bits} {kind}"
    if isinstance(plan, Symmetric):
        return f"{1 << plan.index_bits} lines, mirrored"
    return f"table of {1 << plan.read_bits:,} words"


def parameters(plan: Plan) -> dict[str, Any]:
    """A plan's numbers other than its tables."""
    named = {name: value for name, value in codec.dump(plan).items() if name not in ("entries", "coefficients")}
    return {**named, "inner": parameters(plan.inner)} if isinstance(plan, Clamped | Tiered) else named
