"""Plans as JSON: what is read is what was written, or refused."""

from __future__ import annotations

import json

import attrs
import pytest

from sirnn.compiler.codec import digest, dump, load
from sirnn.compiler.examples import BENT, SYMMETRIC, TIERED
from sirnn.compiler.plan import Clamped, Line, Piecewise, Table
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint

TABLE = Table(FixedPoint(3, 0), FixedPoint(4, 1), (1, 2, 3, 4), 3, -2, 2)
PIECES = Piecewise(
    FixedPoint(5, 2, False), FixedPoint(12, 3), 1, ((0, 1), (2, -3)), (1, 3), (False, True), (2,), (1,), 8
)
PLANS = [
    TABLE,
    PIECES,
    Clamped(TABLE, 2, Line(0, 1), Line(2, -3)),
    TIERED[1],
    Clamped(TIERED[2], 7, Line(0, 1), Line(0, -3)),
    BENT[1],
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: type(plan).__name__)
def test_what_is_read_is_what_was_written(plan):
    assert load(json.loads(json.dumps(dump(plan)))) == plan


def test_digests_tell_plans_apart():
    others = [attrs.evolve(TABLE, offset=-1), attrs.evolve(TABLE, entries=(1, 2, 4, 3)), *PLANS[1:]]
    assert digest(TABLE) == digest(attrs.evolve(TABLE))
    assert len({digest(plan) for plan in [TABLE, *others]}) == 1 + len(others)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "sketch"},
        {"entry_bits": "3"},
        {"entry_bits": True},
        {"entries": [0.5] * 4},
        {"entries": None},
        {"extra": 1},
        {"inp": 3},
        {"inp": {"bits": 99, "scale": 0, "signed": True}},
    ],
    ids=str,
)
def test_what_is_no_plan_is_refused(change):
    with pytest.raises(LocalError):
        load({**dump(TABLE), **change})
    with pytest.raises(LocalError):
        load({"kind": "clamped", "inner": {**dump(TABLE), **change}})
    with pytest.raises(LocalError):
        load([])


@pytest.mark.parametrize("kind", [[], {}, None, 1])
def test_a_kind_that_is_no_name_is_refused(kind):
    with pytest.raises(LocalError, match="names no kind of plan"):
        load({"kind": kind})


@pytest.mark.parametrize(
    ("plan", "change"),
    [
        (PIECES, {"offset": 1 << 70}),
        (PIECES, {"shifts": [10**30]}),
        (TABLE, {"offset": -(1 << 70)}),
        (SYMMETRIC[0], {"drop": 10**30, "shift": 10**30}),
        (PLANS[2], {"above": {"slope": 0, "constant": 1 << 70}}),
        (TIERED[0], {"stretch": {**attrs.asdict(TIERED[0].stretch), "origin": 1 << 70}}),
    ],
    ids=str,
)
def test_numbers_that_no_evaluation_holds_are_refused(plan, change):
    with pytest.raises(LocalError):
        load({**dump(plan), **change})
