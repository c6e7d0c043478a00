"""Methods: how each profile evaluates a function of one number; what models and commands call functions through.

Profiles `paper` and `exact` have SIRNN's algorithms (`sirnn.functions`), for a handful of functions. Profile `lean` has
a compiled plan for any function the compiler knows. A method is one of these, for given types: its words in clear, its
cost and its coroutine always belong together, so that a model's plaintext twin follows its profile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial

import attrs

from sirnn.compiler.compiled import Compiled
from sirnn.compiler.evaluate import evaluate, evaluate_cost
from sirnn.compiler.expression import parse
from sirnn.compiler.library import LIBRARY
from sirnn.compiler.search import compile_function
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS, Comparison, Reals, compare, spread
from sirnn.profile import Profile
from sirnn.protocol import Clear
from sirnn.ring import Words
from sirnn.shares import ArithmeticShare


@attrs.frozen(eq=False)
class Method:
    """A function of one number, as a profile evaluates it from one type to another.

    Attributes:
        name: of the function.
        inp: type of its input words.
        out: type of its output words.
        real: the function itself, on doubles.
        domain: the integers of the input type on which it is defined.
        clear: its words, uint64 to uint64, any shape.
        cost: what it costs on n of them.
        run: the coroutine `(party, x)`.
        digest: of the compiled plan, which both parties must have alike; empty where an algorithm is fixed.
    """

    name: str
    inp: FixedPoint
    out: FixedPoint
    real: Callable[[Reals], Reals]
    domain: range
    clear: Callable[[Clear], Clear]
    cost: Callable[[int], Cost]
    run: Callable[..., Awaitable[ArithmeticShare]]
    digest: str = ""

    def inputs(self, count: int) -> Words:
        """`count` words spread evenly over the domain, every one of it if there are enough."""
        return spread(self.domain, self.inp, count)

    def compare(self, x: Words, y: Words) -> Comparison:
        """Output words y beside what the real function is at the input words x, same shape."""
        return compare(self.real, x, y, self.inp, self.out)


def function_names() -> list[str]:
    """Every function that some profile has by name."""
    return sorted({*LIBRARY, *FUNCTIONS})


def is_function(text: str) -> bool:
    """Whether this names a function, or is an expression in x."""
    if text in LIBRARY or text in FUNCTIONS:
        return True
    try:
        parse(text)
    except LocalError:
        return False
    return True


@lru_cache(maxsize=64)
def method(profile: Profile, name: str, *, inp: FixedPoint, out: FixedPoint) -> Method:
    """The method of a function: by name, or in profile `lean` an expression in x.

    A plan that was not compiled on this machine before takes a second or two.

    Raises:
        LocalError: the profile has no such function, or not for these types.
    """
    if profile is Profile.LEAN:
        return planned(compile_function(name, inp=inp, out=out))
    if name not in FUNCTIONS:
        raise LocalError(
            f"profile {profile.value} has no {name}", remedy=f"choose from {', '.join(FUNCTIONS)}, or use profile lean"
        )
    fixed, types = FUNCTIONS[name], {"inp": inp, "out": out}
    fixed.cost(profile, 1, **types)  # refuses types that it cannot serve
    domain = fixed.domain(inp)
    if not domain:
        raise LocalError(f"{name} is not defined anywhere on {inp}", remedy=fixed.summary)
    return Method(
        name,
        inp,
        out,
        fixed.real,
        domain,
        partial(fixed.clear, **types),
        lambda n: fixed.cost(profile, n, **types),
        partial(fixed.run, **types),
    )


def planned(compiled: Compiled) -> Method:
    """The method that a compiled function is."""
    task, plan = compiled.task, compiled.plan
    return Method(
        task.name,
        task.inp,
        task.out,
        task.real,
        task.domain,
        plan.evaluate,
        lambda n: evaluate_cost(Profile.LEAN, n, plan=plan),
        partial(evaluate, plan=plan),
        compiled.digest,
    )
