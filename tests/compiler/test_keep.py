"""Identities that are kept hold of every word, cost little, and are refused where they cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from sirnn import ring
from sirnn.compiler import cheapest
from sirnn.compiler.plan import Bent
from sirnn.compiler.price import Price
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.identities import NAMES
from tests.compiler.test_search import compiled

COARSE, FINE = FixedPoint(16, 8), FixedPoint(16, 12)


def results(made):
    """Integers by every integer of the domain."""
    domain = np.array(made.task.domain)
    words = made.plan.evaluate(ring.from_signed(domain, made.plan.inp.bits).astype(np.uint64))
    return dict(zip(domain.tolist(), made.plan.out.to_int(words).tolist(), strict=True))


@pytest.mark.parametrize(
    ("f", "inp", "out", "constant"),
    [
        ("tanh", COARSE, FINE, 0),
        ("sigmoid", FixedPoint(12, 8), FixedPoint(12, 8), 256),
        ("erf", FixedPoint(10, 6), FixedPoint(12, 9), 0),
        ("sigmoid", FixedPoint(10, 6), FixedPoint(8, 0), 1),
    ],
)
def test_what_is_kept_holds_of_every_word(f, inp, out, constant):
    made = compiled(f, inp, out, keep=[name for name in NAMES if constant % 2 == 0 or name != "zero"])
    found = results(made)
    assert made.max_ulp <= made.task.max_ulp
    assert constant % 2 or found[0] == constant // 2
    assert all(found[-x] == constant - y for x, y in found.items() if x > 0)
    assert sorted(found.values()) == list(found.values())
    assert made.facts.kept == tuple(fact.name for fact in made.facts.identities)
    assert (made.facts.least, made.facts.greatest) == (min(found.values()), max(found.values()))


def test_without_it_mirror_images_part_at_ties_and_where_runs_meet():
    """And to keep them is a fraction of what a table would be."""
    loose, kept = compiled("tanh", COARSE, FINE), compiled("tanh", COARSE, FINE, keep=["symmetric"])
    assert "symmetric" not in loose.facts.kept
    assert kept.facts.kept == NAMES
    assert kept.bytes_per_instance < 1.25 * loose.bytes_per_instance


def test_f_of_zero_is_exact_where_that_is_free(monkeypatch):
    exact = compiled("tanh", FixedPoint(11, 7), FixedPoint(12, 9), max_ulp=3)
    monkeypatch.setattr(cheapest._Pieces, "_exact_at_zero", lambda *_: None)
    plain = compiled("tanh", FixedPoint(11, 7), FixedPoint(12, 9), max_ulp=3)
    assert results(exact)[0] == 0 != results(plain)[0]
    assert exact.bill == plain.bill


def test_f_of_zero_is_kept_in_tiers_too():
    made = compiled("sqrt", FixedPoint(14, 10), FixedPoint(14, 10), keep=["zero"])
    assert results(made)[0] == 0


@pytest.mark.parametrize(
    ("f", "inp", "options", "problem"),
    [
        ("exp", FixedPoint(8, 4), {"keep": ["symmetric"]}, "exp itself is not symmetric on this domain"),
        ("cos", FixedPoint(8, 4), {"keep": ["monotone"]}, "cos itself is not monotone"),
        ("exp(x) / 3", FixedPoint(8, 4), {"keep": ["zero"], "domain": range(-9, 9)}, "itself is not zero"),
        ("tanh", FixedPoint(32, 16), {"keep": ["zero"]}, "4,294,967,296 inputs are too many"),
        ("tanh", FixedPoint(8, 4), {"keep": ["odd"]}, "no identity is called 'odd'"),
        ("tanh", FINE, {"keep": ["symmetric"], "max_flights": 5}, "in 5 flights and keeps it symmetric; .*keep less"),
    ],
)
def test_what_cannot_be_kept_is_refused(f, inp, options, problem):
    with pytest.raises(LocalError, match=problem):
        compiled(f, inp, FixedPoint(12, 6), **options)


# ------------------------------------------------------------ a sign, by a ripple or compared


def test_the_block_is_among_the_plans_of_a_bend():
    inp = FixedPoint(18, 10)
    fast = compiled("relu", inp, inp)
    small = compiled("relu", inp, inp, flight_bits=0)
    assert isinstance(fast.plan, Bent)
    assert (fast.plan.compared, small.plan.compared) == (True, False)
    assert fast.flights < small.flights - 3
    assert small.bytes_per_instance < fast.bytes_per_instance < small.bytes_per_instance + 9
    assert {each.plan for each in fast.candidates} >= {"a line either side of 0", "a line either side of 0, compared"}
    weights = [Price(each.bits, each.flights).weight(None, 1 << 16) for each in fast.candidates]
    assert weights[0] == min(weights)
    words = np.arange(1 << 18, dtype=np.uint64)
    assert np.array_equal(fast.plan.evaluate(words), small.plan.evaluate(words))
