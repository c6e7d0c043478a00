"""Tables of compiled plans: the library, what was weighed for one function, wide inputs, and functions together."""

from __future__ import annotations

from collections.abc import Iterator

from tables import table

from sirnn.compiler.compiled import Compiled, describe
from sirnn.compiler.library import LIBRARY
from sirnn.compiler.search import compile_function
from sirnn.compiler.together import compile_together
from sirnn.fixedpoint import FixedPoint

SHOWN = FixedPoint(16, 12)
COARSE = FixedPoint(16, 6)
"""Scale 6: inputs up to 512, far beyond where these functions bend."""

WIDE = [
    ("sigmoid", FixedPoint(20, 16), FixedPoint(20, 16), 1.2),
    ("sigmoid", FixedPoint(24, 12), FixedPoint(16, 12), 1.0),
    ("sigmoid", FixedPoint(24, 16), FixedPoint(24, 16), 1.0),
    ("tanh", FixedPoint(24, 16), FixedPoint(24, 16), 1.0),
    ("sigmoid", FixedPoint(32, 12), FixedPoint(16, 12), 1.0),
    ("sigmoid", FixedPoint(32, 16), FixedPoint(32, 16), 1.0),
    ("sigmoid", FixedPoint(32, 24), FixedPoint(32, 24), 1.0),
    ("log", FixedPoint(24, 16), FixedPoint(24, 16), 1.0),
    ("sqrt", FixedPoint(24, 16), FixedPoint(24, 16), 1.0),
    ("rsqrt", FixedPoint(24, 16), FixedPoint(24, 16), 1.0),
    ("log", FixedPoint(32, 16), FixedPoint(32, 16), 1.0),
]
"""Function, input, output, and the ULP it may err by."""

TOGETHER = [
    ("sigmoid", "tanh"),
    ("sigmoid", "tanh", "exp"),
    ("sin", "cos"),
    ("gelu", "silu"),
    ("sigmoid", "1 - sigmoid(x)"),
]


def cost(made: Compiled) -> list[str]:
    """Bytes and flights."""
    return [f"{made.bytes_per_instance:.1f}", str(made.flights)]


def library() -> str:
    """A line for every function of the library, at both scales."""

    def rows() -> Iterator[list[str]]:
        for name, function in LIBRARY.items():
            for place, inp in enumerate((SHOWN, COARSE)):
                made = compile_function(name, inp=inp, out=inp)
                first = [f"**{name}**", function.summary] if place == 0 else ["", ""]
                errors = [f"{made.max_ulp:.3f}", f"{made.mean_ulp:.3f}"]
                yield [*first, str(inp.scale), describe(made.plan), *errors, *cost(made)]

    return table(["function", "is", "scale", "plan", "worst ULP", "mean ULP", "bytes", "flights"], rows())


def weighed() -> str:
    """What was weighed for sigmoid."""
    return table(
        ["plan", "bytes", "flights", "verdict"],
        (
            [candidate.plan, f"{candidate.bits / 8:.1f}", str(candidate.flights), candidate.verdict]
            for candidate in compile_function("sigmoid", inp=SHOWN, out=SHOWN).candidates
        ),
    )


def wide() -> str:
    """Plans for inputs of more bits."""

    def rows() -> Iterator[list[str]]:
        for name, inp, out, allowed in WIDE:
            made = compile_function(name, inp=inp, out=out, max_ulp=allowed)
            types = [f"{kind.bits} bits, scale {kind.scale}" for kind in (inp, out)]
            errors = [f"{allowed:g}", f"{made.max_ulp:.3f}"]
            yield [name, *types, describe(made.plan), *errors, *cost(made), made.proof.method]

    return table(
        ["function", "input", "output", "plan", "allowed ULP", "worst ULP", "bytes", "flights", "proven"], rows()
    )


def together() -> str:
    """Functions evaluated at once, beside one after the other."""

    def rows() -> Iterator[list[str]]:
        for names in TOGETHER:
            made = compile_together(names, inp=SHOWN, outs=[SHOWN] * len(names))
            share = 100 * made.saving / made.bytes_apart
            figures = [f"{made.bytes_apart:.1f} bytes", f"{made.bytes_per_instance:.1f} bytes", f"{share:.0f} %"]
            yield [", ".join(names), *figures, str(made.flights)]

    return table(["functions, 16 bits, scale 12", "apart", "together", "saved", "flights"], rows())
