"""What the pictures of the page have in common."""

from __future__ import annotations

from collections.abc import Iterable

WIDTH = 760

STYLE = "text{font:13px sans-serif;fill:#222}.small{font-size:11px;fill:#555}"


def svg(title: str, height: int, body: Iterable[str]) -> str:
    """A picture of these elements on white."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    white = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, f"<title>{title}</title>", f"<style>{STYLE}</style>", white, *body, "</svg>"]) + "\n"


def text(x: float, y: float, words: str, kind: str, anchor: str = "middle", more: str = "") -> str:
    """Words at a place; their anchor is that of SVG."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}"{more}>{words}</text>'
