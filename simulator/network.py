"""Networks to simulate: what a link between the two parties costs in time.

A network is a value: one-way latency and a bandwidth each way. All times are integer nanoseconds, because float
time drifts (by about a nanosecond in 40,000 messages) and a simulation must come out the same to the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from sirnn.errors import LocalError

NANOSECONDS = 1_000_000_000
"""Nanoseconds in a second."""


def _latency(_: Any, attribute: Any, value: int) -> None:
    if type(value) is not int or value < 0:
        raise LocalError(
            f"a network with {attribute.name} = {value!r}",
            remedy="give whole nanoseconds, zero or more: 5 ms are 5_000_000",
        )


def _bandwidth(_: Any, attribute: Any, value: int | None) -> None:
    if value is not None and (type(value) is not int or value <= 0):
        raise LocalError(
            f"a network with {attribute.name} = {value!r}",
            remedy="give whole bits per second, or none for no limit: 20 Mbit/s are 20_000_000",
        )


@attrs.frozen
class Network:
    """A link between server and client.

    Attributes:
        name: how reports call it.
        latency_ns: one-way latency, the same both ways, in nanoseconds.
        up: bandwidth from client to server in bits per second; None is unlimited.
        down: bandwidth from server to client in bits per second; None is unlimited.

    Raises:
        LocalError: a latency that is no integer from 0, or a bandwidth that is none from 1.
    """

    name: str
    latency_ns: int = attrs.field(validator=_latency)
    up: int | None = attrs.field(default=None, validator=_bandwidth)
    down: int | None = attrs.field(default=None, validator=_bandwidth)

    def bandwidth(self, sender: int) -> int | None:
        """Bits per second for what `sender` sends (0 the server, 1 the client)."""
        return self.down if sender == 0 else self.up


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        network.name: network
        for network in (
            # SIRNN (Rathee et al., S&P 2021, section VI): 377 MB/s and 0.8 ms round trip.
            Network("lan", latency_ns=400_000, up=3_016_000_000, down=3_016_000_000),
            # Two data centres an ocean apart, as the literature sets it: 100 Mbit/s and 80 ms round trip.
            Network("wan", latency_ns=40_000_000, up=100_000_000, down=100_000_000),
            # A telephone: 60 ms round trip, 10 Mbit/s up and 30 down.
            Network("mobile", latency_ns=30_000_000, up=10_000_000, down=30_000_000),
            # No network at all: what is left is the protocol.
            Network("ideal", latency_ns=0),
        )
    }
)
"""The networks a scenario can name."""


def named(network: Network | str) -> Network:
    """A network, be it given or named.

    Raises:
        LocalError: it is neither a network nor the name of one.
    """
    if isinstance(network, str) and network in NETWORKS:
        return NETWORKS[network]
    if not isinstance(network, Network):
        raise LocalError(
            f"{network!r} is no network", remedy=f"name {', '.join(NETWORKS)}, or make one of Network(...)"
        )
    return network
