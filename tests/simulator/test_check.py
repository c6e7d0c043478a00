"""The checker can fail: on correlations used but not declared, and on preparing that costs other than planned."""

from __future__ import annotations

import attrs
import pytest

from simulator import check
from simulator.check import check_protocol, measure_protocol
from simulator.mismatch import MismatchError
from sirnn.blocks.conversion import b2a  # noqa: F401  registers it
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY

SPEC = REGISTRY["b2a"]
PARAMS = {"bits": 3}
KIND, OTHER = "cot/server", "cot/client"


def declaring(extra):
    """b2a with a wrong declaration: the right cost and something more."""
    return attrs.evolve(SPEC, cost_formula=lambda profile, n, *, bits: SPEC.cost(profile, n, {"bits": bits}) + extra)


async def test_every_profile_is_checked():
    await check_protocol(SPEC, PARAMS, profiles=tuple(Profile))


async def test_more_correlations_declared_than_used_is_a_mismatch():
    with pytest.raises(MismatchError, match=r"uses the correlations \{'cot/server': 3\}, \{'cot/server': 4\} are"):
        await check_protocol(declaring(Cost(demand={KIND: 1})), PARAMS, sizes=(3,), profiles=[Profile.EXACT])


async def test_another_kind_declared_than_used_is_found_out():
    with pytest.raises(MismatchError, match="'cot/client': 1"):
        await check_protocol(declaring(Cost(demand={OTHER: 1})), PARAMS, sizes=(3,), profiles=[Profile.EXACT])


async def test_fewer_correlations_declared_than_used_leave_the_store_short():
    fewer = attrs.evolve(SPEC, cost_formula=lambda profile, n, *, bits: Cost())
    with pytest.raises(LocalError, match="than the store has"):
        await check_protocol(fewer, PARAMS, sizes=(3,), profiles=[Profile.EXACT])


@pytest.mark.parametrize(("field", "words"), [("offline", "offline of b2a"), ("set_up", "setup of b2a")])
async def test_preparing_that_costs_other_than_planned_is_a_mismatch(monkeypatch, field, words):
    async def prepare(party, demand):
        planned = await honest(party, demand)
        return attrs.evolve(planned, **{field: getattr(planned, field) | Cost(sent=(0, 1))})

    honest = check.prepare
    monkeypatch.setattr(check, "prepare", prepare)
    with pytest.raises(MismatchError, match=f"{words}: party 1 sends .* bytes"):
        await check_protocol(SPEC, PARAMS, sizes=(3,), profiles=[Profile.EXACT])


async def test_measuring_prepares_and_counts_what_is_online():
    measured = await measure_protocol(SPEC, PARAMS, 40, profile=Profile.EXACT)
    declared = SPEC.cost(Profile.EXACT, 40, PARAMS)
    assert (measured.sent, measured.received, measured.flights) == (*declared.sent, declared.flights)
