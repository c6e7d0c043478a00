"""Where compiled code and plans are kept, and that nothing depends on there being such a place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sirnn.folders import cache_folders
from tests.test_docs import ROOT


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """No settings, a home and a temporary folder."""
    for name in ("SIRNN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return monkeypatch


def test_the_users_own_folders_come_first(environment, tmp_path):
    private = tmp_path / f"sirnn-{os.geteuid()}"
    assert cache_folders() == [tmp_path / "home" / ".cache" / "sirnn", private]
    environment.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folders() == [tmp_path / "xdg" / "sirnn", private]
    environment.setenv("SIRNN_CACHE", "/elsewhere")
    assert cache_folders() == [Path("/elsewhere")]


def test_without_a_home_there_is_the_temporary_folder(environment, tmp_path):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    environment.setattr(Path, "home", homeless)
    (private,) = cache_folders()
    assert private.parent == tmp_path
    assert private.stat().st_mode & 0o777 == 0o700


def test_a_temporary_folder_that_others_can_write_is_not_used(environment, tmp_path):
    folder = tmp_path / f"sirnn-{os.geteuid()}"
    folder.mkdir()
    folder.chmod(0o770)
    assert folder not in cache_folders()
    folder.chmod(0o700)
    assert folder in cache_folders()
    folder.rename(tmp_path / "other")
    folder.symlink_to(tmp_path / "other")
    assert folder not in cache_folders()
    folder.unlink()
    folder.write_text("")
    assert folder not in cache_folders()


PROGRAM = """
import pkgutil, importlib, numpy as np, sirnn.kernels
for found in pkgutil.iter_modules(sirnn.kernels.__path__, "sirnn.kernels."):
    importlib.import_module(found.name)
from sirnn.kernels.correlate import correct_sums
from sirnn.compiler.cache import recall
print(sirnn.__file__)
zeros, ones, sums, sent, kept = np.arange(5 * 3, dtype=np.uint64).reshape(5, 3)
correct_sums(zeros, ones, sums, np.uint64(255), sent, kept)
assert kept.tolist() == [0, 255, 254]
print(sum(correct_sums.stats.cache_hits.values()))
"""


def test_an_installation_of_somebody_elses_and_no_home(tmp_path):
    """Nothing beside the source can be written, nor in the home, not even by root: they are files."""
    shutil.copytree(ROOT / "sirnn", tmp_path / "sirnn", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "sirnn" / "kernels" / "__pycache__").write_text("")
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def run():
        environment = {"PYTHONPATH": str(tmp_path), "HOME": os.devnull, "TMPDIR": str(temporary)}
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", PROGRAM], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        where, hits = done.stdout.split()
        assert where == str(tmp_path / "sirnn" / "__init__.py")
        return int(hits), done.stderr

    private = temporary / f"sirnn-{os.geteuid()}"
    assert run() == (0, "")
    assert run() == (1, "")
    shutil.rmtree(private)
    private.write_text("")
    assert run() == (0, "sirnn: no folder to keep compiled code in: compiling each time; set SIRNN_CACHE to one\n")
