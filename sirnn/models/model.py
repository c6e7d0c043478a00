"""A quantised FastGRNN as data: its shape, which both parties know, and its weights, which only the server knows.

`ModelShape` is everything the client may know and all it needs: dimensions, class names and the fixed-point type of
every value. `Model` is a shape and integer weights that fit it. A model file holds a `Model`; the shape travels as JSON
and is compared by digest. The types reveal the weights' scales, that is the magnitude of each tensor's largest weight
to the next power of two, and nothing else about the weights.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import attrs
import cattrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.exponential import check_types
from sirnn.models.archive import read_archive, write_archive
from sirnn.models.fastgrnn import FastGrnnWeights
from sirnn.ring import Words

FORMAT, FORMAT_VERSION, ARCHITECTURE = "sirnn-model", 1, "fastgrnn"
MAX_STEPS, MAX_WIDTH, MAX_NAME = 1 << 16, 1 << 12, 100  # a shape may come from the peer: bound what it can ask for


@attrs.frozen
class FastGrnnTypes:
    """The fixed-point type of every value and every weight matrix of a FastGRNN; all signed.

    Values:
        input: a reading x_t.
        input_code: x_t times the first factor of W; None if W is whole.
        hidden_code: h times the first factor of U; None if U is whole.
        preactivation: W x_t + U h + b, the argument of sigmoid and tanh.
        gate: z, in [0, 1].
        candidate: c, in [-1, 1].
        mix: zeta (1 - z) + nu, in (0, 2).
        hidden: h.
        logits: what the client learns.
    Weights:
        input_reduction, input_weights, hidden_reduction, hidden_weights, zeta, class_weights.
    """

    input: FixedPoint
    preactivation: FixedPoint
    gate: FixedPoint
    candidate: FixedPoint
    mix: FixedPoint
    hidden: FixedPoint
    logits: FixedPoint
    input_weights: FixedPoint
    hidden_weights: FixedPoint
    zeta: FixedPoint
    class_weights: FixedPoint
    input_code: FixedPoint | None = None
    input_reduction: FixedPoint | None = None
    hidden_code: FixedPoint | None = None
    hidden_reduction: FixedPoint | None = None


def accumulator(out: FixedPoint, *products: tuple[FixedPoint, FixedPoint]) -> FixedPoint:
    """The ring in which products of these pairs of types are summed before TR leaves `out`.

    Its scale is the finest of the products' (coarser ones are shifted left first, which is local); its width is what TR
    needs to leave out.bits. A sum that wraps around in it would not have fitted `out` either.
    """
    scale = max(a.scale + b.scale for a, b in products)
    shift = scale - out.scale
    if (
        shift < 0
        or out.bits + shift > ring.MAX_BITS
        or out.bits + shift < max(t.bits for pair in products for t in pair)
    ):
        raise LocalError(f"no accumulator of scale {scale} truncates to {out}", remedy="choose nearer scales")
    return FixedPoint(out.bits + shift, scale)


@attrs.frozen
class TensorSpec:
    """Shape and type of one private array."""

    shape: tuple[int, ...]
    type: FixedPoint


def _at_most(limit: int) -> Any:
    """An attrs validator: an integer from 1 to `limit`."""

    def check(_: Any, attribute: Any, value: Any) -> None:
        if type(value) is not int or not 1 <= value <= limit:
            raise LocalError(f"a model with {attribute.name} {value!r}", remedy=f"use an integer from 1 to {limit}")

    return check


@attrs.frozen
class ModelShape:
    """What both parties know of a model.

    Attributes:
        steps: readings in a recording.
        channels: numbers in a reading.
        hidden: size of the hidden state.
        classes: names of the classes, in the order of the logits.
        types: fixed-point types.
        input_rank: columns of the first factor of W, None if W is whole.
        hidden_rank: columns of the first factor of U, None if U is whole.

    Raises:
        LocalError: a dimension out of bounds, or types that do not fit together.
    """

    steps: int = attrs.field(validator=_at_most(MAX_STEPS))
    channels: int = attrs.field(validator=_at_most(MAX_WIDTH))
    hidden: int = attrs.field(validator=_at_most(MAX_WIDTH))
    classes: tuple[str, ...]
    types: FastGrnnTypes
    input_rank: int | None = attrs.field(default=None, validator=attrs.validators.optional(_at_most(MAX_WIDTH)))
    hidden_rank: int | None = attrs.field(default=None, validator=attrs.validators.optional(_at_most(MAX_WIDTH)))

    def __attrs_post_init__(self) -> None:
        t = self.types
        named = all(0 < len(name) <= MAX_NAME and name.isprintable() for name in self.classes)
        if not 2 <= len(self.classes) <= MAX_WIDTH or not named:  # printable: a peer's names end up on a terminal
            raise LocalError(
                f"{len(self.classes)} class names",
                remedy=f"name 2 to {MAX_WIDTH} classes in 1 to {MAX_NAME} printable characters",
            )
        if any((rank is None) != (kind is None) for rank, kind in self._rank_types()):
            raise LocalError("a rank without types, or types without a rank", remedy="give both or neither")
        kinds = [kind for kind in attrs.astuple(t, recurse=False) if kind is not None]
        if not all(kind.signed and abs(kind.scale) <= ring.MAX_BITS for kind in kinds):
            raise LocalError("an unsigned or absurdly scaled type in a FastGRNN", remedy="quantise the model again")
        check_types(t.preactivation, t.gate)
        check_types(t.preactivation, t.candidate)
        _ = (self.preactivation_accumulator, self.mix_accumulator, self.update_accumulator, self.class_accumulator)
        _ = (self.input_code_accumulator, self.hidden_code_accumulator)

    def _rank_types(self) -> list[tuple[int | None, FixedPoint | None]]:
        t = self.types
        return [
            (self.input_rank, t.input_code),
            (self.input_rank, t.input_reduction),
            (self.hidden_rank, t.hidden_code),
            (self.hidden_rank, t.hidden_reduction),
        ]

    @property
    def input_code_accumulator(self) -> FixedPoint | None:
        """Ring of x W1, if W is factored."""
        t = self.types
        if t.input_code is None or t.input_reduction is None:
            return None
        return accumulator(t.input_code, (t.input, t.input_reduction))

    @property
    def hidden_code_accumulator(self) -> FixedPoint | None:
        """Ring of h U1, if U is factored."""
        t = self.types
        if t.hidden_code is None or t.hidden_reduction is None:
            return None
        return accumulator(t.hidden_code, (t.hidden, t.hidden_reduction))

    @property
    def preactivation_accumulator(self) -> FixedPoint:
        """Ring of W x + U h + b."""
        t = self.types
        return accumulator(
            t.preactivation, (t.input_code or t.input, t.input_weights), (t.hidden_code or t.hidden, t.hidden_weights)
        )

    @property
    def mix_accumulator(self) -> FixedPoint:
        """Ring of zeta (1 - z) + nu."""
        return accumulator(self.types.mix, (self.types.gate, self.types.zeta))

    @property
    def update_accumulator(self) -> FixedPoint:
        """Ring of mix * candidate + gate * hidden."""
        t = self.types
        return accumulator(t.hidden, (t.mix, t.candidate), (t.gate, t.hidden))

    @property
    def class_accumulator(self) -> FixedPoint:
        """Ring of C h + b."""
        return accumulator(self.types.logits, (self.types.hidden, self.types.class_weights))

    @property
    def tensors(self) -> dict[str, TensorSpec]:
        """Shape and type of every private array, by its name in `FastGrnnWeights`."""
        t, hidden = self.types, (self.hidden,)
        specs = {
            "input_weights": TensorSpec((self.input_rank or self.channels, self.hidden), t.input_weights),
            "hidden_weights": TensorSpec((self.hidden_rank or self.hidden, self.hidden), t.hidden_weights),
            "gate_bias": TensorSpec(hidden, self.preactivation_accumulator),
            "candidate_bias": TensorSpec(hidden, self.preactivation_accumulator),
            "zeta": TensorSpec((), t.zeta),
            "nu": TensorSpec((), self.mix_accumulator),
            "class_weights": TensorSpec((self.hidden, len(self.classes)), t.class_weights),
            "class_bias": TensorSpec((len(self.classes),), self.class_accumulator),
        }
        if self.input_rank is not None and t.input_reduction is not None:
            specs["input_reduction"] = TensorSpec((self.channels, self.input_rank), t.input_reduction)
        if self.hidden_rank is not None and t.hidden_reduction is not None:
            specs["hidden_reduction"] = TensorSpec((self.hidden, self.hidden_rank), t.hidden_reduction)
        return specs

    def encode_recordings(self, recordings: npt.ArrayLike) -> Words:
        """Recordings (..., steps, channels) to words of the input type.

        Raises:
            LocalError: another shape, NaN or infinity among the readings, or readings beyond the type's range.
        """
        try:
            values = np.asarray(recordings, dtype=np.float64)
        except (TypeError, ValueError) as failure:
            raise LocalError("the recording is not an array of numbers", remedy="save it with numpy.save") from failure
        if not np.all(np.isfinite(values)):
            raise LocalError("the recording contains NaN or infinity", remedy="clean it first")
        if values.ndim < 2 or values.shape[-2:] != (self.steps, self.channels):
            raise LocalError(
                f"a recording of shape {values.shape}",
                remedy=f"this model takes {self.steps} steps of {self.channels} channels",
            )
        return self.types.input.encode(values)

    def to_json(self) -> str:
        """The shape as canonical JSON: equal shapes give equal texts."""
        return json.dumps(_CONVERTER.unstructure(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> ModelShape:
        """Read what `to_json` wrote.

        Raises:
            LocalError: the text is not the JSON of a valid shape.
        """
        try:
            return _structure(json.loads(text))
        except (ValueError, RecursionError) as failure:
            raise LocalError("the model shape is not JSON", remedy="use the same version on both sides") from failure

    def digest(self) -> str:
        """Hex SHA-256 of the shape: equal at both parties exactly if they mean the same computation."""
        return hashlib.sha256(b"sirnn model shape 1\x00" + self.to_json().encode()).hexdigest()


@attrs.frozen(eq=False)
class Model:
    """A shape and the integer weights that fit it.

    Attributes:
        shape: public.
        weights: int64 arrays, private to the server.
        provenance: how the model came about, for people to read.

    Raises:
        LocalError: an array is missing, has another shape, is not of integers, or does not fit its type; or the mix
            could turn negative, which the secure evaluation relies on it not to.
    """

    shape: ModelShape
    weights: FastGrnnWeights = attrs.field(repr=False)
    provenance: str = ""

    def __attrs_post_init__(self) -> None:
        arrays, specs = self.weights.arrays(), self.shape.tensors
        if arrays.keys() != specs.keys():
            names = ", ".join(sorted(arrays.keys() ^ specs.keys()))
            raise LocalError(f"missing or surplus weights: {names}", remedy="quantise the model again")
        for name, spec in specs.items():
            _check_tensor(name, arrays[name], spec)
        zeta, nu = int(self.weights.zeta), int(self.weights.nu)
        largest = (zeta << self.shape.types.gate.scale) + nu
        if min(zeta, nu) < 0 or largest > self.shape.mix_accumulator.int_range[1]:
            raise LocalError("zeta (1 - z) + nu can leave its type", remedy="keep both in (0, 1)")

    def words(self, name: str) -> Words:
        """A private array as words of its type's ring."""
        return ring.from_signed(self.weights.arrays()[name], self.shape.tensors[name].type.bits)


def save_model(model: Model, path: Path) -> None:
    """Write a model file; the same model gives the same bytes.

    Raises:
        LocalError: the file cannot be written.
    """
    metadata = {
        "architecture": ARCHITECTURE,
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
    if metadata.get("architecture") != ARCHITECTURE:
        raise LocalError(f"{path} holds a {metadata.get('architecture')!r}", remedy=f"this program runs {ARCHITECTURE}")
    try:
        weights = FastGrnnWeights(**arrays)
    except TypeError as failure:
        raise LocalError(f"{path} lacks weights or has unknown ones", remedy="quantise the model again") from failure
    try:
        return Model(_structure(metadata.get("shape")), weights, str(metadata.get("provenance", "")))
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


def _structure(data: Any) -> ModelShape:
    try:
        return _CONVERTER.structure(data, ModelShape)
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
    for kind in (int, bool, str):  # cattrs would turn "3" into 3 and "false" into True
        converter.register_structure_hook(kind, _strictly(kind))
    return converter


_CONVERTER = _make_converter()
