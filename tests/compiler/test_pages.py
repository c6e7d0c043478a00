"""The page of the compiler: its blocks are those that its script makes, and what is quick to make is up to date."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from sirnn import ring

DOCS = Path(__file__).parent.parent.parent / "docs"
TEXT = (DOCS / "compiler.md").read_text()
MODULES = ("build", "picture", "plans", "rows", "svg", "tables", "tiers")


@pytest.fixture
def scripts(monkeypatch):
    """The modules of docs/compiler, by name, gone again afterwards."""
    monkeypatch.syspath_prepend(str(DOCS / "compiler"))
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield {name: importlib.import_module(name) for name in MODULES}
    for name in MODULES:
        sys.modules.pop(name, None)


def test_every_block_is_made_and_every_table_is_whole(scripts):
    blocks = dict(re.findall(r"<!-- build: (\w+) -->\n(.*?)<!-- end -->", TEXT, flags=re.DOTALL))
    assert blocks.keys() == scripts["build"].BLOCKS.keys()
    for block in blocks.values():
        lines = block.strip().split("\n")
        assert len(lines) > 2
        assert len({line.count("|") for line in lines}) == 1


def test_only_the_blocks_that_are_asked_for_change(scripts, monkeypatch):
    build = scripts["build"]
    monkeypatch.setattr(build, "BLOCKS", {name: f"new {name}".title for name in build.BLOCKS})
    changed = build.page(TEXT, ["wide"])
    assert "New Wide" in changed
    assert changed.count("New") == TEXT.count("New") + 1
    with pytest.raises(SystemExit, match="nothing is called tall"):
        build.build(["tall"])


def test_quick_blocks_are_up_to_date(scripts):
    assert scripts["plans"].weighed() in TEXT
    for name, picture in scripts["build"].PICTURES.items():
        assert picture() == (DOCS / "compiler" / f"{name}.svg").read_text()


def test_an_error_of_one_word_is_seen(scripts, monkeypatch):
    """What the table calls the worst error seen is that of the real function."""
    rows = scripts["rows"]
    monkeypatch.setattr(rows, "NUMBERS", 3000)

    def rounded(x, *, inp, out):
        real = rows.unit(inp.to_int(x) * inp.ulp)
        return ring.from_signed(np.rint(np.ldexp(real, out.scale)).astype(np.int64), out.bits).astype(np.uint64)

    def off_by_three(x, **types):
        y = rounded(x, **types)
        y[7, 1] += np.uint64(3)
        return y

    for clear, least, most in ((rounded, 0.45, 0.5), (off_by_three, 2.5, 3.5)):
        case = rows.Case("unit", (3,), rows.unit, clear, None, None)
        assert least < rows.worst_seen(case, 3) <= most
    sorts = list(rows.every_sort(3))
    assert len(sorts) == 5
    assert all(x.shape == (1000, 3) and not np.any((x < -(1 << 15)) | (x >= 1 << 15)) for x in sorts)
