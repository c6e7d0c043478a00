"""Every mutant can be planted, and one is: the privacy tests can fail."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.mutants.__main__ import caught_by
from tests.mutants.collection import MUTANTS, Edit


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_its_places_are_where_it_says(mutant):
    changed = {}
    for edit in mutant.edits:
        found = importlib.util.find_spec(edit.module)
        changed[edit.module] = edit.made_in(changed.get(edit.module) or Path(found.origin).read_text())
    for module, text in changed.items():
        compile(text, module, "exec")


def test_a_place_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="has 0 places"):
        Edit("sirnn.errors", "nowhere", "").made_in("text")


def test_a_planted_mutant_is_caught():
    assert "test_scalars_of_base_ots" in caught_by(MUTANTS["short-scalars"])
