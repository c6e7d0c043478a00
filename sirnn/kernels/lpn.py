"""The encoder of learning parity with noise: every row gets the sum of ten rows of a table added to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from sirnn.kernels.compiled import compiled

WORDS_PER_ROW = 3
"""Random words that name the ten table rows of one output."""

FIELD_BITS = 19
"""Most bits of an index: three lie in each of the three words, the tenth in the 7 bits left over at their tops."""

_LEFT = 64 - 3 * FIELD_BITS


def _typed_add_rows(_: Any, rows: Any, j: Any, table: Any, indices: Any) -> Any:
    """rows[j] ^= table[i] for i in indices, 128 bits at a time: numba leaves LLVM's pairing of scalars switched off."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = ir.VectorType(ir.IntType(64), 2)

        def address(argument: int, index: Any) -> Any:
            array = context.make_array(signature.args[argument])(context, builder, arguments[argument])
            return builder.gep(builder.bitcast(array.data, block.as_pointer()), [index])

        target = address(0, arguments[1])
        total = builder.load(target, align=8)
        for place in range(len(signature.args[3])):
            source = address(2, builder.extract_value(arguments[3], place))
            total = builder.xor(total, builder.load(source, align=8))
        builder.store(total, target, align=8)
        return context.get_dummy_value()

    return types.void(rows, j, table, indices), generate


_add_rows: Any = intrinsic(_typed_add_rows)


@compiled
def add_sums(rows: npt.NDArray[np.uint64], table: npt.NDArray[np.uint64], words: npt.NDArray[np.uint64]) -> None:
    """Add (xor) to each row ten rows of the table, in place.

    With uniform words the ten indices are uniform and independent, as the table's length is a power of two.

    Args:
        rows: (n, 2) uint64, C-contiguous, changed.
        table: (k, 2) uint64, C-contiguous, k a power of two, at most 2^FIELD_BITS.
        words: (WORDS_PER_ROW n,) uint64, or longer.
    """
    mask = np.uint64(len(table) - 1)
    one, two, three = np.uint64(FIELD_BITS), np.uint64(2 * FIELD_BITS), np.uint64(3 * FIELD_BITS)
    left = np.uint64(_LEFT)
    for j in range(np.uint64(len(rows))):
        a, b, c = words[3 * j], words[3 * j + 1], words[3 * j + 2]
        tenth = (((c >> three) << left | (b >> three)) << left) | (a >> three)
        indices = (
            a & mask,
            (a >> one) & mask,
            (a >> two) & mask,
            b & mask,
            (b >> one) & mask,
            (b >> two) & mask,
            c & mask,
            (c >> one) & mask,
            (c >> two) & mask,
            tenth & mask,
        )
        _add_rows(rows, j, table, indices)
