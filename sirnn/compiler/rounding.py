"""Rounding: what Horner's rule comes to with its truncations, word by word or as a band around a real polynomial.

A truncation by t bits takes at least 0 and at most 1 - 2^-t off. So the result at a word lies within `stray` of a real
polynomial, the one that loses half of that each time. The band is smooth: it can be followed from a few words of a
segment to those between them, where the integers themselves jump.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sirnn.compiler.plan import Integers
from sirnn.compiler.real import Reals
from sirnn.compiler.target import Int64s


def floored(coefficients: Sequence[Int64s], shifts: Integers, drops: Integers, rest: Int64s) -> Int64s:
    """The result at each place, every truncation made.

    Args:
        coefficients: constants first, of shapes that broadcast with that of `rest`.
        shifts: as in a plan.
        drops: as in a plan.
        rest: places in their segments.
    """
    value = coefficients[-1]
    for constant, shift, drop in reversed(list(zip(coefficients[:-1], shifts, drops, strict=True))):
        value = ((constant << shift) + value * rest) >> drop
    return value


def band(coefficients: Sequence[Int64s], shifts: Integers, drops: Integers, rest: Int64s) -> tuple[Reals, Reals]:
    """The middle of the band at each place, and how far from it the result can be; arguments as of `floored`."""
    value, stray = coefficients[-1].astype(np.float64), np.zeros(1)
    for constant, shift, drop in reversed(list(zip(coefficients[:-1], shifts, drops, strict=True))):
        half = (1 - 2.0**-drop) / 2
        value = np.ldexp(np.ldexp(constant.astype(np.float64), shift) + value * rest, -drop) - half
        stray = np.ldexp(stray * np.abs(rest), -drop) + half
    return value, stray
