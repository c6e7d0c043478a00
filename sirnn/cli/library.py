"""Every protocol of the library, by name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

import sirnn.blocks
import sirnn.compiler
import sirnn.functions
import sirnn.linear
from sirnn.names import unknown_name
from sirnn.protocol import REGISTRY, ProtocolSpec


@cache
def load_library() -> None:
    """Import whatever registers a protocol."""
    for package in (sirnn.blocks, sirnn.functions, sirnn.compiler, sirnn.linear):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)


def protocols() -> Mapping[str, ProtocolSpec]:
    """All of them."""
    load_library()
    return REGISTRY


def find_protocol(name: str) -> ProtocolSpec:
    """A registered protocol.

    Raises:
        UnknownNameError: there is none of that name.
    """
    load_library()
    if name not in REGISTRY:
        raise unknown_name("protocol", name, REGISTRY, otherwise="sirnn block lists them all")
    return REGISTRY[name]
