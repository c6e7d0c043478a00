"""A trace of one run predicts the run on any network, to the nanosecond."""

import json

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.network import NETWORKS, Network
from simulator.simulation import run_simulation, simulate
from simulator.trace import Trace, chrome, phase_ns, predict, replay
from sirnn.channel import Phase
from sirnn.errors import LocalError
from tests import harness

THIN = Network("thin", latency_ns=700, up=5_000_000, down=11_000_000)  # so thin that forks wait for each other


def program(steps):
    """A body from a tree: a message (sender, size), an exchange (size0, size1), or a list of branches in forks."""

    async def body(channel):
        await run_steps(channel, steps)

    async def run_steps(channel, steps):
        for step in steps:
            if isinstance(step, list):
                forks = [channel.fork(str(index)) for index in range(len(step))]
                async with trio.open_nursery() as nursery:
                    for fork, branch in zip(forks, step, strict=True):
                        nursery.start_soon(run_steps, fork, branch)
                for fork in forks:
                    fork.close()
            elif step[0] == "exchange":
                sizes = step[1:]
                await channel.exchange(bytes(sizes[channel.role]), sizes[1 - channel.role])
            elif step[1] == channel.role:
                await channel.send(bytes(step[2]))
            else:
                await channel.recv(step[2])

    return body


sizes = st.integers(0, 300)
step = st.one_of(
    st.tuples(st.just("message"), st.integers(0, 1), sizes),
    st.tuples(st.just("exchange"), sizes, sizes),
)
programs = st.recursive(
    st.lists(step, max_size=4),
    lambda inner: st.lists(st.one_of(step, st.lists(inner, min_size=1, max_size=3)), max_size=4),
    max_leaves=12,
)


@settings(max_examples=150)
@given(steps=programs, recorded=st.sampled_from(["lan", "mobile", "ideal"]))
def test_a_trace_predicts_every_network_to_the_nanosecond(steps, recorded):
    trace = Trace()
    run_simulation(program(steps), program(steps), network=NETWORKS[recorded], observer=trace)
    for network in (*NETWORKS.values(), THIN):
        simulated = run_simulation(program(steps), program(steps), network=network)
        assert predict(trace, network) == simulated.virtual_ns


OT = [("message", 1, 40), ("message", 0, 200)]
JOB = [("exchange", 8, 8), [OT, [*OT, *OT], [("exchange", 3000, 10)]], [OT, [[OT, OT]]], ("message", 0, 5)]


@pytest.mark.parametrize("network", [*NETWORKS.values(), THIN], ids=lambda network: network.name)
async def test_the_replay_has_the_times_of_every_message(network):
    trace = Trace()
    result = await simulate(program(JOB), program(JOB), network=network, observer=trace)
    timeline = replay(trace, network)
    messages = [line for line in result.log if line.path.startswith("/")]
    simulated = sorted((line.sender, line.path, line.sent_ns, line.arrives_ns) for line in messages)
    replayed = sorted((key[0], key[1], timeline.sent_ns[key], timeline.arrived_ns[key]) for key in timeline.sent_ns)
    assert replayed == simulated


async def test_a_trace_of_a_real_connection_predicts_too():
    trace = Trace()
    await harness.run_both(program(JOB), program(JOB), over="tcp", observer=trace)
    simulated = await simulate(program(JOB), program(JOB), network=NETWORKS["wan"])
    assert predict(trace, NETWORKS["wan"]) == simulated.virtual_ns


async def test_what_is_observed_after_a_replay_counts_in_the_next():
    seen, whole = [], Trace()

    def observer(role, event):
        seen.append((role, event))
        whole(role, event)

    await simulate(program(JOB), program(JOB), observer=observer)
    growing, half = Trace(), len(seen) // 2
    for role, event in seen[:half]:
        growing(role, event)
    try:
        before = predict(growing, NETWORKS["wan"])
    except LocalError:  # cut in the middle of a message
        before = 0
    for role, event in seen[half:]:
        growing(role, event)
    assert before < predict(growing, NETWORKS["wan"]) == predict(whole, NETWORKS["wan"])


async def test_phases_have_times_of_their_own():
    async def body(channel):
        with channel.phase(Phase.OFFLINE):
            await channel.exchange(b"", 0)
            await channel.exchange(b"", 0)
        await channel.exchange(b"", 0)

    trace = Trace()
    result = await simulate(body, body, observer=trace)
    spans = phase_ns(trace, result.network)
    assert set(spans) == {Phase.OFFLINE, Phase.ONLINE}
    assert spans[Phase.OFFLINE] == 2 * spans[Phase.ONLINE]
    assert sum(spans.values()) == result.virtual_ns


async def test_the_chrome_trace():
    texts = []
    for _ in range(3):
        trace = Trace()
        await simulate(program(JOB), program(JOB), observer=trace)
        texts.append(chrome(trace, NETWORKS["lan"]))
    assert len(set(texts)) == 1
    events = json.loads(texts[0])["traceEvents"]
    names = {event["args"]["name"] for event in events if event["ph"] == "M"}
    assert {"server", "client", "/", "/0", "/1#1/1"} <= names
    starts = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert starts.keys() == ends.keys()
    assert len(starts) == len(trace.sends)
    for number, start in starts.items():
        assert start["pid"] == 1 - ends[number]["pid"]
        assert start["tid"] == ends[number]["tid"]
        assert start["ts"] < ends[number]["ts"]
    sizes = sorted(event["args"]["bytes"] for event in events if event["ph"] == "X" and event["dur"])
    assert sizes == sorted(event.nbytes for event in trace.sends.values())


async def test_a_trace_of_one_party_alone_is_refused():
    trace = Trace()
    await simulate(program(JOB), program(JOB), observer=lambda role, event: role == 0 and trace(role, event))
    with pytest.raises(LocalError, match="gaps"):
        replay(trace, NETWORKS["lan"])
