"""The public shape of a quantised FastGRNN: dimensions, class names and the fixed-point type of every value.

The types reveal the weights' scales, that is the magnitude of each tensor's largest weight to the next power of two,
and nothing else about the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import numpy.typing as npt

from sirnn import ring
from sirnn.compiler.methods import Method, method
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.exponential import check_types
from sirnn.models.model import ModelShape, TensorSpec, accumulator, check_classes
from sirnn.profile import Profile

MAX_STEPS, MAX_WIDTH = 1 << 16, 1 << 12  # a shape may come from the peer: bound what it can ask for


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


def _at_most(limit: int) -> Any:
    """An attrs validator: an integer from 1 to `limit`."""

    def check(_: Any, attribute: Any, value: Any) -> None:
        if type(value) is not int or not 1 <= value <= limit:
            raise LocalError(f"a model with {attribute.name} {value!r}", remedy=f"use an integer from 1 to {limit}")

    return check


@attrs.frozen
class FastGrnnShape(ModelShape):
    """What both parties know of a FastGRNN.

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

    architecture: ClassVar[str] = "fastgrnn"

    steps: int = attrs.field(validator=_at_most(MAX_STEPS))
    channels: int = attrs.field(validator=_at_most(MAX_WIDTH))
    hidden: int = attrs.field(validator=_at_most(MAX_WIDTH))
    classes: tuple[str, ...]
    types: FastGrnnTypes
    input_rank: int | None = attrs.field(default=None, validator=attrs.validators.optional(_at_most(MAX_WIDTH)))
    hidden_rank: int | None = attrs.field(default=None, validator=attrs.validators.optional(_at_most(MAX_WIDTH)))

    def __attrs_post_init__(self) -> None:
        t = self.types
        check_classes(self.classes)
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
    def input_shape(self) -> tuple[int, ...]:
        return (self.steps, self.channels)

    @property
    def input_type(self) -> FixedPoint:
        return self.types.input

    @property
    def logits_type(self) -> FixedPoint:
        return self.types.logits

    @property
    def takes(self) -> str:
        return f"{self.steps} steps of {self.channels} channels"

    @property
    def operations(self) -> int:
        sides = ((self.input_rank, self.channels), (self.hidden_rank, self.hidden))
        products = sum(size * self.hidden if rank is None else rank * (size + self.hidden) for rank, size in sides)
        # Of every unit, at every step: two functions, the mix, and the products that make the next state.
        return self.steps * (products + 5 * self.hidden) + self.hidden * len(self.classes)

    def check_weights(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Gate and mix must stay in [0, 2^(bits - 1)): the evaluation takes their top bits to be zero.

        The gate's words are not quite those of a sigmoid, which is between 0 and 1, so that what they can be is taken
        from the method of every profile, any of which the model may be run in.
        """
        zeta, nu = int(arrays["zeta"]), int(arrays["nu"])
        one, highest = 1 << self.types.gate.scale, self.mix_accumulator.int_range[1]
        for profile in Profile:
            least, greatest = self._gate(profile).reach()
            if least < 0:
                raise LocalError(
                    f"the gate can be {least} ULP in profile {profile.value}", remedy="quantise it to another type"
                )
            mixes = [zeta * (one - z) + nu for z in (least, greatest)]
            if min(zeta, nu, *mixes) < 0 or max(mixes) > highest:
                raise LocalError(
                    f"zeta (1 - z) + nu can leave its type, z being up to {greatest - one:+d} ULP from 1",
                    remedy="keep both in (0, 1)",
                )

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

    def methods(self, profile: Profile) -> dict[str, Method]:
        """sigmoid for the gate and tanh for the candidate."""
        t = self.types
        return {
            "gate": self._gate(profile),
            "candidate": method(profile, "tanh", inp=t.preactivation, out=t.candidate),
        }

    def _gate(self, profile: Profile) -> Method:
        return method(profile, "sigmoid", inp=self.types.preactivation, out=self.types.gate)

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
