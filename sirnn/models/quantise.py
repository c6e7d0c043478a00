"""From a trained FastGRNN to a model of mixed-bitwidth integers.

Weights take 8 bits, values between two steps 14 or 16, and accumulators what the truncation behind them needs.
The scale of a weight tensor is the finest at which its largest weight fits; the scale of a value is the finest at which
`headroom` times the largest magnitude seen on the training recordings fits, because a value that does not fit wraps
around instead of saturating. Gate, candidate and mix have ranges known from the mathematics.

Source: mixed bitwidths as in SIRNN (Rathee et al., IEEE S&P 2021); headroom in place of its profiling by test accuracy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.models.fastgrnn import FastGrnnParameters, FastGrnnWeights, run_float
from sirnn.models.fastgrnn_shape import FastGrnnShape, FastGrnnTypes
from sirnn.models.model import Model

VALUE_BITS = 16
WEIGHT_BITS = 8
# For gate, candidate and mix, all within (-2, 2). Scale + 2 bits is the width in which sigmoid and tanh end, so
# that nothing has to be extended; a finer scale brings the logits no nearer while weights have 8 bits.
GATE = FixedPoint(14, 12)
FINEST_SCALE = 12  # of a 16-bit value; finer is more than 8-bit weights deserve, and room to grow is worth more


def quantise(parameters: FastGrnnParameters, recordings: npt.NDArray[Any], *, headroom: float = 2.0) -> Model:
    """Choose types from the training recordings and round the weights to them.

    Args:
        parameters: the trained network.
        recordings: training recordings, (recordings, steps, channels); the ranges are measured on them.
        headroom: how many times larger than seen a value may become before it wraps around.

    Returns:
        The model, for recordings of the same number of steps and channels.

    Raises:
        LocalError: no type holds the network's values or weights.
    """
    peaks = run_float(parameters, recordings).peaks
    shape = _shape(parameters, recordings.shape[1], _types(parameters, peaks, headroom))
    reals = parameters.weights.arrays()
    integers = {name: _rounded(reals[name], spec.type) for name, spec in shape.tensors.items()}
    return Model(shape, FastGrnnWeights(**integers), parameters.provenance)


def _types(parameters: FastGrnnParameters, peaks: dict[str, float], headroom: float) -> FastGrnnTypes:
    w = parameters.weights
    input_type = _holding(parameters.input_limit, VALUE_BITS)
    hidden = _holding(headroom * peaks["hidden"], VALUE_BITS, FINEST_SCALE)
    return FastGrnnTypes(
        input=input_type,
        input_code=_code_type(headroom * peaks.get("input_code", 0), input_type, w.input_reduction),
        hidden_code=_code_type(headroom * peaks.get("hidden_code", 0), hidden, w.hidden_reduction),
        preactivation=_holding(headroom * peaks["preactivation"], VALUE_BITS, FINEST_SCALE),
        gate=GATE,
        candidate=GATE,
        mix=GATE,
        hidden=hidden,
        logits=_holding(headroom * peaks["logits"], VALUE_BITS, FINEST_SCALE),
        input_weights=_weight_type(w.input_weights),
        input_reduction=None if w.input_reduction is None else _weight_type(w.input_reduction),
        hidden_weights=_weight_type(w.hidden_weights),
        hidden_reduction=None if w.hidden_reduction is None else _weight_type(w.hidden_reduction),
        zeta=FixedPoint(WEIGHT_BITS, WEIGHT_BITS - 1),
        class_weights=_weight_type(w.class_weights),
    )


def _shape(parameters: FastGrnnParameters, steps: int, types: FastGrnnTypes) -> FastGrnnShape:
    w = parameters.weights
    first = w.input_weights if w.input_reduction is None else w.input_reduction
    return FastGrnnShape(
        steps=steps,
        channels=first.shape[0],
        hidden=w.hidden_weights.shape[1],
        classes=parameters.classes,
        types=types,
        input_rank=None if w.input_reduction is None else w.input_reduction.shape[1],
        hidden_rank=None if w.hidden_reduction is None else w.hidden_reduction.shape[1],
    )


def _holding(magnitude: float, bits: int, finest: int | None = None) -> FixedPoint:
    """The signed type of the finest scale (no finer than `finest`) that holds [-magnitude, magnitude)."""
    if not 0 < magnitude < math.inf:
        raise LocalError(f"the largest value seen is {magnitude}", remedy="check the recordings and the weights")
    scale = bits - 1 - math.ceil(math.log2(magnitude))
    return FixedPoint(bits, scale if finest is None else min(scale, finest))


def _code_type(magnitude: float, values: FixedPoint, reduction: npt.NDArray[Any] | None) -> FixedPoint | None:
    """The type of values times a first factor: no finer than the products, which TR can only make coarser."""
    if reduction is None:
        return None
    return _holding(magnitude, VALUE_BITS, values.scale + _weight_type(reduction).scale)


def _weight_type(array: npt.NDArray[Any]) -> FixedPoint:
    """The finest 8-bit type in which every weight fits after rounding."""
    kind = _holding(float(np.abs(array).max()), WEIGHT_BITS)
    low, high = kind.int_range
    rounded = np.rint(np.ldexp(array, kind.scale))
    return kind if low <= rounded.min() <= rounded.max() <= high else FixedPoint(WEIGHT_BITS, kind.scale - 1)


def _rounded(array: npt.NDArray[Any], kind: FixedPoint) -> npt.NDArray[np.int64]:
    """Nearest integers at the type's scale; what rounds past its end takes its end (zeta just below 1 does)."""
    low, high = kind.range
    if np.any((array < low - kind.ulp) | (array > high + kind.ulp)):
        raise LocalError(
            f"a weight or bias does not fit {kind}", remedy="train with smaller weights, or ask for less headroom"
        )
    return kind.to_int(kind.encode(np.clip(array, low, high)))
