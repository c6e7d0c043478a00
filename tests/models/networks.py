"""Networks to quantise: small, random, with and without factored matrices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import pytest

from sirnn.compiler.methods import Method, method, planned
from sirnn.compiler.search import compile_function
from sirnn.fixedpoint import FixedPoint
from sirnn.models import fastgrnn_shape
from sirnn.models.fastgrnn import FastGrnnParameters, FastGrnnWeights
from sirnn.profile import Profile

CURVES = {"sigmoid": "(1 + 2 * sigmoid(x)) / 4", "tanh": "tanh(x)"}
"""What stands in for a function; for the gate's a curve that stays within [0, 1] however coarse its plan."""

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


def coarse(profile: Profile, name: str, *, inp: FixedPoint, out: FixedPoint) -> Method:
    """In profile lean a plan of pieces half wide and within an eighth, had in a tenth of the time of the real one."""
    if profile is not Profile.LEAN:
        return method(profile, name, inp=inp, out=out)
    cut = (inp.bits, inp.bits - inp.scale + 1)
    made = compile_function(CURVES[name], inp=inp, out=out, max_ulp=2.0 ** (out.scale - 3), cut=cut)
    return planned(made.task, made.plan)


@contextmanager
def coarse_functions() -> Iterator[None]:
    """Networks of whatever types without the search for good plans, for what does not depend on the functions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastgrnn_shape, "method", lru_cache(coarse))
        yield
