"""`sirnn measure`: run something with both parties and report what it cost, how long it took and how exact it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import click

from sirnn.cli.library import find_protocol, protocols
from sirnn.cli.measurement import print_measurement, run_subject
from sirnn.cli.options import (
    BITS,
    EXPRESSION,
    SCALE,
    ExpressionCommand,
    check_simulated,
    given,
    json_option,
    network_option,
    ot_option,
    over_option,
    parameters_option,
    profile_option,
    repeat_option,
    seed_option,
)
from sirnn.cli.parameters import chosen
from sirnn.cli.report import print_json
from sirnn.cli.setting import LAN, Setting
from sirnn.cli.subjects import DIRECTIONS, FunctionSubject, ProtocolSubject, RotSubject, Subject
from sirnn.compiler.methods import is_function, unknown
from sirnn.correlations.supply import Supply
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS
from sirnn.profile import Profile
from sirnn.protocol import ProtocolSpec

# ------------------------------------------------------------ what there is to measure


@attrs.frozen
class Kind:
    """A kind of subject.

    Attributes:
        make: the subject, out of a setting and the options named in `defaults`.
        defaults: the options that it takes, and what they are if they are not given.
    """

    make: Callable[..., Subject]
    defaults: Mapping[str, Any]


def _function(name: str) -> Kind:
    def make(
        _: Setting, *, bits: int, in_scale: int, out_bits: int, out_scale: int, count: int, profile: Profile
    ) -> Subject:
        return FunctionSubject.spread(name, FixedPoint(bits, in_scale), FixedPoint(out_bits, out_scale), profile, count)

    types = {"bits": 16, "in_scale": 12, "out_bits": 16, "out_scale": 12}
    return Kind(make, {**types, "count": 16384, "profile": Profile.LEAN})


def _lookup(_: Setting, **options: Any) -> Subject:
    return ProtocolSubject.lookup(**options)


def _matmul(_: Setting, **options: Any) -> Subject:
    return ProtocolSubject.matmul(**options)


def _rot(setting: Setting, *, count: int, direction: str) -> Subject:
    """As many as the source makes at a time, so that none are made and left unused."""
    return RotSubject(whole_batches(setting.supply(), count, DIRECTIONS[direction][0]), direction)


def whole_batches(supply: Supply, count: int, sender: int) -> int:
    """`count` rounded up to what a source makes when asked for as many."""
    return supply.get(supply.choose(count, sender), sender).yields(count)


def _protocol(spec: ProtocolSpec) -> Kind:
    """A registered protocol; --bits stands for its width, if it has one."""
    widths = {"bits": 16} if "bits" in spec.examples[0] else {}

    def make(_: Setting, *, parameters: tuple[str, ...], count: int, profile: Profile, **bits: int) -> Subject:
        said = tuple(f"{name}={value}" for name, value in bits.items())
        return ProtocolSubject.of(spec, chosen(spec, (*said, *parameters)), count, profile)

    return Kind(make, {**widths, "parameters": (), "count": 16384, "profile": Profile.LEAN})


KINDS = {
    "lookup": Kind(_lookup, {"bits": 8, "out_bits": 14, "count": 16384, "profile": Profile.LEAN}),
    "matmul": Kind(_matmul, {"dims": (64, 64, 64), "bits": 16, "out_bits": 38, "profile": Profile.LEAN}),
    "rot": Kind(_rot, {"count": 1_000_000, "direction": "server"}),
}
"""By name; anything else is a function or a registered protocol."""


def _known(_ctx: click.Context, _param: click.Parameter, text: str) -> str:
    if text in KINDS or is_function(text) or text in protocols():
        return text
    raise unknown(text, *KINDS)


def _kind(name: str, profile: Profile) -> Kind:
    """What a name stands for in a profile: a function where the profile has it, or else the protocol of that name."""
    if name in KINDS:
        return KINDS[name]
    evaluated = is_function(name) and (profile is Profile.LEAN or name in FUNCTIONS)
    if evaluated or name not in protocols():
        return _function(name)
    return _protocol(find_protocol(name))


# ------------------------------------------------------------ the command


def _dims(_ctx: click.Context, _param: click.Parameter, text: str) -> tuple[int, ...]:
    sizes = text.split(",")
    if len(sizes) != 3 or not all(size.isascii() and size.isdigit() and 0 < int(size) < 1 << 20 for size in sizes):
        raise click.BadParameter(f"{text!r} are not the sizes of a product: give D1,D2,D3, such as 64,64,64")
    return tuple(int(size) for size in sizes)


@click.command(cls=ExpressionCommand)
@click.argument("subject", type=EXPRESSION, callback=_known)
@click.option("--bits", type=BITS, default=16, show_default="16; lookup 8", help="Width of the input words.")
@click.option("--in-scale", type=SCALE, default=12, show_default=True, help="Binary places of the input.")
@click.option(
    "--out-bits", type=BITS, default=16, show_default="16; lookup 14, matmul 38", help="Width of the output words."
)
@click.option("--out-scale", type=SCALE, default=12, show_default=True, help="Binary places of the output.")
@click.option(
    "--count",
    type=click.IntRange(1),
    default=16384,
    show_default="16384; rot 1000000",
    help="Instances, evaluated as one batch; of rot, those of a direction, rounded up to whole batches.",
)
@click.option("--dims", default="64,64,64", show_default=True, callback=_dims, help="matmul: (D1, D2) times (D2, D3).")
@click.option(
    "--direction", type=click.Choice(list(DIRECTIONS)), default="server", show_default=True, help="rot: who sends."
)
@parameters_option
@profile_option
@ot_option
@over_option
@network_option
@seed_option
@repeat_option
@json_option
def measure(
    subject: str,
    ot: str,
    over: str,
    network: str | None,
    seed: int | None,
    repeat: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Run SUBJECT with both parties and report bytes, flights, seconds and worst error.

    A function, by name, as an expression in x such as "x*tanh(log1p(exp(x)))", or as the file of a plan that
    compile-function wrote, runs on inputs spread over its whole domain; `lookup` (a public table at a shared index) and
    `matmul` on random ones, and so does every protocol that `sirnn block` lists, with its parameters (-p). A name that
    is both is the function in a profile that has it. `rot` makes random OTs offline and hashes them into pads of 64
    bits online. But for --profile paper the correlations are made first, offline. All is checked: bytes and flights
    against the declared cost, offline as well as online, and every output word against the result in clear; any
    difference is a failure.

    Seconds are those of both parties: a stage is over when both are done with it. Before anything is timed each process
    runs a tiny job, so that its code is compiled and loaded. Times of --over sim, where both parties share a process,
    are no benchmark; those of --over tcp are.

    Error is the distance from the real value in ULP, units in the last place of the output, of those inputs whose
    real value the output type can hold; the others are counted as overflows.
    """
    check_simulated(over, network=network, seed=seed, repeat=repeat)
    setting = Setting(over, network or LAN, seed, ot)
    kind = _kind(subject, options["profile"])
    made = kind.make(setting, **_taken(subject, kind.defaults, options))
    measured = run_subject(made, setting, repeat=repeat)
    if as_json:
        print_json(measured.report())
    else:
        print_measurement(measured)


def _taken(subject: str, defaults: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a subject takes, its own defaults in place of those not given.

    Raises:
        click.UsageError: one is given that it does not take: ignoring it would be a misunderstanding.
    """
    for name in options:
        if given(name) and name not in defaults:
            raise click.UsageError(f"--{name.replace('_', '-')} says nothing about {subject}.")
    return {name: options[name] if given(name) else default for name, default in defaults.items()}
