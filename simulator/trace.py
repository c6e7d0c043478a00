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

import json
from collections import defaultdict, deque
from collections.abc import Iterator
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
        self._graph: _Graph | None = None

    def __call__(self, _role: int, event: MessageEvent) -> None:
        """Take one event in; the event itself says who saw it."""
        line = (event.sending, event.sender, event.path)
        key = (event.sender, event.path, self._counts[line])
        self._counts[line] += 1
        (self.sends if event.sending else self.takes)[key] = event
        self._graph = None

    def graph(self) -> _Graph:
        """What waits for what, worked out once for all networks.

        Raises:
            LocalError: the trace lacks what one of the parties saw.
        """
        if self._graph is None:
            self._graph = _graph(self)
        return self._graph


@attrs.frozen(eq=False)
class _Graph:
    """What waits for what in a trace of n messages.

    A moment is a number: i is the sending of message i, n + i its taking.

    Attributes:
        keys: of the messages, in the order in which those of one instant enter the links.
        sizes: their bytes, framing included.
        missing: by moment, how many takings it waits for; a taking also waits for its own message to arrive.
        unlocks: by message, the moments that wait for its taking.
    """

    keys: list[Key]
    sizes: list[int]
    missing: list[int]
    unlocks: list[list[int]]


def _graph(trace: Trace) -> _Graph:
    if not trace.takes.keys() <= trace.sends.keys():
        raise _gaps()
    keys = sorted(trace.sends)
    n, numbers = len(keys), {key: number for number, key in enumerate(keys)}
    lengths = [trace.sends[key].nbytes for key in keys]
    graph = _Graph(keys, [length + framing_bytes(length) for length in lengths], [0] * (2 * n), [[] for _ in keys])
    for sending, events in ((True, trace.sends), (False, trace.takes)):
        for key, event in events.items():
            moment, sender = (numbers[key], 1 - key[0]) if sending else (n + numbers[key], key[0])
            graph.missing[moment] = len(event.after) + (not sending)
            for path, number in event.after:
                before = (sender, path, number)
                if before not in trace.takes:
                    raise _gaps()
                graph.unlocks[numbers[before]].append(moment)
    return graph


def _gaps() -> LocalError:
    return LocalError("the trace has gaps", remedy="let it observe both parties from the start")


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
    spans: dict[Phase, tuple[int, int]] = {}
    for key, event in trace.sends.items():
        sent = timeline.sent_ns[key]
        first, last = spans.get(event.phase, (sent, sent))
        spans[event.phase] = min(first, sent), max(last, timeline.taken_ns.get(key, last))
    return {phase: spans[phase][1] - spans[phase][0] for phase in Phase if phase in spans}


def replay(trace: Trace, network: Network) -> Timeline:
    """The times of every message of a trace on `network`.

    Raises:
        LocalError: the trace lacks what one of the parties saw.
    """
    return _Replay(trace.graph(), network).run()


class _Replay:
    """The graph of a trace, worked off in the order of time."""

    def __init__(self, graph: _Graph, network: Network) -> None:
        self.graph = graph
        self.missing = graph.missing.copy()
        self.links = (Link(network, 0), Link(network, 1))
        self.times = Timeline(network, {}, {}, {})
        # By sender, (arrival, number) of what is under way: nothing overtakes on a link.
        self.queues: tuple[deque[tuple[int, int]], ...] = (deque(), deque())

    def run(self) -> Timeline:
        now, ready = 0, [number for number in range(len(self.graph.keys)) if not self.missing[number]]
        while ready or any(self.queues):
            for number in sorted(ready):
                self._send(number, now)
            now = min(queue[0][0] for queue in self.queues if queue)
            ready = self._settle(list(self._arrived(now)), now)
        return self.times

    def _send(self, number: int, now: int) -> None:
        key = self.graph.keys[number]
        arrives = self.links[key[0]].admit(now, self.graph.sizes[number])
        self.times.sent_ns[key], self.times.arrived_ns[key] = now, arrives
        self.queues[key[0]].append((arrives, number))

    def _arrived(self, now: int) -> Iterator[int]:
        """The takings of the messages that arrive now."""
        for queue in self.queues:
            while queue and queue[0][0] == now:
                yield len(self.graph.keys) + queue.popleft()[1]

    def _settle(self, freed: list[int], now: int) -> list[int]:
        """One thing less is missing for each of these moments; the sendings that come of it at once."""
        ready, n = [], len(self.graph.keys)
        while freed:
            moment = freed.pop()
            self.missing[moment] -= 1
            if self.missing[moment]:  # below 0 for messages that nobody took
                continue
            if moment < n:
                ready.append(moment)
            else:
                self.times.taken_ns[self.graph.keys[moment - n]] = now
                freed += self.graph.unlocks[moment - n]
        return ready


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
