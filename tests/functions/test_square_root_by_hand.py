"""sqrt and rsqrt against the algorithm written out on Python integers, a word at a time, step by step as published.

Source: SIRNN (Rathee et al., IEEE S&P 2021), section on the reciprocal square root.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from sirnn.fixedpoint import FixedPoint
from sirnn.functions.square_root import rsqrt_clear, sqrt_clear


def root_by_hand(x: int, inp: FixedPoint, out: FixedPoint, *, inverse: bool) -> int:
    bits, s = inp.bits, out.scale
    iterations = 1 if s <= 14 else 2
    m = math.ceil(s / 2) if iterations == 1 else math.ceil(math.ceil(s / 2) / 2)
    k = x.bit_length() - 1
    odd = (k - inp.scale) & 1
    normal = x << (bits - 2 - k)
    index = (normal % (1 << (bits - 2))) >> (bits - m - 2)
    y = int(2 ** (m + 2) / math.sqrt((1 + index / 2**m) * 2**odd))
    argument = normal << odd
    a = y if inverse else (argument * y) >> (bits - 2 + m + 2 - s)
    b = ((argument >> (bits - 2 - s)) * y * y) >> (2 * m + 4)
    y = 3 * 2**s - b
    a = (a * y) >> (m + 3 if inverse else s + 1)
    if iterations == 2:
        b = (((y * y) >> (s + 2)) * b) >> s
        a = (a * (3 * 2**s - b)) >> (s + 1)
    if inverse:
        guard = (bits - 1 - inp.scale) // 2
        power = (inp.scale - k + 1) // 2 + guard
    else:
        guard = (inp.scale + 1) // 2
        power = (k - inp.scale) // 2 + guard
    return ((a << power) >> guard) % (1 << out.bits)


@pytest.mark.parametrize("inverse", [False, True], ids=["sqrt", "rsqrt"])
@pytest.mark.parametrize(
    ("bits", "scale", "out_bits", "out_scale"),
    [
        (16, 12, 16, 12),
        (16, 12, 16, 14),
        (16, 8, 16, 10),
        (16, 13, 16, 9),
        (16, 4, 16, 13),
        (14, 7, 16, 11),
        (16, 5, 12, 6),
        (20, 12, 24, 16),
        (32, 16, 32, 20),
    ],
)
def test_the_functionality_is_the_algorithm_by_hand(bits, scale, out_bits, out_scale, inverse):
    inp, out = FixedPoint(bits, scale), FixedPoint(out_bits, out_scale)
    rng = np.random.default_rng(bits + out_scale)
    drawn = rng.integers(1, 1 << (bits - 1), 1500)
    x = np.unique(np.concatenate([np.arange(1, 200), drawn, [(1 << (bits - 1)) - 1]])).astype(np.uint64)
    found = (rsqrt_clear if inverse else sqrt_clear)(x, inp=inp, out=out)
    assert found.tolist() == [root_by_hand(int(word), inp, out, inverse=inverse) for word in x]
