"""FixedPoint: how a real number is written as a word of `bits` bits.

A word w stands for int(w) / 2^scale, where int reads w as two's complement if `signed`. One ULP (unit in the
last place) is 2^-scale; errors are quoted in it.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.ring import Words


def _valid_bits(_: Any, __: Any, bits: int) -> None:
    ring.check_bits(bits)


@attrs.frozen
class FixedPoint:
    """A fixed-point type.

    Attributes:
        bits: width of the word, 1..64.
        scale: binary digits behind the point; may exceed `bits` or be negative.
        signed: two's complement, else unsigned.
    """

    bits: int = attrs.field(validator=_valid_bits)
    scale: int
    signed: bool = True

    @property
    def ulp(self) -> float:
        """The value of the last place, 2^-scale."""
        return 2.0**-self.scale

    @property
    def magnitude_bits(self) -> int:
        """Bits of a positive number of this type: all of them but the sign."""
        return self.bits - self.signed

    @property
    def int_range(self) -> tuple[int, int]:
        """Smallest and largest integer a word can stand for."""
        if self.signed:
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return 0, (1 << self.bits) - 1

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest real number a word can stand for."""
        low, high = self.int_range
        return low * self.ulp, high * self.ulp

    def encode(self, values: npt.ArrayLike) -> Words:
        """Real numbers to words, rounded to the nearest ULP (ties to even).

        Raises:
            LocalError: a value is NaN, infinite or outside `range`.
        """
        reals = np.asarray(values, dtype=np.float64)
        if not np.all(np.isfinite(reals)):
            raise LocalError("the values contain NaN or infinity", remedy="clean them first")
        words, outside = self.saturate(reals)
        if outside:
            raise LocalError(
                f"{outside} of {reals.size} values do not fit {self}",
                remedy=f"values must lie in [{self.range[0]:g}, {self.range[1]:g}]",
            )
        return words

    def saturate(self, values: npt.NDArray[np.float64]) -> tuple[Words, int]:
        """Real numbers to words as `encode` does, but one outside `range` becomes the nearest end of it.

        Every value but NaN has a word, so that nobody who sees what follows learns whether one was outside.

        Returns:
            The words, and how many values were outside.
        """
        low, high = self.int_range
        with np.errstate(all="ignore"):  # what overflows is outside
            scaled = np.rint(np.ldexp(values, self.scale))
        # Compare as floats below 2^63 so that 64-bit types do not round up past their own end.
        below, above = scaled < low, scaled >= float(high) + 1
        inside = np.where(below | above, 0, scaled)
        integers = inside.astype(np.int64) if self.signed else inside.astype(np.uint64)
        integers[below], integers[above] = low, high
        return ring.from_signed(integers, self.bits), int(np.count_nonzero(below | above))

    def to_int(self, words: Words) -> npt.NDArray[np.int64]:
        """Words to the integers they stand for; unsigned types of at most 63 bits."""
        if self.signed:
            return ring.to_signed(words, self.bits)
        if self.bits == ring.MAX_BITS:
            raise LocalError("an unsigned 64-bit word does not fit an int64", remedy="use decode")
        return words.astype(np.int64)

    def decode(self, words: Words) -> npt.NDArray[np.float64]:
        """Words to the real numbers they stand for."""
        integers = words.astype(np.uint64) if not self.signed else self.to_int(words)
        return np.ldexp(integers.astype(np.float64), -self.scale)

    def __str__(self) -> str:
        return f"{'int' if self.signed else 'uint'}{self.bits} at scale {self.scale}"
