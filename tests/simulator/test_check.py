"""The checker can fail: on correlations used but not declared, and on preparing that costs other than planned."""

from __future__ import annotations

import attrs
import pytest

from simulator import check
from simulator.check import check_protocol, measure_protocol
from simulator.mismatch import MismatchError
from sirnn.blocks import relational  # noqa: F401  registers less_than
from sirnn.blocks.conversion import b2a  # noqa: F401  registers it
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, Arith

SPEC = REGISTRY["b2a"]
PARAMS = {"bits": 3}
KIND, OTHER = "cot/server", "cot/client"


def declaring(extra):
    """b2a with a wrong declaration: the right cost and something more."""
    return attrs.evolve(SPEC, cost_formula=lambda profile, n, *, bits: SPEC.cost(profile, n, {"bits": bits}) + extra)


async def test_every_profile_is_checked():
    """By default those that the protocol exists in."""
    seen = []

    def cost(profile, n, *, bits):
        seen.append(profile)
        return SPEC.cost(profile, n, {"bits": bits})

    await check_protocol(attrs.evolve(SPEC, cost_formula=cost), PARAMS, sizes=(3,))
    assert set(seen) == set(Profile)
    some = attrs.evolve(SPEC, cost_formula=cost, profiles=(Profile.EXACT,))
    seen.clear()
    await check_protocol(some, PARAMS, sizes=(3,))
    assert set(seen) == {Profile.EXACT}
    with pytest.raises(LocalError, match="b2a does not exist in profile paper; use exact"):
        await check_protocol(some, PARAMS, profiles=[Profile.PAPER])


@pytest.mark.parametrize(
    ("name", "params", "words", "edges"),
    [
        ("b2a", {"bits": 3}, 2, {0, 1}),
        ("less_than", {"bits": 16, "signed": False, "headroom": 0}, 36, {0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF}),
    ],
)
def test_edges_are_tried_in_all_combinations(name, params, words, edges):
    case = check.edge_case(REGISTRY[name], params, seed=0)
    assert case.size == words == len(set(zip(*(value.tolist() for value in case.clear), strict=True)))
    assert {int(word) for value in case.clear for word in value} == edges


def test_edges_keep_to_the_domain_and_to_a_number():
    kind = Arith("bits", at_least=lambda _: 5, below=lambda _: 9)
    spec = attrs.evolve(REGISTRY["less_than"], takes=(kind,) * 5)
    case = check.edge_case(spec, {"bits": 8}, seed=0)
    assert case.size == check.MOST_EDGES
    assert {int(word) for value in case.clear for word in value} == {5, 6, 7, 8}


async def test_a_counterexample_is_the_first_wrong_instance():
    """With the value, the halves it was shared as, and both results."""
    wrong = attrs.evolve(SPEC, clear=lambda bit: 3 * bit)
    with pytest.raises(MismatchError) as mismatch:
        await check_protocol(wrong, PARAMS, sizes=(3,), profiles=[Profile.PAPER])
    shown = mismatch.value.counterexample
    assert (shown.output, shown.at, shown.expected, shown.got) == (0, (1,), 3, 1)
    value, halves = shown.inputs[0].split(" (shared as ")
    assert value == "1"
    first, second = map(int, halves.rstrip(")").split(", "))
    assert first ^ second == 1
    assert str(shown) in str(mismatch.value)
    assert mismatch.value.size is None  # it was no random one


async def test_what_a_protocol_raises_comes_with_its_inputs():
    async def fails(party, bit, *, bits):
        if bit.words.size == 17:
            raise ValueError("on purpose")
        return await SPEC.run(party, bit, bits=bits)

    with pytest.raises(ValueError, match="on purpose") as failure:
        await check_protocol(attrs.evolve(SPEC, run=fails), PARAMS, sizes=(1, 17), profiles=[Profile.PAPER])
    assert "on b2a {'bits': 3}, size 17, profile paper" in failure.value.__notes__


async def test_more_correlations_declared_than_used_is_a_mismatch():
    with pytest.raises(MismatchError, match=r"uses the correlations \{'cot/server': 2\}, \{'cot/server': 3\} are"):
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
