"""Tables as these pages write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A header, a rule, and a line for every row."""
    return "\n".join([line(header), "|---" * len(header) + "|", *map(line, rows)])


def line(cells: Sequence[str]) -> str:
    """A row; a bar within a cell is escaped."""
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
