"""`sirnn block`: what a single protocol costs, run and checked at parameters of one's choosing."""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import partial
from typing import Any

import click
import trio

import sirnn.blocks
import sirnn.functions
import sirnn.linear
from simulator.check import MismatchError, check_protocol
from sirnn.cli.options import json_option, profile_option
from sirnn.cli.report import amount, out, print_json, spinner, table
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, Params, ProtocolSpec

TYPE = re.compile(r"(u?)(\d+):(-?\d+)")
"""A fixed-point type: 16:12 is 16 bits at scale 12, signed; u16:12 unsigned."""


@click.command()
@click.argument("protocol", required=False)
@click.option(
    "-p", "given", multiple=True, metavar="NAME=VALUE", help="A parameter; types are written 16:12 or u16:12."
)
@click.option(
    "--count", type=click.IntRange(1), default=1024, show_default=True, help="Instances (rows, for matrices)."
)
@profile_option
@json_option
def block(protocol: str | None, given: tuple[str, ...], count: int, profile: Profile, as_json: bool) -> None:
    """Run PROTOCOL with both parties on random inputs and report its bytes and flights; without one, list them all.

    Every output is checked against the functionality in clear, bytes and flights against the declared cost. Parameters
    not given are those of the protocol's first example.
    """
    _load_all()
    if protocol is None:
        _print_list(as_json)
        return
    spec = _find(protocol)
    params = chosen(spec, given)
    with spinner(protocol):
        trio.run(partial(_check, spec, params, count, profile))
    declared = spec.cost(profile, count, params)
    report = {
        "protocol": protocol,
        "parameters": _shown(params),
        "count": count,
        "bytes_from_server": declared.sent[0],
        "bytes_from_client": declared.sent[1],
        "bytes_online": declared.payload,
        "bits_per_instance": 8 * declared.payload / count,
        "flights": declared.flights,
    }
    if as_json:
        print_json(report)
        return
    rows = [
        *([f"  {name}", text] for name, text in _shown(params).items()),
        ["bits per instance", f"{report['bits_per_instance']:,.1f}"],
        ["from the server", amount(declared.sent[0])],
        ["from the client", amount(declared.sent[1])],
        ["flights (causal depth)", str(declared.flights)],
    ]
    out.print(table(f"{protocol}, {count:,} at once", [], rows))
    out.print("Every output, byte and flight is as declared.")


def chosen(spec: ProtocolSpec, given: tuple[str, ...]) -> Params:
    """The first example's parameters, with those given in place of its own.

    Raises:
        LocalError: no such parameter, or a value of the wrong kind.
    """
    params = dict(spec.examples[0])
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in params:
            raise LocalError(f"{spec.name} has no parameter {text!r}", remedy=f"it has {', '.join(params) or 'none'}")
        params[name] = _parsed(name, value, params[name])
    return params


def _parsed(name: str, value: str, like: Any) -> Any:
    """A value of the kind that the example has."""
    typed = TYPE.fullmatch(value)
    if isinstance(like, FixedPoint) and typed:
        return FixedPoint(int(typed[2]), int(typed[3]), signed=not typed[1])
    if isinstance(like, bool) and value in ("true", "false"):
        return value == "true"
    if type(like) is int and re.fullmatch(r"-?\d{1,9}", value):
        return int(value)
    if isinstance(like, str):
        return value
    raise LocalError(f"{name}={value} is not of its kind", remedy=f"the example has {name}={like}")


async def _check(spec: ProtocolSpec, params: Params, count: int, profile: Profile) -> None:
    try:
        await check_protocol(spec, params, sizes=(count,), profile=profile)
    except MismatchError as mismatch:
        raise LocalError(str(mismatch), remedy="this is a defect: report it") from mismatch
    except (ValueError, OverflowError, ZeroDivisionError) as failure:
        raise LocalError(
            f"{spec.name} cannot be run with {_shown(params)}: {failure}", remedy="see its docstring for what fits"
        ) from failure


def _find(name: str) -> ProtocolSpec:
    if name not in REGISTRY:
        raise LocalError(f"there is no protocol {name}", remedy="sirnn block lists them all")
    return REGISTRY[name]


def _load_all() -> None:
    for package in (sirnn.blocks, sirnn.linear, sirnn.functions):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)


def _shown(params: Params) -> dict[str, str]:
    """What a person wants to see of the parameters: not whole tables."""
    return {name: _type(value) for name, value in params.items() if not isinstance(value, list)}


def _type(value: Any) -> str:
    if isinstance(value, FixedPoint):
        return f"{'' if value.signed else 'u'}{value.bits}:{value.scale}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _print_list(as_json: bool) -> None:
    listed = [(spec.name, _summary(spec), _shown(spec.examples[0])) for spec in REGISTRY.values()]
    if as_json:
        print_json({"protocols": [{"name": name, "summary": what, "parameters": p} for name, what, p in listed]})
        return
    rows = [[name, what, " ".join(f"{key}={text}" for key, text in params.items())] for name, what, params in listed]
    out.print(table("Protocols", ["name", "what it does", "parameters, as -p takes them"], rows, figures=0))


def _summary(spec: ProtocolSpec) -> str:
    """The first sentence of its docstring."""
    return re.split(r"[.:;]\s", (spec.run.__doc__ or "").strip())[0].split("\n")[0]
