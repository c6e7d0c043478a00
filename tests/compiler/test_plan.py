"""Plans: what they evaluate to, by the formula of their docstring in Python's integers, and what they refuse."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirnn.compiler.plan import Clamped, Line, Piecewise, Table
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint

INP, OUT = FixedPoint(5, 2), FixedPoint(12, 3)
TABLE = Table(FixedPoint(3, 0), FixedPoint(4, 1), (1, 2, 3, 4, 5, 6, 7, 0), 3, -2)


@st.composite
def pieces(draw):
    """Any coefficients whose results fit the output's own ring."""
    read_bits = draw(st.integers(2, 5))
    index_bits = draw(st.integers(1, read_bits - 1))
    degree = draw(st.integers(1, 3))
    size = 1 << index_bits
    rows = [draw(st.lists(st.integers(-8, 7), min_size=size, max_size=size)) for _ in range(degree + 1)]
    shifts, drops = ([draw(st.integers(0, 3)) for _ in range(degree)] for _ in range(2))
    widths, signed = [4] * (degree + 1), [True] * (degree + 1)
    offset = draw(st.integers(-9, 9))
    return Piecewise(INP, OUT, index_bits, rows, widths, signed, shifts, drops, OUT.bits, offset, read_bits)


def by_the_formula(plan, word):
    w = plan.read_bits - plan.index_bits
    read = word % 2**plan.read_bits
    i, d = read >> w, read % 2**w - 2 ** (w - 1)
    z = plan.coefficients[plan.degree][i]
    for j in range(plan.degree - 1, -1, -1):
        inner = z if j == plan.degree - 1 else z // 2 ** plan.drops[j + 1]
        z = plan.coefficients[j][i] * 2 ** plan.shifts[j] + inner * d
    return (z // 2 ** plan.drops[0] + plan.offset) % 2**plan.out.bits


@given(pieces())
def test_pieces_are_evaluated_by_the_formula(plan):
    words = np.arange(1 << INP.bits, dtype=np.uint64)
    assert plan.evaluate(words).tolist() == [by_the_formula(plan, word) for word in words.tolist()]
    assert plan.evaluate(words.reshape(4, 8)).shape == (4, 8)


def test_a_result_above_its_ring_is_an_error():
    plan = Piecewise(INP, OUT, 1, ((0, 15), (0, 0)), (4, 1), (False, False), (0,), (0,), 5)
    assert plan.evaluate(np.array([31], np.uint64)).tolist() == [15]
    narrow = attrs.evolve(plan, result_bits=4)
    assert narrow.evaluate(np.array([0], np.uint64)).tolist() == [0]
    with pytest.raises(LocalError, match="does not fit the plan's ring"):
        narrow.evaluate(np.array([31], np.uint64))


def test_a_table_reads_low_bits_and_adds_its_offset():
    words = np.arange(8, dtype=np.uint64)
    assert TABLE.evaluate(words).tolist() == [15, 0, 1, 2, 3, 4, 5, 14]
    short = Table(FixedPoint(3, 0), FixedPoint(4, 1), (1, 3), 2, read_bits=1)
    assert short.evaluate(words).tolist() == [1, 3] * 4


@pytest.mark.parametrize("signed", [True, False])
def test_clamped_words_are_on_the_lines(signed):
    inp, out = FixedPoint(5, 0, signed), FixedPoint(7, 0)
    inner = Table(inp, out, (1, 2, 3, 4, 5, 6, 7, 0), 3, 40, read_bits=3)
    plan = Clamped(inner, 3, Line(0, -9), Line(4, 1))
    integers = np.arange(*inp.int_range, dtype=np.int64)
    found = out.to_int(plan.evaluate((integers % 32).astype(np.uint64)))
    low, high = (-4, 4) if signed else (0, 8)
    expected = [
        40 + inner.entries[x % 8] if low <= x < high else -9 if x < low else (4 * x + 1 + 64) % 128 - 64
        for x in integers.tolist()
    ]
    assert found.tolist() == expected


PIECES = Piecewise(INP, OUT, 1, ((0, 1), (2, -3)), (1, 3), (False, True), (2,), (1,), 8)


@pytest.mark.parametrize(
    ("plan", "change", "problem"),
    [
        (TABLE, {"entries": (1, 2)}, "2 entries at 3 bits"),
        (TABLE, {"entry_bits": 2}, "exceeds 2 bits"),
        (TABLE, {"entry_bits": 5}, "5 bits for int4"),
        (TABLE, {"read_bits": 4}, "4 bits read"),
        (PIECES, {"index_bits": 5}, "5 bits of index"),
        (PIECES, {"index_bits": 2}, "2 coefficients at 2 bits"),
        (PIECES, {"coefficients": ((0, 1),)}, "no slopes"),
        (PIECES, {"bits": (1,)}, "widths"),
        (PIECES, {"shifts": ()}, "shifts"),
        (PIECES, {"drops": (-1,)}, "negative"),
        (PIECES, {"drops": (60,)}, "ring of more than"),
        (PIECES, {"result_bits": 13}, "13 bits for int12"),
        (PIECES, {"signed": (False, False)}, "too wide"),
        (
            Clamped(attrs.evolve(TABLE, entries=(1, 2), read_bits=1), 2, Line(0, 0), Line(0, 0)),
            {"inside_bits": 3},
            "out",
        ),
        (
            Clamped(attrs.evolve(TABLE, entries=(1, 2), read_bits=1), 2, Line(0, 0), Line(0, 0)),
            {"inside_bits": 0},
            "inn",
        ),
        (
            Clamped(attrs.evolve(TABLE, entries=(1, 2), read_bits=1), 2, Line(0, 0), Line(0, 0)),
            {"above": Line(1, 0)},
            "wr",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(plan, change, problem):
    with pytest.raises(LocalError, match=problem):
        attrs.evolve(plan, **change)


def test_fractions_are_no_coefficients():
    with pytest.raises(TypeError):
        attrs.evolve(TABLE, entries=(0.5,) * 8)
