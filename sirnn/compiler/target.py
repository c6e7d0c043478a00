"""Targets: the real function at every input word that a plan must get right, in ULP of the output.

Words outside the function's domain may come out as anything. A value that no output word is near is a reason to refuse,
or is replaced by the nearest end of the type if the caller asked to saturate.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from sirnn import ring
from sirnn.compiler.real import Reals
from sirnn.compiler.task import Task
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint

Int64s: TypeAlias = npt.NDArray[np.int64]

REFERENCE_ERROR = 2.0**-46
"""Relative error allowed to the double-precision reference, so that no near-tie is decided by it."""

MAX_READ_BITS = 20
"""Bits of input that are tabulated: a million words."""


@attrs.frozen(eq=False)
class Target:
    """What is asked of a plan, at each of the 2^read_bits words that it can read.

    Attributes:
        inp: type of the input.
        out: type of the output.
        domain: integers of the input on which the function is asked for.
        read_bits: the fewest low bits of the input that tell the integers of the domain apart.
        goal: real values in ULP of the output, by the low bits of the word; 0 where nothing is asked.
        asked: whether anything is asked of that word.
        overflows: words whose value was replaced by an end of the output type.
    """

    inp: FixedPoint
    out: FixedPoint
    domain: range
    read_bits: int
    goal: Reals
    asked: npt.NDArray[np.bool_]
    overflows: int


def tabulate(task: Task) -> Target:
    """The real function of a task on every integer of its domain.

    Raises:
        LocalError: the domain is empty, outside the type or too wide to tabulate; the function has no value somewhere;
            or its value is further beyond the output type than the error allowed, and the task does not saturate.
    """
    inp, domain = task.inp, task.domain
    _check_domain(domain, inp, task.name)
    read_bits = max(1, (len(domain) - 1).bit_length())
    if read_bits > MAX_READ_BITS:
        raise LocalError(
            f"{task.name} on {len(domain):,} words of {inp}",
            remedy=f"at most 2^{MAX_READ_BITS} are gone through: truncate the input, or give a narrower domain",
        )
    integers = np.arange(domain.start, domain.stop, dtype=np.int64)
    with np.errstate(all="ignore"):
        values = np.asarray(task.real(np.ldexp(integers.astype(np.float64), -inp.scale)), dtype=np.float64)
    if values.shape != integers.shape:
        raise LocalError(f"{task.name} turns {integers.shape} numbers into {values.shape}", remedy="work elementwise")
    _check_defined(task, integers, values)
    held, overflows = _held(task, integers, values)
    places = (integers & ring.mask(read_bits)).astype(np.intp)
    goal, asked = np.zeros(1 << read_bits), np.zeros(1 << read_bits, dtype=bool)
    goal[places], asked[places] = held, True
    return Target(inp, task.out, domain, read_bits, goal, asked, overflows)


def _check_domain(domain: range, inp: FixedPoint, name: str) -> None:
    low, high = inp.int_range
    if len(domain) == 0:
        raise LocalError(f"{name} is not defined anywhere on {inp}", remedy="choose another type or domain")
    if domain.step != 1 or domain.start < low or domain.stop - 1 > high:
        raise LocalError(f"{domain} is no run of integers of {inp}", remedy=f"stay within [{low}, {high}]")


def _check_defined(task: Task, integers: Int64s, values: Reals) -> None:
    undefined = np.isnan(values) if task.saturate else ~np.isfinite(values)
    if np.any(undefined):
        first = int(np.argmax(undefined))
        raise LocalError(
            f"{task.name} is {values[first]} at x = {_input(task, integers[first])}",
            remedy="give a domain without that input" + ("" if np.isnan(values[first]) else ", or saturate"),
        )


def _held(task: Task, integers: Int64s, values: Reals) -> tuple[Reals, int]:
    """The values in ULP, those far outside the output type brought to its ends, and how many these are."""
    with np.errstate(over="ignore"):
        scaled: Reals = np.ldexp(values, task.out.scale)
    low, high = task.out.int_range
    outside = (scaled < low - task.max_ulp) | (scaled > high + task.max_ulp)
    if np.any(outside) and not task.saturate:
        first = int(np.argmax(outside))
        raise LocalError(
            f"{task.name} is {values[first]:g} at x = {_input(task, integers[first])}, beyond {task.out}, "
            f"which holds {task.out.range[0]:g} to {task.out.range[1]:g}",
            remedy="choose another output type, give a domain without that input, or saturate",
        )
    return np.where(outside, np.clip(scaled, low, high), scaled), int(np.count_nonzero(outside))


def _input(task: Task, integer: np.int64) -> str:
    return f"{integer * task.inp.ulp:g} (the word {integer})"
