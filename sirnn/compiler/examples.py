"""Example plans for the protocols that evaluate plans: coefficients with no pattern to hide behind."""

from __future__ import annotations

import attrs
import numpy as np

from sirnn.compiler.plan import Bent, Clamped, Integers, Line, Piecewise, Symmetric, Table, Tiered
from sirnn.compiler.stretch import stretch
from sirnn.fixedpoint import FixedPoint

GOLDEN = 0x9E3779B97F4A7C15


def scattered(count: int, low: int, high: int, *, seed: int = 0) -> Integers:
    """Integers from low to high, multiples of the golden ratio."""
    mixed = ((index + 1 + 1000 * seed) * GOLDEN % (1 << 64) for index in range(count))
    return tuple(low + (word * (high - low + 1) >> 64) for word in mixed)


def example_table(
    bits: int,
    *,
    entry_bits: int,
    out_bits: int,
    offset: int = 0,
    read_bits: int | None = None,
    signed: bool = True,
) -> Table:
    """A table of scattered entries."""
    read = read_bits or bits
    entries = scattered(1 << read, 0, (1 << entry_bits) - 1)
    return Table(FixedPoint(bits, 0, signed), FixedPoint(out_bits, 0), entries, entry_bits, offset, read)


def example_pieces(
    bits: int,
    index_bits: int,
    *ranges: tuple[int, int],
    shifts: Integers,
    drops: Integers,
    out_bits: int,
    fits: bool = True,
    offset: int = 0,
    read_bits: int | None = None,
) -> Piecewise:
    """Pieces with scattered coefficients from these ranges, constants first.

    Args:
        bits: of the input.
        index_bits: of the index.
        ranges: least and most coefficient of each degree.
        shifts: as in the plan.
        drops: as in the plan.
        out_bits: of the output.
        fits: lift the constants so that the result fits a ring narrower than the output's; else it is taken modulo it.
        offset: as in the plan.
        read_bits: as in the plan.
    """
    rows = [scattered(1 << index_bits, low, high, seed=degree) for degree, (low, high) in enumerate(ranges)]
    plan = Piecewise(
        FixedPoint(bits, 0),
        FixedPoint(out_bits, 0),
        index_bits,
        rows,
        [max(abs(low), abs(high)).bit_length() + 1 for low, high in ranges],
        [True] * len(ranges),
        shifts,
        drops,
        out_bits,
        offset,
        read_bits or bits,
    )
    return _fitted(plan) if fits else plan


def _fitted(plan: Piecewise) -> Piecewise:
    """The plan with constants so large that no result is negative, in the narrowest ring for them."""
    wide = attrs.evolve(plan, out=FixedPoint(62, 0), result_bits=62 - sum(plan.drops), offset=0)
    wide = attrs.evolve(wide, out=FixedPoint(wide.result_bits, 0))
    unit = max(0, plan.drops[0] - plan.shifts[0])
    least, most = _extremes(wide)
    lift = -least << unit
    rows = [tuple(entry + lift for entry in plan.coefficients[0]), *plan.coefficients[1:]]
    up = -least << max(0, plan.shifts[0] - plan.drops[0])
    width = max(abs(entry) for entry in rows[0]).bit_length() + 1
    return attrs.evolve(
        plan,
        coefficients=rows,
        bits=[width, *plan.bits[1:]],
        result_bits=(most + up).bit_length() + 1,
    )


def _extremes(plan: Piecewise) -> tuple[int, int]:
    results = plan.out.to_int(plan.evaluate(np.arange(1 << plan.read_bits, dtype=np.uint64)))
    return int(results.min()), int(results.max())


def example_mirror(
    bits: int,
    index_bits: int,
    *ranges: tuple[int, int],
    shift: int,
    drop: int,
    out_bits: int,
    fits: bool = True,
    read_bits: int | None = None,
    sign: int = -1,
    constant: int = 0,
    slope: int = 0,
) -> Symmetric:
    """Mirrored lines with scattered coefficients from these ranges, intercepts first; in the narrowest ring that holds
    their results, if they `fit`, else modulo the output's.
    """
    rows = [scattered(1 << index_bits, low, high, seed=degree) for degree, (low, high) in enumerate(ranges)]
    types = FixedPoint(bits, 0), FixedPoint(out_bits, 0)
    plan = Symmetric(*types, index_bits, rows, shift, drop, out_bits, sign, constant, slope, read_bits or bits)
    if not fits:
        return plan
    odd = attrs.evolve(plan, out=FixedPoint(40, 0), result_bits=40, sign=-1, slope=0)
    results = odd.out.to_int(odd.evaluate(np.arange(1 << plan.read_bits, dtype=np.uint64)))
    reach = max(int(results.max()), constant - int(results.min()))
    return attrs.evolve(plan, result_bits=(2 * reach - constant).bit_length() + 1)


PIECES = [
    example_pieces(6, 2, (0, 90), (0, 5), shifts=(1,), drops=(3,), out_bits=9),
    example_pieces(6, 3, (-40, 40), (-7, 6), shifts=(2,), drops=(2,), out_bits=12, offset=-17),
    example_pieces(6, 1, (-4, 9), (-3, 3), shifts=(0,), drops=(0,), out_bits=8, fits=False),
    example_pieces(6, 5, (-4, 9), (2, 2), shifts=(4,), drops=(1,), out_bits=9, fits=False),
    example_pieces(8, 3, (7, 7), (5, 5), shifts=(2,), drops=(3,), out_bits=6, fits=False, read_bits=6),
    example_pieces(6, 2, (0, 90), (-9, 9), (-7, 7), shifts=(4, 2), drops=(5, 2), out_bits=12),
    example_pieces(7, 3, (0, 30), (-9, 9), (-7, 7), (1, 9), shifts=(4, 3, 2), drops=(5, 3, 0), out_bits=24, offset=5),
    example_pieces(16, 7, (0, 16383), (0, 128), shifts=(7,), drops=(9,), out_bits=16),
    example_pieces(16, 6, (-999, 999), (-500, 500), (-99, 99), shifts=(9, 8), drops=(9, 7), out_bits=24, offset=-1000),
]
"""Degrees 1 to 3; slopes of either sign, of one sign and of one value; results that fit and that wrap."""

TABLES = [
    example_table(6, entry_bits=5, out_bits=9, offset=-3),
    example_table(8, entry_bits=8, out_bits=8, read_bits=5),
    example_table(1, entry_bits=1, out_bits=1),
    example_table(12, entry_bits=13, out_bits=30),
]
"""Narrow and wide entries, some of which wrap."""


def example_tiers(bits: int, *cuts: tuple[int, int], origin: int = 0, step: int = 1, table: bool = False) -> Tiered:
    """Scattered lines, or a table, of words stretched by these tiers."""
    tiers = stretch(origin, step, cuts)
    if table:
        inner = example_table(tiers.bits, entry_bits=5, out_bits=9, signed=False)
        return Tiered(FixedPoint(bits, 0), tiers, inner)
    index_bits = tiers.bits - cuts[0][1]
    pieces = example_pieces(tiers.bits, index_bits, (0, 90), (-9, 9), shifts=(1,), drops=(3,), out_bits=12, fits=False)
    return Tiered(FixedPoint(bits, 0), tiers, attrs.evolve(pieces, inp=FixedPoint(tiers.bits, 0, False)))


TIERED = [
    example_tiers(6, (6, 3), (4, 1)),
    example_tiers(7, (7, 3), (5, 2), (3, 0), origin=-9, step=-1),
    example_tiers(8, (6, 4), (4, 3), (3, 1), origin=16),
    example_tiers(7, (7, 5), (5, 0), table=True),
    example_tiers(15, (15, 8), (13, 6), (11, 4), (9, 2), (7, 0)),
]
"""Two to five tiers, up and down from an origin; a stretched word of more, of as many, and of fewer bits."""
SYMMETRIC = [
    example_mirror(6, 2, (0, 90), (0, 5), shift=1, drop=3, out_bits=9),
    example_mirror(6, 1, (-50, -20), (-5, 5), shift=2, drop=2, out_bits=12, constant=7),
    example_mirror(6, 4, (-90, 90), (-3, 9), shift=1, drop=4, out_bits=10, sign=1),
    example_mirror(6, 3, (0, 20), (-7, 7), shift=3, drop=5, out_bits=7, fits=False, constant=-4),
    example_mirror(7, 2, (3, 3), (2, 2), shift=1, drop=1, out_bits=9, read_bits=5, sign=1, slope=4),
    example_mirror(6, 2, (-60, 60), (1, 8), shift=2, drop=5, out_bits=6, fits=False, sign=1, slope=-1),
    example_mirror(16, 7, (0, 16383), (0, 128), shift=6, drop=9, out_bits=16, constant=4096),
    example_mirror(14, 6, (0, 4000), (-64, 60), shift=5, drop=8, out_bits=16, sign=1, slope=-4),
]
"""Odd and even, with constants and slopes; intercepts of one sign, of either and of one value; rings that wrap."""

CLAMPED = [
    Clamped(example_table(6, entry_bits=7, out_bits=9, read_bits=4), 4, below=Line(0, 0), above=Line(0, 64)),
    Clamped(example_table(6, entry_bits=5, out_bits=5, read_bits=1), 1, below=Line(1, 3), above=Line(-1, -2)),
    Clamped(example_table(5, entry_bits=5, out_bits=7, read_bits=3), 4, below=Line(4, 1), above=Line(4, 1)),
    Clamped(
        example_table(6, entry_bits=7, out_bits=9, read_bits=4, signed=False), 4, below=Line(0, 5), above=Line(8, 1)
    ),
    Clamped(example_table(8, entry_bits=5, out_bits=6, read_bits=1), 1, below=Line(0, 7), above=Line(0, 32)),
    Clamped(
        example_table(9, entry_bits=5, out_bits=9, read_bits=1, signed=False), 1, below=Line(0, 0), above=Line(1, 3)
    ),
    Clamped(example_table(12, entry_bits=7, out_bits=10, read_bits=3), 3, below=Line(0, 1), above=Line(1, 0)),
    Clamped(TIERED[2], 7, below=Line(0, 9), above=Line(0, -40)),
    Clamped(PIECES[4], 6, below=Line(0, -1), above=Line(0, 30)),
    Clamped(SYMMETRIC[4], 5, below=Line(4, 1), above=Line(0, 30)),
    Clamped(SYMMETRIC[4], 6, below=Line(0, 1), above=Line(0, 30)),
    Clamped(SYMMETRIC[4], 5, below=Line(0, 0), above=Line(-4, 0)),
    Clamped(
        example_mirror(12, 2, (0, 9), (-3, 3), shift=1, drop=2, out_bits=12, read_bits=4, sign=1, slope=-1),
        4,
        below=Line(0, 0),
        above=Line(1, 0),
    ),
    Clamped(example_table(16, entry_bits=14, out_bits=16, read_bits=11), 11, below=Line(0, 0), above=Line(0, 1 << 12)),
]
"""Signed and unsigned inputs, few and many bits above those inside; steps of a power of two, a line, and nothing."""

BENT = [
    Bent(FixedPoint(6, 0), FixedPoint(6, 0), below=Line(0, 0), above=Line(1, 0)),
    Bent(FixedPoint(6, 0), FixedPoint(5, 0), below=Line(-3, 7), above=Line(2, -1)),
    Bent(FixedPoint(7, 0), FixedPoint(12, 0), below=Line(0, 5), above=Line(0, 5 + 64)),
    Bent(FixedPoint(1, 0), FixedPoint(4, 0), below=Line(8, 1), above=Line(-8, 3)),
    Bent(FixedPoint(5, 0), FixedPoint(5, 0), below=Line(3, 2), above=Line(3, 2)),
    Bent(FixedPoint(7, 0), FixedPoint(9, 0), below=Line(4, 0), above=Line(-4, 2), read_bits=4),
    Bent(FixedPoint(5, 0, signed=False), FixedPoint(4, 0), below=Line(0, 0), above=Line(5, 2)),
    Bent(FixedPoint(16, 12), FixedPoint(16, 12), below=Line(-1, 0), above=Line(1, 0)),
    Bent(FixedPoint(6, 0), FixedPoint(6, 0), below=Line(0, 0), above=Line(1, 0), compared=True),
    Bent(FixedPoint(1, 0), FixedPoint(4, 0), below=Line(8, 1), above=Line(-8, 3), compared=True),
    Bent(FixedPoint(32, 16), FixedPoint(32, 16), below=Line(0, 0), above=Line(1, 0), compared=True),
]
"""A bend, a step by a power of two, and a straight line; words of one bit, and results that wrap."""

TOGETHER = [
    [PIECES[0], example_pieces(6, 2, (-50, 50), (-8, 8), shifts=(0,), drops=(2,), out_bits=10)],
    [PIECES[5]],
    [
        example_pieces(12, 4, (0, (1 << width) - 1), (-80, 80), shifts=(width % 3,), drops=(4,), out_bits=30)
        for width in (12, 20, 15)
    ],
]
"""Plans that cut their input alike; one choice has more than 64 bits to look up."""
