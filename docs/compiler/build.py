"""Rewrites what docs/compiler.md quotes: blocks between `<!-- build: NAME -->` and `<!-- end -->`, and the pictures.

    python docs/compiler/build.py               # everything, in some minutes
    python docs/compiler/build.py wide rows     # these blocks alone

All plans are compiled anew.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from picture import picture
from plans import library, together, weighed, wide
from rows import rows
from tiers import tiers

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "compiler.md"
BLOCKS = {"wide": wide, "weighed": weighed, "library": library, "together": together, "rows": rows}

PICTURES = {"pieces": picture, "tiers": tiers}


def page(text: str, names: Collection[str]) -> str:
    """The text with those of its blocks rewritten."""

    def block(found: re.Match[str]) -> str:
        return f"{found[1]}{BLOCKS[found[2]]()}\n{found[3]}" if found[2] in names else found[0]

    return re.sub(r"(<!-- build: (\w+) -->\n).*?(<!-- end -->)", block, text, flags=re.DOTALL)


def build(names: Collection[str]) -> None:
    """Rewrite the blocks and the pictures of these names."""
    unknown = set(names) - {*BLOCKS, *PICTURES}
    if unknown:
        sys.exit(f"nothing is called {', '.join(sorted(unknown))}: choose from {', '.join([*BLOCKS, *PICTURES])}")
    PAGE.write_text(page(PAGE.read_text(), names))
    for name in PICTURES.keys() & set(names):
        (FOLDER / f"{name}.svg").write_text(PICTURES[name]())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SIRNN_CACHE"] = folder
        build(sys.argv[1:] or [*BLOCKS, *PICTURES])
