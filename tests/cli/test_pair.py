"""Both parties on this machine: what comes back, and whose error it is."""

from __future__ import annotations

import os
import signal

import pytest

from sirnn.cli.pair import run_pair
from sirnn.errors import LocalError, PeerError, TransportError


async def send(channel):
    await channel.send(b"four")
    return channel.role


async def receive(channel):
    return await channel.recv(4)


async def refuse(_):
    raise LocalError("I will not", remedy="ask nicely")


async def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("over", ["sim", "tcp"])
def test_values_and_traffic_come_back(over):
    run = run_pair(send, receive, over=over)
    assert run.values == (0, b"four")
    assert sum(traffic.sent for traffic in run.ledger.values()) == 4
    assert bool(run.network_ns) is (over == "sim")


@pytest.mark.parametrize("over", ["sim", "tcp"])
@pytest.mark.parametrize("bodies", [(receive, refuse), (refuse, receive)], ids=["client", "server"])
def test_the_error_is_the_one_of_the_party_at_fault(bodies, over):
    with pytest.raises(LocalError, match="I will not; ask nicely"):
        run_pair(*bodies, over=over)


def test_a_program_that_ends_early_is_a_peer_error():
    with pytest.raises(PeerError, match="has finished"):
        run_pair(receive, receive_nothing, over="tcp")


async def receive_nothing(_):
    return None


def test_a_client_process_that_dies_is_noticed():
    with pytest.raises(TransportError, match=r"the client's process is gone"):
        run_pair(receive, die, over="tcp")
