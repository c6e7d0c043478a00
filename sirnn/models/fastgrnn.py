"""FastGRNN, in real numbers: its parameters and what it computes.

    z_t = sigmoid(W x_t + U h_(t-1) + b_z)        the gate
    c_t = tanh(W x_t + U h_(t-1) + b_c)           the candidate
    h_t = (zeta (1 - z_t) + nu) c_t + z_t h_(t-1)
    logits = C h_T + b

Gate and candidate share W and U, which makes it the smallest of the gated cells; both may be written as a product of
two thin matrices. Arrays are laid out (inputs, outputs): a row vector times a matrix.

Source: Kusupati et al., "FastGRNN", NeurIPS 2018.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from sirnn.errors import LocalError
from sirnn.models.archive import Arrays, read_archive, write_archive

Reals = npt.NDArray[np.float64]
FORMAT, FORMAT_VERSION = "sirnn-fastgrnn-parameters", 1


@attrs.frozen(eq=False, repr=False)
class FastGrnnWeights:
    """The private arrays of a FastGRNN: real numbers as trained, or integers once quantised.

    Attributes:
        input_weights: W, (channels, hidden), or its second factor (input rank, hidden).
        hidden_weights: U, (hidden, hidden), or its second factor (hidden rank, hidden).
        gate_bias: b_z, (hidden,).
        candidate_bias: b_c, (hidden,).
        zeta: in (0, 1), shape ().
        nu: in (0, 1), shape ().
        class_weights: C, (hidden, classes).
        class_bias: b, (classes,).
        input_reduction: first factor of W, (channels, input rank), or None if W is whole.
        hidden_reduction: first factor of U, (hidden, hidden rank), or None if U is whole.
    """

    input_weights: npt.NDArray[Any]
    hidden_weights: npt.NDArray[Any]
    gate_bias: npt.NDArray[Any]
    candidate_bias: npt.NDArray[Any]
    zeta: npt.NDArray[Any]
    nu: npt.NDArray[Any]
    class_weights: npt.NDArray[Any]
    class_bias: npt.NDArray[Any]
    input_reduction: npt.NDArray[Any] | None = None
    hidden_reduction: npt.NDArray[Any] | None = None

    def arrays(self) -> Arrays:
        """The arrays there are, by name."""
        return {name: array for name, array in attrs.asdict(self, recurse=False).items() if array is not None}

    def __repr__(self) -> str:
        return f"FastGrnnWeights({', '.join(f'{name}{array.shape}' for name, array in self.arrays().items())})"


@attrs.frozen(eq=False)
class FastGrnnParameters:
    """A trained FastGRNN, before quantisation.

    Attributes:
        weights: real-valued; any standardisation of the input is folded into them.
        classes: names of the classes, in the order of the logits.
        input_limit: readings lie in [-input_limit, input_limit); what lies beyond is clipped.
        provenance: how the weights came about, for people to read.
    """

    weights: FastGrnnWeights
    classes: tuple[str, ...]
    input_limit: float
    provenance: str = ""

    def save(self, path: Path) -> None:
        """Write the parameters to an archive.

        Raises:
            LocalError: the file cannot be written.
        """
        metadata = {"classes": list(self.classes), "input_limit": self.input_limit, "provenance": self.provenance}
        write_archive(path, kind=FORMAT, version=FORMAT_VERSION, metadata=metadata, arrays=self.weights.arrays())

    @classmethod
    def load(cls, path: Path) -> FastGrnnParameters:
        """Read what `save` wrote.

        Raises:
            LocalError: the file is missing, damaged or of another kind.
        """
        metadata, arrays = read_archive(path, kind=FORMAT, version=FORMAT_VERSION)
        try:
            classes, limit = tuple(metadata["classes"]), float(metadata["input_limit"])
            return cls(FastGrnnWeights(**arrays), classes, limit, metadata["provenance"])
        except (KeyError, TypeError, ValueError) as failure:
            raise LocalError(f"{path} lacks a parameter of FastGRNN", remedy="train the model again") from failure


@attrs.frozen(eq=False)
class FloatTrace:
    """What the real-valued network computes on a batch.

    Attributes:
        logits: (recordings, classes).
        peaks: largest magnitude of each kind of value over all recordings and steps, by name.
    """

    logits: Reals
    peaks: dict[str, float]

    @property
    def prediction(self) -> npt.NDArray[np.int64]:
        """Index of the largest logit of each recording."""
        return np.asarray(self.logits.argmax(axis=1))


def run_float(parameters: FastGrnnParameters, recordings: npt.NDArray[Any]) -> FloatTrace:
    """Run the network on recordings (recordings, steps, channels)."""
    w = parameters.weights
    x = recordings.astype(np.float64)
    h = np.zeros((x.shape[0], w.hidden_weights.shape[1]))
    peaks: dict[str, float] = {}

    def seen(name: str, values: Reals) -> Reals:
        peaks[name] = max(peaks.get(name, 0.0), float(np.abs(values).max()))
        return values

    def project(name: str, values: Reals, reduction: npt.NDArray[Any] | None, matrix: npt.NDArray[Any]) -> Reals:
        code = values if reduction is None else seen(name, values @ reduction)
        return np.asarray(code @ matrix)

    driven = project("input_code", x, w.input_reduction, w.input_weights)
    for step in range(x.shape[1]):
        total = driven[:, step] + project("hidden_code", h, w.hidden_reduction, w.hidden_weights)
        z = 1 / (1 + np.exp(-seen("preactivation", total + w.gate_bias)))
        c = np.tanh(seen("preactivation", total + w.candidate_bias))
        h = seen("hidden", (w.zeta * (1 - z) + w.nu) * c + z * h)
    return FloatTrace(seen("logits", h @ w.class_weights + w.class_bias), peaks)
