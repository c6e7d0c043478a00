"""Parameters of protocols, as people write and read them."""

from __future__ import annotations

import re
from typing import Any

import click

from sirnn.fixedpoint import FixedPoint
from sirnn.names import unknown_name
from sirnn.protocol import Params, ProtocolSpec

TYPE = re.compile(r"(u?)(\d+):(-?\d+)")
"""A fixed-point type: 16:12 is 16 bits at scale 12, signed; u16:12 unsigned."""


def chosen(spec: ProtocolSpec, given: tuple[str, ...]) -> Params:
    """The first example's parameters, with those given as NAME=VALUE in place of its own.

    Raises:
        UnknownNameError: no such parameter.
        click.BadParameter: a value of the wrong kind.
    """
    params = dict(spec.examples[0])
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in params:
            raise unknown_name("parameter", name, params, otherwise=f"it has {', '.join(params)}", of=spec.name)
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
    if isinstance(like, tuple) and re.fullmatch(r"-?\d{1,9}(,-?\d{1,9})*", value):
        return tuple(map(int, value.split(",")))
    if isinstance(like, str):
        return value
    raise click.BadParameter(
        f"{name}={value} is not of its kind: the example has {name}={text_of(like)}", param_hint="-p"
    )


def is_short(value: Any) -> bool:
    """Worth showing: a table of numbers, or a plan, is not."""
    return isinstance(value, int | str | tuple | FixedPoint)


def shown(params: Params) -> dict[str, Any]:
    """What a person wants to see of the parameters: not whole tables. Numbers and truths stay such, for JSON."""
    plain = (int, tuple)  # truths are integers, too
    return {
        name: value if isinstance(value, plain) else text_of(value) for name, value in params.items() if is_short(value)
    }


def text_of(value: Any) -> str:
    """A value as it is written after NAME=."""
    if isinstance(value, FixedPoint):
        return f"{'' if value.signed else 'u'}{value.bits}:{value.scale}"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
