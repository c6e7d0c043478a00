"""What holds of every word of a function, as commands report it."""

from __future__ import annotations

from typing import Any

from sirnn.cli.report import counted
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.identities import Facts


def as_json_fields(facts: Facts | None, out: FixedPoint) -> dict[str, Any]:
    """Fields of a JSON object, results as real numbers and inputs as integers; null if nobody looked."""
    if facts is None:
        return {"least_result": None, "greatest_result": None, "identities": None}
    found = {
        fact.name: {"says": fact.says, "breaches": fact.breaches, "first": fact.first} for fact in facts.identities
    }
    return {
        "least_result": facts.least * out.ulp,
        "greatest_result": facts.greatest * out.ulp,
        "identities": found,
    }


def as_rows(facts: Facts | None, out: FixedPoint) -> list[list[str]]:
    """The same as rows of a table for people."""
    if facts is None:
        return []
    kept = [fact.says for fact in facts.identities if fact.kept]
    broken = [f"{fact.says} but at {counted(fact.breaches, 'input')}" for fact in facts.identities if not fact.kept]
    rows = [("always", kept), ("not always", broken)]
    results = f"{facts.least * out.ulp:g} to {facts.greatest * out.ulp:g}"
    return [["results", results], *([name, ", ".join(said)] for name, said in rows if said)]
