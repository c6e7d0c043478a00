"""Every protocol there is: importing this fills the registry."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import sirnn.blocks
import sirnn.compiler
import sirnn.correlations
import sirnn.functions
import sirnn.linear
import sirnn.nn
import sirnn.ot
from sirnn.profile import Profile
from sirnn.protocol import ProtocolSpec

PACKAGES = (sirnn.ot, sirnn.correlations, sirnn.blocks, sirnn.functions, sirnn.compiler, sirnn.linear, sirnn.nn)


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


MODULES = tuple(modules())


def public_coroutines(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """Coroutine functions a module defines and does not hide, whose first argument is a party or a channel."""
    found = {}
    for name, value in vars(module).items():
        if name.startswith("_") or not inspect.iscoroutinefunction(value) or value.__module__ != module.__name__:
            continue
        first = next(iter(inspect.signature(value).parameters), "")
        if first in ("party", "channel"):
            found[name] = value
    return found


def label(case: Any) -> str:
    spec, params = case
    shown = [f"{name}={value}" for name, value in params.items() if not isinstance(value, list)]
    return "-".join([spec.name, *shown]).replace(" ", "")


def distinct_profiles(spec: ProtocolSpec) -> list[Profile]:
    """Those in which a protocol differs: registered ones run alike in `exact` and in `lean`, out of the same store."""
    return [profile for profile in spec.profiles if profile is not Profile.LEAN]
