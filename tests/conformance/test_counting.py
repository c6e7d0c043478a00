"""What is counted means the same at both ends and on every backend."""

import itertools

import pytest
import trio

from sirnn.channel import FRAME_HEADER, Phase, Traffic
from tests import harness


async def in_parallel(channel, *branches):
    forks = [channel.fork(str(index)) for index in range(len(branches))]
    async with trio.open_nursery() as nursery:
        for fork, branch in zip(forks, branches, strict=True):
            nursery.start_soon(branch, fork)
    for fork in forks:
        fork.close()


def speaks(sender, size=1):
    async def branch(channel):
        if channel.role == sender:
            await channel.send(bytes(size))
        else:
            await channel.recv(size)

    return branch


def in_turn(*branches):
    async def branch(channel):
        for each in branches:
            await each(channel)

    return branch


def side_by_side(*branches):
    async def branch(channel):
        await in_parallel(channel, *branches)

    return branch


async def swaps(channel):
    await channel.exchange(b"x", 1)


async def ot(channel):
    """The receiver's choices, then the sender's pads."""
    await in_turn(speaks(1), speaks(0))(channel)


@pytest.mark.parametrize(
    ("body", "flights"),
    [
        (in_turn(), 0),
        (speaks(0), 1),
        (swaps, 1),
        (in_turn(swaps, swaps), 2),
        (in_turn(speaks(0), speaks(0), speaks(0)), 1),
        (in_turn(speaks(0), speaks(1)), 2),
        (ot, 2),
        (in_turn(ot, ot), 4),
        (in_turn(ot, speaks(0)), 2),  # its sender speaks last and first: one message would do
        (in_turn(ot, swaps), 3),
        (side_by_side(swaps, swaps), 1),
        (side_by_side(ot, in_turn(swaps, swaps, swaps)), 3),
        (in_turn(side_by_side(ot, swaps), swaps), 3),
        (side_by_side(in_turn(swaps, side_by_side(ot, swaps)), swaps), 3),
        (in_turn(side_by_side(speaks(0), speaks(1)), ot), 3),
    ],
)
async def test_flights_are_causal_depth(run_both, body, flights):
    outcome = await run_both(body, body)
    assert [traffic.flights for traffic in outcome.traffics] == [flights, flights]


@pytest.mark.parametrize(("body", "flips"), [(swaps, 2), (ot, 2), (in_turn(ot, ot), 4), (in_turn(ot, speaks(0)), 2)])
async def test_flips_are_changes_of_direction(run_both, body, flips):
    outcome = await run_both(body, body)
    assert [traffic.flips for traffic in outcome.traffics] == [flips, flips]


async def mixed(channel):
    """Traffic of every kind: phases, nested scopes, forks, both directions."""
    with channel.phase(Phase.SETUP), channel.scope("hello"):
        await channel.exchange(bytes(4), 4)
    with channel.phase(Phase.OFFLINE), channel.scope("triples"):
        await side_by_side(speaks(0, 100), speaks(1, 30), in_turn(ot, ot))(channel)
    with channel.scope("cell"):
        await ot(channel)
        with channel.scope("tanh"):
            await side_by_side(speaks(0, 7), swaps)(channel)
        await speaks(1, 5)(channel)


async def test_both_ends_count_the_same(run_both):
    outcome = await run_both(mixed, mixed)
    mine, theirs = outcome.ledgers
    assert mine.keys() == theirs.keys()
    for row, traffic in mine.items():
        assert traffic.mirrored() == theirs[row], row


async def test_phases_and_scopes_are_kept_apart(run_both):
    outcome = await run_both(mixed, mixed)
    ledger = {row: (t.sent, t.received, t.flights) for row, t in outcome.ledgers[0].items()}
    assert ledger == {
        (Phase.SETUP, "hello"): (4, 4, 1),
        (Phase.OFFLINE, "triples"): (102, 32, 4),
        (Phase.ONLINE, "cell"): (1, 6, 3),
        (Phase.ONLINE, "cell/tanh"): (8, 1, 3),
    }
    assert outcome.traffic(0, scope="cell").sent == 9


async def test_totals_add_up(run_both):
    async def body(channel):
        await mixed(channel)
        return channel.traffic(), [channel.traffic(phase) for phase in Phase]

    (whole, parts), _ = (await run_both(body, body)).values
    added = Traffic()
    for part in parts:
        added.add(part)
    assert whole.payload == added.payload
    assert whole.flights == sum(part.flights for part in parts)
    assert whole.framing == FRAME_HEADER * (whole.sent_messages + whole.received_messages)


async def test_a_phase_starts_at_depth_zero_and_the_outer_one_goes_on(run_both):
    async def body(channel):
        await in_turn(swaps, swaps)(channel)
        with channel.phase(Phase.OFFLINE):
            await swaps(channel)
        await swaps(channel)
        return channel.traffic(Phase.ONLINE).flights, channel.traffic(Phase.OFFLINE).flights

    assert (await run_both(body, body)).values == ((3, 1), (3, 1))


async def test_every_backend_gives_the_same_transcript():
    outcomes = [await harness.run_both(mixed, mixed, over=over, digest=True) for over in harness.BACKENDS]
    digests = {digest for outcome in outcomes for digest in outcome.digests}
    assert len(digests) == 1
    assert len({str(outcome.ledgers) for outcome in outcomes}) == 1


@pytest.mark.parametrize("other", [b"y", b"xx", b""])
async def test_the_digest_sees_every_payload(run_both, other):
    async def says(word):
        async def server(channel):
            await channel.send(word)

        async def client(channel):
            await channel.recv(len(word))

        return (await run_both(server, client, digest=True)).digests

    first, again, changed = await says(b"x"), await says(b"x"), await says(other)
    assert first == again
    assert first[0] == first[1]
    assert changed[0] != first[0]


async def test_the_digest_sees_fork_direction_and_cut(run_both):
    def on(closes, path, sender, *words):
        async def body(channel):
            fork = channel.fork(path)
            for word in words:
                await (fork.send(word) if channel.role == sender else fork.recv(len(word)))
            if closes:
                fork.close()

        return body

    talks = [("a", 0, b"xy"), ("b", 0, b"xy"), ("a", 1, b"xy"), ("a", 0, b"x", b"y")]
    digests = set()
    for talk, closes in itertools.product(talks, (False, True)):
        body = on(closes, *talk)
        digests.add((await run_both(body, body, digest=True)).digests[0])
    assert len(digests) == len(talks)  # and closing a fork changes nothing


async def test_a_fork_knows_what_it_has_carried_and_how_deep_it_is(run_both):
    """Its forks below included, closed or not; at both ends alike, but for what a party only sends."""

    async def body(channel):
        seen = [(channel.carried, channel.depth)]
        fork = channel.fork("a")
        await speaks(0, 7)(fork)
        await side_by_side(speaks(1, 2), ot)(fork)
        seen += [(fork.carried, fork.depth), (channel.carried, channel.depth)]
        fork.close()
        await speaks(1, 5)(channel)
        return [*seen, (channel.carried, channel.depth)]

    server, client = (await run_both(body, body)).values
    assert server == [((0, 0), 0), ((8, 3), 2), ((8, 3), 2), ((8, 8), 4)]
    assert client == [((0, 0), 0), ((8, 3), 3), ((8, 3), 3), ((8, 8), 3)]
