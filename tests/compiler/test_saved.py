"""Compiled functions in files: what is read is what was written, or refused; and it is what is run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sirnn.compiler.methods import method
from sirnn.compiler.saved import load, save
from sirnn.compiler.search import compile_function
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.profile import Profile

WORDS = FixedPoint(8, 5)


def compiled(f="log", **options):
    return compile_function(f, inp=WORDS, out=WORDS, cache=False, **options)


@pytest.mark.parametrize(
    ("f", "options"), [("log", {"max_ulp": 2}), ("x / (1 + x*x)", {"domain": range(-9, 30)}), (np.cos, {"name": "c"})]
)
def test_what_is_read_is_what_was_written(f, options, tmp_path):
    made = compiled(f, **options)
    save(tmp_path / "plan.json", made)
    task, plan = load(tmp_path / "plan.json")
    assert plan == made.plan
    if callable(f):
        assert task is None
        with pytest.raises(LocalError, match="does not say what function"):
            method(Profile.LEAN, str(tmp_path / "plan.json"), inp=WORDS, out=WORDS)
    else:
        told = (task.name, task.definition, task.inp, task.domain, task.max_ulp, task.saturate)
        asked = made.task
        assert told == (asked.name, asked.definition, WORDS, asked.domain, asked.max_ulp, asked.saturate)


def test_a_file_is_a_method_like_any_other(tmp_path):
    made = compiled(max_ulp=4)
    save(tmp_path / "plan.json", made)
    found = method(Profile.LEAN, str(tmp_path / "plan.json"), inp=WORDS, out=WORDS)
    assert (found.digest, found.domain) == (made.digest, made.task.domain)
    x = found.inputs(50)
    assert np.array_equal(found.clear(x.astype(np.uint64)), made.plan.evaluate(x.astype(np.uint64)))
    save(tmp_path / "plan.json", compiled("sin"))  # what is run is what the file holds now
    assert method(Profile.LEAN, str(tmp_path / "plan.json"), inp=WORDS, out=WORDS).name == "sin"


def test_a_mark_at_the_start_of_a_file_is_none_of_its_text(tmp_path):
    made = compiled()
    save(tmp_path / "plan.json", made)
    (tmp_path / "marked.json").write_text((tmp_path / "plan.json").read_text(), encoding="utf-8-sig")
    assert load(tmp_path / "marked.json")[1] == made.plan


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"plan":\n x}', "it is no JSON: Expecting value in line 2, column 2"),
        ("{}", "it lacks plan"),
        ("[]", "it holds no names with values"),
        ('{"plan": 3}', "not a plan: it names no kind of plan"),
        ('{"plan": {"kind": "table"}}', "not a plan: it lacks inp"),
        ('{"plan": {"kind": "table", "inp": {"bits": "3", "scale": 2}}}', "'3' stands where an integer should"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words(tmp_path, text, words):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(LocalError) as refusal:
        load(tmp_path / "plan.json")
    assert words in str(refusal.value)
    assert "Error" not in str(refusal.value)


def test_files_that_are_missing_broken_or_changed_are_refused(tmp_path):
    path = tmp_path / "plan.json"
    with pytest.raises(LocalError, match=r"there is no file .*plan\.json"):
        load(path)
    for text in ("{", "[]", "{}", '{"plan": 3}', "\x00", "[" * 100_000, '{"plan": {"kind": []}}', "9" * 5000):
        path.write_text(text)
        with pytest.raises(LocalError, match=r"holds no compiled function|not a plan"):
            load(path)
    path.write_bytes(b"\xff\xfe{\x00")
    with pytest.raises(LocalError, match="is text in UTF-16, not a compiled function; save it as UTF-8"):
        load(path)
    save(path, compiled())
    whole = json.loads(path.read_text())
    for change in (
        {"digest": "0"},
        {"domain": [1]},
        {"domain": ["a", 2]},
        {"function": "nonsense"},
        {"max_ulp": -1},
        {"max_ulp": 10**400},
    ):
        path.write_text(json.dumps({**whole, **change}))
        with pytest.raises(LocalError, match="holds no compiled function") as refusal:
            load(path)
        assert type(refusal.value) is LocalError  # what a file says is nobody's bad usage
    path.write_text(json.dumps({**whole, "plan": {**whole["plan"], "offset": 1}}))
    with pytest.raises(LocalError, match="was changed"):
        load(path)
    with pytest.raises(LocalError, match="cannot write"):
        save(tmp_path / "nowhere" / "plan.json", compiled())
