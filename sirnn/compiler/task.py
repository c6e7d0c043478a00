"""Tasks: everything that decides which plan the compiler chooses."""

from __future__ import annotations

from collections.abc import Collection

import attrs

from sirnn.compiler.expression import parse
from sirnn.compiler.library import LIBRARY, everywhere
from sirnn.compiler.price import COUNT, FLIGHT_BITS, Link
from sirnn.compiler.real import RealFunction
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.identities import NAMES
from sirnn.profile import Profile


@attrs.frozen
class Task:
    """A function to be compiled.

    Attributes:
        name: what messages call it.
        definition: what says which function it is, for the cache: the expression, or a name; None if nothing does.
        real: the function, from an array of doubles to one of the same shape.
        inp: type of the input.
        out: type of the output.
        max_ulp: what |result - real value| must not exceed, in units of the last place of the output.
        domain: integers of the input on which it is asked for.
        saturate: whether the ends of the output type stand for what is beyond them.
        network: decides between plans by the time a batch takes on it; if there is none, the bytes decide.
        count: instances of a batch.
        profile: of the sessions that will run it.
        flight_bits: bits of an instance that a plan must save for each flight more, where no network is given.
        max_flights: online flights that it may take at most; any number if None.
        exhaust: whether its error is proved on every word of however wide a domain.
        cut: how many bits of the input the plan must read, and how many of these must be its index, so that it can be
            evaluated together with others; whatever is cheapest if None.
        keep: names of identities of the function (`functions.identities`) that must hold of every word.
    """

    name: str
    definition: str | None
    real: RealFunction = attrs.field(eq=False, repr=False)
    inp: FixedPoint
    out: FixedPoint
    max_ulp: float
    domain: range
    saturate: bool
    network: Link | None = None
    count: int = COUNT
    profile: Profile = Profile.LEAN
    flight_bits: int = FLIGHT_BITS
    max_flights: int | None = None
    exhaust: bool = False
    cut: tuple[int, int] | None = None
    keep: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if not 0 < self.max_ulp < 1 << 20:
            raise LocalError(f"an error of {self.max_ulp:g} ULP", remedy="allow a positive one, such as 1")
        for name in set(self.keep) - set(NAMES):
            raise LocalError(f"no identity is called {name!r}", remedy=f"name {', '.join(NAMES)}")


def make_task(
    f: RealFunction | str,
    *,
    inp: FixedPoint,
    out: FixedPoint,
    max_ulp: float | None = None,
    name: str | None = None,
    domain: range | None = None,
    saturate: bool | None = None,
    network: Link | None = None,
    count: int = COUNT,
    profile: Profile = Profile.LEAN,
    flight_bits: int | None = None,
    max_flights: int | None = None,
    exhaust: bool = False,
    cut: tuple[int, int] | None = None,
    keep: Collection[str] = (),
) -> Task:
    """A task, from a callable, an expression or the name of a library function, whose defaults then hold.

    Raises:
        LocalError: the expression cannot be read, the domain that is given is empty, or the bound is not positive.
    """
    if domain is not None and not domain:
        raise LocalError(f"an empty domain, {domain}", remedy=f"give a run of integers of {inp}")
    label: str
    definition: str | None
    real: RealFunction
    known = LIBRARY.get(f) if isinstance(f, str) else None
    if flight_bits is None:
        flight_bits = FLIGHT_BITS if known is None else known.flight_bits
    if known is not None:
        label, definition, real = known.name, f"library:{known.name}", known.real
        domain = known.domain(inp) if domain is None else domain
        saturate = known.saturate if saturate is None else saturate
        max_ulp = known.max_ulp if max_ulp is None else max_ulp
    elif isinstance(f, str):
        expression = parse(f)
        label, definition, real = expression.text, f"expression:{expression.text}", expression
    else:
        label, definition, real = getattr(f, "__name__", "the function"), name and f"callable:{name}", f
    return Task(
        name or label,
        definition,
        real,
        inp,
        out,
        1.0 if max_ulp is None else float(max_ulp),
        everywhere(inp) if domain is None else domain,
        bool(saturate),
        network,
        count,
        profile,
        flight_bits,
        max_flights,
        exhaust,
        cut,
        tuple(sorted(keep)),
    )
