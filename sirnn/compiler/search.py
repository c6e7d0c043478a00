"""The compiler: from a real function and two types to the cheapest plan within an error, proved on every word."""

from __future__ import annotations

import logging
from typing import Any

import attrs

from sirnn.compiler.cache import recall, remember
from sirnn.compiler.cheapest import Terms, cheapest
from sirnn.compiler.compiled import Compiled
from sirnn.compiler.plan import Plan
from sirnn.compiler.price import bill
from sirnn.compiler.proof import Progress, facts, identities, prove
from sirnn.compiler.real import RealFunction
from sirnn.compiler.target import tabulate
from sirnn.compiler.task import Task, make_task
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.identities import Identities

log = logging.getLogger(__name__)
"""Told, at level INFO, of every search for a plan: it may take seconds."""

ATTEMPTS = 6
"""Searches for one task, each within a smaller error than the one before."""

LEAST_STEP = 1 / 64
"""ULP by which it is smaller, at least: by less the same plan would be found again."""

MOST_STEP = 1 / 16
"""Part of the error allowed by which it is smaller, at most: more is due to a bend between the words looked at."""


def compile_function(
    f: RealFunction | str,
    *,
    inp: FixedPoint,
    out: FixedPoint,
    cache: bool = True,
    progress: Progress | None = None,
    **options: Any,
) -> Compiled:
    """The cheapest plan for f whose result is within max_ulp of it at every input of the domain.

    Args:
        f: the name of a library function (see `library`), an expression in x (see `expression`), or a callable from an
            array of doubles to one of the same shape.
        inp: type of the input.
        out: type of the output.
        cache: whether a plan that was compiled before may be taken from the user's cache, and this one be put there.
            Callables are kept only under a `name`, which then stands for what they compute.
        progress: told how far the proof is.
        options: `max_ulp`, 1 by default or what the library says; `name`, what messages call f; `domain`, the integers
            of the input on which f is asked for (elsewhere any word may result); `saturate`, whether the ends of the
            output type stand for what is beyond them; `network`, whose time for a batch decides instead of the bytes;
            `count`, instances of a batch; `profile`; `flight_bits`, what a flight is worth; `max_flights`, the most
            that the evaluation may take online; `exhaust`, to prove the error on every word even of wide inputs;
            `cut`, how the input must be cut: see `task.Task`; and `keep`, which identities of f must hold of every word
            (`functions.identities`).

    Raises:
        LocalError: f has no value somewhere on the domain, or one the output type cannot hold; it does not have an
            identity that is to be kept; or no plan is within the bound.
    """
    task = make_task(f, inp=inp, out=out, **options)
    known = recall(task) if cache else None
    if known is not None:
        return known
    compiled = compile_task(task, progress=progress)
    if cache:
        remember(task, compiled)
    return compiled


def compile_task(task: Task, *, progress: Progress | None = None) -> Compiled:
    """The cheapest plan for a task, as `compile_function`, found anew."""
    target, bound = tabulate(task), task.max_ulp
    log.info("compiling %s from %s to %s", task.name, task.inp, task.out)
    known = identities(target)
    _check_kept(task, known)

    def kept(plan: Plan) -> bool:
        return not task.keep or known is None or set(task.keep) <= set(facts(plan, target, known).kept)

    for _ in range(ATTEMPTS):
        plan, candidates = cheapest(target, Terms.of(task, bound, kept))
        if plan is None:
            break
        proof = prove(plan, target, progress=progress)
        if proof.max_ulp <= task.max_ulp:
            found = None if known is None else facts(plan, target, known)
            return Compiled(task, plan, proof, bill(task.profile, plan, task.count), candidates, found)
        # Wide inputs are fitted at some of their words, from now on at this one too. All are to be a little better.
        target = attrs.evolve(target, known=(*target.known, proof.worst_input))
        bound -= min(max(proof.max_ulp - task.max_ulp, LEAST_STEP), task.max_ulp * MOST_STEP)
    flights = "" if task.max_flights is None else f" in {task.max_flights} flight{'s' * (task.max_flights > 1)}"
    raise LocalError(
        f"no plan gives {task.name} from {task.inp} to {task.out} within {task.max_ulp:g} ULP{flights}{_keeping(task)}",
        remedy="allow a larger error (0.5 ULP is the least possible), a coarser output, or a narrower input"
        + (", or more flights" if flights else "")
        + (", or keep less" if task.keep else ""),
    )


def _keeping(task: Task) -> str:
    return f" and keeps it {' and '.join(task.keep)}" if task.keep else ""


def _check_kept(task: Task, known: Identities | None) -> None:
    if task.keep and known is None:
        raise LocalError(
            f"{len(task.domain):,} inputs are too many to see that something holds of them all",
            remedy="give a narrower domain, or keep nothing",
        )
    for name in task.keep:
        if known is not None and name not in known.names:
            has = f"keep {', '.join(known.names)}" if known.names else "keep nothing"
            raise LocalError(f"{task.name} itself is not {name} on this domain and in these types", remedy=has)
