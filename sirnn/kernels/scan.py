"""The local step of a split lookup: windows of a public table, added up where a shared one-hot vector has ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sirnn.kernels.compiled import compiled

Words = npt.NDArray[Any]


@compiled
def scan(opened: Words, strings: npt.NDArray[np.uint64], table: Words, low: int, high: int, sums: Words) -> None:
    """sums[h, j] = xor of table[(opened[j] + h 2^low + i) mod 2^(low + high)] over all i with bit i of string j set.

    A window that runs over the end goes on in the copy of the table's start, so that it is contiguous and the inner
    loop is one of vector instructions.

    Args:
        opened: (n,) of any unsigned dtype, below 2^(low + high).
        strings: (n, ceil(2^low / 64)): bit i of string j is bit i % 64 of strings[j, i // 64].
        table: (2^(low + high) + 2^low,) of any unsigned dtype: the table, and its first 2^low entries once more.
        low: bits of a place in a window.
        high: bits of a window's number.
        sums: (2^high, n) of the table's dtype. Written.
    """
    size = 1 << low
    last = (1 << (low + high)) - 1
    zero = table[0] ^ table[0]
    masks = np.empty(size, table.dtype)
    for j in range(len(opened)):
        for i in range(size):
            masks[i] = zero - table.dtype.type((strings[j, i >> 6] >> np.uint64(i & 63)) & np.uint64(1))
        for h in range(1 << high):
            start = (np.int64(opened[j]) + (h << low)) & last
            window = table[start : start + size]
            total = zero
            for i in range(size):
                total ^= window[i] & masks[i]
            sums[h, j] = total
