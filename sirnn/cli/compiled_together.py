"""What `sirnn compile-function` says of several functions that were compiled together."""

from __future__ import annotations

from typing import Any

from sirnn.cli.report import amount, counted, table
from sirnn.cli.report import out as console
from sirnn.compiler.compiled import describe, parameters
from sirnn.compiler.together import Derived, Part, Together


def report(made: Together) -> dict[str, Any]:
    """The JSON object: bytes of the batch but for those per instance, flights online; `plans` in the order given."""
    bill = made.bill
    return {
        "functions": [part.task.name for part in made.parts],
        "digest": made.digest,
        "count": bill.count,
        "bytes_per_instance": bill.bytes_per_instance,
        "bytes_apart": made.bytes_apart,
        "bytes_saved": made.saving,
        "bytes_offline": bill.offline.payload,
        "bytes_online": bill.online.payload,
        "flights": bill.online.flights,
        "flights_offline": bill.offline.flights,
        "plans": [
            {"function": part.task.name, **_plan(part), **_common(made, place)} for place, part in enumerate(made.parts)
        ],
    }


def _plan(part: Part) -> dict[str, Any]:
    if isinstance(part, Derived):
        return {"from": part.of, "sign": part.sign, "constant": part.constant}
    return {"parameters": parameters(part.plan), "digest": part.digest, "mean_ulp": part.mean_ulp}


def _common(made: Together, place: int) -> dict[str, Any]:
    part, alone = made.parts[place], made.apart[place]
    return {
        "plan": _described(made, part),
        "evaluated": _evaluated(made, place),
        "allowed_ulp": part.task.max_ulp,
        "max_ulp": part.max_ulp,
        "plan_alone": describe(alone.plan),
        "bytes_alone": alone.bytes_per_instance,
        "flights_alone": alone.flights,
    }


def _described(made: Together, part: Part) -> str:
    if not isinstance(part, Derived):
        return describe(part.plan)
    other, constant = made.parts[part.of].task.name, part.constant * part.task.out.ulp
    if part.sign < 0:
        return f"{constant:g} - {other}" if part.constant else f"-{other}"
    return f"{other} + {constant:g}" if part.constant else other


def _evaluated(made: Together, place: int) -> str:
    if isinstance(made.parts[place], Derived):
        return "free"
    return "merged" if place in made.merged else "alone"


def print_together(made: Together) -> None:
    """The same for people."""
    bill, task = made.bill, made.parts[0].task
    rows = [
        [part.task.name, _described(made, part), _evaluated(made, place), f"{part.max_ulp:.3f}", f"{alone:.1f}"]
        for place, (part, alone) in enumerate(
            zip(made.parts, (each.bytes_per_instance for each in made.apart), strict=True)
        )
    ]
    console.print(table(f"From {task.inp}", ["", "plan", "evaluated", "worst ULP", "bytes alone"], rows))
    totals = [
        ["payload", f"{bill.bytes_per_instance:.1f} bytes an instance, in a batch of {bill.count:,}"],
        ["apart", f"{made.bytes_apart:.1f} bytes: together they save {made.saving:.1f}"],
        ["offline", amount(bill.offline.payload)],
        ["online", f"{amount(bill.online.payload)} in {counted(bill.online.flights, 'flight')}"],
        ["digest", made.digest[:32]],
    ]
    console.print(table("All together", [], totals, figures=0))
