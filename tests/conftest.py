"""Settings for the whole suite."""

from __future__ import annotations

import os
import tempfile

from hypothesis import settings

# No test asserts a time. Continuous integration draws the same examples in every run; a developer's runs draw new ones.
settings.register_profile("sirnn", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("sirnn")


def pytest_configure(config):
    """Have compiled plans kept for this run alone, by the processes it starts too: the user's are no concern of it."""
    folder = tempfile.TemporaryDirectory(prefix="sirnn-tests-")
    os.environ["SIRNN_CACHE"] = folder.name  # before tests are collected, as modules may compile when imported
    config.add_cleanup(folder.cleanup)
