"""One direction of a link: messages leave one after the other, then travel.

Store and forward, first in first out: a message starts once the one before has left, takes its bytes over the
bandwidth to leave, and arrives a latency later. Nothing overtakes, as on one TCP connection.
"""

from __future__ import annotations

from simulator.network import NANOSECONDS, Network


class Link:
    """What `sender` sends over `network`.

    Attributes:
        free_ns: the instant at which all that was admitted has left.
    """

    def __init__(self, network: Network, sender: int) -> None:
        self._latency = network.latency_ns
        self._bandwidth = network.bandwidth(sender)
        self.free_ns = 0
        self._last = 0

    def admit(self, now_ns: int, nbytes: int, delay_ns: int = 0) -> int:
        """The instant at which a message of `nbytes` bytes, framing included, arrives when it is sent at `now_ns`.

        Call it in the order of sending. `delay_ns` holds this message back, and with it whatever follows.
        """
        self.free_ns = max(now_ns, self.free_ns) + self.duration(nbytes)
        self._last = max(self.free_ns + self._latency + delay_ns, self._last)
        return self._last

    def duration(self, nbytes: int) -> int:
        """How long `nbytes` bytes take to leave, and so to arrive; 0 without a bandwidth."""
        # Rounded up, so that a message always takes time and cause comes before effect.
        return 0 if self._bandwidth is None else -(-nbytes * 8 * NANOSECONDS // self._bandwidth)
