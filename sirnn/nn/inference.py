"""Inference: from a client's recordings to what the client learns.

What is opened is a choice the two parties make beforehand: the predicted class alone (the default; the largest
logit is found under sharing), or every logit. The server learns nothing in either case.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import numpy as np

from sirnn.blocks.extension import extend_cost, zero_extend
from sirnn.blocks.opening import reveal, reveal_cost
from sirnn.blocks.selection import argmax, argmax_cost, index_bits
from sirnn.correlations.portions import Ready, always_ready
from sirnn.cost import Cost, sequence
from sirnn.models.model import Model, ModelShape
from sirnn.nn.fastgrnn import fastgrnn, fastgrnn_cost, fastgrnn_steps
from sirnn.nn.svm import rbf_svm, rbf_svm_cost, rbf_svm_steps
from sirnn.nn.weights import Progress
from sirnn.party import CLIENT, Party
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare, PrivateValue


class Reveal(enum.Enum):
    """What the client learns of each recording."""

    CLASS = "class"
    LOGITS = "logits"


@attrs.frozen
class Network:
    """An architecture's secure evaluation, `run(party, shape, model, recordings, *, progress, ready)`, and its cost."""

    run: Callable[..., Awaitable[ArithmeticShare]]
    cost: Callable[[Profile, Any, int], Cost]
    steps: Callable[[Profile, Any, int], list[Cost]]


NETWORKS = {
    "fastgrnn": Network(fastgrnn, fastgrnn_cost, fastgrnn_steps),
    "rbf_svm": Network(rbf_svm, rbf_svm_cost, rbf_svm_steps),
}
"""By the architecture's name."""


@attrs.frozen(eq=False)
class Answer:
    """What one party has at the end of an inference.

    Attributes:
        logits: its share of the logits, (B, classes); never sent unless they are revealed.
        words: at the client, what was opened: class indices (B,), or logits (B, classes). None at the server.
        classes: at the client, the index of the predicted class of each recording.
    """

    logits: ArithmeticShare
    words: Words | None = attrs.field(default=None, repr=False)
    classes: tuple[int, ...] | None = attrs.field(default=None, repr=False)


async def infer(
    party: Party,
    shape: ModelShape,
    model: Model | None,
    recordings: PrivateValue,
    *,
    reveals: Reveal = Reveal.CLASS,
    progress: Progress | None = None,
    ready: Ready = always_ready,
) -> Answer:
    """Run the model on the client's recordings and open the answer to the client.

    Args:
        party: this party.
        shape: what both know of the model.
        model: the model, at the server.
        recordings: words of the input type, (B, *input_shape), known to the client.
        reveals: what the client learns.
        progress: told after every step of the recording.
        ready: called before each of `infer_steps`.

    Cost: `infer_cost`.
    """
    network = NETWORKS[shape.architecture]
    logits = await network.run(party, shape, model, recordings, progress=progress, ready=ready)
    await ready()
    with party.scope("answer"):
        if reveals is Reveal.LOGITS:
            words = await reveal(party, logits, to=CLIENT)
            best = None if words is None else np.argmax(shape.logits_type.to_int(words), axis=1)
        else:
            words = await reveal(party, await _predict(party, logits), to=CLIENT)
            best = words
    return Answer(logits, words, None if best is None else tuple(int(index) for index in best))


async def _predict(party: Party, logits: ArithmeticShare) -> ArithmeticShare:
    """Index of the largest signed logit: offset to unsigned, with a bit of room for differences."""
    offset = logits + party.constant(1 << (logits.bits - 1), logits.bits, logits.shape)
    return await argmax(party, await zero_extend(party, offset, out_bits=logits.bits + 1))


def infer_cost(profile: Profile, shape: ModelShape, batch: int, *, reveals: Reveal = Reveal.CLASS) -> Cost:
    """Exactly what `infer` sends and demands, and its flights."""
    return NETWORKS[shape.architecture].cost(profile, shape, batch) + _answer_cost(profile, shape, batch, reveals)


def infer_steps(profile: Profile, shape: ModelShape, batch: int, *, reveals: Reveal = Reveal.CLASS) -> list[Cost]:
    """The same step by step: those of the network, and the answer."""
    steps = NETWORKS[shape.architecture].steps(profile, shape, batch)
    return [*steps, _answer_cost(profile, shape, batch, reveals)]


def _answer_cost(profile: Profile, shape: ModelShape, batch: int, reveals: Reveal) -> Cost:
    classes, bits = len(shape.classes), shape.logits_type.bits
    if reveals is Reveal.LOGITS:
        return reveal_cost(profile, batch * classes, bits=bits, to=CLIENT)
    return sequence(
        extend_cost(profile, batch * classes, bits=bits, out_bits=bits + 1),
        argmax_cost(profile, (batch, classes), bits=bits + 1),
        reveal_cost(profile, batch, bits=index_bits(classes), to=CLIENT),
    )


PRIMITIVES = (infer,)
"""Whole networks: held to their twin and their cost by tests of their own."""
