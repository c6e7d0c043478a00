"""A server as `sirnn serve` runs it, in the test's own process, and the clients that come to it."""

from __future__ import annotations

from contextlib import asynccontextmanager

import attrs
import numpy as np
import trio

from sirnn.cli.inference import Terms
from sirnn.cli.sessions import Log, Sessions, describe
from sirnn.cli.setting import Setting
from sirnn.endpoint import fork_id
from sirnn.models.model import run_twin
from sirnn.nn.inference import Reveal
from sirnn.nn.limits import Limits
from sirnn.nn.service import ask
from sirnn.profile import Profile
from sirnn.version import PROTOCOL_VERSION
from tests.attacks import bisection
from transports import tcp
from transports.admission import Gate
from transports.connection import MAGIC, VERSION_BYTES
from transports.framing import frames

MODEL = bisection.model()
READING = np.array([0.3, -0.7])
VERSION = str(PROTOCOL_VERSION)
ROOT = fork_id("/")


class Kept(Log):
    """A log that is kept: what was told of each session, in order."""

    def __init__(self):
        super().__init__(as_json=False)
        self.said = []
        self._news = trio.Event()

    def answered(self, session, timed, ledger):
        self._keep(session.number, None)

    def failed(self, session, error):
        self._keep(session.number, error)

    def _keep(self, number, error):
        self.said.append((number, error))
        self._news.set()
        self._news = trio.Event()

    async def failure(self, number):
        """How a session ended, once it has."""
        with trio.fail_after(60):
            while number not in dict(self.said):
                await self._news.wait()
        return dict(self.said)[number]


@attrs.frozen
class Serving:
    """A server that is up."""

    port: int
    log: Kept

    async def honest(self, **options):
        """A client that does everything right, and gets the right answer."""
        with trio.fail_after(60):
            async with tcp.connect("127.0.0.1", self.port, role=1, version=VERSION, **options) as channel:
                reply = await ask(channel, READING, profile=Profile.PAPER)
        twin = run_twin(MODEL, MODEL.shape.encode_recordings(READING[None]), Profile.PAPER)
        assert reply.classes == tuple(twin.prediction)

    @asynccontextmanager
    async def hostile(self, *, greets=True):
        """A connection of somebody who has said the right first word and may now do anything."""
        async with await trio.open_tcp_stream("127.0.0.1", self.port) as stream:
            if greets:
                await stream.send_all(MAGIC + VERSION.encode().ljust(VERSION_BYTES, b"\0"))
                heard = b""
                while len(heard) < len(MAGIC) + VERSION_BYTES:
                    heard += await stream.receive_some()
            yield stream

    async def assert_goes_on(self, number, kind, words):
        """Session `number` failed with one line of these words, and the server serves the next client."""
        error = await self.log.failure(number)
        assert isinstance(error, kind), error
        line = describe(error)
        assert words in line
        assert line.isprintable()
        await self.honest()


@asynccontextmanager
async def serving(*, limits=None, silence=60.0, places=4, queue=64):
    """A server that is up as long as the block lasts."""
    limits = limits or Limits()
    terms = Terms(Profile.PAPER, Reveal.CLASS, Setting(over="tcp"), limits)
    log = Kept()
    async with tcp.listen("127.0.0.1", 0) as listener, trio.open_nursery() as nursery:
        sessions = Sessions(MODEL, terms, silence, Gate(places, queue), log)
        nursery.start_soon(sessions.run, listener)
        yield Serving(listener.port, log)
        nursery.cancel_scope.cancel()


def framed(fork, depth, payload):
    """A message as it is sent."""
    return b"".join(head + part for head, part in frames(fork, depth, payload))


async def until_closed(stream, data=b"", *, every=0.0):
    """Send, again and again if so, until the server has hung up."""
    try:
        while True:
            await stream.send_all(data)
            with trio.move_on_after(every or 60):
                while await stream.receive_some():
                    pass
                return
    except trio.BrokenResourceError:
        return
