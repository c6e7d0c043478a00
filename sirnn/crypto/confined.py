"""Confined objects: what holds secrets or one-time material stays in one place.

Two copies of a stream of masks repeat each other's; two copies of a correlation spend it twice; and keys or
correlations of one session give wrong words in another, without a sign of it. So what is confined is never copied or
pickled, is refused in a forked process, and serves the first session it is bound to and no other.
"""

from __future__ import annotations

import os
from typing import Any, NoReturn, Self

from sirnn.errors import LocalError


class Confined:
    """Base of everything that must not be in two places. Subclasses call the guards where their secrets are used."""

    __slots__ = ("_process", "_session", "_spent")

    _process: int
    _session: bytes | None
    _spent: bool

    def __new__(cls, *_: Any, **__: Any) -> Self:
        self = super().__new__(cls)
        # Frozen subclasses have a __setattr__ of their own, which refuses.
        object.__setattr__(self, "_process", os.getpid())
        object.__setattr__(self, "_session", None)
        object.__setattr__(self, "_spent", False)
        return self

    def stay(self) -> None:
        """Refuse to be used in another process than the one that made this.

        Raises:
            LocalError: this is a child made by a fork, where the parent's secrets would be used a second time.
        """
        if os.getpid() != self._process:
            raise LocalError(
                f"{self._named()} of the parent process, used after a fork: both would spend the same secrets",
                remedy="start a session in the process that runs it",
            )

    def bind(self, session: bytes) -> None:
        """Belong to a session: to the first one named, for good.

        Raises:
            LocalError: this belongs to another session, or to another process.
        """
        self.stay()
        if self._session not in (None, session):
            raise LocalError(
                f"{self._named()} of another session, whose keys are others", remedy="make a new one for every session"
            )
        object.__setattr__(self, "_session", session)

    @property
    def is_bound(self) -> bool:
        """Whether it belongs to a session already."""
        return self._session is not None

    def spend(self) -> None:
        """Be used up.

        Raises:
            LocalError: it was used before, or belongs to another process.
        """
        self.stay()
        if self._spent:
            raise LocalError(
                f"{self._named()} used a second time: the peer would learn the difference of what the two hide",
                remedy="ask for a new one for every use",
            )
        object.__setattr__(self, "_spent", True)

    def _named(self) -> str:
        return f"an object of type {type(self).__name__}"

    def __reduce_ex__(self, _: Any) -> NoReturn:
        raise TypeError(f"{self._named()} is never copied or pickled: two copies would spend the same secrets")
