"""Identities: seen in real functions, and counted where words break them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn.compiler import real
from sirnn.fixedpoint import FixedPoint
from sirnn.functions import identities
from sirnn.functions.catalogue import FUNCTIONS
from sirnn.functions.identities import Identities, Symmetry, facts_of, identities_of, reach_of
from sirnn.functions.proof import prove

INP, OUT = FixedPoint(8, 4), FixedPoint(12, 6)
WHOLE = range(-128, 128)


def values(f):
    return lambda integers: f(integers * INP.ulp) / OUT.ulp


@pytest.mark.parametrize(
    ("f", "domain", "expected"),
    [
        (np.tanh, WHOLE, Identities(0, Symmetry(-1), 1)),
        (real.sigmoid, WHOLE, Identities(32, Symmetry(-1, constant=64), 1)),
        (np.cos, WHOLE, Identities(64, Symmetry(1), 0)),
        (real.silu, WHOLE, Identities(0, Symmetry(1, slope=-4), 0)),
        (np.exp, range(-128, 1), Identities(64, None, 1)),
        (lambda x: 1 / x, range(1, 128), Identities(None, None, -1)),
        (lambda x: np.exp(x) / 3, range(-20, 1), Identities(None, None, 1)),
        (np.tanh, range(-100, 128), Identities(0, None, 1)),
        (lambda x: 0 * x + 2, WHOLE, Identities(128, Symmetry(-1, constant=256), 1)),
    ],
)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 19])
def test_what_holds_of_a_real_function(monkeypatch, f, domain, expected, chunk):
    monkeypatch.setattr(identities, "CHUNK", chunk)
    assert identities_of(values(f), domain) == expected


def test_one_value_off_is_no_identity():
    def dented(x):
        return np.tanh(x) + 0.01 * (x == 3)

    assert identities_of(values(dented), WHOLE) == Identities(0, None, 0)


@given(st.lists(st.integers(-40, 40), min_size=17, max_size=17), st.sampled_from([1, 4, 100]))
def test_breaches_are_counted_one_by_one(results, chunk):
    domain = range(-8, 9)
    words = dict(zip(domain, results, strict=True))
    symmetry = Symmetry(-1, constant=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identities, "CHUNK", chunk)
        at = np.vectorize(words.__getitem__, otypes=[np.int64])
        facts = facts_of(at, domain, Identities(5, symmetry, -1), INP, OUT)
        assert reach_of(at, domain) == (facts.least, facts.greatest) == (min(results), max(results))
    wrong = {
        "zero": [0] * (words[0] != 5),
        "symmetric": [x for x in range(1, 9) if words[-x] != 3 - words[x]],
        "monotone": [x for x in range(-7, 9) if words[x] > words[x - 1]],
    }
    for fact in facts.identities:
        assert (fact.breaches, fact.first) == (len(wrong[fact.name]), next(iter(wrong[fact.name]), None))
        assert fact.kept == (not wrong[fact.name])
    assert facts.kept == tuple(name for name in ("zero", "symmetric", "monotone") if not wrong[name])


def test_they_are_said_in_real_numbers():
    def said(f):
        known = identities_of(values(f), WHOLE)
        return [fact.says for fact in facts_of(lambda x: x, WHOLE, known, INP, OUT).identities]

    assert said(real.sigmoid) == ["f(0) = 0.5", "f(-x) = 1 - f(x)", "never falls"]
    assert said(np.tanh)[1] == "f(-x) = -f(x)"
    assert said(np.cos)[1] == "f(-x) = f(x)"
    assert said(real.silu)[1] == "f(-x) = f(x) - x"
    assert said(lambda x: -x)[2] == "never rises"


def test_the_exact_profiles_functions_have_theirs():
    """tanh is odd by construction; the words of sigmoid are not each other's complements."""
    kept = {
        name: prove(FUNCTIONS[name], FixedPoint(16, 12), FixedPoint(16, 12)).facts.kept for name in ("tanh", "sigmoid")
    }
    assert {"zero", "symmetric"} <= set(kept["tanh"])
    assert "symmetric" not in kept["sigmoid"]


@pytest.mark.parametrize(("name", "inp"), [("sigmoid", FixedPoint(16, 11)), ("exp", FixedPoint(12, 8))])
def test_the_reach_is_that_of_every_word(name, inp):
    out, function = FixedPoint(14, 12), FUNCTIONS[name]
    results = function.results(np.array(function.domain(inp)), inp, out)
    least, greatest = function.reach(inp, out)
    assert least <= results.min()
    assert results.max() <= greatest
    assert (least, greatest) == (results.min(), results.max()) or name == "sigmoid"
    assert greatest - results.max() <= 1
