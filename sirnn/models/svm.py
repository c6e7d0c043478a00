"""A support vector machine with an RBF kernel, quantised: its public shape, its quantisation and its plaintext twin.

    score_j(x) = sum_k e^(-|g(x) - c_k|^2) a_kj + b_j,    g(x) = gain (x - mean)

The scaling g is public and absorbs the kernel's gamma; centres (the support vectors, scaled), coefficients and bias are
the server's. It is the motivating example of SIRNN (Rathee et al., IEEE S&P 2021, Figure 1).
"""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.compiler.methods import Method, method
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.exponential import check_types
from sirnn.models.model import Model, ModelShape, TensorSpec, TwinTrace, accumulator, check_classes
from sirnn.profile import Profile
from sirnn.ring import Words

MOST_CENTRES = 1 << 12
MOST_FEATURES = 64

LARGEST_SCALING = 2.0**100
"""Bounds mean and gain: a reading less a mean does not overflow, so that no product with a gain is NaN."""

Reals = npt.NDArray[np.float64]


@attrs.frozen
class SvmTypes:
    """The fixed-point type of every value and every private matrix of an SVM; all signed.

    Values:
        input: g(x), a coordinate.
        distance: the argument of exp, a squared distance read as negative.
        kernel: e^-distance, in [0, 1].
        logits: the scores.
    Weights:
        centres: -2 c.
        coefficients: a.
    """

    input: FixedPoint
    distance: FixedPoint
    kernel: FixedPoint
    logits: FixedPoint
    centres: FixedPoint
    coefficients: FixedPoint


@attrs.frozen
class SvmShape(ModelShape):
    """What both parties know of an SVM.

    Attributes:
        features: numbers in a reading.
        centres: support vectors.
        classes: names of the classes, in the order of the scores.
        mean: subtracted from each feature.
        gain: each feature is multiplied with it.
        types: fixed-point types.

    Raises:
        LocalError: dimensions out of bounds, or types that do not fit together or cannot hold a distance.
    """

    architecture: ClassVar[str] = "rbf_svm"

    features: int
    centres: int
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    gain: tuple[float, ...]
    types: SvmTypes

    def __attrs_post_init__(self) -> None:
        t = self.types
        check_classes(self.classes)
        if not (1 <= self.features <= MOST_FEATURES and 1 <= self.centres <= MOST_CENTRES):
            raise LocalError(f"an SVM of {self.features} features and {self.centres} centres", remedy="use fewer")
        if not len(self.mean) == len(self.gain) == self.features:
            raise LocalError("a mean or a gain is missing", remedy="give one of each for every feature")
        if not all(abs(each) <= LARGEST_SCALING for each in self.mean + self.gain):
            raise LocalError(
                "a mean or a gain is infinite or absurdly large", remedy=f"stay within {LARGEST_SCALING:.3g} of 0"
            )
        if not all(kind.signed and abs(kind.scale) <= ring.MAX_BITS for kind in attrs.astuple(t, recurse=False)):
            raise LocalError("an unsigned or absurdly scaled type in an SVM", remedy="quantise the model again")
        check_types(t.distance, t.kernel)
        # Two points of the input type are at most its whole range apart in every coordinate.
        farthest = self.features * (1 << (2 * t.input.bits))
        if farthest > 1 << (t.distance.bits + self.distance_accumulator.scale - t.distance.scale):
            raise LocalError(
                f"a distance may not fit {t.distance}", remedy="use a coarser distance or a narrower input"
            )
        _ = self.class_accumulator

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (self.features,)

    @property
    def input_type(self) -> FixedPoint:
        return self.types.input

    @property
    def logits_type(self) -> FixedPoint:
        return self.types.logits

    @property
    def takes(self) -> str:
        return f"{self.features} features"

    @property
    def operations(self) -> int:
        return self.centres * (self.features + len(self.classes) + 1)

    @property
    def distance_accumulator(self) -> FixedPoint:
        """Ring of a squared distance."""
        return accumulator(self.types.distance, (self.types.input, self.types.input))

    @property
    def class_accumulator(self) -> FixedPoint:
        """Ring of the scores."""
        return accumulator(self.types.logits, (self.types.kernel, self.types.coefficients))

    def methods(self, profile: Profile) -> dict[str, Method]:
        """exp for the kernel."""
        return {"kernel": method(profile, "exp", inp=self.types.distance, out=self.types.kernel)}

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        return {
            "centres": TensorSpec((self.features, self.centres), self.types.centres),
            "norms": TensorSpec((self.centres,), self.distance_accumulator),
            "coefficients": TensorSpec((self.centres, len(self.classes)), self.types.coefficients),
            "bias": TensorSpec((len(self.classes),), self.class_accumulator),
        }

    def scaled(self, recordings: Reals) -> Reals:
        return np.asarray((recordings - np.array(self.mean)) * np.array(self.gain))


@attrs.frozen(eq=False, repr=False)
class SvmWeights:
    """The private arrays of an SVM, as integers.

    Attributes:
        centres: -2 c, (features, centres).
        norms: |c|^2 at the distance's accumulator scale, (centres,).
        coefficients: a, (centres, classes).
        bias: b at the scores' accumulator scale, (classes,).
    """

    centres: npt.NDArray[Any]
    norms: npt.NDArray[Any]
    coefficients: npt.NDArray[Any]
    bias: npt.NDArray[Any]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return dict(attrs.asdict(self, recurse=False))

    def __repr__(self) -> str:
        return f"SvmWeights({', '.join(f'{name}{array.shape}' for name, array in self.arrays().items())})"


@attrs.frozen(eq=False)
class SvmParameters:
    """A trained SVM in real numbers.

    Attributes:
        centres: support vectors after g, (centres, features).
        coefficients: (centres, classes).
        bias: (classes,).
        mean: of g.
        gain: of g.
        classes: names.
        provenance: how it came about.
    """

    centres: Reals = attrs.field(repr=False)
    coefficients: Reals = attrs.field(repr=False)
    bias: Reals = attrs.field(repr=False)
    mean: tuple[float, ...]
    gain: tuple[float, ...]
    classes: tuple[str, ...]
    provenance: str = ""


def run_svm_float(parameters: SvmParameters, readings: Reals) -> Reals:
    """Scores in real numbers, (readings, classes)."""
    points = (readings - np.array(parameters.mean)) * np.array(parameters.gain)
    squared = ((points[:, None] - parameters.centres[None]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-squared) @ parameters.coefficients + parameters.bias)


INPUT_TYPE = FixedPoint(14, 11)
"""Scaled features lie in [-4, 4)."""

DISTANCE_BITS = 16
KERNEL_TYPE = FixedPoint(14, 12)
COEFFICIENT_BITS = 16


def quantise_svm(parameters: SvmParameters) -> Model:
    """Round a trained SVM to integers; the distance type holds any two points of the input type.

    Raises:
        LocalError: a centre does not fit the input type.
    """
    features = parameters.centres.shape[1]
    largest = 4 * features * INPUT_TYPE.range[1] ** 2
    distance = FixedPoint(DISTANCE_BITS, DISTANCE_BITS - int(np.ceil(np.log2(largest))))
    scale = COEFFICIENT_BITS - 1 - int(np.ceil(np.log2(np.abs(parameters.coefficients).max() * 1.01)))
    reach = np.abs(parameters.coefficients).sum(axis=0).max() + np.abs(parameters.bias).max()
    types = SvmTypes(
        input=INPUT_TYPE,
        distance=distance,
        kernel=KERNEL_TYPE,
        logits=FixedPoint(16, 15 - int(np.ceil(np.log2(reach)))),
        centres=FixedPoint(INPUT_TYPE.bits + 1, INPUT_TYPE.scale),
        coefficients=FixedPoint(COEFFICIENT_BITS, scale),
    )
    shape = SvmShape(features, len(parameters.centres), parameters.classes, parameters.mean, parameters.gain, types)
    centres = INPUT_TYPE.to_int(INPUT_TYPE.encode(parameters.centres))
    weights = SvmWeights(
        centres=-2 * centres.T,
        norms=(centres**2).sum(axis=1),
        coefficients=types.coefficients.to_int(types.coefficients.encode(parameters.coefficients)),
        bias=shape.class_accumulator.to_int(shape.class_accumulator.encode(parameters.bias)),
    )
    return Model(shape, weights, parameters.provenance)


def run_svm_twin(model: Model, recordings: Words, profile: Profile) -> TwinTrace:
    """What the secure evaluation computes, in clear: words of the input type (B, features) to scores, bit for bit."""
    shape, weights = model.shape, model.weights.arrays()
    assert isinstance(shape, SvmShape)  # noqa: S101 - narrows the type
    t, x = shape.types, shape.types.input.to_int(recordings)
    squared = (x**2).sum(axis=1)[:, None] + x @ weights["centres"] + weights["norms"]
    distance = squared >> np.int64(shape.distance_accumulator.scale - t.distance.scale)
    negative = ring.from_signed(-distance, t.distance.bits).astype(np.uint64)
    kernel = t.kernel.to_int(shape.methods(profile)["kernel"].clear(negative))
    total = kernel @ weights["coefficients"] + weights["bias"]
    scores = total >> np.int64(shape.class_accumulator.scale - t.logits.scale)
    words = ring.from_signed(scores, t.logits.bits)
    wrapped = int(np.count_nonzero(t.logits.to_int(words) != scores))
    return TwinTrace(words, wrapped, t.logits)
