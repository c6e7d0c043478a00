"""`sirnn block`: any protocol of the library, run and measured at parameters of one's choosing."""

from __future__ import annotations

import re

import click

from sirnn.cli.library import find_protocol, load_library
from sirnn.cli.measurement import print_measurement, run_subject
from sirnn.cli.options import (
    check_simulated,
    json_option,
    network_option,
    ot_option,
    over_option,
    parameters_option,
    profile_option,
    repeat_option,
    seed_option,
)
from sirnn.cli.parameters import chosen, shown, text_of
from sirnn.cli.report import out, print_json, table
from sirnn.cli.setting import LAN, Setting
from sirnn.cli.subjects import ProtocolSubject
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, ProtocolSpec


@click.command()
@click.argument("protocol", required=False)
@parameters_option
@click.option(
    "--count", type=click.IntRange(1), default=1024, show_default=True, help="Instances (rows, for matrices)."
)
@profile_option
@ot_option
@over_option
@network_option
@seed_option
@repeat_option
@json_option
def block(
    protocol: str | None,
    parameters: tuple[str, ...],
    count: int,
    profile: Profile,
    ot: str,
    over: str,
    network: str | None,
    seed: int | None,
    repeat: int,
    as_json: bool,
) -> None:
    """Run PROTOCOL with both parties on random inputs and report bytes, flights and seconds; without one, list them
    all.

    Every output is checked against the functionality in clear, bytes and flights against the declared cost, offline as
    well as online. Parameters not given are those of the protocol's first example. See `sirnn measure` for what the
    seconds are.
    """
    if protocol is None:
        _print_list(as_json)
        return
    check_simulated(over, network=network, seed=seed, repeat=repeat)
    spec = find_protocol(protocol)
    subject = ProtocolSubject.of(spec, chosen(spec, parameters), count, profile)
    measured = run_subject(subject, Setting(over, network or LAN, seed, ot), repeat=repeat)
    if as_json:
        print_json(measured.report())
    else:
        print_measurement(measured)


def _print_list(as_json: bool) -> None:
    load_library()
    if as_json:
        print_json(
            {
                "protocols": [
                    {
                        "name": spec.name,
                        "summary": _summary(spec),
                        "parameters": shown(spec.examples[0]),
                        "profiles": [profile.value for profile in spec.profiles],
                    }
                    for spec in REGISTRY.values()
                ]
            }
        )
        return
    rows = [
        [
            spec.name,
            _summary(spec),
            " ".join(f"{name}={text_of(value)}" for name, value in shown(spec.examples[0]).items()),
        ]
        for spec in REGISTRY.values()
    ]
    out.print(table("Protocols", ["name", "what it does", "parameters, as -p takes them"], rows, figures=0))


def _summary(spec: ProtocolSpec) -> str:
    """The first sentence of its docstring."""
    return re.split(r"[.:;]\s", (spec.run.__doc__ or "").strip())[0].split("\n")[0]
