"""Several functions of one number, compiled to be evaluated together: what their plans have in common is done once.

Plans of pieces that cut their input alike share the carry, the selector of the lookup and its opening
(`evaluate.evaluate_merged`). So every function is compiled for each number of segments, and the number is taken at
which all of them cost the least together. A function that is cheaper by itself stays by itself, and runs beside the
others. One that differs from another by its sign or a constant, such as 1 - sigmoid(x) from sigmoid(x), is had from it
for nothing, with the same error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np

from sirnn import ring
from sirnn.compiler.cache import recall, remember
from sirnn.compiler.cheapest import MAX_INDEX_BITS
from sirnn.compiler.compiled import Compiled
from sirnn.compiler.evaluate import evaluate, evaluate_cost, evaluate_merged, evaluate_merged_cost
from sirnn.compiler.plan import Clamped, Piecewise, Plan, Symmetric
from sirnn.compiler.price import Bill, Price
from sirnn.compiler.real import RealFunction
from sirnn.compiler.search import compile_task
from sirnn.compiler.target import values_of
from sirnn.compiler.task import Task, make_task
from sirnn.correlations.kinds import price
from sirnn.correlations.prepare import plan as plan_ahead
from sirnn.cost import Cost, parallel
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.identities import EQUAL
from sirnn.party import Branch, Party
from sirnn.profile import Profile
from sirnn.protocol import Clear
from sirnn.shares import ArithmeticShare

PATIENCE = 1
"""Numbers of segments that are tried beyond the best either way: from there on everything is dearer."""

COMPARED = 1 << 17
"""Words on which two functions are compared, at most: all of them, or no relation is looked for."""


@attrs.frozen
class Derived:
    """A function had from another: y = sign * y_other + constant.

    Attributes:
        task: what was asked for.
        of: the other's place.
        sign: 1 or -1.
        constant: in ULP of the output.
        max_ulp: the largest error, that of the other and what doubles may differ by.
    """

    task: Task
    of: int
    sign: int
    constant: int
    max_ulp: float

    def clear(self, other: Clear) -> Clear:
        """Words from the other's."""
        signed = other if self.sign > 0 else np.negative(other)
        return (signed + np.uint64(self.constant & ring.mask(64))) & np.uint64(ring.mask(self.task.out.bits))

    def share(self, party: Party, other: ArithmeticShare) -> ArithmeticShare:
        """A share from the other's; local."""
        narrow = other.reduce(self.task.out.bits)
        return (narrow if self.sign > 0 else -narrow) + party.constant(self.constant, narrow.bits, narrow.shape)


Part: TypeAlias = Compiled | Derived


@attrs.frozen
class Together:
    """Functions of one input, compiled together.

    Attributes:
        parts: by function, in the order they were asked for.
        merged: places of those that are evaluated in one; none or at least two. The others run beside them.
        apart: the cheapest plan of each by itself, to compare with.
    """

    parts: tuple[Part, ...]
    merged: tuple[int, ...]
    apart: tuple[Compiled, ...]

    @property
    def alone(self) -> tuple[int, ...]:
        """Places of those that are evaluated by themselves."""
        return tuple(place for place in self._plans if place not in self.merged)

    @property
    def bill(self) -> Bill:
        """The exact cost of a batch."""
        task = self.parts[0].task
        online = self.cost(task.profile, task.count)
        return Bill(online, plan_ahead(task.profile, online.demand).offline, task.count)

    @property
    def bytes_per_instance(self) -> float:
        """Payload of a batch, offline and online, over its instances."""
        return self.bill.bytes_per_instance

    @property
    def bytes_apart(self) -> float:
        """The same for one after the other, each at its cheapest."""
        return sum(compiled.bytes_per_instance for compiled in self.apart)

    @property
    def saving(self) -> float:
        """Bytes per instance that are saved."""
        return self.bytes_apart - self.bytes_per_instance

    @property
    def flights(self) -> int:
        """Online."""
        return self.bill.online.flights

    @property
    def digest(self) -> str:
        """Of all plans; parties with equal digests compute the same words."""
        said = [
            part.digest if isinstance(part, Compiled) else f"{part.sign} {part.of} {part.constant}"
            for part in self.parts
        ]
        return hashlib.sha256("\n".join([*said, str(self.merged)]).encode()).hexdigest()

    def clear(self, x: Clear) -> tuple[Clear, ...]:
        """Output words of every function for input words, uint64, any shape."""
        own = {place: plan.evaluate(x) for place, plan in self._plans.items()}
        return tuple(
            part.clear(own[part.of]) if isinstance(part, Derived) else own[place]
            for place, part in enumerate(self.parts)
        )

    def cost(self, profile: Profile, n: int) -> Cost:
        """Of n instances: those merged beside those that are not."""
        merged = [evaluate_merged_cost(profile, n, plans=self._pieces())] if self.merged else []
        return parallel(*merged, *(evaluate_cost(profile, n, plan=self._plans[place]) for place in self.alone))

    async def run(self, party: Party, x: ArithmeticShare) -> tuple[ArithmeticShare, ...]:
        """Shares of every function's words for a share of input words of any shape.

        Raises:
            LocalError: x is of another width.
        """
        profile, n = party.profile, x.size

        def by_itself(plan: Plan) -> Branch[tuple[ArithmeticShare, ...]]:
            async def run(p: Party) -> tuple[ArithmeticShare, ...]:
                return (await evaluate(p, x, plan=plan),)

            return evaluate_cost(profile, n, plan=plan), run

        branches = [by_itself(self._plans[place]) for place in self.alone]
        if self.merged:
            plans = self._pieces()
            branches.insert(
                0, (evaluate_merged_cost(profile, n, plans=plans), lambda p: evaluate_merged(p, x, plans=plans))
            )
        shares = [share for result in await party.parallel(*branches) for share in result]
        own = dict(zip((*self.merged, *self.alone), shares, strict=True))
        return tuple(
            part.share(party, own[part.of]) if isinstance(part, Derived) else own[place]
            for place, part in enumerate(self.parts)
        )

    @property
    def _plans(self) -> dict[int, Plan]:
        """Of those that are evaluated, by place."""
        return {place: part.plan for place, part in enumerate(self.parts) if isinstance(part, Compiled)}

    def _pieces(self) -> list[Piecewise]:
        return _pieces_of([self._plans[place] for place in self.merged])


# ------------------------------------------------------------ the search


def compile_together(
    functions: Sequence[RealFunction | str],
    *,
    inp: FixedPoint,
    outs: Sequence[FixedPoint],
    cache: bool = True,
    **options: Any,
) -> Together:
    """The cheapest way to evaluate several functions of one input, each within its bound.

    Args:
        functions: each as in `search.compile_function`.
        inp: type of the input.
        outs: type of each output.
        cache: as in `search.compile_function`.
        options: likewise, for all of the functions.

    Raises:
        LocalError: there are no functions or not as many types; or as `search.compile_function`, for any of them.
    """
    if not functions or len(functions) != len(outs):
        raise LocalError(f"{len(functions)} functions to {len(outs)} types", remedy="give a type for each function")
    tasks = [make_task(f, inp=inp, out=out, **options) for f, out in zip(functions, outs, strict=True)]
    apart = tuple(_compiled(task, cache) for task in tasks)
    tasks, derived = _related(tasks)
    own = {
        place: apart[place] if task == apart[place].task else _compiled(task, cache)
        for place, task in enumerate(tasks)
        if place not in derived
    }
    merged = _merged(own, cache)
    own.update(merged)
    parts = tuple(
        _derive(tasks[place], *derived[place], own) if place in derived else own[place] for place in range(len(tasks))
    )
    return Together(parts, tuple(sorted(merged)), apart)


def _compiled(task: Task, cache: bool) -> Compiled:
    known = recall(task) if cache else None
    if known is None:
        known = compile_task(task)
        if cache:
            remember(task, known)
    return known


def _merged(own: dict[int, Compiled], cache: bool) -> dict[int, Compiled]:
    """Plans that are cheaper merged than those there are apart, by place; none if no number of segments has any."""
    tasks = {place: compiled.task for place, compiled in own.items()}
    read_bits = max((len(task.domain) - 1).bit_length() for task in tasks.values())
    most = min(read_bits - 1, MAX_INDEX_BITS)
    start = min(most, max((_resolution(compiled.plan, read_bits) for compiled in own.values()), default=1))
    best: dict[int, Compiled] = {}
    least = _weight(own, best)
    for way in (range(start, most + 1), range(start - 1, 0, -1)):
        since = 0
        for index_bits in way:
            cut = {place: _cut(task, (read_bits, index_bits), cache) for place, task in tasks.items()}
            found = _worthwhile(own, {place: compiled for place, compiled in cut.items() if compiled is not None})
            weight = _weight(own, found)
            if weight < least:
                best, least, since = found, weight, 0
            else:
                since += 1
            if since > PATIENCE:
                break
    return best


def _resolution(plan: Plan, read_bits: int) -> int:
    """Bits of index that make segments as short as the plan's are; 1 for a table, which has none."""
    inner = plan.inner if isinstance(plan, Clamped) else plan
    return read_bits - inner.rest_bits if isinstance(inner, Piecewise | Symmetric) else 1


def _cut(task: Task, cut: tuple[int, int], cache: bool) -> Compiled | None:
    """The cheapest plan that cuts its input like that, if there is one."""
    try:
        return _compiled(attrs.evolve(task, cut=cut), cache)
    except LocalError:
        return None


def _worthwhile(own: dict[int, Compiled], cut: dict[int, Compiled]) -> dict[int, Compiled]:
    """Of plans that could be merged those that should be: one after the other is left out while that is cheaper."""
    while len(cut) > 1:
        fewer = [{place: plan for place, plan in cut.items() if place != left} for left in cut]
        cheapest = min(fewer, key=lambda kept: _weight(own, kept))
        if _weight(own, cheapest) >= _weight(own, cut):
            return cut
        cut = cheapest
    return {}


def _weight(own: dict[int, Compiled], merged: dict[int, Compiled]) -> float:
    """What decides between ways to evaluate all: those that are merged in one, beside the others."""
    task = next(iter(own.values())).task
    costs = [
        evaluate_cost(task.profile, task.count, plan=compiled.plan)
        for place, compiled in own.items()
        if place not in merged
    ]
    if merged:
        plans = _pieces_of([compiled.plan for compiled in merged.values()])
        costs.append(evaluate_merged_cost(task.profile, task.count, plans=plans))
    cost = parallel(*costs)
    return Price(price(task.profile, cost) / task.count, cost.flights).weight(
        task.network, task.count, task.flight_bits
    )


def _pieces_of(plans: Sequence[Plan]) -> list[Piecewise]:
    return [plan for plan in plans if isinstance(plan, Piecewise)]


# ------------------------------------------------------------ functions that are all but the same


def _related(tasks: Sequence[Task]) -> tuple[list[Task], dict[int, tuple[int, int, int]]]:
    """For each function that can be had from an earlier one that one's place, the sign and the constant; and all tasks,
    the bound of those that others are had from made small enough for these.
    """
    found, derived = list(tasks), dict[int, tuple[int, int, int]]()
    for place, task in enumerate(tasks):
        for of in (of for of in range(place) if of not in derived):
            relation = _relation(found[of], task)
            if relation is not None:
                derived[place] = (of, *relation)
                found[of] = attrs.evolve(found[of], max_ulp=min(found[of].max_ulp, task.max_ulp - EQUAL))
                break
    return found, derived


def _relation(one: Task, other: Task) -> tuple[int, int] | None:
    """Sign and constant with which the other's words follow from the one's, if they do and none of them wraps."""
    alike = one.domain == other.domain and one.out.scale == other.out.scale and one.out.bits >= other.out.bits
    if not alike or len(one.domain) > COMPARED:
        return None
    integers = np.arange(one.domain.start, one.domain.stop, dtype=np.int64)
    (first, _), (second, _) = values_of(one, integers), values_of(other, integers)
    low, high = other.out.int_range
    if second.min() - other.max_ulp < low or second.max() + other.max_ulp > high:
        return None
    for sign in (1, -1):
        constant = round(float(second[0] - sign * first[0]))
        if np.abs(second - sign * first - constant).max() < EQUAL:
            return sign, constant
    return None


def _derive(task: Task, of: int, sign: int, constant: int, own: dict[int, Compiled]) -> Derived:
    return Derived(task, of, sign, constant, own[of].max_ulp + EQUAL)
