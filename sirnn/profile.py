"""How functions are evaluated and where their OTs come from; both parties choose the same one."""

from __future__ import annotations

import enum

from sirnn.names import unknown_name


class Profile(enum.Enum):
    """The ways to evaluate a function."""

    PAPER = "paper"  # SIRNN's algorithms over IKNP and KKOT, made as they are used
    EXACT = "exact"  # the same words, out of correlations made ahead: silent random OTs and split lookups
    LEAN = "lean"  # one proven table or piecewise polynomial per function; the default where nothing is said

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise unknown_name("profile", str(value), [each.value for each in cls])

    @property
    def ahead(self) -> bool:
        """Whether OTs are made ahead and drawn from a store, rather than as they are used."""
        return self is not Profile.PAPER
