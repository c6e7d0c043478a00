import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.link import Link
from simulator.network import NETWORKS, Network, named
from sirnn.errors import LocalError


def test_the_named_networks():
    assert set(NETWORKS) == {"lan", "wan", "mobile", "ideal"}
    assert all(name == network.name for name, network in NETWORKS.items())
    assert NETWORKS["mobile"].bandwidth(0) == 30_000_000  # the server sends down
    assert NETWORKS["mobile"].bandwidth(1) == 10_000_000


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"latency_ns": -1}, "latency_ns = -1; give whole nanoseconds, zero or more: 5 ms are 5_000_000"),
        ({"latency_ns": 5e6}, "latency_ns = 5000000.0; give whole nanoseconds"),
        ({"latency_ns": "5ms"}, "latency_ns = '5ms'; give whole nanoseconds"),
        ({"latency_ns": np.float64(1)}, "give whole nanoseconds"),
        ({"latency_ns": 0, "up": 0}, "up = 0; give whole bits per second, or none for no limit"),
        ({"latency_ns": 0, "down": -5}, "down = -5; give whole bits"),
        ({"latency_ns": 0, "down": 1e6}, "down = 1000000.0; give whole bits"),
        ({"latency_ns": 0, "up": "20 Mbit/s"}, "20 Mbit/s are 20_000_000"),
    ],
)
def test_impossible_networks_are_refused(wrong, words):
    with pytest.raises(LocalError) as refused:
        Network("odd", **wrong)
    assert words in str(refused.value)


def test_a_network_is_given_or_named():
    assert named("wan") is NETWORKS["wan"]
    mine = Network("mine", latency_ns=7)
    assert named(mine) is mine
    for wrong in ("5ms", None, 7):
        with pytest.raises(LocalError, match="no network; name lan, wan, mobile, ideal, or make one"):
            named(wrong)


def test_a_message_leaves_then_travels():
    link = Link(Network("n", latency_ns=1000, down=8_000_000_000), sender=0)  # a byte a nanosecond
    assert link.admit(0, 100) == 1100
    assert link.admit(50, 10) == 1110  # waits for the first to leave
    assert link.admit(500, 10) == 1510
    assert link.admit(500, 10, delay_ns=7) == 1527
    assert link.admit(500, 0) == 1527  # nothing overtakes


def test_time_on_the_wire_is_rounded_up():
    assert Link(Network("n", latency_ns=0, up=3_000_000_000), sender=1).admit(0, 1) == 3


def test_no_bandwidth_limit_means_latency_alone():
    link = Link(NETWORKS["ideal"], sender=0)
    assert link.admit(7, 1 << 40) == 7


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 10_000), st.integers(0, 100)), max_size=30),
    st.integers(1, 10**11),
)
def test_arrivals_are_in_order_and_no_faster_than_the_bandwidth(messages, bandwidth):
    link = Link(Network("n", latency_ns=5, up=bandwidth), sender=1)
    now, total, last = 0, 0, 0
    for gap, nbytes, delay in messages:
        now, total = now + gap, total + nbytes
        arrival = link.admit(now, nbytes, delay)
        assert arrival >= max(last, now + 5 + nbytes * 8 * 10**9 // bandwidth)
        assert arrival >= total * 8 * 10**9 // bandwidth
        last = arrival
