"""One direction of a link: messages leave one after the other, then travel.

Store and forward, first in first out: a message starts once the one before has left, takes its bytes over the
bandwidth to leave, and arrives a latency later. Nothing overtakes, as on one TCP connection.
"""

from __future__ import annotations

from simulator.network import NANOSECONDS, Network


class Link:
    """What `sender` sends over `network`."""

    def __init__(self, network: Network, sender: int) -> None:
        self._latency = network.latency_ns
        self._bandwidth = network.bandwidth(sender)
        self._free = 0
        self._last = 0

    def admit(self, now_ns: int, nbytes: int, delay_ns: int = 0) -> int:
        """The instant at which a message of `nbytes` bytes, framing included, arrives when it is sent at `now_ns`.

        Call it in the order of sending. `delay_ns` holds this message back, and with it whatever follows.
        """
        self._free = max(now_ns, self._free)
        if self._bandwidth is not None:
            # Rounded up, so that a message always takes time and cause comes before effect.
            self._free += -(-nbytes * 8 * NANOSECONDS // self._bandwidth)
        self._last = max(self._free + self._latency + delay_ns, self._last)
        return self._last
