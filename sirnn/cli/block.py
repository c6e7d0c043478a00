"""`sirnn block`: what a single protocol costs, run and checked at parameters of one's choosing."""

from __future__ import annotations

import re
from typing import Any

import click

from sirnn import ring
from sirnn.cli.library import find_protocol, load_library
from sirnn.cli.measurement import Measurement, run_subject, seconds_rows, traffic_rows
from sirnn.cli.options import json_option, ot_option, profile_option
from sirnn.cli.report import amount, out, print_json, table
from sirnn.cli.setting import Setting
from sirnn.cli.subjects import ProtocolSubject, is_short
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.names import unknown_name
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, Params, ProtocolSpec

TYPE = re.compile(r"(u?)(\d+):(-?\d+)")
"""A fixed-point type: 16:12 is 16 bits at scale 12, signed; u16:12 unsigned."""


@click.command()
@click.argument("protocol", required=False)
@click.option(
    "-p",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter; types are written 16:12 or u16:12, several numbers 9,7.",
)
@click.option(
    "--count", type=click.IntRange(1), default=1024, show_default=True, help="Instances (rows, for matrices)."
)
@profile_option
@ot_option
@json_option
def block(protocol: str | None, given: tuple[str, ...], count: int, profile: Profile, ot: str, as_json: bool) -> None:
    """Run PROTOCOL with both parties on random inputs and report its bytes and flights; without one, list them all.

    Every output is checked against the functionality in clear, bytes and flights against the declared cost, offline as
    well as online. Parameters not given are those of the protocol's first example.
    """
    if protocol is None:
        _print_list(as_json)
        return
    spec = find_protocol(protocol)
    subject = ProtocolSubject(protocol, protocol, chosen(spec, given), count, profile)
    measured = _run(spec, subject, Setting(ot=ot))
    if as_json:
        print_json(_report(measured, subject))
    else:
        _print(measured, subject)


def _run(spec: ProtocolSpec, subject: ProtocolSubject, setting: Setting) -> Measurement:
    try:
        for kind in (*spec.takes, *spec.gives(subject.params)):
            ring.check_bits(kind.width(subject.params))  # in the protocol's terms, not of what it is made of
        return run_subject(subject, setting)
    except (ValueError, OverflowError, ZeroDivisionError) as failure:
        raise LocalError(
            f"{subject.name} cannot be run with {_line(subject.params)}: {failure}",
            remedy="see its docstring for what fits",
        ) from failure


def _report(measured: Measurement, subject: ProtocolSubject) -> dict[str, Any]:
    declared = subject.cost()
    return {
        "protocol": subject.protocol,
        "parameters": _shown(subject.params),
        **measured.report(),
        "bytes_from_server": declared.sent[0],
        "bytes_from_client": declared.sent[1],
        "demand": dict(declared.demand),
    }


def _print(measured: Measurement, subject: ProtocolSubject) -> None:
    report = _report(measured, subject)
    rows = [
        *([f"  {name}", text] for name, text in _texts(subject.params).items()),
        ["bits per instance", f"{report['bits_per_instance']:,.1f}"],
        *traffic_rows(report),
        ["payload online, from the server", amount(report["bytes_from_server"])],
        ["payload online, from the client", amount(report["bytes_from_client"])],
        *([f"  {kind}, demanded", f"{number:,}"] for kind, number in report["demand"].items()),
        *seconds_rows(report),
    ]
    out.print(table(f"{subject.protocol}, {subject.count:,} at once", [], rows))
    out.print("Every output, byte and flight is as declared.")


def chosen(spec: ProtocolSpec, given: tuple[str, ...]) -> Params:
    """The first example's parameters, with those given in place of its own.

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
        f"{name}={value} is not of its kind: the example has {name}={_text(like)}", param_hint="-p"
    )


def _shown(params: Params) -> dict[str, Any]:
    """What is told of the parameters, as JSON has it: numbers as numbers, types as -p takes them, no whole tables."""
    return {name: _told(value) for name, value in params.items() if is_short(value)}


def _told(value: Any) -> Any:
    if isinstance(value, FixedPoint):
        return f"{'' if value.signed else 'u'}{value.bits}:{value.scale}"
    if isinstance(value, tuple):
        return [_told(each) for each in value]
    return value if isinstance(value, bool | int | float | str) else str(value)


def _text(value: Any) -> str:
    """The same as -p takes it."""
    told = _told(value)
    if isinstance(told, list):
        return ",".join(map(str, told))
    return str(told).lower() if isinstance(told, bool) else str(told)


def _texts(params: Params) -> dict[str, str]:
    return {name: _text(value) for name, value in params.items() if is_short(value)}


def _line(params: Params) -> str:
    return " ".join(f"{name}={text}" for name, text in _texts(params).items())


def _print_list(as_json: bool) -> None:
    load_library()
    listed = [(spec.name, _summary(spec), spec.examples[0]) for spec in REGISTRY.values()]
    if as_json:
        said = [{"name": name, "summary": what, "parameters": _shown(params)} for name, what, params in listed]
        print_json({"protocols": said})
        return
    rows = [[name, what, _line(params)] for name, what, params in listed]
    out.print(table("Protocols", ["name", "what it does", "parameters, as -p takes them"], rows, figures=0))


def _summary(spec: ProtocolSpec) -> str:
    """The first sentence of its docstring."""
    return re.split(r"[.:;]\s", (spec.run.__doc__ or "").strip())[0].split("\n")[0]
