"""Methods: how each profile evaluates a function of one number; what models and commands call functions through.

Profiles `paper` and `exact` have SIRNN's algorithms (`sirnn.functions`), for a handful of functions. Profile `lean` has
a compiled plan for any function the compiler knows. A method is one of these, for given types: its words in clear, its
cost and its coroutine always belong together, so that a model's plaintext twin follows its profile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

import attrs

from sirnn.compiler.codec import digest
from sirnn.compiler.evaluate import evaluate, evaluate_cost
from sirnn.compiler.expression import parse
from sirnn.compiler.library import LIBRARY
from sirnn.compiler.plan import Plan
from sirnn.compiler.proof import reach
from sirnn.compiler.saved import is_saved, load
from sirnn.compiler.search import compile_function
from sirnn.compiler.task import Task
from sirnn.compiler.together import compile_together
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from sirnn.files import is_file, kind_at
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS, Comparison, Reals, compare, spread
from sirnn.names import UnknownNameError, unknown_name
from sirnn.party import Branch, Party
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
        reach: the least and the greatest integer that an output word may be, over all of the domain.
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
    reach: Callable[[], tuple[int, int]]
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
    """Whether this names a function or the file of a compiled one, or is an expression in x."""
    if text in LIBRARY or text in FUNCTIONS or is_saved(text):
        return True
    try:
        parse(text)
    except UnknownNameError:
        return False
    return True


def unknown(text: str, *others: str) -> UnknownNameError:
    """What to tell somebody who took this for a function, which it is not: see `is_function`.

    Args:
        text: what was said.
        others: what else could have been.
    """
    if is_file(text):
        what = f"{text} is {kind_at(Path(text)).what}, not a function"
        return UnknownNameError(what, remedy="compile-function writes files that can be named in place of one")
    if set(text) & set("()+*^%<>=,") or not text.isascii():  # no name has these, so that an expression was meant
        try:
            parse(text)
        except UnknownNameError as failure:
            return failure
    names = [*others, *function_names()]
    return unknown_name("function", text, names, otherwise=f"name {', '.join(names)}, or an expression in x")


def method(profile: Profile, name: str, *, inp: FixedPoint, out: FixedPoint) -> Method:
    """The method of a function: by name, or in profile `lean` an expression in x, or the file of a compiled function.

    A plan that was not compiled on this machine before takes a second or two.

    Raises:
        LocalError: there is no such function, or the profile does not have it, or not for these types.
    """
    if is_saved(name):
        return _saved(profile, Path(name), inp, out)
    return _method(profile, name, inp, out)


@lru_cache(maxsize=64)
def _method(profile: Profile, name: str, inp: FixedPoint, out: FixedPoint) -> Method:
    if not is_function(name):
        raise unknown(name)
    if profile is Profile.LEAN:
        if name in FUNCTIONS and name not in LIBRARY:
            raise LocalError(
                f"profile lean has no {name}",
                remedy=f"name {', '.join(LIBRARY)}, or an expression in x; or use profile exact or paper",
            )
        compiled = compile_function(name, inp=inp, out=out)
        return planned(compiled.task, compiled.plan)
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
        lru_cache(partial(fixed.reach, inp, out)),
    )


def _saved(profile: Profile, path: Path, inp: FixedPoint, out: FixedPoint) -> Method:
    if profile is not Profile.LEAN:
        raise LocalError(f"profile {profile.value} runs no compiled plan", remedy="use profile lean")
    task, plan = load(path)
    if task is None:
        raise LocalError(f"{path} does not say what function it is of", remedy="give its plan to `evaluate`")
    if (plan.inp, plan.out) != (inp, out):
        raise LocalError(
            f"{path} is for {plan.inp} to {plan.out}, not {inp} to {out}", remedy="say the types it is for"
        )
    return planned(task, plan)


def planned(task: Task, plan: Plan) -> Method:
    """The method that evaluates a plan of a function."""
    return Method(
        task.name,
        task.inp,
        task.out,
        task.real,
        task.domain,
        plan.evaluate,
        lambda n: evaluate_cost(Profile.LEAN, n, plan=plan),
        partial(evaluate, plan=plan),
        lru_cache(partial(reach, plan, task)),
        digest(plan),
    )


# ------------------------------------------------------------ several at once


@attrs.frozen(eq=False)
class Methods:
    """Several functions of one number, as a profile evaluates them at once.

    Attributes:
        names: of the functions.
        inp: type of their input words.
        outs: types of their output words.
        clear: their words, uint64 to a tuple of uint64, any shape.
        cost: what they cost on n of them.
        run: the coroutine `(party, x)`, which returns a tuple of shares.
        saving: payload bytes of an instance that this is less than one after the other, offline and online.
        digest: of the compiled plans, which both parties must have alike; empty where the algorithms are fixed.
    """

    names: tuple[str, ...]
    inp: FixedPoint
    outs: tuple[FixedPoint, ...]
    clear: Callable[[Clear], tuple[Clear, ...]]
    cost: Callable[[int], Cost]
    run: Callable[[Party, ArithmeticShare], Awaitable[tuple[ArithmeticShare, ...]]]
    saving: float
    digest: str = ""


def together(profile: Profile, names: Sequence[str], *, inp: FixedPoint, outs: Sequence[FixedPoint]) -> Methods:
    """The functions at once: in profile `lean` compiled to share what they can, in others side by side.

    Raises:
        LocalError: there are no functions or not as many types; or as `method`, for any of them.
    """
    return _together(profile, tuple(names), inp, tuple(outs))


@lru_cache(maxsize=64)
def _together(profile: Profile, names: tuple[str, ...], inp: FixedPoint, outs: tuple[FixedPoint, ...]) -> Methods:
    if not names or len(names) != len(outs):
        raise LocalError(f"{len(names)} functions to {len(outs)} types", remedy="give a type for each function")
    if profile is Profile.LEAN:
        made = compile_together(names, inp=inp, outs=outs)
        return Methods(names, inp, outs, made.clear, partial(made.cost, profile), made.run, made.saving, made.digest)
    single = [method(profile, name, inp=inp, out=out) for name, out in zip(names, outs, strict=True)]

    def clear(x: Clear) -> tuple[Clear, ...]:
        return tuple(each.clear(x) for each in single)

    def cost(n: int) -> Cost:
        return parallel(*(each.cost(n) for each in single))

    def branch(each: Method, x: ArithmeticShare) -> Branch[ArithmeticShare]:
        return each.cost(x.size), lambda p: each.run(p, x)

    async def run(party: Party, x: ArithmeticShare) -> tuple[ArithmeticShare, ...]:
        return await party.parallel(*(branch(each, x) for each in single))

    return Methods(names, inp, outs, clear, cost, run, 0.0)
