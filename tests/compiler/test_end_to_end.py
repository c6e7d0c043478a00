"""From an expression to shares: what two parties get is within the bound of the real function, on every input."""

from __future__ import annotations

import numpy as np
import pytest

from sirnn.compiler.plan import Clamped, Piecewise, Table
from sirnn.compiler.search import compile_function
from sirnn.fixedpoint import FixedPoint
from tests.compiler.test_evaluate import all_words, check_ahead


@pytest.mark.parametrize(
    ("f", "inp", "out", "kind"),
    [
        ("sigmoid", FixedPoint(10, 6), FixedPoint(12, 8), Piecewise),
        ("silu", FixedPoint(10, 3), FixedPoint(10, 3), Clamped),
        ("rsqrt", FixedPoint(8, 4), FixedPoint(8, 4), Table),
        ("exp", FixedPoint(10, 6), FixedPoint(12, 10), Piecewise),
        ("cos(x) - x / 8", FixedPoint(10, 7, signed=False), FixedPoint(12, 8), Piecewise),
    ],
)
async def test_every_word_on_shares(f, inp, out, kind):
    made = compile_function(f, inp=inp, out=out)
    assert isinstance(made.plan, kind)
    await check_ahead(all_words([made.plan]))
    assert made.errors().max() <= made.task.max_ulp
    assert np.isclose(made.errors().max(), made.max_ulp)
