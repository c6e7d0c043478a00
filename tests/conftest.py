"""Settings for the whole suite."""

from __future__ import annotations

import os

from hypothesis import settings

# No test asserts a time. Continuous integration draws the same examples in every run; a developer's runs draw new ones.
settings.register_profile("sirnn", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("sirnn")
