"""Options that several commands share, spelled the same everywhere."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import click
from click.core import ParameterSource

from simulator.network import NETWORKS
from sirnn.compiler.expression import CONSTANTS
from sirnn.correlations.supply import AUTO, SOURCES
from sirnn.fixedpoint import FixedPoint
from sirnn.nn.inference import Reveal
from sirnn.profile import Profile
from sirnn.ring import MAX_BITS

F = TypeVar("F", bound=Callable[..., Any])

LARGEST_PORT = 65535

Address: TypeAlias = tuple[str, int]
"""Host and port."""

FILE = click.Path(dir_okay=False, path_type=Path)
"""A path that is no directory. Whether it is there, and what is in it, is for whoever opens it to say."""

BITS = click.IntRange(1, MAX_BITS)
SCALE = click.IntRange(-MAX_BITS, MAX_BITS)


# ------------------------------------------------------------ expressions


EXPRESSION = str.strip
"""The type of an argument that may be an expression: text, without the blank that `ExpressionCommand` shields it by."""


class ExpressionCommand(click.Command):
    """A command whose arguments may be expressions, also those that begin with a minus, such as -x*tanh(x)."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = [each for each in self.params if isinstance(each, click.Option) and not each.is_flag]
        valued = {name for option in options for name in option.opts}
        end = args.index("--") if "--" in args else len(args)
        shielded = [
            f" {arg}" if _is_negative(arg) and arg[:2] not in valued and before not in valued else arg
            for before, arg in zip(["", *args], args[:end], strict=False)
        ]
        return super().parse_args(ctx, shielded + args[end:])


def _is_negative(arg: str) -> bool:
    """Whether this is an expression that begins with a minus: an option's name is one word, or hyphenated ones."""
    if not re.match(r"-[^-]", arg):
        return False
    return not re.fullmatch(r"-[A-Za-z][\w-]*(=.*)?", arg) or set(re.findall(r"[A-Za-z_]+", arg)) <= {"x", *CONSTANTS}


# ------------------------------------------------------------ options


def json_option(command: F) -> F:
    """--json."""
    return click.option("as_json", "--json", is_flag=True, help="Print one JSON object and nothing else.")(command)


def network_option(command: F) -> F:
    """--network; None if it is not given."""
    return click.option(
        "--network", type=click.Choice(list(NETWORKS)), help="Network to simulate, instead of the usual one."
    )(command)


def over_option(command: F) -> F:
    """--over."""
    return click.option(
        "--over",
        type=click.Choice(["sim", "tcp"]),
        default="sim",
        show_default=True,
        help="sim: both parties in this process, in virtual time. tcp: two processes over loopback.",
    )(command)


def seed_option(command: F) -> F:
    """--seed; None if it is not given."""
    return click.option(
        "--seed",
        type=int,
        callback=_shout,
        help="Make a simulated run reproducible to the byte (insecure; refused over TCP).",
    )(command)


def _shout(_ctx: click.Context, _param: click.Parameter, seed: int | None) -> int | None:
    if seed is not None:
        click.echo("sirnn: INSECURE: randomness from a seed, which whoever knows it can repeat", err=True)
    return seed


def check_simulated(over: str, *, network: str | None, seed: int | None, repeat: int = 1) -> None:
    """Refuse what only a simulation can honour, or what none can.

    Raises:
        click.UsageError: a network or a seed, and a real connection; or repeated runs, and none.
    """
    if over == "sim" and repeat > 1:
        raise click.UsageError(
            "--repeat is for --over tcp: simulated parties share a core, and their clock is virtual."
        )
    for name, value, why in (
        ("seed", seed, "anyone who knows it could read the inputs off a real connection"),
        ("network", network, "a real connection is as fast as it is"),
    ):
        if over != "sim" and value is not None:
            raise click.UsageError(f"--{name} is for simulated runs: {why}. Drop it, or use --over sim.")


def profile_option(command: F) -> F:
    """--profile."""
    return _profile_option(Profile.LEAN, "How functions are evaluated, and where their OTs come from")(command)


def scenario_profile_option(command: F) -> F:
    """--profile where a scenario names one; None if it is not given."""
    return _profile_option(None, "How functions are evaluated, instead of as the scenario says")(command)


def _profile_option(default: Profile | None, help_text: str) -> Callable[[F], F]:
    return click.option(
        "--profile",
        type=click.Choice([profile.value for profile in Profile]),
        default=default and default.value,
        show_default=default is not None,
        callback=lambda _ctx, _param, value: value and Profile(value),
        help=f"{help_text}. lean: functions compiled, within a proven error, to what sends least. exact: SIRNN's "
        "words, bit for bit; like lean out of correlations made ahead (offline). paper: SIRNN's protocols, OTs made as "
        "they are used.",
    )


def ot_option(command: F) -> F:
    """--ot."""
    return click.option(
        "--ot",
        type=click.Choice([AUTO, *SOURCES]),
        default=AUTO,
        show_default=True,
        help="What makes random OTs ahead, where the profile does. auto: what is fastest for as many, on the network.",
    )(command)


def repeat_option(command: F) -> F:
    """--repeat."""
    return click.option(
        "--repeat",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Runs in one session, over TCP; of the seconds, the medians are reported.",
    )(command)


def parameters_option(command: F) -> F:
    """-p, any number of times: `parameters`."""
    return click.option(
        "-p",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help="A parameter of a protocol; types are written 16:12 or u16:12, several numbers 9,7.",
    )(command)


def given(option: str) -> bool:
    """Whether the user said it, rather than the default."""
    return click.get_current_context().get_parameter_source(option) is not ParameterSource.DEFAULT


def reveals_option(command: F) -> F:
    """--reveal."""
    return click.option(
        "--reveal",
        "reveals",
        type=click.Choice([reveals.value for reveals in Reveal]),
        default=Reveal.CLASS.value,
        show_default=True,
        callback=lambda _ctx, _param, value: Reveal(value),
        help="What the client learns; both parties must say the same.",
    )(command)


def silence_option(command: F) -> F:
    """--silence."""
    return click.option(
        "--silence",
        type=click.FloatRange(min=0, min_open=True),
        default=120,
        show_default=True,
        help="Seconds without progress after which the other party is given up.",
    )(command)


def type_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what a function works on; the command gets `inp` and `out_type`."""
    options = (
        click.option("--bits", type=BITS, default=16, show_default=True, help="Width of the input words."),
        click.option("--in-scale", type=SCALE, default=12, show_default=True, help="Binary places of the input."),
        click.option("--out-bits", type=BITS, default=16, show_default=True, help="Width of the output words."),
        click.option("--out-scale", type=SCALE, default=12, show_default=True, help="Binary places of the output."),
    )

    @functools.wraps(command)
    def typed(*args: Any, bits: int, in_scale: int, out_bits: int, out_scale: int, **kwargs: Any) -> Any:
        return command(*args, inp=FixedPoint(bits, in_scale), out_type=FixedPoint(out_bits, out_scale), **kwargs)

    for option in reversed(options):
        typed = option(typed)
    return typed


def count_option(command: F) -> F:
    """--count."""
    return click.option(
        "--count",
        type=click.IntRange(1),
        default=16384,
        show_default=True,
        help="Instances, evaluated as one batch.",
    )(command)


# ------------------------------------------------------------ addresses


def parse_address(_ctx: click.Context, _param: click.Parameter, text: str) -> Address:
    """A click callback: HOST:PORT.

    Raises:
        click.BadParameter: it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port:
        raise click.BadParameter(f"{text!r} names no port: give HOST:PORT, such as 127.0.0.1:7000")
    if not host:
        raise click.BadParameter(f"{text!r} names no host: give HOST:PORT, such as 127.0.0.1{text}")
    if not (port.isascii() and port.isdigit()):
        raise click.BadParameter(f"{port!r} is not a port: give HOST:PORT, such as 127.0.0.1:7000")
    if int(port[:9]) > LARGEST_PORT:
        raise click.BadParameter(f"there is no port {port}: ports go up to {LARGEST_PORT}")
    return host.strip("[]"), int(port)


def show_address(host: str, port: int) -> str:
    """An address as it is written; IPv6 hosts need brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
