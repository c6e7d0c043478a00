"""The loops around hashing rows of COTs: inputs in, pads out, one pass each.

A row is 128 bits as two uint64, low word first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sirnn.kernels.compiled import compiled

Rows = npt.NDArray[np.uint64]
Words = npt.NDArray[Any]


@compiled
def both_inputs(rows: Rows, flips: npt.NDArray[np.uint8], delta: Rows, out: Rows) -> None:
    """out[j, k] = rows[j] ^ (flips[j] ^ k) * delta for k = 0, 1; out is (n, 2, 2)."""
    low, high = delta[0], delta[1]
    for j in range(len(rows)):
        select = np.uint64(0) - np.uint64(flips[j])
        a, b = rows[j, 0] ^ (select & low), rows[j, 1] ^ (select & high)
        out[j, 0, 0], out[j, 0, 1] = a, b
        out[j, 1, 0], out[j, 1, 1] = a ^ low, b ^ high


@compiled
def xor_low_both(a: Rows, b: Rows, zeros: npt.NDArray[np.uint64], ones: npt.NDArray[np.uint64]) -> None:
    """zeros[j] and ones[j] = low words of a[j, k] ^ b[j, k] for k = 0 and 1; a and b are (n, 2, 2)."""
    for j in range(len(zeros)):
        zeros[j] = a[j, 0, 0] ^ b[j, 0, 0]
        ones[j] = a[j, 1, 0] ^ b[j, 1, 0]


@compiled
def xor_low(a: Rows, b: Rows, out: npt.NDArray[np.uint64]) -> None:
    """out[j] = low word of a[j] ^ b[j]."""
    for j in range(len(out)):
        out[j] = a[j, 0] ^ b[j, 0]


@compiled
def message_pads(zeros: npt.NDArray[np.uint64], ones: npt.NDArray[np.uint64], bits: int, pads: Words) -> None:
    """The pads of all N messages of n 1-of-N OTs, each out of log N random OTs.

    Args:
        zeros: (levels, n, words), level s of OT j: the pad for choice bit 0.
        ones: the same for choice bit 1.
        bits: of a message.
        pads: (n, N) words of at least that many bits, filled. Message k takes from level s slice k mod 2^s of the
            pad for bit s of k.
    """
    levels, n, _ = zeros.shape
    per = 64 // bits
    mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - bits)
    count = pads.shape[1]
    sums = np.zeros(1 << levels, np.uint64)
    for j in range(n):
        sums[0] = 0
        for s in range(levels):
            # Messages below 2^s are done up to level s - 1; with bit s set, those 2^s further on begin as they do.
            word, shift = 0, np.uint64(0)
            zero, one = zeros[s, j, 0], ones[s, j, 0]
            for place in range(min(1 << s, count)):
                if place and place % per == 0:
                    word, shift = word + 1, np.uint64(0)
                    zero, one = zeros[s, j, word], ones[s, j, word]
                sums[place | (1 << s)] = sums[place] ^ (one >> shift)
                sums[place] ^= zero >> shift
                shift += np.uint64(bits)
        for k in range(count):
            pads[j, k] = sums[k] & mask


@compiled
def chosen_pads(
    known: npt.NDArray[np.uint64], choices: npt.NDArray[np.uint64], bits: int, pads: npt.NDArray[np.uint64]
) -> None:
    """The receiver's side of `message_pads`: known is (levels, n, words), choices and pads are (n,) uint64."""
    levels, n, _ = known.shape
    per = 64 // bits
    mask = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - bits)
    for j in range(n):
        pad = np.uint64(0)
        for s in range(levels):
            place = np.int64(choices[j]) & ((1 << s) - 1)
            pad ^= known[s, j, place // per] >> np.uint64(place % per * bits)
        pads[j] = pad & mask
