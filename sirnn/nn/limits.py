"""Limits: what one inference may take, agreed on before anything of it is prepared.

The client decides how many recordings there are, the server how large the model is, and both pay. So both price what is
asked for and hold it to the limits of either: they compute the same numbers and come to the same verdict, whose error
has the type of whose fault it is. A bill that no budget could ever hold is refused from the dimensions alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import trio

from sirnn.correlations.portions import schedule
from sirnn.correlations.supply import Supply
from sirnn.errors import LocalError, PeerError, SirnnError, TransportError, quoted
from sirnn.models.model import ModelShape
from sirnn.nn.inference import Reveal, infer_cost, infer_steps
from sirnn.party import CLIENT, SERVER
from sirnn.profile import Profile

GIGABYTE = 10**9

SLACK_BYTES = 4 << 20
"""What may lie at a party untaken besides what the session declares: set-up, and charges for messages and forks."""

HELLO_SLACK_BYTES = 128 << 10
"""The same before the hello is over: as much as the longest hello, twice."""

_PARTIES = ("server", "client")


@attrs.frozen
class Limits:
    """What a party lets one session take; the first three are told to the peer.

    Attributes:
        recordings: in one session.
        traffic: bytes of payload, both directions together.
        memory: bytes of correlations that lie ready at a party.
        hello_seconds: until the peer has said what it wants.
        session_seconds: until the session is over.
    """

    recordings: int = 1024
    traffic: int = 4 * GIGABYTE
    memory: int = 4 * GIGABYTE
    hello_seconds: float = 30.0
    session_seconds: float = 3600.0

    def tell(self) -> str:
        """The fact of the hello."""
        return f"{self.recordings} {self.traffic} {self.memory}"

    @staticmethod
    def told(text: str | None) -> Limits:
        """Read what the peer tells; a peer that tells nothing sets no limits.

        Raises:
            PeerError: it is not three numbers.
        """
        if text is None:
            return UNLIMITED
        numbers = text[:100].split(" ")
        if len(numbers) != 3 or not all(number.isascii() and number.isdigit() for number in numbers):
            raise PeerError(f"the other party's limits are {quoted(text)}", remedy="both must run the same release")
        recordings, traffic, memory = map(int, numbers)
        return Limits(recordings, traffic, memory)


UNLIMITED = Limits(10**18, 10**18, 10**18, math.inf, math.inf)
"""For two parties of one user."""


@attrs.frozen
class Bill:
    """What a session takes.

    Attributes:
        recordings: how many.
        sent: bytes of payload sent by the server and by the client, set-up of sources included.
        memory: bytes of correlations that lie ready at a party, at most.
        least: the figures are only a lower bound.
    """

    recordings: int
    sent: tuple[int, int]
    memory: int
    least: bool = False

    @property
    def traffic(self) -> int:
        """Bytes of payload, both directions together."""
        return sum(self.sent)


def least_bill(shape: ModelShape, count: int) -> Bill:
    """From the dimensions alone, in no time: no profile does a multiplication for less than a bit."""
    return Bill(count, (0, count * shape.operations // 8), 0, least=True)


def bill(profile: Profile, shape: ModelShape, count: int, reveals: Reveal, supply: Supply) -> Bill:
    """What running a model on `count` recordings sends and keeps, exactly as declared; functions may be compiled."""
    cost = infer_cost(profile, shape, count, reveals=reveals)
    if not profile.ahead:
        return Bill(count, cost.sent, 0)
    made = schedule(profile, infer_steps(profile, shape, count, reveals=reveals), supply)
    parts = (cost.sent, made.total.offline.sent, made.total.set_up.sent)
    return Bill(count, (sum(part[0] for part in parts), sum(part[1] for part in parts)), made.memory)


def hold(asked: Bill, single: Callable[[], Bill], limits: tuple[Limits, Limits], role: int) -> None:
    """Refuse a session that takes more than either party allows.

    Args:
        asked: what it takes.
        single: gives what one recording takes: if that is too much it is the model's fault.
        limits: the server's and the client's.
        role: of this party.

    Raises:
        LocalError: this party asks for too much: the client for too many recordings, the server with its model.
        PeerError: the other one does.
    """
    for owner in (role, 1 - role):
        for name, unit in (("recordings", ""), ("traffic", " of traffic"), ("memory", " of memory")):
            amount, most = getattr(asked, name), getattr(limits[owner], name)
            if amount > most:
                asker = SERVER if getattr(single(), name) > most else CLIENT
                raise _too_much(asked, name, unit, most, owner, asker, role)


def _too_much(asked: Bill, name: str, unit: str, most: int, owner: int, asker: int, role: int) -> SirnnError:
    show = str if name == "recordings" else _megabytes
    amount = f"{'at least ' if asked.least else ''}{show(getattr(asked, name))}{unit}"
    whose = f"{show(most)} that the {_PARTIES[owner]} allows (--max-{name})"
    recordings = "1 recording" if asked.recordings == 1 else f"{asked.recordings} recordings"
    told = recordings if name == "recordings" else f"{recordings} through this model take {amount}"
    remedy = "ask for fewer at a time, or allow more" if asker == CLIENT else "take a smaller model, or allow more"
    # A server cannot help it if a client allows little.
    mine = asker == role and (role == CLIENT or owner == SERVER)
    return (LocalError if mine else PeerError)(f"{told}, more than the {whose}", remedy=remedy)


def _megabytes(nbytes: int) -> str:
    return f"{nbytes / 1e6:,.1f} MB"


@contextmanager
def within(seconds: float, what: str, remedy: str) -> Iterator[trio.CancelScope]:
    """Bound how long something takes; the deadline of the scope that it yields may be moved.

    Raises:
        TransportError: it took longer.
    """
    with trio.CancelScope(deadline=trio.current_time() + seconds) as scope:
        yield scope
    if scope.cancelled_caught:
        raise TransportError(f"{what} was not over after {seconds:g} s", remedy=remedy)
