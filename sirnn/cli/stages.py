"""How long each stage of a run took: set-up, offline, online.

Each party notes when it enters a stage, by the clock that all processes of a machine share (`time.perf_counter`). A
stage is over when both parties have entered the next. So what one of them still computes while the other has gone on is
counted where it belongs, and no message is sent for the sake of the clock.
"""

from __future__ import annotations

import time
from collections import defaultdict
from statistics import median
from typing import Any, TypeAlias

import attrs

from sirnn.channel import Phase

Marks: TypeAlias = tuple[tuple[Phase | None, float], ...]
"""Stages in the order they were entered, and when; the last one, None, is the end."""


class Stopwatch:
    """Notes when each stage begins: call it with the stage."""

    def __init__(self) -> None:
        self._marks: list[tuple[Phase | None, float]] = []

    def __call__(self, stage: Phase) -> None:
        self._marks.append((stage, time.perf_counter()))

    def stop(self) -> Marks:
        """The last stage is over."""
        return (*self._marks, (None, time.perf_counter()))


@attrs.frozen(eq=False)
class Timed:
    """What one party has at the end of a run, and when it entered each stage."""

    value: Any
    marks: Marks


@attrs.frozen
class Seconds:
    """Seconds that each stage took. A run begins with a set-up; of several runs the median, but every set-up counts."""

    setup: float
    offline: float
    online: float

    @property
    def total(self) -> float:
        """All stages, one run of each."""
        return self.setup + self.offline + self.online

    def report(self) -> dict[str, float]:
        """The keys of `--json`."""
        return {
            "seconds": self.total,
            "seconds_setup": self.setup,
            "seconds_offline": self.offline,
            "seconds_online": self.online,
        }


def seconds_of(*parties: Marks) -> Seconds:
    """The seconds of stages that all these parties went through, each over when all of them are done with it."""
    instants = [max(entered) for entered in zip(*([at for _, at in marks] for marks in parties), strict=True)]
    runs: list[dict[Phase, float]] = [defaultdict(float)]
    for (stage, _), start, end in zip(parties[0], instants, instants[1:], strict=False):
        if stage is Phase.SETUP:
            runs.append(defaultdict(float))
        if stage is not None:
            runs[-1][stage] += end - start
    offline, online = (
        median([run[stage] for run in runs if stage in run] or [0.0]) for stage in (Phase.OFFLINE, Phase.ONLINE)
    )
    return Seconds(sum(run.get(Phase.SETUP, 0.0) for run in runs), offline, online)


def in_stages(seconds: Seconds) -> str:
    """Seconds in words; those of being prepared apart, if there was anything to prepare."""
    ahead = f" ({seconds.offline:.1f} s of it offline)" if seconds.offline else ""
    return f"{seconds.total:.1f} s{ahead}"
