"""Run pytest with a mutant planted: python -m tests.mutants.plant NAME PYTEST-ARGUMENTS..."""

from __future__ import annotations

import importlib.machinery
import os
import sys
import tempfile
from collections.abc import Sequence
from types import CodeType, ModuleType

import pytest

from tests.mutants.collection import MUTANTS, Edit, Mutant


class Planter:
    """Finds the modules that a mutant changes, and loads them changed."""

    def __init__(self, mutant: Mutant) -> None:
        self._edits: dict[str, list[Edit]] = {}
        for edit in mutant.edits:
            self._edits.setdefault(edit.module, []).append(edit)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if name in self._edits else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Changed(name, spec.origin, self._edits[name])
        return spec


class _Changed(importlib.machinery.SourceFileLoader):
    """Compiles a module's text with the edits made, past any cache."""

    def __init__(self, name: str, path: str, edits: Sequence[Edit]) -> None:
        super().__init__(name, path)
        self._edits = edits

    def get_code(self, fullname: str) -> CodeType:
        text = self.get_data(self.path).decode()
        for edit in self._edits:
            text = edit.made_in(text)
        return compile(text, self.path, "exec", dont_inherit=True)


def main(name: str, arguments: Sequence[str]) -> int:
    """Plant a mutant and run pytest."""
    mutant = MUTANTS[name]
    if any(edit.module.startswith("sirnn.kernels") for edit in mutant.edits):
        os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="mutant-")  # compiled code goes by the file's date
    sys.meta_path.insert(0, Planter(mutant))
    return int(pytest.main(list(arguments)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
