"""What networks on shares have in common: progress, and the server's private arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sirnn import ring
from sirnn.models.model import Model, ModelShape
from sirnn.party import SERVER, Party
from sirnn.shares import ArithmeticShare, PrivateValue

Progress = Callable[[int, int], None]
"""Called with the steps done and the steps there are."""


def private_weights(party: Party, shape: ModelShape, model: Model | None) -> Mapping[str, PrivateValue]:
    """The model's arrays by name, known to the server alone."""
    known = model if party.is_server else None
    return {
        name: PrivateValue(SERVER, spec.shape, spec.type.bits, known.words(name) if known else None)
        for name, spec in shape.tensors.items()
    }


def plus_private(party: Party, x: ArithmeticShare, added: PrivateValue) -> ArithmeticShare:
    """x plus a private array, in the ring of x: its owner adds it to its own half."""
    if party.role != added.owner:
        return x
    return ArithmeticShare(ring.reduce(x.words + ring.reduce(added.known(), x.bits), x.bits), x.bits)
