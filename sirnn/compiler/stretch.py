"""Stretches: the input range in tiers, the nearer to one place the finer, as a map from words to longer words.

Segments of one width on the stretched words are segments of many widths on the words themselves: narrow where a
function bends, wide where it is all but straight. With a tier for every power of two it is what normalising by the most
significant nonzero bit makes (SIRNN, section III-E): index and fraction of a floating-point number.

    t = +-(x - origin) mod 2^read_bits,      u = t 2^shift + offset      of the last tier that t < 2^reach holds for

The first tier holds all words. In u the tiers lie side by side, the finest first, so that u grows with t.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.protocol import Clear

Int64s: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

MAX_BITS = 48
"""Bits of a stretched word."""


@attrs.frozen
class Tier:
    """Words of which t < 2^reach, but for those of finer tiers: u = t 2^shift + offset."""

    reach: int = attrs.field(converter=operator.index)
    shift: int = attrs.field(converter=operator.index)
    offset: int = attrs.field(converter=operator.index)


def _tuple(tiers: Iterable[Tier]) -> tuple[Tier, ...]:
    return tuple(tiers)


@attrs.frozen
class Stretch:
    """The map.

    Attributes:
        read_bits: low bits of the word that are read.
        bits: of a stretched word.
        origin: the word near which tiers are finest.
        step: 1 if they are fine from there up, -1 if they are so from there down.
        tiers: the coarsest first, which reaches 2^read_bits and shifts by 0.

    Raises:
        LocalError: the tiers do not follow on each other, or a stretched word exceeds its bits.
    """

    read_bits: int
    bits: int
    origin: int
    step: int
    tiers: tuple[Tier, ...] = attrs.field(converter=_tuple)

    def __attrs_post_init__(self) -> None:
        first = self.tiers[0] if self.tiers else None
        holds = first is not None and (first.reach, first.shift) == (self.read_bits, 0)
        holds = holds and self.step in (1, -1) and 0 < self.bits <= MAX_BITS and len(self.tiers) > 1
        holds = holds and abs(self.origin) < 1 << MAX_BITS
        for coarse, fine in itertools.pairwise(self.tiers):
            apart = fine.offset - coarse.offset
            holds = holds and coarse.reach > fine.reach >= 0 and coarse.shift < fine.shift <= MAX_BITS
            holds = holds and apart % (1 << coarse.shift) == 0
        holds = holds and all(self._within(place) for place in range(len(self.tiers)))
        if not holds:
            raise LocalError("not a stretch: its tiers do not fit together", remedy="compile the function again")

    def _within(self, place: int) -> bool:
        (start, stop), tier = self.span(place), self.tiers[place]
        first, last = (start << tier.shift) + tier.offset, (stop - 1 << tier.shift) + tier.offset
        return 0 <= first <= last < 1 << self.bits

    def span(self, place: int) -> tuple[int, int]:
        """The t of a tier: first, and one past the last."""
        finer = self.tiers[place + 1 :]
        return (1 << finer[0].reach if finer else 0), 1 << self.tiers[place].reach

    def runs(self, place: int, within: range) -> list[range]:
        """The integers of a tier that lie in a run of no more than 2^read_bits."""
        start, stop = self.span(place)
        first = self.origin + start if self.step > 0 else self.origin - stop + 1
        rounds = range(
            (within.start - first - (stop - start)) >> self.read_bits, (within.stop - first >> self.read_bits) + 1
        )
        starts = [first + (turn << self.read_bits) for turn in rounds]
        found = [range(max(low, within.start), min(low + stop - start, within.stop)) for low in starts]
        return [run for run in found if len(run)]

    def distance(self, words: Clear | Int64s) -> Int64s:
        """t for words, of which only the low bits count."""
        t: Int64s = (self.step * (words.astype(np.int64) - self.origin)) & ring.mask(self.read_bits)
        return t

    def __call__(self, words: Clear | Int64s) -> Int64s:
        """u for words."""
        t = self.distance(words)
        u = t + self.tiers[0].offset
        for tier in self.tiers[1:]:
            u = np.where(t >> tier.reach == 0, (t << tier.shift) + tier.offset, u)
        return u

    def inverse(self, stretched: Int64s) -> tuple[Int64s, Bools]:
        """The low bits of the word that each u comes from, 0 if there is none, and whether there is one."""
        words, does = np.zeros_like(stretched), np.zeros(stretched.shape, np.bool_)
        for place, tier in enumerate(self.tiers):
            (start, stop), scaled = self.span(place), stretched - tier.offset
            t = scaled >> tier.shift
            here = (t >= start) & (t < stop) & (scaled & ring.mask(tier.shift) == 0)
            words, does = np.where(here, (self.origin + self.step * t) & ring.mask(self.read_bits), words), does | here
        return words, does


def segments(cuts: Sequence[tuple[int, int]]) -> list[int]:
    """How many segments each tier has; `cuts` as for `stretch`."""
    starts = [1 << reach - width for (_, width), (reach, _) in itertools.pairwise(cuts)] + [0]
    return [(1 << reach - width) - start for (reach, width), start in zip(cuts, starts, strict=True)]


def stretch(origin: int, step: int, cuts: Sequence[tuple[int, int]]) -> Stretch:
    """The stretch in which every segment has as many words as those of the coarsest tier.

    Args:
        origin: as in the stretch.
        step: likewise.
        cuts: for each tier, the coarsest first, what it reaches and the width of its segments, as powers of two; it
            reaches at least a segment of the tier above.
    """
    counts = segments(cuts)
    (read_bits, rest_bits), tiers, before = cuts[0], tuple[Tier, ...](), 0
    for place in range(len(cuts) - 1, -1, -1):  # the finest first, so that u grows with t
        shift = rest_bits - cuts[place][1]
        start = 1 << cuts[place + 1][0] + shift if tiers else 0
        tiers = (Tier(cuts[place][0], shift, (before << rest_bits) - start), *tiers)
        before += counts[place]
    return Stretch(read_bits, ((before << rest_bits) - 1).bit_length(), origin, step, tiers)
