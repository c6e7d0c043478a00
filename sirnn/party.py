"""Party: one of the two parties, as a protocol sees itself.

A party has a role, a channel, randomness of its own and the keys of its OT extensions. Forking a party forks all of
them, so that concurrent sub-protocols never share a message order, a mask or a hash key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
import trio

from sirnn import ring
from sirnn.channel import Channel
from sirnn.errors import LocalError
from sirnn.profile import Profile
from sirnn.shares import ArithmeticShare

if TYPE_CHECKING:
    from sirnn.crypto.randomness import Randomness
    from sirnn.ot.keys import OtKeys

SERVER = 0
CLIENT = 1

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


class Party:
    """One party's view of a running protocol.

    Args:
        channel: this party's end.
        randomness: where its masks come from.
        session: bytes both parties know and no other session has; domain-separates all hashing.
        profile: how functions are evaluated.
        ot: keys of the OT extensions, None until `sirnn.ot.setup` has run.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        randomness: Randomness,
        session: bytes,
        profile: Profile = Profile.PAPER,
        ot: OtKeys | None = None,
    ) -> None:
        if randomness.insecure and not channel.simulated:
            raise LocalError(
                "seeded randomness outside the simulator would let anyone who knows the seed read the inputs",
                remedy="drop the seed, or wrap the channel knowingly in a test",
            )
        self.channel = channel
        self.randomness = randomness
        self.session = session
        self.profile = profile
        self.ot = ot
        self._calls = 0

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

    def fork(self, name: str) -> Party:
        """A party for an independent sub-protocol; both parties fork in the same program order."""
        channel = self.channel.fork(name)
        return Party(
            channel,
            randomness=self.randomness.fork(channel.path),
            session=self.session,
            profile=self.profile,
            ot=self.ot,
        )

    def fresh_key(self, purpose: str) -> bytes:
        """A public 16-byte key that both parties derive alike and that no other call ever gets.

        It separates the hashing of this call from every other: by session, fork, call number and purpose.
        """
        self._calls += 1
        material = b"\x00".join((self.session, self.channel.path.encode(), str(self._calls).encode(), purpose.encode()))
        return hashlib.blake2b(material, digest_size=16, person=b"sirnn fresh key").digest()

    def constant(self, value: int | np.ndarray[Any, Any], bits: int, shape: tuple[int, ...] = ()) -> ArithmeticShare:
        """A share of a value both know: party 0 holds it, party 1 holds zero."""
        integers = np.broadcast_to(np.asarray(value), shape or np.shape(value))
        words = ring.from_signed(integers, bits)
        return ArithmeticShare(words if self.is_server else np.zeros_like(words), bits)

    @overload
    async def parallel(
        self, a: Callable[[Party], Awaitable[A]], b: Callable[[Party], Awaitable[B]], /
    ) -> tuple[A, B]: ...

    @overload
    async def parallel(
        self,
        a: Callable[[Party], Awaitable[A]],
        b: Callable[[Party], Awaitable[B]],
        c: Callable[[Party], Awaitable[C]],
        /,
    ) -> tuple[A, B, C]: ...

    @overload
    async def parallel(self, *branches: Callable[[Party], Awaitable[A]]) -> tuple[A, ...]: ...

    async def parallel(self, *branches: Callable[[Party], Awaitable[Any]]) -> tuple[Any, ...]:
        """Run sub-protocols at once, each in a fork of its own, and return their results in order.

        Their flights overlap: the cost is that of `cost.parallel`. The first error stops the others and is raised.
        """
        results: list[Any] = [None] * len(branches)
        failures: list[Exception] = []
        forks = [self.fork(f"{index}") for index in range(len(branches))]

        async def run(index: int) -> None:
            try:
                results[index] = await branches[index](forks[index])
                forks[index].channel.close()
            except Exception as failure:
                failures.append(failure)
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for index in range(len(branches)):
                nursery.start_soon(run, index)
        if failures:
            raise failures[0]
        return tuple(results)
