"""What a batch of OTs consists of: fields, each of so many OTs of one kind and width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.ring import Words

MAX_CHOICES = 256


def _valid_bits(_: Any, __: Any, bits: int) -> None:
    ring.check_bits(bits)


@attrs.frozen
class CotField:
    """Correlated OTs of one width.

    Attributes:
        count: OTs, each with a choice bit.
        bits: width of the correlation, 1..64.
        repeat: correlations that share one choice bit.
        xor: the outputs are xor shares; additive ones by default.
    """

    count: int = attrs.field(validator=attrs.validators.ge(0))
    bits: int = attrs.field(validator=_valid_bits)
    repeat: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    xor: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the correlations and of both outputs."""
        return (self.count,) if self.repeat == 1 else (self.count, self.repeat)


@attrs.frozen
class OtField:
    """1-of-N OTs of one width.

    Attributes:
        count: OTs.
        choices: N, messages to choose from in each, 2..256.
        bits: width of a message, 1..64.
        additive: widths of the parts of a message that are shared additively, lowest first, together `bits`; none if
            the message is xor-shared as a whole.
    """

    count: int = attrs.field(validator=attrs.validators.ge(0))
    choices: int = attrs.field(validator=[attrs.validators.ge(2), attrs.validators.le(MAX_CHOICES)])
    bits: int = attrs.field(validator=_valid_bits)
    additive: tuple[int, ...] = ()

    def __attrs_post_init__(self) -> None:
        if self.additive and sum(self.additive) != self.bits:
            raise LocalError(f"parts of {self.additive} bits in messages of {self.bits}", remedy="they must add up")

    @property
    def levels(self) -> int:
        """Bits of a choice."""
        return (self.choices - 1).bit_length()


def fitting(arrays: Sequence[Words] | None, shapes: Sequence[tuple[int, ...]]) -> list[Words]:
    """The caller's arrays, if there is one of unsigned words and of the right shape for each field."""
    given = [] if arrays is None else [array.shape if array.dtype.kind == "u" else array.dtype for array in arrays]
    if given != list(shapes):
        raise LocalError(
            f"the fields take unsigned words of shapes {list(shapes)}, given {given}",
            remedy="the sender gives messages or correlations and the receiver choices, one array a field",
        )
    return list(arrays or ())


def check_choices(choices: Sequence[Words], limits: Sequence[int]) -> None:
    """Refuse a choice that names no message."""
    for choice, limit in zip(choices, limits, strict=True):
        if choice.max(initial=0) >= limit:
            raise LocalError("a choice is not below the number of messages", remedy=f"choose from 0..{limit - 1}")
