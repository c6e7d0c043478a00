"""The arrows of the project point one way: which package may import which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = ["kernels", "crypto", "ot", "correlations", "blocks", "functions", "compiler", "linear", "models", "nn", "cli"]
"""Inside sirnn, lowest first; each may import those before it, and the modules at the top of the package."""

CORE = {
    "errors",
    "channel",
    "endpoint",
    "cost",
    "ring",
    "fixedpoint",
    "shares",
    "profile",
    "protocol",
    "party",
    "files",
    "handshake",
    "names",
    "session",
    "version",
    "folders",
    "installation",
}
"""Modules at the top of sirnn."""

CORE_MAY_IMPORT = {"session": {"crypto", "ot", "correlations"}, "party": {"crypto", "ot", "correlations"}}
"""Core modules that reach into layers: the session composes them; the party only names their types."""

TRANSPORT_MAY_IMPORT = {"channel", "endpoint", "errors", "cost"}

CHECK_MAY_IMPORT = CORE | {"crypto", "correlations"}
"""simulator/check.py runs whole protocols, so it needs sessions, shares and what they use up."""

PRIVACY_MAY_IMPORT = CHECK_MAY_IMPORT | {"ot"}
"""simulator/privacy looks at what OTs give out, too."""


def imports(path: Path) -> set[str]:
    """Dotted names a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"
    return found


def sirnn_parts(path: Path) -> set[str]:
    """First names below sirnn that a file imports."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("sirnn.")}


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", files("sirnn"), ids=lambda p: str(p.relative_to(ROOT)))
def test_sirnn_imports_downwards(path):
    parts = path.relative_to(ROOT / "sirnn").parts
    layer = parts[0] if len(parts) > 1 else None
    layers = sirnn_parts(path) & set(LAYERS)
    if layer is None:
        assert layers <= CORE_MAY_IMPORT.get(path.stem, set())
    else:
        assert layer in LAYERS
        assert layers <= set(LAYERS[: LAYERS.index(layer) + 1])
    outside = {name.split(".")[0] for name in imports(path)}
    if layer != "cli":
        assert not outside & {"transports", "simulator", "socket", "time", "click", "rich"}
    if layer != "kernels":
        assert "numba" not in outside


@pytest.mark.parametrize("path", files("transports"), ids=lambda p: str(p.relative_to(ROOT)))
def test_transports_know_the_channel_only(path):
    assert sirnn_parts(path) <= TRANSPORT_MAY_IMPORT
    assert not {name.split(".")[0] for name in imports(path)} & {"simulator", "numpy", "numba"}


@pytest.mark.parametrize("path", files("simulator"), ids=lambda p: str(p.relative_to(ROOT)))
def test_simulator_knows_the_channel_only(path):
    allowed = CHECK_MAY_IMPORT if path.stem == "check" else TRANSPORT_MAY_IMPORT
    assert sirnn_parts(path) <= (PRIVACY_MAY_IMPORT if path.parent.name == "privacy" else allowed)
    assert "transports" not in {name.split(".")[0] for name in imports(path)}


def test_every_core_module_is_listed():
    found = {path.stem for path in (ROOT / "sirnn").glob("*.py")} - {"__init__"}
    assert found == CORE


def test_no_secret_comes_from_numpy():
    """numpy's generators are for tests; the checker uses them on inputs that are no secret."""
    users = {
        str(path.relative_to(ROOT))
        for package in ("sirnn", "transports", "simulator")
        for path in files(package)
        if "np.random" in path.read_text()
    }
    assert users <= {"simulator/check.py"}


def test_loops_are_compiled_in_one_place():
    """numba's own decorators keep code in places that may not be writable, and then fail when they are imported."""
    users = {path.name for path in files("sirnn") if "njit" in path.read_text()}
    assert users == {"compiled.py"}
