"""Who is let in, who waits, and who is sent away: at the gate itself, and as a client sees it."""

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from sirnn.errors import TransportError
from transports import admission
from transports.admission import Gate, TurnedAwayError
from transports.connection import BUSY, QUEUED, open_connection


class Client:
    """Somebody at the gate."""

    def __init__(self, gate):
        self.gate, self.told, self.state = gate, [], "outside"
        self.leaves = trio.Event()
        self.deaf = False

    async def say(self, text):
        if self.deaf:
            raise TransportError("gone")
        self.told.append(text)

    async def come(self):
        try:
            async with self.gate.enter(self.say):
                self.state = "inside"
                await self.leaves.wait()
            self.state = "done"
        except TransportError as error:
            self.state = type(error).__name__


async def test_places_are_given_in_the_order_of_arrival():
    gate = Gate(2, 2)
    clients = [Client(gate) for _ in range(5)]
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.come)
            await wait_all_tasks_blocked()
        assert [client.state for client in clients] == ["inside", "inside", "outside", "outside", "TurnedAwayError"]
        assert [client.told for client in clients] == [[], [], [QUEUED], [QUEUED], [BUSY]]
        for leaving, enters in ((1, 2), (0, 3)):
            clients[leaving].leaves.set()
            await wait_all_tasks_blocked()
            assert clients[enters].state == "inside"
        clients[2].leaves.set()
        await wait_all_tasks_blocked()
        late = Client(gate)
        nursery.start_soon(late.come)
        await wait_all_tasks_blocked()
        assert (late.state, late.told) == ("inside", [])
        nursery.cancel_scope.cancel()


async def test_who_waits_is_told_again_and_who_has_gone_loses_the_turn(autojump_clock):
    gate = Gate(1, 3)
    first, gone, last = (Client(gate) for _ in range(3))
    async with trio.open_nursery() as nursery:
        for client in (first, gone, last):
            nursery.start_soon(client.come)
            await wait_all_tasks_blocked()
        await trio.sleep(2.5 * admission.REMINDER_SECONDS)
        assert gone.told == last.told == [QUEUED] * 3
        gone.deaf = True
        await trio.sleep(admission.REMINDER_SECONDS)
        assert gone.state == "TransportError"
        first.leaves.set()
        await wait_all_tasks_blocked()
        assert last.state == "inside"
        nursery.cancel_scope.cancel()


async def test_a_client_that_is_cancelled_as_its_turn_comes_passes_it_on():
    gate = Gate(1, 3)
    first, second, third = (Client(gate) for _ in range(3))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.come)
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as inner:
            inner.start_soon(second.come)
            await wait_all_tasks_blocked()
            nursery.start_soon(third.come)
            await wait_all_tasks_blocked()
            first.leaves.set()
            inner.cancel_scope.cancel()
        await wait_all_tasks_blocked()
        assert third.state == "inside"
        nursery.cancel_scope.cancel()


async def served(gate, stream, **options):
    async with open_connection(stream, role=0, version="1", admission=gate.enter, **options) as channel:
        return await channel.exchange(b"s", 1)


async def asks(stream, hold=None, **options):
    async with open_connection(stream, role=1, version="1", **options) as channel:
        if hold is not None:
            await hold.wait()
        return await channel.exchange(b"c", 1)


async def test_a_client_in_the_queue_is_told_so_and_then_served(autojump_clock):
    gate, hold, queued, answers = Gate(1, 1), trio.Event(), [], []
    pairs = [memory_stream_pair() for _ in range(2)]

    async def second():
        answers.append(await asks(pairs[1][1], silence_seconds=60, queued=lambda: queued.append(True)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(served, gate, pairs[0][0])
        nursery.start_soon(asks, pairs[0][1], hold)
        await wait_all_tasks_blocked()
        nursery.start_soon(served, gate, pairs[1][0])
        nursery.start_soon(second)
        await trio.sleep(100)  # longer than any silence: being told is no silence
        assert len(queued) >= 100 // admission.REMINDER_SECONDS
        assert not answers
        hold.set()
    assert answers == [b"s"]


async def test_a_client_that_there_is_no_room_for_is_told_so():
    gate, pair = Gate(0, 0), memory_stream_pair()

    async def server():
        with pytest.raises(TurnedAwayError):
            await served(gate, pair[0])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(server)
        with pytest.raises(TransportError, match="the server is busy"):
            await asks(pair[1])
