"""The plaintext twin of a FastGRNN: bit for bit what its secure evaluation computes, on integers in clear.

Every function here mirrors one block of the secure evaluation and names it. Sums and products are taken over the
integers; reducing them modulo the accumulator's ring first would change no bit, for TR keeps only bits the ring has.
One step is

    s   = W x + U h                                  private matrix products, one accumulator
    z,c = sigmoid(TR(s + b_z)), tanh(TR(s + b_c))    local additions, TR, as the profile evaluates them
    g   = TR(zeta (1 - z) + nu)                      product with a private scalar
    h   = TR(g c + z h)                              two products of shares in one accumulator
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.models.fastgrnn import FastGrnnWeights
from sirnn.models.fastgrnn_shape import FastGrnnShape
from sirnn.models.model import Model, TwinTrace
from sirnn.profile import Profile
from sirnn.ring import Words

Integers = npt.NDArray[np.int64]


@attrs.frozen(eq=False)
class FastGrnnTrace(TwinTrace):
    """What the twin of a FastGRNN computes.

    Attributes:
        hidden: words of the hidden type after every step, (steps, B, hidden).
    """

    hidden: Words


def run_fastgrnn_twin(model: Model, recordings: Words, profile: Profile) -> FastGrnnTrace:
    """Run the model on encoded recordings (B, steps, channels), words of its input type."""
    twin = _Twin(model, profile)
    shape = twin.shape
    driven = twin.input_projection(shape.types.input.to_int(recordings))
    h = np.zeros((recordings.shape[0], shape.hidden), dtype=np.int64)
    states = []
    for step in range(shape.steps):
        z, c = twin.activations(driven[:, step] + twin.hidden_projection(h))
        h = twin.update(twin.mix(z), c, z, h)
        states.append(ring.from_signed(h, shape.types.hidden.bits))
    logits = ring.from_signed(twin.classify(h), shape.types.logits.bits)
    return FastGrnnTrace(logits, twin.wrapped, shape.types.logits, np.stack(states))


class _Twin:
    """The steps of the computation, on signed integers; counts what wraps around."""

    def __init__(self, model: Model, profile: Profile) -> None:
        if not isinstance(model.shape, FastGrnnShape):
            raise LocalError(f"a model of architecture {model.shape.architecture}", remedy="give a FastGRNN")
        self.shape = model.shape
        self.types = model.shape.types
        self.weights: FastGrnnWeights = model.weights
        self.methods = self.shape.methods(profile)
        self.wrapped = 0

    def truncate(self, values: Integers, source: FixedPoint, target: FixedPoint) -> Integers:
        """TR: floor(v / 2^(source.scale - target.scale)) mod 2^target.bits, read as signed."""
        shifted = values >> np.int64(source.scale - target.scale)
        kept = target.to_int(ring.from_signed(shifted, target.bits))
        self.wrapped += int(np.count_nonzero(kept != shifted))
        return kept

    def input_projection(self, x: Integers) -> Integers:
        """W x at the accumulator's scale, all steps at once: products with a private matrix, then a local shift."""
        code, ring_of_code = self.types.input_code, self.shape.input_code_accumulator
        if self.weights.input_reduction is not None and code is not None and ring_of_code is not None:
            x = self.truncate(x @ self.weights.input_reduction.astype(np.int64), ring_of_code, code)
        product = x @ self.weights.input_weights.astype(np.int64)
        return self._aligned(product, (code or self.types.input).scale + self.types.input_weights.scale)

    def hidden_projection(self, h: Integers) -> Integers:
        """U h at the accumulator's scale: products with a private matrix, then a local shift."""
        code, ring_of_code = self.types.hidden_code, self.shape.hidden_code_accumulator
        if self.weights.hidden_reduction is not None and code is not None and ring_of_code is not None:
            h = self.truncate(h @ self.weights.hidden_reduction.astype(np.int64), ring_of_code, code)
        product = h @ self.weights.hidden_weights.astype(np.int64)
        return self._aligned(product, (code or self.types.hidden).scale + self.types.hidden_weights.scale)

    def activations(self, total: Integers) -> tuple[Integers, Integers]:
        """Gate and candidate: the server adds its biases, one TR of both halves, sigmoid and tanh."""
        source, target = self.shape.preactivation_accumulator, self.types.preactivation
        both = np.concatenate([total + self.weights.gate_bias, total + self.weights.candidate_bias], axis=-1)
        words = ring.from_signed(self.truncate(both, source, target), target.bits).astype(np.uint64)
        gate_words, candidate_words = np.split(words, 2, axis=-1)
        z = self.methods["gate"].clear(gate_words)
        c = self.methods["candidate"].clear(candidate_words)
        return self.types.gate.to_int(z), self.types.candidate.to_int(c)

    def mix(self, z: Integers) -> Integers:
        """zeta (1 - z) + nu: a product with a private scalar, a private addition, TR."""
        one = np.int64(1 << self.types.gate.scale)
        weighted = (one - z) * self.weights.zeta.astype(np.int64) + self.weights.nu
        return self.truncate(weighted, self.shape.mix_accumulator, self.types.mix)

    def update(self, g: Integers, c: Integers, z: Integers, h: Integers) -> Integers:
        """g c + z h: two element-wise products of shares, the coarser shifted left, one TR."""
        source, t = self.shape.update_accumulator, self.types
        fresh = (g * c) << np.int64(source.scale - t.mix.scale - t.candidate.scale)
        kept = (z * h) << np.int64(source.scale - t.gate.scale - t.hidden.scale)
        return self.truncate(fresh + kept, source, t.hidden)

    def classify(self, h: Integers) -> Integers:
        """The logits: products with a private matrix, a private addition, TR."""
        total = h @ self.weights.class_weights.astype(np.int64) + self.weights.class_bias
        return self.truncate(total, self.shape.class_accumulator, self.types.logits)

    def _aligned(self, product: Integers, scale: int) -> Integers:
        return product << np.int64(self.shape.preactivation_accumulator.scale - scale)
