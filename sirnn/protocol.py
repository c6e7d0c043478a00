"""The registry: a protocol is its functionality, its cost and its coroutine, side by side.

    def mux_clear(choice, x): return choice * x
    def mux_cost(profile, n, *, bits): ...

    @protocol(takes=(Bool(), Arith("bits")), gives=(Arith("bits"),), clear=mux_clear, cost=mux_cost,
              examples=[{"bits": 4}, {"bits": 16}])
    async def mux(party, choice, x): ...

* the **coroutine** works on shares; its keyword-only arguments are the protocol's parameters (those it can read off
  its shares it need not name);
* the **functionality** is a plain numpy function on the same values in clear, as uint64 words; it returns words that
  are compared modulo the output's ring;
* `takes` and `gives` say what goes in and comes out; `gives` may be a function of the parameters;
* the **cost** is a formula: `cost(profile, n, **parameters)` for element-wise protocols on arrays of n elements, or
  `cost(profile, *shapes, **parameters)` for those that give `shapes`;
* `profiles` are those it exists in, all by default.

Functionality and cost are handed only the parameters they name. The conformance suite runs every registered protocol
on its `examples` at many sizes and holds value, bytes per direction and flights to the declaration. Registering
also wraps the coroutine so that what it sends is booked under its name.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeAlias, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.profile import Profile

P = ParamSpec("P")
R = TypeVar("R")

Params: TypeAlias = Mapping[str, Any]
Width: TypeAlias = int | str | Callable[[Params], int]
"""A bitwidth: a number, the name of a parameter, or computed from the parameters."""

Clear: TypeAlias = npt.NDArray[np.uint64]
"""A value in clear: uint64 words."""


def _width(width: Width, params: Params) -> int:
    if isinstance(width, int):
        return width
    return int(params[width]) if isinstance(width, str) else width(params)


@attrs.frozen
class Kind:
    """What one input or output is.

    Attributes:
        bits: width of the words.
        at_least, below: the values it may take are at_least .. below - 1; every word of its width by default.
    """

    bits: Width = 1
    at_least: Callable[[Params], int] | None = attrs.field(default=None, kw_only=True)
    below: Callable[[Params], int] | None = attrs.field(default=None, kw_only=True)

    def width(self, params: Params) -> int:
        """The width for these parameters."""
        return _width(self.bits, params)

    def domain(self, params: Params) -> range:
        """The values it may take."""
        start = self.at_least(params) if self.at_least else 0
        return range(start, self.below(params) if self.below else 1 << self.width(params))


@attrs.frozen
class Arith(Kind):
    """An additive share (an `ArithmeticShare`)."""


@attrs.frozen
class Bool(Kind):
    """A xor share (a `BooleanShare`)."""


@attrs.frozen
class Halves(Kind):
    """An additive share whose halves matter, as in wrap: the functionality is handed both, as two arguments."""


@attrs.frozen
class Private(Kind):
    """A value that one party knows in clear (a `PrivateValue`)."""

    owner: int = attrs.field(default=0, kw_only=True)


@attrs.frozen
class Opened(Kind):
    """A value that party `params["to"]` learns in clear; the other's output is None."""


@attrs.frozen
class Msb(Kind):
    """What is known of the top bit of input number `of`, as parameter `param` says.

    "unknown" passes None, "zero" and "one" pass the public bit 0 or 1 (and inputs are chosen to agree), "shared"
    passes a `BooleanShare`. The functionality is not handed it: it can see the value itself.
    """

    of: int = attrs.field(default=0, kw_only=True)
    param: str = attrs.field(default="msb", kw_only=True)


@attrs.frozen(eq=False)
class ProtocolSpec:
    """A registered protocol; the attributes are explained at the top of this file."""

    name: str
    run: Callable[..., Awaitable[Any]]
    clear: Callable[..., Any]
    cost_formula: Callable[..., Cost]
    takes: tuple[Kind, ...]
    gives: Callable[[Params], Sequence[Kind]]
    examples: tuple[Params, ...]
    shapes: Callable[[int, Params], Sequence[tuple[int, ...]]] | None
    profiles: tuple[Profile, ...] = tuple(Profile)

    def input_shapes(self, size: int, params: Params) -> list[tuple[int, ...]]:
        """Shapes of the inputs at a given size."""
        if self.shapes is None:
            return [(size,)] * len(self.takes)
        return list(self.shapes(size, params))

    def cost(self, profile: Profile, size: int, params: Params) -> Cost:
        """The declared cost at a given size."""
        sizes = (size,) if self.shapes is None else self.input_shapes(size, params)
        cost: Cost = _call(self.cost_formula, (profile, *sizes), params)
        return cost

    def functionality(self, inputs: Sequence[Clear], params: Params) -> tuple[Clear, ...]:
        """The outputs in clear, each reduced to its ring."""
        result = _call(self.clear, tuple(inputs), params)
        outputs = result if isinstance(result, tuple) else (result,)
        moduli = [np.uint64((1 << kind.width(params)) - 1) for kind in self.gives(params)]
        return tuple(np.asarray(out).astype(np.uint64) & modulus for out, modulus in zip(outputs, moduli, strict=True))

    def call(self, party: Any, inputs: Sequence[Any], params: Params) -> Awaitable[Any]:
        """The coroutine on shares."""
        running: Awaitable[Any] = _call(self.run, (party, *inputs), params)
        return running


REGISTRY: dict[str, ProtocolSpec] = {}
"""Every registered protocol by name; filled as the modules that define them are imported."""


def _call(function: Callable[..., Any], args: tuple[Any, ...], params: Params) -> Any:
    named = {
        name: params[name]
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name in params
    }
    return function(*args, **named)


def protocol(
    *,
    takes: Sequence[Kind],
    gives: Sequence[Kind] | Callable[[Params], Sequence[Kind]],
    clear: Callable[..., Any],
    cost: Callable[..., Cost],
    examples: Sequence[Params],
    shapes: Callable[[int, Params], Sequence[tuple[int, ...]]] | None = None,
    profiles: Sequence[Profile] = tuple(Profile),
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Register a coroutine `async def f(party, *shares, **parameters)` as a protocol.

    Raises:
        LocalError: the name is taken, or there is no example to check it on.
    """

    def register(run: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        name = run.__name__

        @functools.wraps(run)
        async def scoped(*args: P.args, **kwargs: P.kwargs) -> R:
            party: Any = args[0]
            with party.channel.scope(name):
                return await run(*args, **kwargs)

        if name in REGISTRY:
            raise LocalError(f"two protocols are called {name}", remedy="rename one")
        if not examples:
            raise LocalError(f"protocol {name} has no examples", remedy="give the suite something to run")
        REGISTRY[name] = ProtocolSpec(
            name,
            scoped,
            clear,
            cost,
            tuple(takes),
            gives if callable(gives) else lambda _: gives,
            tuple(examples),
            shapes,
            tuple(profiles),
        )
        return scoped

    return register
