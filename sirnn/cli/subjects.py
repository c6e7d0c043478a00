"""What can be measured: a function, any registered protocol, or the random OTs under them.

A subject says what it declares, runs online at one party, and checks what came out at both. It travels to the client's
process, so it holds plain values alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from simulator.check import Case, Outputs, check_profiles, check_values, random_case, run_protocol
from simulator.mismatch import MismatchError
from sirnn import ring
from sirnn.cli.library import find_protocol
from sirnn.cli.parameters import is_short, shown, text_of
from sirnn.compiler.methods import Method, method
from sirnn.cost import Cost, parallel
from sirnn.crypto.hashing import chunks
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import Comparison
from sirnn.ot.pads import receiver_pads, sender_pads
from sirnn.ot.rows import draw_rows, drawn, narrow_keys
from sirnn.ot.source import choices
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Params, ProtocolSpec
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare

TINY = 8
"""Instances that are enough to have all kernels compiled and loaded."""


class Subject(ABC):
    """Something to measure.

    Attributes:
        name: how reports call it.
        profile: how it is evaluated.
        count: instances, of whatever the reports count.
    """

    name: str
    profile: Profile

    @property
    @abstractmethod
    def count(self) -> int: ...

    @abstractmethod
    def __str__(self) -> str:
        """What it is, in a line; both parties compare it."""

    @abstractmethod
    def cost(self) -> Cost:
        """What it declares.

        Raises:
            LocalError: it cannot be run with these parameters.
        """

    @abstractmethod
    def tiny(self) -> Subject:
        """The same with a handful of instances."""

    @abstractmethod
    def inputs(self, role: int) -> Any:
        """A party's inputs, made before any clock runs."""

    @abstractmethod
    async def run(self, party: Party, inputs: Any) -> Any:
        """One party's run, online: its outputs."""

    @abstractmethod
    def check(self, server: Any, client: Any) -> None:
        """Hold the outputs of both parties to what they should be.

        Raises:
            LocalError: they are not.
        """

    def figures(self, server: Any, client: Any) -> dict[str, Any]:  # noqa: ARG002 - for those who have some
        """Keys of the report that only this subject has."""
        return {}


def _defect(what: object) -> LocalError:
    return LocalError(f"{what} does not do what it declares: its words differ", remedy="this is a defect: report it")


# ------------------------------------------------------------ functions


@attrs.frozen(eq=False)
class FunctionSubject(Subject):
    """A function, by its name or as an expression in x, on words x (n,) of its input type."""

    name: str
    inp: FixedPoint
    out: FixedPoint
    profile: Profile
    x: Words

    @classmethod
    def spread(cls, name: str, inp: FixedPoint, out: FixedPoint, profile: Profile, count: int) -> FunctionSubject:
        """On inputs spread over its whole domain.

        Raises:
            LocalError: the function cannot serve these types.
        """
        return cls(name, inp, out, profile, method(profile, name, inp=inp, out=out).inputs(count))

    @property
    def method(self) -> Method:
        """How the profile evaluates it; found anew in each process, as code does not travel."""
        return method(self.profile, self.name, inp=self.inp, out=self.out)

    @property
    def count(self) -> int:
        return self.x.size

    def __str__(self) -> str:
        plan = f", plan {self.method.digest[:16]}" if self.method.digest else ""
        return f"{self.name}, {self.inp} to {self.out}{plan}"

    def cost(self) -> Cost:
        return self.method.cost(self.x.size)

    def tiny(self) -> FunctionSubject:
        return attrs.evolve(self, x=self.x[:TINY])

    def inputs(self, role: int) -> ArithmeticShare:
        """A half of x, which is no secret to whoever runs both parties."""
        mask = ring.reduce(np.arange(self.x.size, dtype=np.uint64) * GOLDEN >> np.uint64(7), self.inp.bits)
        return ArithmeticShare(mask if role == 0 else ring.reduce(self.x - mask, self.inp.bits), self.inp.bits)

    async def run(self, party: Party, inputs: ArithmeticShare) -> Words:
        share = await self.method.run(party, inputs)
        return share.words

    def check(self, server: Words, client: Words) -> None:
        expected = self.method.clear(self.x.astype(np.uint64))
        if not np.array_equal(self.together(server, client), expected):
            raise _defect(self)

    def figures(self, server: Words, client: Words) -> dict[str, Any]:
        """The errors are those of results that fit the output type; `overflows` counts the others."""
        outcome = self.compare(server, client)
        errors = outcome.errors
        return {
            "function": self.name,
            "max_ulp": float(errors.max()) if errors.size else None,
            "mean_ulp": float(errors.mean()) if errors.size else None,
            "overflows": outcome.overflows,
        }

    def together(self, server: Words, client: Words) -> Words:
        """The output words."""
        return ring.reduce(server + client, self.out.bits)

    def compare(self, server: Words, client: Words) -> Comparison:
        """The output beside the real function."""
        return self.method.compare(self.x, self.together(server, client))


GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Its multiples scatter: words for tables and halves of inputs that are no secret."""


# ------------------------------------------------------------ protocols


@attrs.frozen(eq=False)
class ProtocolSubject(Subject):
    """A registered protocol on uniform random inputs.

    Attributes:
        protocol: its name in the registry.
        params: its parameters.
        size: of the inputs.
        each: instances counted for each of `size`.
    """

    name: str
    protocol: str
    params: Params
    size: int
    profile: Profile
    each: int = 1

    @classmethod
    def of(cls, spec: ProtocolSpec, params: Params, count: int, profile: Profile) -> ProtocolSubject:
        """Any registered protocol, by its own name.

        Raises:
            LocalError: it does not exist in the profile, or not with these parameters.
        """
        check_profiles(spec, [profile])
        made = cls(spec.name, spec.name, params, count, profile)
        made.cost()
        return made

    @classmethod
    def lookup(cls, *, bits: int, out_bits: int, count: int, profile: Profile) -> ProtocolSubject:
        """A public table of 2^bits pseudo-random entries, at shared indices; what comes out is xor-shared."""
        if bits > MOST_INDEX_BITS:
            raise LocalError(f"a table of 2^{bits} entries", remedy=f"use at most {MOST_INDEX_BITS} bits")
        table = ring.reduce(np.arange(1, 1 + (1 << bits), dtype=np.uint64) * GOLDEN >> np.uint64(5), out_bits)
        params = {"bits": bits, "out_bits": [out_bits], "tables": [table]}
        return cls(f"lookup {bits} to {out_bits}", "lookup_bits", params, count, profile)

    @classmethod
    def matmul(cls, *, dims: tuple[int, int, int], bits: int, out_bits: int, profile: Profile) -> ProtocolSubject:
        """The product of two shared matrices of signed words; its multiplications are counted."""
        rows, depth, width = dims
        shapes = {"depth": depth, "width": width, "x_signed": True, "y_signed": True}
        params = {
            "x_bits": bits,
            "y_bits": bits,
            "out_bits": out_bits,
            "msb_x": "unknown",
            "msb_y": "unknown",
            **shapes,
        }
        return cls(f"matmul {rows}x{depth}x{width}", "matmul", params, rows, profile, each=depth * width)

    @property
    def count(self) -> int:
        return self.size * self.each

    def __str__(self) -> str:
        said = [f"{name} {text_of(value)}" for name, value in self.params.items() if is_short(value)]
        return ", ".join([self.name, *said])

    def cost(self) -> Cost:
        spec = find_protocol(self.protocol)
        try:
            for kind in (*spec.takes, *spec.gives(self.params)):
                ring.check_bits(kind.width(self.params))  # in the protocol's terms, not of what it is made of
            return spec.cost(self.profile, self.size, self.params)
        except (ValueError, OverflowError, ZeroDivisionError) as failure:
            raise LocalError(
                f"{self} cannot be run: {failure}", remedy="see the protocol's docstring for what fits"
            ) from failure

    def tiny(self) -> ProtocolSubject:
        return attrs.evolve(self, size=min(self.size, TINY))

    def inputs(self, role: int) -> Case:  # noqa: ARG002 - a case holds both halves
        return random_case(find_protocol(self.protocol), self.params, self.size, seed=0)

    async def run(self, party: Party, inputs: Case) -> Outputs:
        return await run_protocol(party, inputs)

    def check(self, server: Outputs, client: Outputs) -> None:
        try:
            check_values(self.inputs(0), server, client)
        except MismatchError as mismatch:
            raise LocalError(str(mismatch), remedy="this is a defect: report it") from mismatch

    def figures(self, server: Outputs, client: Outputs) -> dict[str, Any]:  # noqa: ARG002
        declared = self.cost()
        return {
            "protocol": self.protocol,
            "parameters": shown(self.params),
            "bytes_from_server": declared.sent[0],
            "bytes_from_client": declared.sent[1],
            "demand": dict(declared.demand),
        }


MOST_INDEX_BITS = 20


# ------------------------------------------------------------ random OTs


DIRECTIONS = {"server": (0,), "client": (1,), "both": (0, 1)}
"""Who sends."""

SAMPLE = 100
"""Random OTs of each batch whose two ends are compared."""


@attrs.frozen
class RotSubject(Subject):
    """Random OTs on 64-bit words: the COTs are made offline, hashing them into pads is the online part.

    Attributes:
        each: how many in each direction.
        direction: who sends: a key of `DIRECTIONS`.
    """

    each: int
    direction: str
    name: str = "rot"
    profile: Profile = Profile.EXACT

    @property
    def count(self) -> int:
        return self.each * len(DIRECTIONS[self.direction])

    def __str__(self) -> str:
        senders = {"both": "either party"}.get(self.direction, f"the {self.direction}")
        return f"random OTs, sent by {senders}"

    def cost(self) -> Cost:
        return parallel(*(drawn(self.each, sender=sender) for sender in DIRECTIONS[self.direction]))

    def tiny(self) -> RotSubject:
        return attrs.evolve(self, each=TINY)

    def inputs(self, role: int) -> None:
        """None: they are random."""

    async def run(self, party: Party, inputs: None) -> list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:  # noqa: ARG002
        return [await self._one_way(party, sender) for sender in DIRECTIONS[self.direction]]

    async def _one_way(self, party: Party, sender: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """A sample of both words of an OT at its sender, of the choice and the word chosen at its receiver.

        Batch by batch, as a protocol that takes them up as they are made would: 160 MB of pads would time the memory.
        """
        rows = await draw_rows(party, self.each, sender=sender)
        key, delta = party.fresh_key("random OTs"), narrow_keys(party).sender.secret
        flips = np.zeros(BATCH, np.uint8)
        samples = []
        for batch, batch_key in chunks(key, self.each, BATCH):
            some = rows[batch]
            if party.role == sender:
                zeros, ones = sender_pads(batch_key, some, flips[: len(some)], delta)
                samples.append((sample_of(zeros), sample_of(ones)))
            else:
                samples.append((choices(sample_of(some)), sample_of(receiver_pads(batch_key, some))))
        first, second = (np.concatenate(part) for part in zip(*samples, strict=True))
        return first, second

    def check(self, server: Any, client: Any) -> None:
        ends = {0: (server, client), 1: (client, server)}
        for place, sender in enumerate(DIRECTIONS[self.direction]):
            (zeros, ones), (chosen, words) = (end[place] for end in ends[sender])
            expected = np.where(chosen[:, np.newaxis] == 1, ones, zeros)
            if not np.array_equal(words, expected) or np.any(zeros == ones):
                raise _defect(self)

    def figures(self, server: Any, client: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"direction": self.direction}


BATCH = 1 << 15
"""Random OTs hashed at a time: their pads stay in the second-level cache."""


def sample_of(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Evenly spread rows, copied: a view would keep all of them alive."""
    return array[:: -(-len(array) // SAMPLE)].copy()
