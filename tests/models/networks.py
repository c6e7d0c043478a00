"""Networks to quantise: small, random, with and without factored matrices."""

from __future__ import annotations

import numpy as np

from sirnn.models.fastgrnn import FastGrnnParameters, FastGrnnWeights

STEPS, CHANNELS, HIDDEN, CLASSES = 7, 3, 5, ("left", "right", "straight")


def network(
    seed: int,
    input_rank: int | None = None,
    hidden_rank: int | None = None,
    *,
    hidden: int = HIDDEN,
    classes: tuple[str, ...] = CLASSES,
) -> FastGrnnParameters:
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.normal(size=shape) * 0.5

    weights = FastGrnnWeights(
        input_weights=normal(input_rank or CHANNELS, hidden),
        hidden_weights=normal(hidden_rank or hidden, hidden),
        gate_bias=normal(hidden),
        candidate_bias=normal(hidden),
        zeta=np.array(0.7),
        nu=np.array(0.05),
        class_weights=normal(hidden, len(classes)),
        class_bias=normal(len(classes)),
        input_reduction=None if input_rank is None else normal(CHANNELS, input_rank),
        hidden_reduction=None if hidden_rank is None else normal(hidden, hidden_rank),
    )
    return FastGrnnParameters(weights, classes, input_limit=4.0, provenance="random")
