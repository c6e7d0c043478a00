"""`sirnn measure`: run a function with both parties and report what it cost and how exact it was."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
import numpy as np

from sirnn import ring
from sirnn.channel import Channel, Phase
from sirnn.cli.inference import seeded
from sirnn.cli.options import json_option, network_option, over_option, profile_option, seed_option
from sirnn.cli.pair import PairRun, bound, run_pair
from sirnn.cli.report import amount, out, print_json, scope_table, table, traffic_report
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS, MathFunction
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.session import start_session
from sirnn.shares import ArithmeticShare


def function_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what a function works on."""
    options = (
        click.option("--bits", type=int, default=16, show_default=True, help="Width of the input words."),
        click.option("--in-scale", type=int, default=12, show_default=True, help="Binary places of the input."),
        click.option("--out-bits", type=int, default=16, show_default=True, help="Width of the output words."),
        click.option("--out-scale", type=int, default=12, show_default=True, help="Binary places of the output."),
        click.option(
            "--count",
            type=click.IntRange(1),
            default=16384,
            show_default=True,
            help="Instances, evaluated as one batch.",
        ),
    )

    @functools.wraps(command)
    def typed(*args: Any, bits: int, in_scale: int, out_bits: int, out_scale: int, **kwargs: Any) -> Any:
        return command(*args, inp=FixedPoint(bits, in_scale), out_type=FixedPoint(out_bits, out_scale), **kwargs)

    for option in reversed(options):
        typed = option(typed)
    return typed


async def function_body(
    channel: Channel, *, name: str, x: Words, inp: FixedPoint, out_type: FixedPoint, profile: Profile, seed: int | None
) -> Words:
    """One party: evaluates the function on its half of x, which is made here since x is no secret."""
    party = await start_session(
        channel,
        profile=profile,
        agree={"function": f"{name} {inp} to {out_type}"},
        randomness=seeded(seed, channel.role),
    )
    mask = ring.reduce(np.random.default_rng(0).integers(0, 1 << 63, size=x.shape, dtype=np.uint64), inp.bits)
    half = mask if party.is_server else ring.reduce(x - mask, inp.bits)
    result = await FUNCTIONS[name].run(party, ArithmeticShare(half, inp.bits), inp=inp, out=out_type)
    return result.words


@click.command()
@click.argument("function", type=click.Choice(list(FUNCTIONS)))
@function_options
@profile_option
@over_option
@network_option
@seed_option
@json_option
def measure(
    function: str,
    inp: FixedPoint,
    out_type: FixedPoint,
    count: int,
    profile: Profile,
    over: str,
    network: str,
    seed: int | None,
    as_json: bool,
) -> None:
    """Run FUNCTION on inputs spread over its whole domain and report bytes, flights, seconds and worst error.

    Error is the distance from the real value in ULP, units in the last place of the output. The measured bytes and
    flights are checked against the declared cost, and every output word against the function in clear; any
    difference is a failure.
    """
    chosen = FUNCTIONS[function]
    x = chosen.inputs(inp, count)
    body = bound(function_body, name=function, x=x, inp=inp, out_type=out_type, profile=profile, seed=seed)
    chosen.cost(profile, count, inp=inp, out=out_type)  # refuses types it cannot serve before anything is run
    pair = run_pair(body, body, over=over, network=network)
    report = _report(chosen, inp, out_type, x, profile, pair)
    if as_json:
        print_json(report)
    else:
        _print(chosen, inp, out_type, pair, report)


def _report(
    chosen: MathFunction, inp: FixedPoint, out_type: FixedPoint, x: Words, profile: Profile, pair: PairRun
) -> dict[str, Any]:
    y = ring.reduce(pair.values[0] + pair.values[1], out_type.bits)
    expected = chosen.clear(x.astype(np.uint64), inp=inp, out=out_type)
    errors = chosen.errors(x, y, inp, out_type)
    declared = chosen.cost(profile, x.size, inp=inp, out=out_type)
    figures = traffic_report(pair.ledger)
    payload = figures["bytes_offline"] + figures["bytes_online"]
    if not np.array_equal(y, expected) or (payload, figures["flights"]) != (declared.payload, declared.flights):
        raise LocalError(
            f"{chosen.name} on {inp} to {out_type} does not do what it declares", remedy="this is a defect: report it"
        )
    times = {f"network_seconds_{name}": phases[Phase.ONLINE] / 1e9 for name, phases in pair.network_ns.items()}
    return {
        "function": chosen.name,
        "profile": profile.value,
        "count": x.size,
        "bytes_per_instance": payload / x.size,
        **figures,
        "seconds": pair.seconds,
        "seconds_offline": 0.0,
        "seconds_online": pair.seconds,
        **times,
        "max_ulp": float(errors.max()),
        "mean_ulp": float(errors.mean()),
    }


def _print(chosen: MathFunction, inp: FixedPoint, out_type: FixedPoint, pair: PairRun, report: dict[str, Any]) -> None:
    rows = [
        ["instances", f"{report['count']:,}"],
        ["payload per instance", amount(report["bytes_per_instance"])],
        ["payload", amount(report["bytes_online"] + report["bytes_offline"])],
        ["set-up, once per session", amount(report["bytes_setup"])],
        ["framing", amount(report["bytes_framing"])],
        ["flights", str(report["flights"])],
        ["worst error", f"{report['max_ulp']:.2f} ULP"],
        ["mean error", f"{report['mean_ulp']:.2f} ULP"],
        ["seconds, set-up included", f"{report['seconds']:.2f}"],
        *(
            [f"waiting for the network, {name}", f"{report[f'network_seconds_{name}']:.2f} s"]
            for name in pair.network_ns
        ),
    ]
    out.print(table(f"{chosen.name}: {chosen.summary}, {inp} to {out_type}", ["", "figure"], rows))
    out.print("Bytes and flights are the declared ones; every word equals the function in clear.")
    out.print(scope_table(pair.ledger))
