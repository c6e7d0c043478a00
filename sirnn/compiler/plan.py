"""Plans: how a function of one fixed-point number is evaluated, as data that both parties can compare.

A plan says exactly which word comes out for every word that goes in; `evaluate` is that function in clear, and what the
two parties compute is the same, bit for bit. There is no rounding that depends on shares.

    Table           y = T[x]
    Piecewise       y = floor((C[i] 2^e + B[i] d + ..) / 2^t) + offset,   i the top bits of x, d the rest, centred
    Symmetric       lines for x >= 0, and their mirror image for x < 0
    Tiered          pieces of many widths: these of a word that was stretched where the function bends
    Clamped         one of these where x is near 0 (or another end of its type), a straight line to either side
    Bent            a straight line for x >= 0, and another for x < 0

Words are read modulo powers of two throughout, the input as a raw word: a table simply lists negative numbers in its
upper half. A plan reads the low `read_bits` bits of its input, all of them unless the function's domain makes the
others redundant: a positive number's sign need not be looked at.
"""

from __future__ import annotations

import operator
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.compiler.stretch import Stretch
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.protocol import Clear

Integers: TypeAlias = tuple[int, ...]

MAX_INDEX_BITS = 16
"""Bits that a table may be indexed with."""

MAX_RING_BITS = 62
"""Bits of the widest ring of an evaluation: everything is exact in an int64."""

AGAIN = "compile the function again"


def _integers(values: Any) -> Integers:
    return tuple(map(operator.index, values))


def _rows(rows: Any) -> tuple[Integers, ...]:
    return tuple(map(_integers, rows))


def _flags(values: Any) -> tuple[bool, ...]:
    return tuple(map(bool, values))


def _all_bits(plan: Any) -> int:
    """Of the input, the default for `read_bits`."""
    bits: int = plan.inp.bits
    return bits


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise LocalError(f"not a plan: {problem}", remedy=AGAIN)


def _require_exact(*numbers: int) -> None:
    _require(max(map(abs, numbers)) < 1 << MAX_RING_BITS, f"a number of more than {MAX_RING_BITS} bits")


def _all_fit(values: Integers, bits: int, *, signed: bool) -> bool:
    low, high = FixedPoint(bits, 0, signed).int_range
    return low <= min(values) and max(values) <= high


# ------------------------------------------------------------ a table


@attrs.frozen(cache_hash=True)
class Table:
    """One entry for every word of the input type, as far as it is read.

    Attributes:
        inp: type of the input words.
        out: type of the output words.
        entries: 2^read_bits integers, below 2^entry_bits.
        entry_bits: bits looked up; the result is entries[x mod 2^read_bits] + offset, modulo 2^out.bits.
        offset: added to every entry, so that they are not negative.
        read_bits: low bits of the input that are read; by default all of them.

    Raises:
        LocalError: the parts do not fit together.
    """

    inp: FixedPoint
    out: FixedPoint
    entries: Integers = attrs.field(converter=_integers, repr=False)
    entry_bits: int
    offset: int = 0
    read_bits: int = attrs.field(default=attrs.Factory(_all_bits, takes_self=True))

    def __attrs_post_init__(self) -> None:
        _require(1 <= self.read_bits <= self.inp.bits, f"{self.read_bits} bits read of {self.inp}")
        _require(self.read_bits <= MAX_INDEX_BITS, f"a table at {self.read_bits} bits")
        _require(1 <= self.entry_bits <= self.out.bits, f"entries of {self.entry_bits} bits for {self.out}")
        _require(len(self.entries) == 1 << self.read_bits, f"{len(self.entries)} entries at {self.read_bits} bits")
        _require(_all_fit(self.entries, self.entry_bits, signed=False), f"an entry exceeds {self.entry_bits} bits")
        _require_exact(self.offset)

    def evaluate(self, x: Clear) -> Clear:
        """Output words for input words, uint64, any shape."""
        table = np.array(self.entries, dtype=np.int64) + self.offset
        words = x.astype(np.int64) & ring.mask(self.read_bits)
        return ring.from_signed(table[words], self.out.bits).astype(np.uint64)


# ------------------------------------------------------------ pieces of polynomials


@attrs.frozen(cache_hash=True)
class Piecewise:
    """A polynomial on each of 2^index_bits equal runs of input words.

    With w = read_bits - index_bits, i = (x mod 2^read_bits) >> w and d = (x mod 2^w) - 2^(w-1), for coefficients
    c_0, c_1, .. of i:

        degree 1:   z_0 = c_0[i] 2^shifts[0] + c_1[i] d
        degree k:   Horner: z_k = c_k[i];  z_j = c_j[i] 2^shifts[j] + floor(z_(j+1) / 2^drops[j+1]) d

    (drops[k] is 0), and y = floor(z_0 / 2^drops[0]) modulo 2^result_bits. If that ring is narrower than the output's, y
    is below 2^(result_bits - 1) for every word, so that its top bit is known to be 0, and is extended. Then `offset` is
    added.

    Attributes:
        inp: type of the input words.
        out: type of the output words.
        index_bits: p; 1 <= p < read_bits.
        coefficients: for each degree, constant first, 2^p integers.
        bits: for each degree the width of its coefficients.
        signed: for each degree whether its coefficients are in two's complement, else they are unsigned.
        shifts: for each degree but the highest, places its coefficients are shifted up before the product is added.
        drops: for each degree but the highest, bits dropped (rounding down) from z_j; drops[0] ends the evaluation.
        result_bits: width of the ring of y, at most that of the output.
        offset: added to y at the end.
        read_bits: low bits of the input that are read; by default all of them.

    Raises:
        LocalError: the parts do not fit together.
    """

    inp: FixedPoint
    out: FixedPoint
    index_bits: int
    coefficients: tuple[Integers, ...] = attrs.field(converter=_rows, repr=False)
    bits: Integers = attrs.field(converter=_integers)
    signed: tuple[bool, ...] = attrs.field(converter=_flags)
    shifts: Integers = attrs.field(converter=_integers)
    drops: Integers = attrs.field(converter=_integers)
    result_bits: int
    offset: int = 0
    read_bits: int = attrs.field(default=attrs.Factory(_all_bits, takes_self=True))

    def __attrs_post_init__(self) -> None:
        _require(1 <= self.read_bits <= self.inp.bits, f"{self.read_bits} bits read of {self.inp}")
        _require(1 <= self.index_bits < self.read_bits, f"{self.index_bits} bits of index of {self.read_bits}")
        _require(self.index_bits <= MAX_INDEX_BITS, f"a table at {self.index_bits} bits")
        _require(1 <= self.result_bits <= self.out.bits, f"a result of {self.result_bits} bits for {self.out}")
        _require(self.degree >= 1, "no slopes")
        _require(len(self.bits) == len(self.signed) == self.degree + 1, "widths do not match the coefficients")
        _require(len(self.shifts) == len(self.drops) == self.degree, "shifts do not match the coefficients")
        _require(min(self.shifts + self.drops) >= 0, "a negative shift")
        _require(max(self.shifts + self.drops) <= MAX_RING_BITS, "a shift beyond every ring")
        _require_exact(self.offset)
        _require(self._widest() <= MAX_RING_BITS, f"a ring of more than {MAX_RING_BITS} bits")
        for row, bits, signed in zip(self.coefficients, self.bits, self.signed, strict=True):
            _require(len(row) == 1 << self.index_bits, f"{len(row)} coefficients at {self.index_bits} bits")
            _require(1 <= bits <= MAX_RING_BITS and _all_fit(row, bits, signed=signed), "a coefficient is too wide")

    def _widest(self) -> int:
        """Bits that the widest intermediate number can take, with its sign and one to spare."""
        widest, most = self.result_bits + self.drops[0], max(map(abs, self.coefficients[-1]))
        for row, shift, drop in reversed(list(zip(self.coefficients[:-1], self.shifts, self.drops, strict=True))):
            most = (max(map(abs, row)) << shift) + (most << (self.rest_bits - 1))
            widest = max(widest, most.bit_length() + 2)
            most = (most >> drop) + 1
        return widest

    @property
    def degree(self) -> int:
        """Of the polynomials."""
        return len(self.coefficients) - 1

    @property
    def rest_bits(self) -> int:
        """w: bits that are read of the input below the index."""
        return self.read_bits - self.index_bits

    def evaluate(self, x: Clear) -> Clear:
        """Output words for input words, uint64, any shape.

        Raises:
            LocalError: a result is outside 0 .. 2^(result_bits - 1) - 1, which a valid plan excludes.
        """
        words = x.astype(np.int64) & ring.mask(self.read_bits)
        index, rest = words >> self.rest_bits, (words & ring.mask(self.rest_bits)) - (1 << (self.rest_bits - 1))
        tables = [np.array(row, dtype=np.int64) for row in self.coefficients]
        value = tables[self.degree][index]
        for degree in range(self.degree - 1, -1, -1):
            value = (tables[degree][index] << self.shifts[degree]) + value * rest
            value = value >> self.drops[degree]
        if self.result_bits < self.out.bits and np.any(value >> (self.result_bits - 1)):
            raise LocalError("a result does not fit the plan's ring", remedy=AGAIN)
        return ring.from_signed(value + self.offset, self.out.bits).astype(np.uint64)


# ------------------------------------------------------------ pieces of many widths


@attrs.frozen(cache_hash=True)
class Tiered:
    """A plan for stretched words: pieces that are the narrower, the nearer to one place.

    Attributes:
        inp: type of the input words.
        stretch: from these to the words of the inner plan.
        inner: what the stretched words are evaluated with; it reads all bits of an unsigned word.

    Raises:
        LocalError: the stretch reads more than the input has, or makes other words than the inner plan takes.
    """

    inp: FixedPoint
    stretch: Stretch
    inner: Table | Piecewise

    def __attrs_post_init__(self) -> None:
        inner = self.inner
        _require(self.stretch.read_bits <= self.inp.bits, f"{self.stretch.read_bits} bits read of {self.inp}")
        _require(inner.read_bits == inner.inp.bits == self.stretch.bits, "the inner plan reads other words")

    @property
    def out(self) -> FixedPoint:
        """Type of the output words."""
        return self.inner.out

    @property
    def read_bits(self) -> int:
        """Low bits of the input that are read."""
        return self.stretch.read_bits

    def evaluate(self, x: Clear) -> Clear:
        """Output words for input words, uint64, any shape."""
        return self.inner.evaluate(self.stretch(x).astype(np.uint64))


# ------------------------------------------------------------ lines and their mirror image


@attrs.frozen(cache_hash=True)
class Symmetric:
    """A line on each of 2^index_bits equal runs of |x|, and what a symmetry makes of them for x < 0.

    With m = read_bits and w = m - 1 - index_bits, x is the low m bits of the input as a number in two's complement. Of
    u = |x|, i is u >> w where x >= 0 and (u - 1) >> w where x < 0, and d is u - i 2^w - 2^(w-1): a run has its upper
    end where x < 0, its lower end where x >= 0. For the intercepts c_0 and the slopes c_1

        z = (2 c_0[i] + 1) 2^(shift-1) + c_1[i] d       for x >= 0, and the negative of it for x < 0,
        g = floor(z / 2^drop + (constant + 1) / 2)      which rounds an odd function and half a constant,
        y = g                                           for sign -1: f(-x) = constant - f(x),
        y = g for x >= 0, -slope x - g for x < 0        for sign 1: f(-x) = f(x) + slope x.

    (In the last line x is all of the input, not only what is read of it.)

    Intercepts are half-way between multiples of 2^shift, so that the negative of one is its complement. If
    `result_bits` is less than the output has, g - offset is below 2^(result_bits - 1) for every word, so that its top
    bit is known to be 0.

    Lines alone: of a higher degree, the sign of x would take part in every product.

    Attributes:
        inp: type of the input words, signed.
        out: type of the output words.
        index_bits: of the index of the runs on either side; 1 <= index_bits < read_bits - 1.
        coefficients: intercepts and slopes, 2^index_bits integers each.
        shift: places the intercepts are shifted up; 1 <= shift <= drop.
        drop: bits dropped from z.
        result_bits: width of the ring of g, at most that of the output.
        sign: -1 or 1.
        constant: in ULP of the output; 0 for sign 1.
        slope: in ULP for each word of the input; 0 for sign -1.
        read_bits: low bits of the input that are read; by default all of them.

    Raises:
        LocalError: the parts do not fit together.
    """

    inp: FixedPoint
    out: FixedPoint
    index_bits: int
    coefficients: tuple[Integers, ...] = attrs.field(converter=_rows, repr=False)
    shift: int
    drop: int
    result_bits: int
    sign: int
    constant: int = 0
    slope: int = 0
    read_bits: int = attrs.field(default=attrs.Factory(_all_bits, takes_self=True))

    def __attrs_post_init__(self) -> None:
        _require(self.inp.signed, "a symmetry of numbers without a sign")
        _require(1 <= self.read_bits <= self.inp.bits, f"{self.read_bits} bits read of {self.inp}")
        _require(1 <= self.index_bits < self.read_bits - 1, f"{self.index_bits} bits of index of {self.read_bits}")
        _require(self.index_bits <= MAX_INDEX_BITS, f"a table at {self.index_bits} bits")
        _require(1 <= self.result_bits <= self.out.bits, f"a result of {self.result_bits} bits for {self.out}")
        _require(1 <= self.shift <= self.drop, f"intercepts shifted by {self.shift} places of {self.drop}")
        _require(self.drop <= MAX_RING_BITS, "a shift beyond every ring")
        _require_exact(self.slope)
        _require(len(self.coefficients) == 2, "not lines")
        for row in self.coefficients:
            _require(len(row) == 1 << self.index_bits, f"{len(row)} coefficients at {self.index_bits} bits")
        _require(self.sign in (-1, 1), f"a sign of {self.sign}")
        _require(self.sign < 0 or not self.constant, "an even function differs from its mirror image by no constant")
        _require(self.sign > 0 or not self.slope, "an odd function differs from its mirror image by no slope")
        _require(Line(self.slope, 0).determined(self.inp, self.out), f"slope {self.slope} wraps")
        _require(self._widest() <= MAX_RING_BITS, f"a ring of more than {MAX_RING_BITS} bits")

    def _widest(self) -> int:
        """Bits that the widest intermediate number can take, with its sign and one to spare."""
        intercepts, slopes = (max(map(abs, row)) for row in self.coefficients)
        most = ((2 * intercepts + 1) << (self.shift - 1)) + (slopes << (self.rest_bits - 1))
        constant = (abs(self.constant) + 1) << (self.drop - 1)
        return max(self.result_bits + self.drop, (most + constant).bit_length() + 2)

    @property
    def rest_bits(self) -> int:
        """w: bits that are read of the input below the index."""
        return self.read_bits - 1 - self.index_bits

    @property
    def offset(self) -> int:
        """The least g that fits its ring."""
        if self.result_bits == self.out.bits:
            return 0
        return self.constant - (self.constant + ring.mask(self.result_bits - 1)) // 2

    def cut(self, integers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The index of the run of each |x|, and d."""
        sizes = np.abs(integers)
        index = (sizes - (integers < 0)) >> self.rest_bits
        return index, sizes - (index << self.rest_bits) - (1 << (self.rest_bits - 1))

    def evaluate(self, x: Clear) -> Clear:
        """Output words for input words, uint64, any shape.

        Raises:
            LocalError: a result is outside its ring, which a valid plan excludes.
        """
        integers = ring.to_signed(ring.reduce(x.astype(np.uint64), self.read_bits), self.read_bits).astype(np.int64)
        index, rest = self.cut(integers)
        intercepts, slopes = (np.array(row, dtype=np.int64)[index] for row in self.coefficients)
        odd = ((2 * intercepts + 1) << (self.shift - 1)) + slopes * rest
        odd = np.where(integers < 0, -odd, odd)
        value = (odd + ((self.constant + 1) << (self.drop - 1))) >> self.drop
        if self.result_bits < self.out.bits and np.any((value - self.offset) >> (self.result_bits - 1)):
            raise LocalError("a result does not fit the plan's ring", remedy=AGAIN)
        if self.sign > 0:
            whole = self.inp.to_int(ring.reduce(x, self.inp.bits))
            value = np.where(integers < 0, -value - self.slope * whole, value)
        return ring.from_signed(value, self.out.bits).astype(np.uint64)


# ------------------------------------------------------------ straight lines outside


@attrs.frozen
class Line:
    """slope * integer(x) + constant, in ULP of the output; the slope is a small integer, most often 0."""

    slope: int = attrs.field(converter=operator.index)
    constant: int = attrs.field(converter=operator.index)

    def determined(self, inp: FixedPoint, out: FixedPoint) -> bool:
        """Whether the result modulo 2^out.bits follows from x modulo 2^inp.bits."""
        return self.slope << inp.bits & ring.mask(out.bits) == 0


Inner: TypeAlias = Table | Piecewise | Symmetric | Tiered
"""What may be clamped."""


@attrs.frozen(cache_hash=True)
class Clamped:
    """A plan for the words whose top bits are all the same, a straight line on either side of them.

    With m = inside_bits, the integer of x is inside if -2^(m-1) <= x < 2^(m-1) for a signed input (its bits from m - 1
    up are all equal), 0 <= x < 2^m for an unsigned one (its bits from m up are all 0). Inside, y is what `inner` gives;
    below it is `below`, above it is `above`, modulo 2^out.bits.

    Attributes:
        inner: a plan with the same types, for the words inside.
        inside_bits: m; fewer than the input has, and no fewer than the inner plan reads.
        below: for words below; of no effect for unsigned inputs.
        above: for words above.

    Raises:
        LocalError: nothing is outside, the inner plan reads more, or a slope needs more bits than the input has.
    """

    inner: Inner
    inside_bits: int
    below: Line
    above: Line

    def __attrs_post_init__(self) -> None:
        _require(self.inside_bits < self.inp.bits, "nothing is outside")
        _require(self.inner.read_bits <= self.inside_bits, "the inner plan reads bits of words outside")
        for line in (self.below, self.above):
            _require_exact(line.slope, line.constant)
            _require(line.determined(self.inp, self.out), f"slope {line.slope} wraps")

    @property
    def inp(self) -> FixedPoint:
        """Type of the input words."""
        return self.inner.inp

    @property
    def out(self) -> FixedPoint:
        """Type of the output words."""
        return self.inner.out

    @property
    def inside(self) -> range:
        """Integers of the words inside."""
        low, high = FixedPoint(self.inside_bits, 0, self.inp.signed).int_range
        return range(low, high + 1)

    def evaluate(self, x: Clear) -> Clear:
        """Output words for input words, uint64, any shape."""
        integers, inside = self.inp.to_int(ring.reduce(x, self.inp.bits)), self.inside
        below, above = (line.slope * integers + line.constant for line in (self.below, self.above))
        outside = ring.from_signed(np.where(integers < inside.start, below, above), self.out.bits).astype(np.uint64)
        within = (inside.start <= integers) & (integers < inside.stop)
        return np.where(within, self.inner.evaluate(x), outside)


# ------------------------------------------------------------ nothing but straight lines


@attrs.frozen
class Bent:
    """A straight line for x >= 0 and another, or the same, for x < 0.

    Attributes:
        inp: type of the input words.
        out: type of the output words.
        below: for x < 0; of no effect for unsigned inputs.
        above: for x >= 0.
        read_bits: low bits of the input of which the top one is read as its sign; by default all of them.
        compared: whether the sign is found by a tree of comparisons, as the block `relu` does, in the fewest flights,
            or by a ripple, for the fewest bytes. The words are the same.

    Raises:
        LocalError: a slope needs more bits than the input has.
    """

    inp: FixedPoint
    out: FixedPoint
    below: Line
    above: Line
    read_bits: int = attrs.field(default=attrs.Factory(_all_bits, takes_self=True))
    compared: bool = False

    def __attrs_post_init__(self) -> None:
        _require(1 <= self.read_bits <= self.inp.bits, f"{self.read_bits} bits read of {self.inp}")
        for line in (self.below, self.above):
            _require(line.determined(self.inp, self.out), f"slope {line.slope} wraps")

    @property
    def straight(self) -> bool:
        """Whether it is one line throughout."""
        return self.below == self.above or not self.inp.signed

    def evaluate(self, x: Clear) -> Clear:
        """Output words for input words, uint64, any shape."""
        integers = self.inp.to_int(ring.reduce(x, self.inp.bits))
        below, above = (line.slope * integers + line.constant for line in (self.below, self.above))
        negative = (x >> np.uint64(self.read_bits - 1) & np.uint64(self.inp.signed)) == 1
        return ring.from_signed(np.where(negative, below, above), self.out.bits).astype(np.uint64)


Plan: TypeAlias = Inner | Clamped | Bent
