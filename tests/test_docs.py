"""What the documentation shows is what the files hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_example_of_the_guide_is_the_file():
    guide = (ROOT / "docs" / "writing-a-protocol.md").read_text()
    assert (ROOT / "docs" / "examples" / "hamming.py").read_text().strip() in guide


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page):
    """Paths in backticks, and targets of links that are not addresses."""
    text = page.read_text()
    named = re.findall(r"`((?:sirnn|simulator|transports|tests|docs|scenarios)/[\w./-]+\.\w+)`", text)
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    missing = [name for name in named if not (ROOT / name).exists()]
    missing += [target for target in linked if not (page.parent / target).exists()]
    assert not missing
