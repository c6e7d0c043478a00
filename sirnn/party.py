"""Party: one of the two parties, as a protocol sees itself.

A party has a role, a channel, randomness of its own, the keys of its OT extensions and a store of correlations made
ahead. Forking a party forks all of them, so that concurrent sub-protocols never share a message order, a mask, a hash
key or a correlation. What it was made with stays as it was, and belongs to its session: keys, store and supply are
bound to it, and those of another session are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

import numpy as np
import trio

from sirnn import ring
from sirnn.channel import Channel
from sirnn.cost import Cost, parallel
from sirnn.crypto.confined import Confined
from sirnn.crypto.randomness import Randomness, SystemRandomness
from sirnn.errors import LocalError
from sirnn.profile import Profile
from sirnn.shares import ArithmeticShare

if TYPE_CHECKING:
    from sirnn.correlations.store import Material, Store
    from sirnn.correlations.supply import Supply
    from sirnn.ot.keys import OtKeys

SERVER = 0
CLIENT = 1

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

Watch: TypeAlias = Callable[[Channel, Cost], AbstractContextManager[None]]
"""Entered around every branch of `Party.parallel`, with its fork's channel and its declared cost."""

Refill: TypeAlias = "Callable[[Party, Mapping[str, int]], Awaitable[object]]"
"""Brings a party's store up to a demand."""

NOTHING: Mapping[str, int] = MappingProxyType({})


class Party(Confined):
    """One party's view of a running protocol.

    Args:
        channel: this party's end.
        randomness: where its masks come from.
        session: bytes both parties know and no other session has; domain-separates all hashing.
        profile: how functions are evaluated.
        ot: keys of the OT extensions, None until `sirnn.ot.setup` has run.
        store: correlations made ahead; None in a profile that makes its OTs as it goes.
        supply: where the store's random COTs come from; None likewise, and in forks.
        refill: called when the store is short, outside forks; None makes that an error.
        watch: what a checker enters around every branch of `parallel`, in forks as well.

    Raises:
        LocalError: randomness that is not the system's on a channel that leaves the process, or keys, a store or a
            supply of another session.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        randomness: Randomness,
        session: bytes,
        profile: Profile = Profile.PAPER,
        ot: OtKeys | None = None,
        store: Store | None = None,
        supply: Supply | None = None,
        refill: Refill | None = None,
        watch: Watch | None = None,
    ) -> None:
        if not (channel.simulated or isinstance(randomness, SystemRandomness)):
            raise LocalError(
                "seeded randomness outside the simulator would let anyone who knows the seed read the inputs",
                remedy="drop the seed, or wrap the channel knowingly in a test",
            )
        if supply is not None:
            supply.bind(session)
        self._channel = channel
        self._randomness = randomness
        self._session_name = session
        self._profile = profile
        self._supply = supply
        self._refill = refill
        self._ot: OtKeys | None = None
        self.ot = ot
        self.store = store
        self.watch = watch
        self._calls = 0

    @property
    def channel(self) -> Channel:
        """The end this party talks through."""
        return self._channel

    @property
    def randomness(self) -> Randomness:
        """Where its masks come from."""
        return self._randomness

    @property
    def session(self) -> bytes:
        """The session's name."""
        return self._session_name

    @property
    def profile(self) -> Profile:
        """How functions are evaluated."""
        return self._profile

    @property
    def supply(self) -> Supply | None:
        """Where the store's random COTs come from; None in forks and where nothing is made ahead."""
        return self._supply

    @property
    def ot(self) -> OtKeys | None:
        """Keys of the OT extensions. Set-up sets them, once.

        Raises:
            LocalError: setting keys where there are some, or those of another session.
        """
        return self._ot

    @ot.setter
    def ot(self, keys: OtKeys | None) -> None:
        if self._ot is not None:
            raise LocalError("this party has its OT keys already", remedy="set a session up once")
        if keys is not None:
            keys.bind(self.session)
        self._ot = keys

    @property
    def store(self) -> Store | None:
        """Correlations made ahead. Another one may take its place, if it belongs to no other session."""
        return self._store

    @store.setter
    def store(self, store: Store | None) -> None:
        if store is not None:
            store.bind(self.session)
        self._store = store

    @property
    def role(self) -> int:
        """0 the server, 1 the client."""
        return self.channel.role

    @property
    def is_server(self) -> bool:
        return self.channel.role == SERVER

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Book what is sent inside under `name`."""
        return self.channel.scope(name)

    def fork(self, name: str, demand: Mapping[str, int] = NOTHING) -> Party:
        """A party for an independent sub-protocol; both parties fork in the same program order.

        Args:
            name: of the fork.
            demand: the correlations it will use, to the last one; they are handed over now.

        Raises:
            LocalError: the store has fewer.
        """
        channel = self.channel.fork(name)
        return Party(
            channel,
            randomness=self.randomness.fork(channel.path),
            session=self.session,
            profile=self.profile,
            ot=self.ot,
            store=None if self.store is None else self.store.reserve(demand, channel.where),
            watch=self.watch,
        )

    async def draw(self, kind: str, count: int) -> Material:
        """The next `count` correlations of a kind, made ahead; see `Store.take`.

        Raises:
            LocalError: there are fewer and nobody refills, none are asked for, or this profile makes nothing ahead.
        """
        if count < 1:
            raise LocalError(
                f"{count} of {kind} are drawn (in {self.channel.where})",
                remedy="draw at least 1: of no instances, return empty shares before drawing",
            )
        await self._ensure({kind: count})
        if self.store is None:
            raise LocalError(f"profile {self.profile.value} keeps no {kind}", remedy="start the session with another")
        return self.store.take(kind, count, wanted_by=self.channel.where)

    async def _ensure(self, demand: Mapping[str, int]) -> None:
        if self._refill is not None and self.store is not None and self.store.missing(demand):
            await self._refill(self, demand)

    def fresh_key(self, purpose: str) -> bytes:
        """A public 16-byte key that both parties derive alike and that no other call ever gets.

        It separates the hashing of this call from every other: by session, fork, call number and purpose.

        Raises:
            LocalError: this process was forked off the party's, and would use the same keys again.
        """
        self.stay()
        self._calls += 1
        material = b"\x00".join((self.session, self.channel.path.encode(), str(self._calls).encode(), purpose.encode()))
        return hashlib.blake2b(material, digest_size=16, person=b"sirnn fresh key").digest()

    def constant(self, value: int | np.ndarray[Any, Any], bits: int, shape: tuple[int, ...] = ()) -> ArithmeticShare:
        """A share of a value both know: party 0 holds it, party 1 holds zero."""
        words = np.zeros(shape or np.shape(value), ring.dtype_for(bits))
        if self.is_server:
            words[...] = ring.from_signed(np.asarray(value), bits)
        return ArithmeticShare(words, bits)

    @overload
    async def parallel(self, a: Branch[A], b: Branch[B], /) -> tuple[A, B]: ...

    @overload
    async def parallel(self, a: Branch[A], b: Branch[B], c: Branch[C], /) -> tuple[A, B, C]: ...

    @overload
    async def parallel(self, *branches: Branch[A]) -> tuple[A, ...]: ...

    async def parallel(self, *branches: Branch[Any]) -> tuple[Any, ...]:
        """Run sub-protocols at once, each in a fork of its own, and return their results in order.

        Every branch is a pair of its declared cost and a callable that runs it: the cost says which correlations
        its fork is handed. Flights overlap: together they cost `cost.parallel` of the costs. The first error stops
        the others and is raised.

        Raises:
            LocalError: the store is short, or a branch used fewer correlations than it declared.
        """
        results: list[Any] = [None] * len(branches)
        failures: list[Exception] = []
        if self._refill is not None:
            await self._ensure(parallel(*(cost for cost, _ in branches)).demand)
        forks = [self.fork(f"{index}", cost.demand) for index, (cost, _) in enumerate(branches)]

        async def run(index: int) -> None:
            fork, (cost, branch) = forks[index], branches[index]
            try:
                with nullcontext() if self.watch is None else self.watch(fork.channel, cost):
                    results[index] = await branch(fork)
                    if fork.store is not None:
                        fork.store.settle()
                fork.channel.close()
            except Exception as failure:
                failures.append(failure)
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for index in range(len(branches)):
                nursery.start_soon(run, index)
        if failures:
            raise failures[0]
        return tuple(results)


Branch: TypeAlias = tuple[Cost, Callable[[Party], Awaitable[A]]]
"""What `Party.parallel` runs in a fork: the declared cost, and the coroutine function."""
