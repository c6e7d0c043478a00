"""The cache: a plan compiled once is not searched for again, and nothing in the folder can do harm."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sirnn.compiler import search
from sirnn.compiler.search import compile_function
from sirnn.fixedpoint import FixedPoint

TYPES = {"inp": FixedPoint(8, 4), "out": FixedPoint(8, 4)}


@pytest.fixture
def searches(monkeypatch, own_cache):
    """The names of what was searched for, with nothing kept so far."""
    names = []
    anew = search.compile_task

    def counting(task, **options):
        names.append(task.name)
        return anew(task, **options)

    monkeypatch.setattr(search, "compile_task", counting)
    return names


def test_the_second_time_is_from_the_cache(searches, own_cache):
    first, second = compile_function("tanh(x)", **TYPES), compile_function(" tanh( x )", **TYPES)
    assert first == second
    assert second.errors().max() == first.max_ulp
    assert len(searches) == len(list(own_cache.iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"inp": FixedPoint(9, 4)},
        {"out": FixedPoint(8, 3)},
        {"max_ulp": 2},
        {"domain": range(3)},
        {"saturate": True},
        {"count": 9},
        {"keep": ("zero",)},
    ],
)
def test_whatever_decides_the_plan_tells_entries_apart(searches, change):
    compile_function("tanh(x)", **TYPES)
    compile_function("tanh(x)", **{**TYPES, **change})
    compile_function("tanh", **{**TYPES, **change})
    assert len(searches) == 3


def test_callables_are_kept_under_a_name_alone(searches):
    for name in (None, None, "mine", "mine"):
        compile_function(np.tanh, name=name, **TYPES)
    assert searches == ["tanh", "tanh", "mine"]


@pytest.mark.parametrize("harm", ["", "{", "[]", '{"checksum": 1}', "digit", "\xff"])
def test_a_damaged_entry_is_as_good_as_none(searches, own_cache, harm):
    first = compile_function("tanh(x)", **TYPES)
    (entry,) = own_cache.iterdir()
    document = json.loads(entry.read_text())
    document["compiled"]["plan"]["offset"] += 1
    entry.write_bytes((json.dumps(document) if harm == "digit" else harm).encode("latin-1"))
    assert compile_function("tanh(x)", **TYPES) == first
    assert compile_function("tanh(x)", **TYPES) == first
    assert len(searches) == 2


def test_a_folder_that_cannot_be_made_is_no_error(monkeypatch, tmp_path, searches):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SIRNN_CACHE", str(tmp_path / "file" / "below"))
    for _ in range(2):
        compile_function("tanh(x)", **TYPES)
    assert len(searches) == 2
