"""Names that people give, and what to say of one that stands for nothing."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from sirnn.errors import LocalError

FEW = 6
"""Names that are always listed."""

NEAREST = 2
"""Of more than a few, how many are named."""


class UnknownNameError(LocalError):
    """A name, or an expression in place of one, that stands for nothing there is: on a command line, bad usage."""


def unknown_name(
    kind: str, name: str, known: Collection[str], *, otherwise: str = "", of: str = ""
) -> UnknownNameError:
    """What to tell somebody who named something that is not there.

    Args:
        kind: what it should have been.
        name: what was said.
        known: all names there are; of many only the nearest are told.
        otherwise: what to do, if there are many and none is near.
        of: what it should have been one of, if it is not the only thing that has some.
    """
    near = get_close_matches(name.lower(), known, NEAREST)
    hints = [f"did you mean {' or '.join(near)}?"] if near else []
    if len(known) <= FEW:
        hints.append(f"there are {', '.join(known)}")
    elif not near:
        hints.append(otherwise)
    return UnknownNameError(f"there is no {kind} {name!r}{of and f' of {of}'}", remedy=" ".join(hints))
