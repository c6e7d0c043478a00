"""The endpoint by itself, over a wire that the test holds in its hands."""

import pytest
import trio

from sirnn.channel import FRAME_HEADER, FRAME_LIMIT, Phase, framing_bytes
from sirnn.endpoint import (
    ABORT,
    CONTROL,
    FAREWELL,
    MAILBOX_CHARGE,
    MESSAGE_CHARGE,
    NAME_BYTES,
    Endpoint,
    fork_id,
)
from sirnn.errors import LocalError, PeerError, TransportError


class Held:
    """A wire that keeps what it is given."""

    def __init__(self):
        self.messages = []
        self.dead = False

    async def transmit(self, path, depth, payload):
        if self.dead:
            raise TransportError("the cable is cut")
        self.messages.append((path, depth, payload))


@pytest.fixture
def wire():
    return Held()


@pytest.fixture
def endpoint(wire):
    made = Endpoint(0, wire, simulated=True, digest=True)
    made.deepest = 8  # as if this side had sent as deep a message already
    return made


ROOT = fork_id("/")


@pytest.mark.parametrize(
    ("length", "frames"), [(0, 1), (1, 1), (FRAME_LIMIT, 1), (FRAME_LIMIT + 1, 2), (2 * FRAME_LIMIT, 2)]
)
def test_framing_bytes(length, frames):
    assert framing_bytes(length) == frames * FRAME_HEADER


def test_fork_ids_are_stable_and_apart():
    assert fork_id("/") == 0x901D479C282838BF  # both parties, whatever their release of Python
    assert len({fork_id(path) for path in ("/", "/a", "/a#1", "/a/b", "/b", CONTROL)}) == 6


async def test_depth_counts_what_was_received(endpoint, wire):
    root = endpoint.root
    await root.send(b"a")
    endpoint.deliver(ROOT, 6, b"b")
    await root.recv(1)
    endpoint.deliver(ROOT, 2, b"b")  # a message that knew less than an earlier one
    await root.recv(1)
    await root.send(b"c")
    assert [depth for _, depth, _ in wire.messages] == [1, 7]
    assert root.traffic(Phase.ONLINE).flights == 7


async def test_a_fork_starts_at_its_parents_depth_and_a_parent_goes_on_from_its_forks(endpoint, wire):
    root = endpoint.root
    early = root.fork("early")
    endpoint.deliver(ROOT, 4, b"")
    await root.recv(0)
    late = root.fork("late")
    await early.send(b"")
    await late.send(b"")
    endpoint.deliver(fork_id("/late/inner"), 9, b"")
    await late.fork("inner").recv(0)
    for channel in (early, late, root):
        await channel.send(b"")
    assert [depth for _, depth, _ in wire.messages] == [1, 5, 1, 10, 10]


async def test_a_phase_has_depths_of_its_own(endpoint, wire):
    root = endpoint.root
    endpoint.deliver(ROOT, 4, b"")
    endpoint.deliver(fork_id("/f"), 3, b"")
    await root.recv(0)
    with root.phase(Phase.OFFLINE):
        await root.send(b"")
        await root.fork("f").recv(0)
        await root.send(b"")
    await root.send(b"")
    assert [depth for _, depth, _ in wire.messages] == [1, 4, 5]


async def test_scopes_nest_and_survive_errors(endpoint):
    root = endpoint.root

    async def fails_inside():
        with root.scope("a"), root.scope("b"):
            await root.send(b"x")
            raise KeyError

    with pytest.raises(KeyError):
        await fails_inside()
    with root.scope("a"):
        fork = root.fork("f")
    await fork.send(b"yy")
    await root.send(b"zzz")
    assert {scope: traffic.sent for (_, scope), traffic in root.ledger.items()} == {"a/b": 1, "a": 2, "": 3}


async def test_mailboxes_empty_before_the_failure_shows(endpoint):
    endpoint.deliver(ROOT, 1, b"one")
    endpoint.fail(TransportError("gone", remedy="wait"))
    endpoint.fail(PeerError("a later, lesser reason"))
    assert await endpoint.root.recv(3) == b"one"
    for use in (endpoint.root.recv(1), endpoint.root.send(b"x")):
        with pytest.raises(TransportError, match=r"gone \(in /, message \d\); wait"):
            await use


async def test_a_failure_wakes_who_waits(endpoint):
    async def waits(fork):
        with pytest.raises(TransportError, match="gone"):
            await fork.recv(1)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(waits, endpoint.root.fork("f"))
        await trio.testing.wait_all_tasks_blocked()
        assert endpoint.waiting == 3
        endpoint.fail(TransportError("gone"))
    assert endpoint.waiting == 0


async def test_a_failed_send_says_why_the_link_died_if_it_is_known(endpoint, wire):
    wire.dead = True
    with pytest.raises(TransportError, match="the cable is cut"):
        await endpoint.root.send(b"x")


async def test_where_an_error_happened(endpoint):
    fork = endpoint.root.fork("gates")
    endpoint.deliver(fork_id("/gates"), 1, b"ab")
    await fork.send(b"x")
    with fork.scope("tanh"), fork.scope("mux"), pytest.raises(PeerError) as caught:
        await fork.recv(1)
    assert caught.value.where == "/gates [tanh/mux]"
    assert caught.value.message_number == 1
    assert "ab" not in str(caught.value).split("got")[1]


async def test_room_waits_for_a_reader_or_a_taker(endpoint):
    passed = []
    each = MESSAGE_CHARGE + 8
    limit = MAILBOX_CHARGE + each

    async def reads():
        while True:
            await endpoint.room(limit)
            passed.append(endpoint.buffered)
            endpoint.deliver(ROOT, 1, bytes(8))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reads)
        await trio.testing.wait_all_tasks_blocked()
        assert passed == [0, limit]
        await endpoint.root.recv(8)  # a fork that has been asked for costs nothing itself
        await trio.testing.wait_all_tasks_blocked()
        assert passed == [0, limit, each, 2 * each, 3 * each, 4 * each]
        nursery.start_soon(endpoint.root.fork("other").recv, 1)  # blocked on another fork: read on, whatever lies here
        for _ in range(100):
            await trio.lowlevel.checkpoint()
        assert len(passed) > 8
        nursery.cancel_scope.cancel()


async def test_closing_twice_counts_once(endpoint):
    fork = endpoint.root.fork("f")
    await fork.send(b"x")
    whole = endpoint.transcript_digest()
    fork.close()
    fork.close()
    assert endpoint.transcript_digest() == whole


async def test_a_long_session_does_not_pile_up_closed_forks(endpoint):
    for _ in range(20):
        request = endpoint.root.fork("request")
        for _ in range(50):
            request.fork("product").close()
        request.close()
    assert len(endpoint._closed) == 20
    assert not endpoint._mailboxes


def farewell_of(wire):
    (message,) = [payload for path, _, payload in wire.messages if path == CONTROL]
    return message


async def test_the_farewell_is_one_message_of_fixed_size(endpoint, wire):
    await endpoint.root.send(bytes(5))
    endpoint.fail(TransportError("gone"))
    with pytest.raises(TransportError):
        await endpoint.farewell()
    assert not [path for path, _, _ in wire.messages if path == CONTROL]

    sizes = set()
    for digest in (False, True):
        wire = Held()
        fresh = Endpoint(1, wire, simulated=True, digest=digest)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fresh.farewell)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        sizes.add(len(farewell_of(wire)))
    assert sizes == {66}


async def test_two_endpoints_part_in_agreement():
    wires = Held(), Held()
    ends = [Endpoint(role, wires[role], simulated=True, digest=True) for role in (0, 1)]
    await ends[0].root.send(b"hello")
    ends[1].deliver(ROOT, 1, b"hello")
    await ends[1].root.recv(5)
    async with trio.open_nursery() as nursery:
        for end in ends:
            nursery.start_soon(end.farewell)
        await trio.testing.wait_all_tasks_blocked()
        for role in (0, 1):
            ends[1 - role].deliver(fork_id(CONTROL), 0, farewell_of(wires[role]))
    assert ends[0].transcript_digest() == ends[1].transcript_digest()


async def test_a_second_farewell_is_the_peers_error(endpoint):
    endpoint.deliver(fork_id(CONTROL), 0, FAREWELL + bytes(65))
    endpoint.deliver(fork_id(CONTROL), 0, FAREWELL + bytes(65))
    with pytest.raises(PeerError):
        await endpoint.farewell()


async def test_an_abort_names_the_class_and_nothing_else(endpoint, wire):
    await endpoint.abort(LocalError("secret", remedy="secret", where="secret"))
    assert wire.messages == [(CONTROL, 0, ABORT + b"LocalError".ljust(NAME_BYTES, b"\0"))]
    endpoint.deliver(fork_id(CONTROL), *wire.messages[0][1:])
    assert endpoint.peer_stopped
    with pytest.raises(PeerError, match="the other party stopped with LocalError"):
        await endpoint.root.recv(1)


async def test_an_abort_over_a_dead_link_is_quiet(endpoint, wire):
    wire.dead = True
    await endpoint.abort(type("E" * 100, (Exception,), {})())


async def test_an_observer_sees_names_and_sizes_and_what_each_moment_waited_for(wire):
    seen = []
    endpoint = Endpoint(0, wire, simulated=True, observer=lambda role, event: seen.append((role, event)))
    root = endpoint.root
    for path, payload in (("/", b"a"), ("/x", b"bb"), ("/y", b"ccc")):
        endpoint.deliver(fork_id(path), 1, payload)
    with root.scope("s"):
        await root.recv(1)
    x, y = root.fork("x"), root.fork("y")
    await x.recv(2)
    await y.send(b"d")  # y does not know what x took
    await y.recv(3)
    x.close()
    await root.send(b"secret")
    assert {role for role, _ in seen} == {0}
    events = [event for _, event in seen]
    assert [(e.sender, e.path, e.scope, e.nbytes, e.sending) for e in events] == [
        (1, "/", "s", 1, False),
        (1, "/x", "", 2, False),
        (0, "/y", "", 1, True),
        (1, "/y", "", 3, False),
        (0, "/", "", 6, True),
    ]
    first = {("/", 0)}
    assert [set(e.after) for e in events] == [set(), first, first, first, {("/x", 0), ("/y", 0)}]
    assert "secret" not in str(seen)


async def test_no_digest_was_asked_for(wire):
    with pytest.raises(LocalError, match="digest=True"):
        Endpoint(0, wire, simulated=True).root.transcript_digest()


# ------------------------------------------------------------ what a peer may send


async def ends_waiting(endpoint, attack, nbytes=1):
    """Do `attack()` while the program waits for a message of so many bytes; returns the error that ends the wait."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_when_it_waits, endpoint, attack)
        with pytest.raises(PeerError) as caught:
            await endpoint.root.recv(nbytes)
    return caught.value


async def _when_it_waits(endpoint, attack):
    await trio.testing.wait_all_tasks_blocked()
    try:
        attack()
    except PeerError as error:
        endpoint.fail(error)


@pytest.mark.parametrize("depth", [0, 10, 0xFFFFFFFF])
async def test_a_depth_that_no_message_can_have(endpoint, depth):
    error = await ends_waiting(endpoint, lambda: endpoint.deliver(ROOT, depth, b"x"))
    assert "depth" in str(error)


async def test_a_message_may_be_one_deeper_than_what_was_sent(wire):
    endpoint = Endpoint(0, wire, simulated=True)
    for depth in (1, 2, 3):
        endpoint.deliver(ROOT, depth, b"x")
        await endpoint.root.recv(1)
        await endpoint.root.send(b"y")  # of one depth more
        assert wire.messages[-1][1] == endpoint.deepest == depth + 1
    endpoint.deliver(ROOT, 6, b"x")
    with pytest.raises(PeerError, match="depth"):
        await endpoint.root.recv(1)


async def test_empty_messages_are_not_free(endpoint):
    endpoint.root.allow(1 << 20)
    sent = []

    def attack():
        while endpoint.failure is None:
            sent.append(endpoint.deliver(len(sent), 1, b""))

    error = await ends_waiting(endpoint, attack)
    assert "more than 1048576 bytes that nobody asked for" in str(error)
    assert len(sent) <= (1 << 20) // (MESSAGE_CHARGE + MAILBOX_CHARGE) + 1


async def test_a_program_that_is_busy_cannot_blame_its_peer(endpoint):
    endpoint.root.allow(100)
    for _ in range(10):
        endpoint.deliver(ROOT, 1, bytes(8))
    for _ in range(10):
        await endpoint.root.recv(8)
    assert endpoint.buffered == 0


async def test_what_is_waited_for_counts_nothing(endpoint):
    endpoint.root.allow(100)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(endpoint.root.recv, 5000)
        await trio.testing.wait_all_tasks_blocked()
        endpoint.announce(ROOT, 4000, 4000, more=True)
        endpoint.announce(ROOT, 1000, 5000, more=False)
        endpoint.deliver(ROOT, 1, bytes(5000))
        assert endpoint.buffered == 0
    assert endpoint.failure is None


async def test_a_message_that_grows_longer_than_is_expected_is_refused_at_once(endpoint):
    error = await ends_waiting(endpoint, lambda: endpoint.announce(ROOT, 8, 8, more=True), nbytes=8)
    assert "expected a message of 8 bytes and got a longer one (in /, message 0)" in str(error)


async def test_control_messages_are_short(endpoint):
    error = await ends_waiting(endpoint, lambda: endpoint.announce(fork_id(CONTROL), 1 << 20, 1 << 20, more=True))
    assert "control message" in str(error)


async def test_a_message_that_begins_on_a_closed_fork(endpoint):
    endpoint.root.fork("f").close()
    error = await ends_waiting(endpoint, lambda: endpoint.announce(fork_id("/f"), 1, 1, more=True))
    assert "already closed" in str(error)
