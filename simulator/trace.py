"""Traces: what a run said when, to look at in Perfetto and to predict it on other networks.

A `Trace` is an observer: hand it to a run (simulated or real), then

* `replay(trace, network)` gives the time of every message had the run been on `network`, and
* `chrome(trace, network)` writes that as Chrome trace events: a process per party, a thread per fork, an arrow per
  message.

The replay needs no program. Every event says which messages its party had taken before (`MessageEvent.after`), so
a run is a graph: a message is sent once those have arrived; it is taken once it and those have arrived. Computing
takes no time in it, just as in the simulator, and the links are the simulator's own.

Exact: the replay of a run on any network ends at the nanosecond at which simulating it there ends, bandwidth shared
between forks included, if a fork is made when its work may start and joined before its parent goes on (as
`Party.parallel` does). A body that orders its forks in other ways, say by an event between two of them, says
so to nobody; its prediction is then a lower bound.
"""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from typing import Any, TypeAlias

import attrs

from simulator.link import Link
from simulator.network import Network
from sirnn.channel import Phase, framing_bytes
from sirnn.endpoint import MessageEvent
from sirnn.errors import LocalError

Key: TypeAlias = tuple[int, str, int]
"""A message: its sender, its fork path, its number on that fork in that direction."""


class Trace:
    """An observer that keeps names and sizes, never contents.

    Attributes:
        sends: every message by its key, as its sender saw it.
        takes: every message by its key, as its receiver saw it.
    """

    def __init__(self) -> None:
        self.sends: dict[Key, MessageEvent] = {}
        self.takes: dict[Key, MessageEvent] = {}
        self._counts: dict[tuple[bool, int, str], int] = defaultdict(int)

    def __call__(self, _role: int, event: MessageEvent) -> None:
        """Take one event in; the event itself says who saw it."""
        line = (event.sending, event.sender, event.path)
        key = (event.sender, event.path, self._counts[line])
        self._counts[line] += 1
        (self.sends if event.sending else self.takes)[key] = event


@attrs.frozen
class Timeline:
    """A trace on a network: nanoseconds at which each message was sent, arrived and was taken."""

    network: Network
    sent_ns: dict[Key, int]
    arrived_ns: dict[Key, int]
    taken_ns: dict[Key, int]

    @property
    def total_ns(self) -> int:
        """When the last message was taken: both bodies have ended."""
        return max(self.taken_ns.values(), default=0)


def predict(trace: Trace, network: Network) -> int:
    """Nanoseconds the traced run takes on `network`, computing apart."""
    return replay(trace, network).total_ns


def phase_ns(trace: Trace, network: Network) -> dict[Phase, int]:
    """Nanoseconds from the first sending to the last taking of each phase, computing apart."""
    timeline = replay(trace, network)
    spans: dict[Phase, int] = {}
    for phase in Phase:
        keys = [key for key, event in trace.sends.items() if event.phase is phase]
        if keys:
            first = min(timeline.sent_ns[key] for key in keys)
            spans[phase] = max(timeline.taken_ns.get(key, first) for key in keys) - first
    return spans


def replay(trace: Trace, network: Network) -> Timeline:
    """The times of every message of a trace on `network`.

    Raises:
        LocalError: the trace lacks what one of the parties saw.
    """
    return _Replay(trace, network).run()


class _Replay:
    """The graph of a trace, worked off in the order of time."""

    def __init__(self, trace: Trace, network: Network) -> None:
        self.trace = trace
        self.network = network
        self.links = (Link(network, 0), Link(network, 1))
        self.times = Timeline(network, {}, {}, {})
        # What each moment still waits for, and whom each taken message lets go on. A moment is (key, sending).
        self.missing: dict[tuple[Key, bool], int] = {}
        self.unlocks: dict[Key, list[tuple[Key, bool]]] = defaultdict(list)
        self.ready: list[tuple[int, int, str, int]] = []  # messages to send: instant, then the order of admission

    def run(self) -> Timeline:
        for sending, events in ((True, self.trace.sends), (False, self.trace.takes)):
            for key, event in events.items():
                observer = key[0] if sending else 1 - key[0]
                before = [(1 - observer, path, number) for path, number in event.after]
                if any(mark not in self.trace.takes for mark in before) or key not in self.trace.sends:
                    raise LocalError("the trace has gaps", remedy="let it observe both parties from the start")
                # A taking also waits for its own message to arrive.
                self.missing[key, sending] = len(before) + (not sending)
                for mark in before:
                    self.unlocks[mark].append((key, sending))
        for key in [key for (key, sending), missing in self.missing.items() if sending and not missing]:
            self._send_at(key, 0)
        arrivals: list[tuple[int, int, str, int]] = []
        while self.ready or arrivals:
            now = min(queue[0][0] for queue in (self.ready, arrivals) if queue)
            while self.ready and self.ready[0][0] == now:
                self._admit(heapq.heappop(self.ready), arrivals)
            while arrivals and arrivals[0][0] == now:
                self._settle(heapq.heappop(arrivals)[1:], now)
        return self.times

    def _admit(self, entry: tuple[int, int, str, int], arrivals: list[tuple[int, int, str, int]]) -> None:
        now, key = entry[0], entry[1:]
        nbytes = self.trace.sends[key].nbytes
        arrives = self.links[key[0]].admit(now, nbytes + framing_bytes(nbytes))
        self.times.arrived_ns[key] = arrives
        heapq.heappush(arrivals, (arrives, *key))

    def _settle(self, key: Key, now: int) -> None:
        """A message arrived, and whatever waited for nothing else goes on at once."""
        freed: list[tuple[Key, bool]] = [(key, False)] if key in self.trace.takes else []
        while freed:
            moment = freed.pop()
            self.missing[moment] -= 1
            if self.missing[moment]:
                continue
            if moment[1]:
                self._send_at(moment[0], now)
            else:
                self.times.taken_ns[moment[0]] = now
                freed += self.unlocks[moment[0]]

    def _send_at(self, key: Key, now: int) -> None:
        self.times.sent_ns[key] = now
        heapq.heappush(self.ready, (now, *key))


def chrome(trace: Trace, network: Network) -> str:
    """The trace on `network` as Chrome trace event JSON, for Perfetto or chrome://tracing.

    Names and sizes only. Times are microseconds of virtual time; the same run gives the same text.
    """
    timeline = replay(trace, network)
    threads = {path: index for index, path in enumerate(sorted({key[1] for key in trace.sends}))}
    events: list[dict[str, Any]] = []
    for role, name in enumerate(("server", "client")):
        events.append({"ph": "M", "name": "process_name", "pid": role, "tid": 0, "args": {"name": name}})
        events += [
            {"ph": "M", "name": "thread_name", "pid": role, "tid": thread, "args": {"name": path}}
            for path, thread in threads.items()
        ]
    for number, key in enumerate(sorted(timeline.taken_ns, key=lambda key: (timeline.sent_ns[key], key))):
        event, sender = trace.sends[key], key[0]
        args = {"bytes": event.nbytes, "depth": event.depth, "phase": event.phase.value, "scope": event.scope}
        common = {"name": event.scope or event.path, "tid": threads[key[1]], "cat": event.phase.value}
        sent, arrived, taken = (
            times[key] / 1000 for times in (timeline.sent_ns, timeline.arrived_ns, timeline.taken_ns)
        )
        events += [
            {**common, "ph": "X", "pid": sender, "ts": sent, "dur": arrived - sent, "args": args},
            {**common, "ph": "X", "pid": 1 - sender, "ts": taken, "dur": 0, "args": args},
            {**common, "ph": "s", "pid": sender, "ts": sent, "id": number},
            {**common, "ph": "f", "bp": "e", "pid": 1 - sender, "ts": taken, "id": number},
        ]
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})
