"""A quantised model as data: its shape, which both parties know, and its weights, which only the server knows.

A `ModelShape` is everything the client may know and all it needs: dimensions, class names and the fixed-point type of
every value. A `Model` is a shape and integer weights that fit it. A model file holds a `Model`; the shape travels as
JSON and is compared by digest. Every architecture brings a shape, weights and a plaintext twin of its own, which
`ARCHITECTURES` holds by its name.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import attrs
import cattrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.compiler.methods import Method
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.models.archive import Arrays, read_archive, write_archive
from sirnn.profile import Profile
from sirnn.ring import Words

FORMAT, FORMAT_VERSION = "sirnn-model", 1
MOST_CLASSES, MAX_NAME = 1 << 12, 100  # a shape may come from the peer: bound what it can ask for


# ------------------------------------------------------------ shapes


@attrs.frozen
class TensorSpec:
    """Shape and type of one private array."""

    shape: tuple[int, ...]
    type: FixedPoint


class ModelShape(ABC):
    """What both parties know of a model; an attrs class for each architecture.

    Attributes:
        architecture: its name in model files.
        classes: names of the classes, in the order of the logits.
    """

    architecture: ClassVar[str]
    classes: tuple[str, ...]

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one recording."""

    @property
    @abstractmethod
    def input_type(self) -> FixedPoint:
        """Type of the words of a recording."""

    @property
    @abstractmethod
    def logits_type(self) -> FixedPoint:
        """Type of the logits."""

    @property
    @abstractmethod
    def takes(self) -> str:
        """One recording, in words."""

    @property
    @abstractmethod
    def operations(self) -> int:
        """Multiplications and function values of one recording: how large the model is, whatever it costs."""

    @property
    @abstractmethod
    def tensors(self) -> dict[str, TensorSpec]:
        """Shape and type of every private array, by its name in the weights."""

    @abstractmethod
    def methods(self, profile: Profile) -> Mapping[str, Method]:
        """How a profile evaluates each function the model uses, by the function's place in it."""

    def plans_digest(self, profile: Profile) -> str:
        """Hash of the compiled plans among `methods`, 64 hex digits: parties with equal ones compute the same words."""
        digests = {place: method.digest for place, method in self.methods(profile).items()}
        return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()

    def check_weights(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:  # noqa: B027 - most have nothing to add
        """Raise LocalError if the secure evaluation relies on something that these integers break."""

    def scaled(self, recordings: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Recordings as the model wants them: any public scaling applied. Never NaN, whatever finite readings come."""
        return recordings

    def encode_recordings(self, recordings: npt.ArrayLike) -> Words:
        """Recordings (..., *input_shape) to words of the input type; what it cannot hold becomes its nearest end.

        Raises:
            LocalError: as `encode_clipped`.
        """
        return self.encode_clipped(recordings)[0]

    def encode_clipped(self, recordings: npt.ArrayLike) -> tuple[Words, int]:
        """Like `encode_recordings`, and how many readings lay beyond the type's range.

        Raises:
            LocalError: another shape, or NaN or infinity among the readings. Never because of how large a reading is:
                a client learns the type and the scaling from the server, which would see the refusal.
        """
        try:
            values = np.asarray(recordings, dtype=np.float64)
        except (TypeError, ValueError) as failure:
            raise LocalError("the recording is not an array of numbers", remedy="save it with numpy.save") from failure
        if not np.all(np.isfinite(values)):
            raise LocalError("the recording contains NaN or infinity", remedy="clean it first")
        dimensions = len(self.input_shape)
        if values.ndim < dimensions or values.shape[-dimensions:] != self.input_shape:
            raise LocalError(f"a recording of shape {values.shape}", remedy=f"this model takes {self.takes}")
        with np.errstate(all="ignore"):  # what overflows is beyond the range
            scaled = self.scaled(values)
        return self.input_type.saturate(scaled)

    def to_json(self) -> str:
        """The shape as canonical JSON: equal shapes give equal texts."""
        said = {"architecture": self.architecture, **_CONVERTER.unstructure(self)}
        return json.dumps(said, sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> ModelShape:
        """Read what `to_json` wrote.

        Raises:
            LocalError: the text is not the JSON of a valid shape.
        """
        try:
            said = json.loads(text)
            return _structure(said.pop("architecture"), said)
        except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as failure:
            raise LocalError(
                "the model shape is not JSON of one", remedy="use the same version on both sides"
            ) from failure

    def digest(self) -> str:
        """Hex SHA-256 of the shape: equal at both parties exactly if they mean the same computation."""
        return hashlib.sha256(b"sirnn model shape 1\x00" + self.to_json().encode()).hexdigest()


def accumulator(out: FixedPoint, *products: tuple[FixedPoint, FixedPoint]) -> FixedPoint:
    """The ring in which products of these pairs of types are summed before TR leaves `out`.

    Its scale is the finest of the products' (coarser ones are shifted left first, which is local); its width is what TR
    needs to leave out.bits. A sum that wraps around in it would not have fitted `out` either.
    """
    scale = max(a.scale + b.scale for a, b in products)
    shift = scale - out.scale
    widest = max(kind.bits for pair in products for kind in pair)
    if shift < 0 or out.bits + shift > ring.MAX_BITS or out.bits + shift < widest:
        raise LocalError(f"no accumulator of scale {scale} truncates to {out}", remedy="choose nearer scales")
    return FixedPoint(out.bits + shift, scale)


def check_classes(classes: tuple[str, ...]) -> None:
    """Refuse too few, too many or unprintable class names: a peer's names end up on a terminal.

    Raises:
        LocalError: as said.
    """
    named = all(0 < len(name) <= MAX_NAME and name.isprintable() for name in classes)
    if not 2 <= len(classes) <= MOST_CLASSES or not named:
        raise LocalError(
            f"{len(classes)} class names",
            remedy=f"name 2 to {MOST_CLASSES} classes in 1 to {MAX_NAME} printable characters",
        )


# ------------------------------------------------------------ models


class Weights(Protocol):
    """Private arrays, an attribute each."""

    def arrays(self) -> Arrays:
        """The arrays there are, by name."""


@attrs.frozen(eq=False)
class Model:
    """A shape and the integer weights that fit it.

    Attributes:
        shape: public.
        weights: int64 arrays, private to the server.
        provenance: how the model came about, for people to read.

    Raises:
        LocalError: an array is missing, has another shape, is not of integers, or does not fit its type.
    """

    shape: ModelShape
    weights: Any = attrs.field(repr=False)  # a class of the architecture's own, with arrays()
    provenance: str = ""

    def __attrs_post_init__(self) -> None:
        arrays, specs = self.weights.arrays(), self.shape.tensors
        if arrays.keys() != specs.keys():
            names = ", ".join(sorted(arrays.keys() ^ specs.keys()))
            raise LocalError(f"missing or surplus weights: {names}", remedy="quantise the model again")
        for name, spec in specs.items():
            _check_tensor(name, arrays[name], spec)
        self.shape.check_weights(arrays)

    def words(self, name: str) -> Words:
        """A private array as words of its type's ring."""
        return ring.from_signed(self.weights.arrays()[name], self.shape.tensors[name].type.bits)


@attrs.frozen(eq=False)
class TwinTrace:
    """What a plaintext twin computes on a batch of B recordings.

    Attributes:
        logits: words of the logits' type, (B, classes): what the secure evaluation ends with.
        wrapped: values that did not fit their type in any truncation and wrapped around; 0 unless a
            recording is unlike anything in training.
        logits_type: how to read the logits.
    """

    logits: Words = attrs.field(repr=False)
    wrapped: int
    logits_type: FixedPoint

    @property
    def prediction(self) -> npt.NDArray[np.int64]:
        """Index of the largest logit of each recording; the first of equals."""
        return np.asarray(self.logits_type.to_int(self.logits).argmax(axis=1))


def run_twin(model: Model, recordings: Words, profile: Profile = Profile.LEAN) -> TwinTrace:
    """Run a model on encoded recordings (B, *input_shape) in clear, bit for bit as the secure evaluation does.

    Args:
        model: the model.
        recordings: words of its input type.
        profile: how the secure evaluation evaluates functions, which decides the last bits of their words.

    Raises:
        LocalError: recordings of another shape.
    """
    shape = model.shape.input_shape
    if recordings.shape[1:] != shape or recordings.ndim != len(shape) + 1:
        raise LocalError(f"recordings of shape {recordings.shape}", remedy=f"give a batch of {model.shape.takes}")
    return ARCHITECTURES[model.shape.architecture].twin(model, recordings, profile)


# ------------------------------------------------------------ architectures and files


@attrs.frozen
class Architecture:
    """What an architecture brings: its shape, its weights and its twin."""

    shape: type[ModelShape]
    weights: Callable[..., Weights]
    twin: Callable[[Model, Words, Profile], TwinTrace]


ARCHITECTURES: dict[str, Architecture] = {}
"""By name; importing `sirnn.models` fills it."""


def save_model(model: Model, path: Path) -> None:
    """Write a model file; the same model gives the same bytes.

    Raises:
        LocalError: the file cannot be written.
    """
    metadata = {
        "architecture": model.shape.architecture,
        "shape": _CONVERTER.unstructure(model.shape),
        "provenance": model.provenance,
    }
    arrays = {name: _narrowed(array, model.shape.tensors[name].type) for name, array in model.weights.arrays().items()}
    write_archive(path, kind=FORMAT, version=FORMAT_VERSION, metadata=metadata, arrays=arrays)


def load_model(path: Path) -> Model:
    """Read a model file.

    Raises:
        LocalError: the file is missing, damaged, of another kind or version, or its weights do not fit its shape.
    """
    metadata, arrays = read_archive(path, kind=FORMAT, version=FORMAT_VERSION)
    name = metadata.get("architecture")
    if name not in ARCHITECTURES:
        raise LocalError(f"{path} holds a {name!r}", remedy=f"this program runs {', '.join(ARCHITECTURES)}")
    try:
        weights = ARCHITECTURES[name].weights(**arrays)
    except TypeError as failure:
        raise LocalError(f"{path} lacks weights or has unknown ones", remedy="quantise the model again") from failure
    try:
        return Model(_structure(name, metadata.get("shape")), weights, str(metadata.get("provenance", "")))
    except LocalError as failure:
        raise LocalError(f"{path}: {failure.problem}", remedy=failure.remedy) from failure


def _check_tensor(name: str, array: npt.NDArray[Any], spec: TensorSpec) -> None:
    if array.shape != spec.shape or array.dtype.kind != "i":
        raise LocalError(
            f"weights {name} are {array.dtype}{array.shape}, the shape says integers {spec.shape}",
            remedy="quantise the model again",
        )
    low, high = spec.type.int_range
    if array.size and not low <= array.min() <= array.max() <= high:
        raise LocalError(f"weights {name} do not fit {spec.type}", remedy="quantise the model again")


def _narrowed(array: npt.NDArray[Any], kind: FixedPoint) -> npt.NDArray[Any]:
    return array.astype(f"int{8 * ring.dtype_for(kind.bits).itemsize}")


def _structure(architecture: str, data: Any) -> ModelShape:
    try:
        return _CONVERTER.structure(data, ARCHITECTURES[architecture].shape)
    except (cattrs.errors.ForbiddenExtraKeysError, AttributeError, KeyError, TypeError, ValueError) as failure:
        raise LocalError(
            "the model shape lacks a field or has a wrong one", remedy="quantise the model again"
        ) from failure


def _strictly(kind: type) -> Any:
    def check(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{value!r} is not {kind.__name__}")
        return value

    return check


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)
    for kind in (int, bool, str, float):  # cattrs would turn "3" into 3 and "false" into True
        converter.register_structure_hook(kind, _strictly(kind))
    return converter


_CONVERTER = _make_converter()
