"""An SVM with an RBF kernel on shares: what `sirnn.models.svm` computes in clear, bit for bit.

    |x - c|^2 = |x|^2 - 2 x c + |c|^2      the client's own, one private product, the server's own
    k = e^-TR(|x - c|^2)
    scores = TR(k A + b)

Source: SIRNN (Rathee et al., IEEE S&P 2021), Figure 1.
"""

from __future__ import annotations

from sirnn import ring
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.correlations.portions import Ready, always_ready
from sirnn.cost import Cost, sequence
from sirnn.linear.matmul import client_by_server, client_by_server_cost, shared_by_server, shared_by_server_cost
from sirnn.models.model import Model
from sirnn.models.svm import SvmShape
from sirnn.nn.weights import Progress, plus_private, private_weights
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.shares import ArithmeticShare, PrivateValue


async def rbf_svm(
    party: Party,
    shape: SvmShape,
    model: Model | None,
    readings: PrivateValue,
    *,
    progress: Progress | None = None,
    ready: Ready = always_ready,
) -> ArithmeticShare:
    """Scores of a batch of readings, (B, classes): exactly the words of `run_svm_twin`.

    Args:
        party: this party.
        shape: what both know of the model.
        model: the model, at the server; None at the client.
        readings: words of the input type, (B, features), known to the client.
        progress: told when the kernel is done, and at the end.
        ready: called before each of `rbf_svm_steps`.

    Cost: `rbf_svm_cost`.
    """
    t, weights = shape.types, private_weights(party, shape, model)
    far, classes = shape.distance_accumulator, shape.class_accumulator
    await ready()
    with party.scope("distance"):
        cross = await client_by_server(party, readings, weights["centres"], out_bits=far.bits)
        squared = plus_private(party, _plus_own_norm(cross, readings, far.bits), weights["norms"])
        distance = await truncate_reduce(party, squared, shift=far.scale - t.distance.scale)
    await ready()
    kernel = await shape.methods(party.profile)["kernel"].run(party, -distance)
    if progress is not None:
        progress(1, 2)
    await ready()
    with party.scope("scores"):
        # e^-d is at most 1, so the top bit of its type is publicly 0.
        total = await shared_by_server(party, kernel, weights["coefficients"], 0, out_bits=classes.bits)
        total = plus_private(party, total, weights["bias"])
        scores = await truncate_reduce(party, total, shift=classes.scale - t.logits.scale)
    if progress is not None:
        progress(2, 2)
    return scores


def _plus_own_norm(cross: ArithmeticShare, readings: PrivateValue, bits: int) -> ArithmeticShare:
    """The client adds |x|^2, which it knows."""
    if readings.words is None:
        return cross
    own = ring.to_signed(readings.words, readings.bits)
    norms = ring.from_signed((own**2).sum(axis=1), bits)[:, None]
    return ArithmeticShare(ring.reduce(cross.words + norms, bits), bits)


def rbf_svm_cost(profile: Profile, shape: SvmShape, batch: int) -> Cost:
    """Exactly what `rbf_svm` sends and demands, and its flights."""
    return sequence(*rbf_svm_steps(profile, shape, batch))


def rbf_svm_steps(profile: Profile, shape: SvmShape, batch: int) -> list[Cost]:
    """The same step by step: the distances, the kernel, the scores."""
    t, far, classes = shape.types, shape.distance_accumulator, shape.class_accumulator
    n, scores = batch * shape.centres, batch * len(shape.classes)
    x, centres = (batch, shape.features), (shape.features, shape.centres)
    kernel, coefficients = (batch, shape.centres), (shape.centres, len(shape.classes))
    return [
        client_by_server_cost(profile, x, centres, bits=t.input.bits, out_bits=far.bits)
        + truncate_reduce_cost(profile, n, bits=far.bits, shift=far.scale - t.distance.scale),
        shape.methods(profile)["kernel"].cost(n),
        shared_by_server_cost(profile, kernel, coefficients, bits=t.kernel.bits, out_bits=classes.bits, msb="zero")
        + truncate_reduce_cost(profile, scores, bits=classes.bits, shift=classes.scale - t.logits.scale),
    ]


PRIMITIVES = (rbf_svm,)
"""Whole networks: held to their twin and their cost by tests of their own."""
