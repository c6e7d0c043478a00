"""The real functions that an expression can name, vectorised in double precision.

Each is within a few units of 2^-53 relative to its value, also where a textbook formula cancels or overflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Reals: TypeAlias = npt.NDArray[np.float64]

RealFunction: TypeAlias = Callable[[Reals], Reals]
"""Numbers to numbers, elementwise, any shape."""

_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


_erf = np.vectorize(math.erf, otypes=[np.float64])
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def erf(x: Reals) -> Reals:
    """The error function, as C computes it."""
    return np.asarray(_erf(x))


def normal_cdf(x: Reals) -> Reals:
    """The probability that a standard normal variable is at most x."""
    return np.asarray(0.5 * _erfc(-x / math.sqrt(2)))


def sigmoid(x: Reals) -> Reals:
    """1 / (1 + e^-x)."""
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1, small) / (1 + small))


def softplus(x: Reals) -> Reals:
    """log(1 + e^x)."""
    return np.asarray(np.logaddexp(0, x))


def silu(x: Reals) -> Reals:
    """x sigmoid(x), also called swish."""
    return x * sigmoid(x)


def mish(x: Reals) -> Reals:
    """x tanh(softplus(x))."""
    return np.asarray(x * np.tanh(softplus(x)))


def gelu(x: Reals) -> Reals:
    """x times the normal distribution function."""
    return x * normal_cdf(x)


def relu(x: Reals) -> Reals:
    """max(x, 0)."""
    return np.maximum(x, 0)


def elu(x: Reals) -> Reals:
    """x, and e^x - 1 below 0."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def selu(x: Reals) -> Reals:
    """elu with the constants of self-normalising networks (Klambauer et al., NeurIPS 2017)."""
    return _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def hard_sigmoid(x: Reals) -> Reals:
    """x / 6 + 1/2, between 0 and 1."""
    return np.clip(x / 6 + 0.5, 0, 1)


def hard_tanh(x: Reals) -> Reals:
    """x, between -1 and 1."""
    return np.clip(x, -1, 1)


def hard_swish(x: Reals) -> Reals:
    """x times hard_sigmoid(x)."""
    return x * hard_sigmoid(x)


def rsqrt(x: Reals) -> Reals:
    """1 / sqrt(x)."""
    return np.asarray(1 / np.sqrt(x))


UNARY: dict[str, RealFunction] = {
    "abs": np.abs,
    "atan": np.arctan,
    "cos": np.cos,
    "cosh": np.cosh,
    "elu": elu,
    "erf": erf,
    "exp": np.exp,
    "expm1": np.expm1,
    "gelu": gelu,
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": hard_swish,
    "hard_tanh": hard_tanh,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "mish": mish,
    "reciprocal": lambda x: np.asarray(1 / x),
    "relu": relu,
    "rsqrt": rsqrt,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "sin": np.sin,
    "sinh": np.sinh,
    "softplus": softplus,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}
"""By the name an expression gives them."""
