"""FastGRNN on shares: the secure evaluation that `sirnn.models.fastgrnn_twin` mirrors in clear, bit for bit.

The client's recording goes in as it is, the server's weights stay where they are, and everything between is shared:

    s   = W x + U h                              private matrix products, in one accumulator ring
    z,c = sigmoid(TR(s + b_z)), tanh(TR(s + b_c))
    g   = TR(zeta (1 - z) + nu)                  private scalars
    h   = TR(g c + z h)                          products of shares, in one accumulator ring

W x is done for all steps before the loop. Within a step the gate's branch (z, then g beside z h) and the candidate's
run at once. Gate and mix are in [0, 2) by construction, so their top bits are publicly zero.
"""

from __future__ import annotations

from sirnn import ring
from sirnn.blocks.extension import extend_cost, sign_extend
from sirnn.blocks.multiplication import multiply, multiply_cost
from sirnn.blocks.truncation import truncate_reduce, truncate_reduce_cost
from sirnn.correlations.portions import Ready, always_ready
from sirnn.cost import FREE, Cost, parallel, sequence
from sirnn.fixedpoint import FixedPoint
from sirnn.linear.matmul import client_by_server, client_by_server_cost, shared_by_server, shared_by_server_cost
from sirnn.models.fastgrnn_shape import FastGrnnShape
from sirnn.models.model import Model
from sirnn.nn.weights import Progress, plus_private, private_weights
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.shares import ArithmeticShare, PrivateValue, concatenate

# ------------------------------------------------------------ the network


async def fastgrnn(
    party: Party,
    shape: FastGrnnShape,
    model: Model | None,
    recordings: PrivateValue,
    *,
    progress: Progress | None = None,
    ready: Ready = always_ready,
) -> ArithmeticShare:
    """Logits of a batch of recordings.

    Args:
        party: this party.
        shape: what both know of the model.
        model: the model, at the server; None at the client.
        recordings: words of the input type, (B, steps, channels), known to the client.
        progress: told after every step.
        ready: called before each of `fastgrnn_steps`.

    Returns:
        Share of the logits, (B, classes), of the logits' type: exactly the words of `run_fastgrnn_twin`.

    Cost: `fastgrnn_cost`. Source: Kusupati et al., NeurIPS 2018; evaluated as in SIRNN, section VI.
    """
    net = _Network(party, shape, model)
    await ready()
    driven = await net.input_projection(party, recordings)
    hidden = party.constant(0, shape.types.hidden.bits, (recordings.shape[0], shape.hidden))
    for step in range(shape.steps):
        await ready()
        with party.scope("step"):
            hidden = await net.step(party, driven[:, step], hidden)
        if progress is not None:
            progress(step + 1, shape.steps)
    await ready()
    with party.scope("classes"):
        return await net.classify(party, hidden)


def fastgrnn_cost(profile: Profile, shape: FastGrnnShape, batch: int) -> Cost:
    """Exactly what `fastgrnn` sends and demands, and its flights."""
    costs = _Costs(profile, shape, batch)
    return sequence(costs.input_projection(), costs.step() * shape.steps, costs.classify())


def fastgrnn_steps(profile: Profile, shape: FastGrnnShape, batch: int) -> list[Cost]:
    """The same in the order in which it is done: the input, every reading, the classes."""
    costs = _Costs(profile, shape, batch)
    return [costs.input_projection(), *[costs.step()] * shape.steps, costs.classify()]


# ------------------------------------------------------------ its steps, on shares


class _Network:
    """The server's weights as private values, and the steps of the computation."""

    def __init__(self, party: Party, shape: FastGrnnShape, model: Model | None) -> None:
        self.shape, self.types = shape, shape.types
        self.weights = private_weights(party, shape, model)

    async def input_projection(self, party: Party, recordings: PrivateValue) -> ArithmeticShare:
        """W x for all steps at once, in the accumulator's ring, (B, steps, hidden)."""
        batch = recordings.shape[0]
        rows = recordings.reshape(batch * self.shape.steps, self.shape.channels)
        t, acc = self.types, self.shape.preactivation_accumulator
        with party.scope("input"):
            source = self.shape.input_code_accumulator
            if source is None or t.input_code is None:
                bits = _product_bits(t.input, t.input_weights, acc)
                direct = await client_by_server(party, rows, self.weights["input_weights"], out_bits=bits)
                product = _aligned(direct, acc)
            else:
                wide = await client_by_server(party, rows, self.weights["input_reduction"], out_bits=source.bits)
                code = await _truncate(party, wide, source, t.input_code)
                product = await self._project(party, code, "input_weights", t.input_code, acc)
        return product.reshape(batch, self.shape.steps, self.shape.hidden)

    async def step(self, party: Party, driven: ArithmeticShare, hidden: ArithmeticShare) -> ArithmeticShare:
        """The next hidden state."""
        t, acc = self.types, self.shape.preactivation_accumulator
        with party.scope("hidden"):
            total = driven + await self.hidden_projection(party, hidden)
        biased = [plus_private(party, total, self.weights[name]) for name in ("gate_bias", "candidate_bias")]
        both = await _truncate(party, concatenate(biased, axis=1), acc, t.preactivation)
        gate_input, candidate_input = both[:, : self.shape.hidden], both[:, self.shape.hidden :]
        costs = _Costs(party.profile, self.shape, hidden.shape[0])

        async def gate_branch(p: Party) -> tuple[ArithmeticShare, ArithmeticShare]:
            z = await costs.methods["gate"].run(p, gate_input)
            return await p.parallel(
                (costs.mix(), lambda q: self.mix(q, z)), (costs.kept(), lambda q: self._kept(q, z, hidden))
            )

        (mix, kept), candidate = await party.parallel(
            (costs.gate_branch(), gate_branch),
            (costs.candidate(), lambda p: costs.methods["candidate"].run(p, candidate_input)),
        )
        update = self.shape.update_accumulator
        fresh = await _product(party, mix, candidate, t.mix, t.candidate, update)
        return await _truncate(party, fresh + kept, update, t.hidden)

    async def hidden_projection(self, party: Party, hidden: ArithmeticShare) -> ArithmeticShare:
        """U h in the accumulator's ring."""
        t, acc = self.types, self.shape.preactivation_accumulator
        source = self.shape.hidden_code_accumulator
        if source is None or t.hidden_code is None:
            return await self._project(party, hidden, "hidden_weights", t.hidden, acc)
        wide = await shared_by_server(party, hidden, self.weights["hidden_reduction"], out_bits=source.bits)
        code = await _truncate(party, wide, source, t.hidden_code)
        return await self._project(party, code, "hidden_weights", t.hidden_code, acc)

    async def mix(self, party: Party, z: ArithmeticShare) -> ArithmeticShare:
        """zeta (1 - z) + nu, the scalars private to the server."""
        acc, one = self.shape.mix_accumulator, 1 << self.types.gate.scale
        flipped = (party.constant(one, z.bits, z.shape) - z).reshape(z.size, 1)
        zeta = self.weights["zeta"].reshape(1, 1)
        with party.scope("mix"):
            weighted = await shared_by_server(party, flipped, zeta, out_bits=acc.bits)
            shifted = plus_private(party, weighted, self.weights["nu"])
            return (await _truncate(party, shifted, acc, self.types.mix)).reshape(*z.shape)

    async def classify(self, party: Party, hidden: ArithmeticShare) -> ArithmeticShare:
        """The logits."""
        acc = self.shape.class_accumulator
        total = await shared_by_server(party, hidden, self.weights["class_weights"], out_bits=acc.bits)
        return await _truncate(party, plus_private(party, total, self.weights["class_bias"]), acc, self.types.logits)

    async def _kept(self, party: Party, z: ArithmeticShare, hidden: ArithmeticShare) -> ArithmeticShare:
        return await _product(party, z, hidden, self.types.gate, self.types.hidden, self.shape.update_accumulator)

    async def _project(
        self, party: Party, x: ArithmeticShare, name: str, kind: FixedPoint, acc: FixedPoint
    ) -> ArithmeticShare:
        bits = _product_bits(kind, self.shape.tensors[name].type, acc)
        return _aligned(await shared_by_server(party, x, self.weights[name], out_bits=bits), acc)


async def _truncate(party: Party, x: ArithmeticShare, source: FixedPoint, target: FixedPoint) -> ArithmeticShare:
    """From an accumulator to the type it was made for."""
    return await truncate_reduce(party, x, shift=source.scale - target.scale)


def _product_bits(x: FixedPoint, y: FixedPoint, acc: FixedPoint) -> int:
    """Bits of a product that survive its shift to the accumulator's scale."""
    return acc.bits - (acc.scale - x.scale - y.scale)


def _aligned(product: ArithmeticShare, acc: FixedPoint) -> ArithmeticShare:
    """A product at the accumulator's scale: 2^k times a share modulo 2^(bits - k) is one modulo 2^bits."""
    return ArithmeticShare(ring.reduce(product.words, acc.bits), acc.bits) << (acc.bits - product.bits)


async def _product(
    party: Party, x: ArithmeticShare, y: ArithmeticShare, x_type: FixedPoint, y_type: FixedPoint, acc: FixedPoint
) -> ArithmeticShare:
    """x y at the accumulator's scale, for x in [0, 2^(bits - 1))."""
    bits = _product_bits(x_type, y_type, acc)
    product = await multiply(party, x, y, 0, out_bits=min(bits, x.bits + y.bits), x_signed=False, y_signed=True)
    return _aligned(await sign_extend(party, product, out_bits=bits), acc)


# ------------------------------------------------------------ its steps, as costs


class _Costs:
    """The same steps in the same shape, as costs."""

    def __init__(self, profile: Profile, shape: FastGrnnShape, batch: int) -> None:
        self.profile, self.shape, self.types, self.batch = profile, shape, shape.types, batch
        self.methods = shape.methods(profile)

    def input_projection(self) -> Cost:
        shape, t, rows = self.shape, self.types, self.batch * self.shape.steps
        acc = shape.preactivation_accumulator
        source = shape.input_code_accumulator
        if source is None or t.input_code is None:
            bits = _product_bits(t.input, t.input_weights, acc)
            return self._client(rows, "input_weights", bits)
        return sequence(
            self._client(rows, "input_reduction", source.bits),
            self._truncate(rows * (shape.input_rank or 0), source, t.input_code),
            self._shared(rows, "input_weights", t.input_code, _product_bits(t.input_code, t.input_weights, acc)),
        )

    def step(self) -> Cost:
        shape, t, n = self.shape, self.types, self.batch * self.shape.hidden
        acc, update = shape.preactivation_accumulator, shape.update_accumulator
        return sequence(
            self.hidden_projection(),
            self._truncate(2 * n, acc, t.preactivation),
            parallel(self.gate_branch(), self.candidate()),
            self._product(t.mix, t.candidate),
            self._truncate(n, update, t.hidden),
        )

    def gate_branch(self) -> Cost:
        return self.methods["gate"].cost(self.batch * self.shape.hidden) + parallel(self.mix(), self.kept())

    def candidate(self) -> Cost:
        return self.methods["candidate"].cost(self.batch * self.shape.hidden)

    def kept(self) -> Cost:
        return self._product(self.types.gate, self.types.hidden)

    def hidden_projection(self) -> Cost:
        shape, t = self.shape, self.types
        acc = shape.preactivation_accumulator
        source = shape.hidden_code_accumulator
        if source is None or t.hidden_code is None:
            bits = _product_bits(t.hidden, t.hidden_weights, acc)
            return self._shared(self.batch, "hidden_weights", t.hidden, bits)
        return sequence(
            self._shared(self.batch, "hidden_reduction", t.hidden, source.bits),
            self._truncate(self.batch * (shape.hidden_rank or 0), source, t.hidden_code),
            self._shared(
                self.batch, "hidden_weights", t.hidden_code, _product_bits(t.hidden_code, t.hidden_weights, acc)
            ),
        )

    def mix(self) -> Cost:
        n, acc = self.batch * self.shape.hidden, self.shape.mix_accumulator
        scaled = shared_by_server_cost(self.profile, (n, 1), (1, 1), bits=self.types.gate.bits, out_bits=acc.bits)
        return scaled + self._truncate(n, acc, self.types.mix)

    def classify(self) -> Cost:
        acc = self.shape.class_accumulator
        product = self._shared(self.batch, "class_weights", self.types.hidden, acc.bits)
        return product + self._truncate(self.batch * len(self.shape.classes), acc, self.types.logits)

    def _client(self, rows: int, name: str, out_bits: int) -> Cost:
        weights = self.shape.tensors[name].shape
        x = (rows, weights[0])
        return client_by_server_cost(self.profile, x, weights, bits=self.types.input.bits, out_bits=out_bits)

    def _shared(self, rows: int, name: str, kind: FixedPoint, out_bits: int) -> Cost:
        weights = self.shape.tensors[name].shape
        return shared_by_server_cost(self.profile, (rows, weights[0]), weights, bits=kind.bits, out_bits=out_bits)

    def _truncate(self, n: int, source: FixedPoint, target: FixedPoint) -> Cost:
        return truncate_reduce_cost(self.profile, n, bits=source.bits, shift=source.scale - target.scale)

    def _product(self, x: FixedPoint, y: FixedPoint) -> Cost:
        n, bits = self.batch * self.shape.hidden, _product_bits(x, y, self.shape.update_accumulator)
        narrow = min(bits, x.bits + y.bits)
        product = multiply_cost(
            self.profile, n, x_bits=x.bits, y_bits=y.bits, out_bits=narrow, msb_x="zero", msb_y="unknown"
        )
        return product + (extend_cost(self.profile, n, bits=narrow, out_bits=bits) if bits > narrow else FREE)


PRIMITIVES = (fastgrnn,)
"""Whole networks: not element-wise, so held to their twin and their cost by tests of their own."""
