"""The cache: plans compiled before, as JSON files of the user's.

They lie in a folder of `sirnn.folders`, under the hash of everything that decides the plan. A file that cannot be read,
or is not what was written, is as good as none; nor is it an error if none can be written.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from sirnn.compiler import codec
from sirnn.compiler.compiled import Candidate, Compiled
from sirnn.compiler.price import bill
from sirnn.compiler.proof import Proof
from sirnn.compiler.task import Task
from sirnn.errors import LocalError
from sirnn.folders import cache_folders
from sirnn.functions.identities import Fact, Facts

VERSION = 7
"""To be raised whenever the compiler would choose or measure differently."""


def recall(task: Task) -> Compiled | None:
    """What was compiled for the same task before; None if nothing was, or it is not intact."""
    for path in _paths(task):
        with suppress(OSError, ValueError, KeyError, TypeError, LocalError):
            document = json.loads(path.read_text())
            if document["checksum"] == _checksum(document["compiled"]):
                return _load(task, document["compiled"])
    return None


def remember(task: Task, compiled: Compiled) -> None:
    """Keep what was compiled, if the task has a definition and a folder can be written."""
    document = _dump(compiled)
    text = json.dumps({"checksum": _checksum(document), "compiled": document})
    for path in _paths(task):
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Another process may be writing the same plan: each puts a whole file in place.
            with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as file:
                file.write(text)
            Path(file.name).replace(path)
            return


def _paths(task: Task) -> list[Path]:
    """Where the plan of a task may lie; nowhere without a definition."""
    if task.definition is None:
        return []
    decisive = {
        "version": VERSION,
        "definition": task.definition,
        "types": [attrs.asdict(task.inp), attrs.asdict(task.out)],
        "max_ulp": task.max_ulp.hex(),
        "domain": [task.domain.start, task.domain.stop],
        "saturate": task.saturate,
        "network": task.network and [task.network.latency.hex(), task.network.bits_per_second.hex()],
        "count": task.count,
        "profile": task.profile.value,
        "flights": [task.flight_bits, task.max_flights],
        "exhaust": task.exhaust,
        "cut": task.cut,
        "keep": task.keep,
    }
    name = f"{_checksum(decisive)}.json"
    return [folder / name for folder in cache_folders()]


def _checksum(document: Any) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _dump(compiled: Compiled) -> dict[str, Any]:
    return {
        "plan": codec.dump(compiled.plan),
        "proof": attrs.asdict(compiled.proof),
        "candidates": [attrs.asdict(candidate) for candidate in compiled.candidates],
        "facts": compiled.facts and attrs.asdict(compiled.facts),
    }


def _load(task: Task, document: dict[str, Any]) -> Compiled:
    plan = codec.load(document["plan"])
    candidates = tuple(Candidate(**candidate) for candidate in document["candidates"])
    proof, priced = Proof(**document["proof"]), bill(task.profile, plan, task.count)
    facts = document["facts"] and _facts(**document["facts"])
    return Compiled(task, plan, proof, priced, candidates, facts)


def _facts(*, identities: list[dict[str, Any]], **ends: int) -> Facts:
    return Facts(identities=tuple(Fact(**fact) for fact in identities), **ends)
