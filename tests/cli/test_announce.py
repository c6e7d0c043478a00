"""What the first run on a machine says, and later ones do not."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner
from numba import njit

from sirnn.cli.announce import TEXT
from sirnn.cli.main import cli
from sirnn.cli.rows import Row, run_rows
from sirnn.kernels.watch import compiling
from tests.cli.processes import Running

TYPES = ["--bits", "6", "--in-scale", "3", "--out-bits", "8", "--out-scale", "3", "--count", "5", "--json"]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    """Nothing was compiled before."""
    monkeypatch.setenv("SIRNN_CACHE", str(tmp_path / "cache"))


def test_plans_that_are_compiled_are_announced_once_and_plans_that_are_kept_are_not():
    functions = ["x * 0.37", "x * 0.41"]
    for said in (f"{TEXT}\n", ""):
        result = CliRunner().invoke(cli, ["compile-function", *functions, *TYPES], prog_name="sirnn")
        assert result.stderr == said
        assert len(json.loads(result.stdout)["plans"]) == 2


def test_what_is_refused_is_not_announced():
    result = CliRunner().invoke(cli, ["measure", "x * 1000", *TYPES], prog_name="sirnn")
    assert result.exit_code == 1
    assert TEXT not in result.stderr


def test_kernels_that_are_compiled_are_told_of():
    told = []
    with compiling(lambda: told.append(1)):
        kernel = njit(lambda x: x + 1)
        assert told == []
        assert kernel(1) == 2
        assert len(told) == 1
        assert kernel(2) == 3
    assert njit(lambda x: x + 2)(1) == 3
    assert len(told) == 1


def test_a_benchmark_passes_on_what_its_rows_say(capsys, monkeypatch, tmp_path):
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{TEXT}' >&2\necho else >&2\necho '{{\"count\": 5}}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    assert [report["count"] for report in run_rows([Row("first", ()), Row("second", ())])] == [5, 5]
    assert capsys.readouterr().err == f"{TEXT}\n"


def test_the_line_stands_above_the_bars():
    with Running("measure", "x * 0.47", *TYPES, terminal=True) as running:
        assert running.end() == 0
        assert running.output["stderr"].count(TEXT) == 1
        assert json.loads(running.stdout)["count"] == 5
