"""Names that can be anybody's: a foreign package of the same name is told of, and data is found whatever there is."""

from __future__ import annotations

import os
import subprocess
import sys
import types

import pytest

from sirnn.cli.scenario import scenario_names
from sirnn.errors import LocalError
from sirnn.installation import HOME, PACKAGES, check_packages
from tests.test_docs import ROOT


def test_our_own_packages_are_let_be():
    assert HOME == ROOT
    check_packages()


@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("kind", ["module", "package"])
def test_a_foreign_package_is_named(monkeypatch, tmp_path, name, kind):
    foreign = tmp_path / f"{name}.py" if kind == "module" else tmp_path / name / "__init__.py"
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(LocalError, match=f"takes the place of {name}") as refused:
        check_packages()
    assert str(foreign) in refused.value.problem
    assert "rename it" in refused.value.remedy


def test_one_that_is_imported_already_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "simulator", sys.modules["json"])
    with pytest.raises(LocalError, match=r"json/__init__\.py takes the place of simulator"):
        check_packages()


def test_one_that_is_missing_is_told_of(monkeypatch):
    nothing = types.ModuleType("transports")
    nothing.__spec__ = None
    monkeypatch.setitem(sys.modules, "transports", nothing)
    with pytest.raises(LocalError, match="transports, a part of sirnn, is missing"):
        check_packages()


def test_data_is_found_beside_a_folder_of_the_same_name(monkeypatch, tmp_path):
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert scenario_names() == ["basicmotions", "iris"]


def test_the_command_line_says_so_in_a_sentence(tmp_path):
    (tmp_path / "simulator.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "sirnn.cli", "cost", "basicmotions"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"sirnn: error: {tmp_path / 'simulator.py'} takes the place of simulator")
