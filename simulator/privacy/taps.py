"""Taps: what a party sees and draws while a simulated protocol runs.

    with tapped():
        async def body(channel):
            with watching(view): ...     # what this task and its children see goes into `view`

The library has no hook that secrets could leave by. A tap replaces functions where they stand, in this process and
for as long as the check takes, which is why these checks run simulations only.
"""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from sirnn.channel import Channel
from sirnn.correlations.store import Material
from sirnn.crypto.randomness import Randomness
from sirnn.endpoint import _Fork as Fork
from sirnn.ot.chosen import oblivious_transfer
from sirnn.ot.correlated import Asked, random_choice_cot, stream_correlated_ot
from sirnn.ot.rows import COTS
from sirnn.party import Party

Bits: TypeAlias = npt.NDArray[np.uint8]

RECEIVED, TRANSFERRED = "message", "output of an OT"
XORED, ADDED = "what both said, xored, in message", "what both said, added up, in message"
DRAWN, RANDOM = "correlation", "randomness"

OPENED_BYTES = 32
"""Of a longer exchange nothing is taken to be opened: it carries OTs."""


class Item(NamedTuple):
    """Something that a party sees, by what it is and where: the same item in every run of one protocol.

    Attributes:
        what: one of the six kinds above.
        path: the fork, below that of the run.
        number: how many of its kind there were on that fork before; of what was opened, that of the message.
        scope: of the fork, for people.
    """

    what: str
    path: str
    number: int
    scope: str

    def __str__(self) -> str:
        return f"{self.what} {self.number} of {self.path}" + (f" [{self.scope}]" if self.scope else "")

    @property
    def seen(self) -> bool:
        """Whether it came from the other party, rather than out of the party's own stock."""
        return self.what not in (DRAWN, RANDOM)


Arrays: TypeAlias = tuple[npt.NDArray[Any], ...]


class View:
    """What one party saw in one run.

    Args:
        below: path of the fork that the run has to itself; items are named relative to it.

    Attributes:
        items: by name, the arrays that the party had.
    """

    def __init__(self, below: str = "") -> None:
        self.items: dict[Item, Arrays] = {}
        self._below = below
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, what: str, path: str, scope: str, arrays: Arrays) -> None:
        """Take an item in."""
        inner = path.removeprefix(self._below) or "/"
        of = RECEIVED if what in (XORED, ADDED) else what
        self.items[Item(what, inner, self._counts[of, inner] - (of != what), scope)] = arrays
        self._counts[what, inner] += 1


_paths: dict[int, tuple[Randomness, str]] = {}
"""The fork that each stream of randomness belongs to, while taps are in; by identity, as streams have no other."""

_view: ContextVar[View | None] = ContextVar("view", default=None)


@contextmanager
def watching(view: View) -> Iterator[None]:
    """Whatever this task and its children see goes into `view`."""
    token = _view.set(view)
    try:
        yield
    finally:
        _view.reset(token)


@contextmanager
def tapped() -> Iterator[None]:
    """Put the taps in, and take them out again."""
    with ExitStack() as taps:
        taps.enter_context(replaced(Fork, "_recv", _receiving))
        taps.enter_context(replaced(Fork, "exchange", _exchanging))
        taps.enter_context(replaced(Party, "draw", _drawing))
        taps.enter_context(replaced(Asked, "stream", _answering))
        taps.enter_context(replaced(Randomness, "fork", _forking))
        taps.enter_context(replaced(Randomness, "_stream", _streaming))
        taps.enter_context(replaced_everywhere(stream_correlated_ot, _streaming_words))
        for transfer in (oblivious_transfer, random_choice_cot):
            taps.enter_context(replaced_everywhere(transfer, _transferring))
        taps.callback(_paths.clear)
        yield


@contextmanager
def replaced(owner: type, name: str, wrap: Callable[[Any], Any]) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, functools.wraps(original)(wrap(original)))
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def replaced_everywhere(original: Any, wrap: Callable[[Any], Any]) -> Iterator[None]:
    """Put the wrapped original into every module that holds it, under any name."""
    replacement = wrap(original)
    places = [
        (module, name)
        for module in list(sys.modules.values())
        for name, value in list(getattr(module, "__dict__", {}).items())
        if value is original
    ]
    for module, name in places:
        setattr(module, name, replacement)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, original)


# ------------------------------------------------------------ the taps


def _receiving(receive: Any) -> Any:
    async def tap(self: Fork, nbytes: int) -> bytes:
        data: bytes = await receive(self, nbytes)
        _see(RECEIVED, self, np.frombuffer(data, np.uint8))
        return data

    return tap


def _exchanging(exchange: Any) -> Any:
    async def tap(self: Fork, payload: Any, nbytes: int) -> bytes:
        data: bytes = await exchange(self, payload, nbytes)
        mine = bytes(payload)
        if len(mine) == len(data) <= OPENED_BYTES:
            # Shares of what both learn, by xor or by addition; words further on may get a carry from those before.
            a, b = (int.from_bytes(each, "little") for each in (mine, data))
            for what, together in ((XORED, a ^ b), (ADDED, (a + b) % (1 << 8 * len(data)))):
                _see(what, self, np.frombuffer(together.to_bytes(len(data), "little"), np.uint8))
        return data

    return tap


def _drawing(draw: Any) -> Any:
    async def tap(self: Party, kind: str, count: int) -> Material:
        material: Material = await draw(self, kind, count)
        if kind in COTS:  # of a row only the choice is not hidden by a hash before it is used
            _see(DRAWN, self.channel, material[0][:, 0] & np.uint64(1))
        else:
            _see(DRAWN, self.channel, *material)
        return material

    return tap


def _forking(fork: Any) -> Any:
    def tap(self: Randomness, label: str) -> Randomness:
        child: Randomness = fork(self, label)
        _paths[id(child)] = child, label
        return child

    return tap


def _streaming(stream: Any) -> Any:
    def tap(self: Randomness, n: int) -> Bits:
        drawn: Bits = stream(self, n)
        view = _view.get()
        if view is not None:
            _, path = _paths.get(id(self), (self, "/"))
            view.add(RANDOM, path, "", (drawn.copy(),))
        return drawn

    return tap


def _transferring(transfer: Any) -> Any:
    @functools.wraps(transfer)
    async def tap(party: Party, *args: Any, **kwargs: Any) -> Any:
        outputs = await transfer(party, *args, **kwargs)
        _see(TRANSFERRED, party.channel, *outputs)
        return outputs

    return tap


def _answering(answer: Any) -> Any:
    async def tap(self: Asked, party: Party, theirs: bytes, correlate: Any, collect: Any) -> None:
        words: list[npt.NDArray[Any]] = []
        await answer(self, party, theirs, correlate, _keeping(collect, words))
        _see(TRANSFERRED, party.channel, *words)

    return tap


def _streaming_words(transfer: Any) -> Any:
    @functools.wraps(transfer)
    async def tap(party: Party, fields: Any, collect: Any, **options: Any) -> None:
        words: list[npt.NDArray[Any]] = []
        await transfer(party, fields, _keeping(collect, words), **options)
        _see(TRANSFERRED, party.channel, *words)

    return tap


def _keeping(collect: Any, words: list[npt.NDArray[Any]]) -> Any:
    def keep(number: int, part: slice, shares: npt.NDArray[Any]) -> None:
        words.append(shares.copy())  # whoever collects may add to them
        collect(number, part, shares)

    return keep


def _see(what: str, channel: Channel, *arrays: npt.NDArray[Any]) -> None:
    view = _view.get()
    if view is not None:
        _, _, scope = channel.where.partition(" [")
        view.add(what, channel.path, scope.rstrip("]"), arrays)
