"""Whether the branches of `Party.parallel` cost what they are declared to: bytes each way and depth.

A branch's declared cost decides what its fork is handed, and is part of its protocol's. A wrong one can hide: in a sum
that comes out right, or in a profile that hands out nothing. So each is measured by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from sirnn.channel import Channel
from sirnn.cost import Cost


@attrs.frozen
class _Side:
    """A branch as one party ran it: its declared cost, its depth before and after, what it carried, where it was."""

    cost: Cost
    before: int
    after: int
    carried: tuple[int, int]
    where: str


class Branches:
    """Notes every branch that either party runs; a `sirnn.party.Watch` for both."""

    def __init__(self) -> None:
        self._sides: dict[str, dict[int, _Side]] = {}

    @contextmanager
    def watch(self, channel: Channel, cost: Cost) -> Iterator[None]:
        """Around a branch that runs on `channel`."""
        before = channel.depth
        yield
        side = _Side(cost, before, channel.depth, channel.carried, channel.where)
        self._sides.setdefault(channel.path, {})[channel.role] = side

    def problem(self) -> str:
        """What is wrong with the first branch that sends other than it declares, or reaches another depth; or ""."""
        found = (
            f"the branch {side.where} of party.parallel: {wrong} (party {role} counts)"
            for sides in self._sides.values()
            for role, side in sorted(sides.items())
            if (wrong := _wrong(role, side, [each.before for _, each in sorted(sides.items())]))
        )
        return next(found, "")


def _wrong(role: int, side: _Side, before: list[int]) -> str:
    for sender, (found, want) in enumerate(zip(side.carried, side.cost.sent, strict=True)):
        if found != want:
            return f"party {sender} sends {found} bytes, {want} are declared"
    # How far the declared depth takes the depths that the parties began with.
    want = int(max(steps + start for steps, start in zip(side.cost.depth[role], before, strict=True)))
    if side.after != want:
        return f"{side.after - side.before} flights until party {role} is done, {want - side.before} are declared"
    return ""
