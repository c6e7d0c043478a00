"""Compiled functions as files: the plan with its digest, and what function it is of.

`compile-function -o FILE` writes one. Wherever a function is named, by a command or in `methods.method`, the file can
be named in its place: what is evaluated is then this plan and no other, and the real function says how far it errs.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from sirnn.compiler import codec
from sirnn.compiler.compiled import Compiled
from sirnn.compiler.plan import Plan
from sirnn.compiler.task import Task, make_task
from sirnn.errors import LocalError
from sirnn.files import read_text

SUFFIX = ".json"
"""Of a name that is a file's."""

AGAIN = "name a file that compile-function wrote"


def is_saved(name: str) -> bool:
    """Whether a function's name is that of a file."""
    return name.endswith(SUFFIX)


def save(path: Path, compiled: Compiled) -> None:
    """Write a compiled function; of one that was given as Python code, its plan alone.

    Raises:
        LocalError: the file cannot be written.
    """
    task = compiled.task
    kind, _, text = (task.definition or "").partition(":")
    document = {
        "function": text if kind in ("library", "expression") else None,
        "domain": [task.domain.start, task.domain.stop],
        "max_ulp": task.max_ulp,
        "saturate": task.saturate,
        "plan": codec.dump(compiled.plan),
        "digest": compiled.digest,
    }
    try:
        path.write_text(json.dumps(document) + "\n", encoding="utf-8")
    except OSError as failure:
        raise LocalError(f"cannot write {path}: {failure.strerror}", remedy="choose another file") from failure


def load(path: Path) -> tuple[Task | None, Plan]:
    """Read what `save` wrote: the function with its types and domain, None if it was Python code; and the plan.

    Raises:
        LocalError: no such file, it holds no compiled function, or the plan was changed since.
    """
    text = read_text(path, "a compiled function", remedy=AGAIN)
    try:
        return _read(text)
    except LocalError as failure:  # also of a function's name, which is the file's here and nobody's usage
        raise LocalError(f"{path} holds no compiled function: {failure.problem}", remedy=failure.remedy) from failure
    except codec.MALFORMED as failure:
        raise LocalError(f"{path} holds no compiled function: {codec.why(failure)}", remedy=AGAIN) from failure


@lru_cache(maxsize=16)
def _read(text: str) -> tuple[Task | None, Plan]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise codec.MalformedError("it holds no names with values")
    plan = codec.load(document["plan"])
    if document["digest"] != codec.digest(plan):
        raise LocalError("it was changed after it was written", remedy="compile it again")
    return None if document["function"] is None else _task(document, plan), plan


def _task(document: dict[str, Any], plan: Plan) -> Task:
    start, stop = document["domain"]
    return make_task(
        str(document["function"]),
        inp=plan.inp,
        out=plan.out,
        domain=range(start, stop),
        max_ulp=float(document["max_ulp"]),
        saturate=bool(document["saturate"]),
    )
