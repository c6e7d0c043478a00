"""Where a simulation is started from: any loop, any neighbours, and it comes out the same."""

import asyncio

import pytest
import trio

from simulator.simulation import run_simulation, simulate
from sirnn.errors import LocalError


async def talks(channel):
    for number in range(20):
        await channel.exchange(bytes([number]), 1)
    return channel.role


async def talks_for_ever(channel):
    while True:
        await channel.exchange(b"x", 1)
        await trio.lowlevel.checkpoint()


async def in_a_trio_program():
    """What `simulate` gives there: all other ways must give the same."""
    return (await simulate(talks, talks)).log


@pytest.fixture
def expected():
    return trio.run(in_a_trio_program)


def test_under_asyncio(expected):
    async def cell():
        return await asyncio.gather(*(simulate(talks, talks) for _ in range(3)))

    for result in asyncio.run(cell()):
        assert result.values == (0, 1)
        assert result.log == expected


def test_an_error_passes_through_asyncio():
    async def fails(_):
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        asyncio.run(simulate(fails, talks))


@pytest.mark.parametrize("head_start", [False, True])
def test_cancelling_under_asyncio_ends_the_simulation(head_start):
    begun, ended = asyncio.Event(), []

    async def cell():
        loop = asyncio.get_running_loop()

        async def body(channel):
            loop.call_soon_threadsafe(begun.set)
            try:
                await talks_for_ever(channel)
            finally:
                ended.append(channel.role)

        task = asyncio.ensure_future(simulate(body, body))
        await (begun.wait() if head_start else asyncio.sleep(0))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cell())
    assert sorted(ended) == [0, 1] or not head_start


def test_under_no_loop_there_is_a_sentence():
    with pytest.raises(LocalError, match="neither under trio nor under asyncio; call run_simulation"):
        simulate(talks, talks).send(None)


async def test_beside_a_task_that_is_never_idle(expected):
    turns = 0

    async def never_idle():
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(never_idle)
        result = await simulate(talks, talks)
        nursery.cancel_scope.cancel()
    assert result.log == expected
    assert turns


async def test_cancelling_under_trio_ends_the_simulation():
    with trio.CancelScope() as scope:

        async def cancels(channel):
            await channel.exchange(b"x", 1)
            scope.cancel()
            await talks_for_ever(channel)

        await simulate(cancels, cancels)
    assert scope.cancelled_caught
    assert (await simulate(talks, talks)).values == (0, 1)


async def test_from_ordinary_code_inside_trio(expected):
    assert run_simulation(talks, talks).log == expected


def test_from_ordinary_code_inside_asyncio(expected):
    async def cell():
        return run_simulation(talks, talks).log

    assert asyncio.run(cell()) == expected
