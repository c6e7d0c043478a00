"""Holding a run to what it declares: bytes in each direction and flights, online and ahead of it."""

from __future__ import annotations

from sirnn.channel import Ledger, Phase
from sirnn.cli.report import phase_total
from sirnn.correlations.prepare import Plan
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.ot.setup import set_up_cost
from sirnn.profile import Profile

HELLO = "hello"
"""The scope of what the parties tell each other of themselves, the only traffic that nobody declares."""


def setup_payload(profile: Profile, planned: Plan) -> int:
    """Payload bytes of a session's set-up, its hello apart: the OT keys, and the sources of random OTs."""
    return set_up_cost(profile).payload + planned.set_up.payload


def hold_to(ledger: Ledger, what: str, profile: Profile, declared: Cost, planned: Plan) -> None:
    """Compare the server's counts of one run with its declared cost and with its plan.

    Raises:
        LocalError: a difference.
    """
    _hold(ledger, what, Phase.ONLINE, declared)
    _hold(ledger, what, Phase.OFFLINE, planned.offline)
    setup = sum(each.payload for (phase, scope), each in ledger.items() if phase is Phase.SETUP and scope != HELLO)
    if setup != setup_payload(profile, planned):
        _refuse(what, f"{setup} bytes of set-up, {setup_payload(profile, planned)} are declared")


def _hold(ledger: Ledger, what: str, phase: Phase, declared: Cost) -> None:
    total = phase_total(ledger, phase)
    measured, expected = (total.sent, total.received, total.flights), (*declared.sent, declared.flights)
    if measured != expected:
        _refuse(what, f"{phase.value} bytes each way and flights are {measured}, {expected} are declared")


def _refuse(what: str, why: str) -> None:
    raise LocalError(f"{what} does not do what it declares: {why}", remedy="this is a defect: report it")
