"""The arithmetic of correlated OTs, one pass each, on words of any unsigned dtype."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sirnn.kernels.compiled import compiled

Words = npt.NDArray[Any]


@compiled
def correct_sums(zeros: Words, ones: Words, correlation: Words, mask: np.uint64, sent: Words, kept: Words) -> None:
    """sent = zeros + correlation - ones and kept = -zeros, modulo mask + 1; all of one length."""
    for i in range(len(sent)):
        zero = np.uint64(zeros[i])
        sent[i] = (zero + np.uint64(correlation[i]) - np.uint64(ones[i])) & mask
        kept[i] = (np.uint64(0) - zero) & mask


@compiled
def correct_xors(zeros: Words, ones: Words, correlation: Words, mask: np.uint64, sent: Words, kept: Words) -> None:
    """sent = zeros ^ correlation ^ ones and kept = zeros, cut to the mask."""
    for i in range(len(sent)):
        zero = np.uint64(zeros[i])
        sent[i] = (zero ^ np.uint64(correlation[i]) ^ np.uint64(ones[i])) & mask
        kept[i] = zero & mask


@compiled
def take_sums(pads: Words, sent: Words, choices: Words, repeat: int, mask: np.uint64, kept: Words) -> None:
    """kept = pads + choice * sent modulo mask + 1; each choice holds for `repeat` words."""
    for j in range(len(choices)):
        select = np.uint64(0) - np.uint64(choices[j])
        for i in range(j * repeat, (j + 1) * repeat):
            kept[i] = (np.uint64(pads[i]) + (np.uint64(sent[i]) & select)) & mask


@compiled
def take_xors(pads: Words, sent: Words, choices: Words, repeat: int, mask: np.uint64, kept: Words) -> None:
    """kept = pads ^ choice * sent, cut to the mask."""
    for j in range(len(choices)):
        select = np.uint64(0) - np.uint64(choices[j])
        for i in range(j * repeat, (j + 1) * repeat):
            kept[i] = (np.uint64(pads[i]) ^ (np.uint64(sent[i]) & select)) & mask
