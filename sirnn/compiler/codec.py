"""Plans as JSON, and the digest by which two parties see that they hold the same one."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import attrs
import cattrs

from sirnn.compiler.plan import Bent, Clamped, Inner, Line, Piecewise, Plan, Symmetric, Table, Tiered
from sirnn.compiler.stretch import Stretch
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint

KINDS: dict[str, type[Plan]] = {
    "table": Table,
    "piecewise": Piecewise,
    "symmetric": Symmetric,
    "tiered": Tiered,
    "clamped": Clamped,
    "bent": Bent,
}
"""By the name a file gives them."""


class MalformedError(TypeError):
    """A part of a document is not what it should be, in words."""


MALFORMED = (
    cattrs.errors.ForbiddenExtraKeysError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
    RecursionError,
)
"""What reading a document raises that is no plan."""


def why(failure: Exception) -> str:
    """What is wrong with a malformed document, in words: what Python says of it is for programmers."""
    if isinstance(failure, json.JSONDecodeError):
        return f"it is no JSON: {failure.msg} in line {failure.lineno}, column {failure.colno}"
    if isinstance(failure, KeyError):
        return f"it lacks {failure.args[0]}"
    if isinstance(failure, cattrs.errors.ForbiddenExtraKeysError):
        return f"it has {', '.join(map(repr, sorted(failure.extra_fields)))}, which nothing knows"
    if isinstance(failure, MalformedError):
        return str(failure)
    return "a part of it is of the wrong kind or size"


def kind(plan: Plan) -> str:
    """What kind of plan it is, as files say it."""
    return type(plan).__name__.lower()


def dump(plan: Plan) -> dict[str, Any]:
    """A plan as JSON values: every attribute by its name, and its kind."""
    fields = {field.name: getattr(plan, field.name) for field in attrs.fields(type(plan))}
    return {"kind": kind(plan), **{name: _dumped(value) for name, value in fields.items()}}


def _dumped(value: Any) -> Any:
    if isinstance(value, Inner):
        return dump(value)
    if isinstance(value, FixedPoint | Line | Stretch):
        return attrs.asdict(value)
    return value


def load(document: Any) -> Plan:
    """The plan that `dump` wrote.

    Raises:
        LocalError: it is no plan, or its parts do not fit together.
    """
    if not isinstance(document, dict) or str(document.get("kind")) not in KINDS:
        raise LocalError("not a plan: it names no kind of plan", remedy=f"write one with compile-function; {_known()}")
    fields = {name: value for name, value in document.items() if name != "kind"}
    try:
        plan: Plan = _CONVERTER.structure(fields, KINDS[document["kind"]])
    except MALFORMED as failure:
        raise LocalError(f"not a plan: {why(failure)}", remedy="write one with compile-function") from failure
    return plan


def digest(plan: Plan) -> str:
    """SHA-256 of the plan's canonical JSON, in hex: equal if and only if the plans are."""
    text = json.dumps(dump(plan), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _known() -> str:
    return f"kinds are {', '.join(KINDS)}"


WORDS = {int: "an integer", bool: "true or false"}


def _exactly(value: Any, wanted: type) -> Any:
    if type(value) is not wanted:
        raise MalformedError(f"{value!r:.40} stands where {WORDS[wanted]} should")
    return value


def _inner(document: Any, allowed: Any) -> Any:
    plan = load(document)
    if not isinstance(plan, allowed):
        raise MalformedError(f"a {kind(plan)} plan inside another")
    return plan


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True, detailed_validation=False)
    for plain in (int, bool):  # cattrs would turn "3" into 3 and 0.5 into 0
        converter.register_structure_hook(plain, _exactly)
    for inner in (Table | Piecewise, Inner):
        converter.register_structure_hook(inner, _inner)
    return converter


_CONVERTER = _make_converter()
