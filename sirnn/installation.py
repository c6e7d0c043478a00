"""Where this installation lies: its data, and its packages whose names could be anybody's.

`simulator` and `transports` lie beside `sirnn`, in a checkout as in site-packages. A file or folder of the same name
that Python finds first would take their place without a word.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

from sirnn.errors import LocalError

HOME = Path(__file__).parent.parent
"""The folder that holds all packages of this installation."""

SCENARIOS = HOME / "scenarios"
"""The scenarios that come with it."""

PACKAGES = ("simulator", "transports")


def check_packages() -> None:
    """Make sure that the packages beside this one are ours.

    Raises:
        LocalError: something else goes by the name of one, or it is missing.
    """
    for name in PACKAGES:
        found = _found(name)
        if found is None:
            raise LocalError(f"the package {name}, a part of sirnn, is missing", remedy="install sirnn anew")
        if found.resolve() != (HOME / name / "__init__.py").resolve():
            raise LocalError(
                f"{found} takes the place of {name}, which is a package of sirnn's",
                remedy=f"rename it, or run from where Python does not find it before {HOME}",
            )


def _found(name: str) -> Path | None:
    """The file or folder that `import` takes, or has taken, for a package."""
    loaded = sys.modules.get(name)
    spec: ModuleSpec | None = loaded.__spec__ if loaded is not None else importlib.util.find_spec(name)
    if spec is None:
        return None
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    return Path(spec.origin) if spec.has_location and spec.origin else next(iter(folders), None)
