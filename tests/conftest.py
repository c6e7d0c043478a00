"""Settings for the whole suite."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# No test asserts a time. Continuous integration draws the same examples in every run; a developer's runs draw new ones.
settings.register_profile("sirnn", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("sirnn")


def pytest_configure(config):
    """Have compiled plans kept for this run alone, by all the processes it starts: the user's are no concern of it."""
    if hasattr(config, "workerinput"):
        return  # a worker finds the folder of the run in its environment
    folder = tempfile.TemporaryDirectory(prefix="sirnn-tests-")
    os.environ["SIRNN_CACHE"] = folder.name  # before tests are collected, as modules may compile when imported
    config.add_cleanup(folder.cleanup)


def pytest_xdist_auto_num_workers(config):
    """No workers for files that were named: they would start up for longer than the tests take, and hide a debugger."""
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    return 0 if named and not any(Path(argument).is_dir() for argument in config.args) else None


@pytest.fixture(autouse=True)
def every_core():
    """A command in this process that keeps to a core of its own does so no longer than its test."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, cores)


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    """An empty folder for the plans that this test compiles."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("SIRNN_CACHE", str(folder))
    return folder
