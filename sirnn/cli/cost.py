"""`sirnn cost`: declared costs; nothing is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Group

from simulator.network import NETWORKS
from sirnn.cli.declared import setup_payload
from sirnn.cli.measurement import traffic_rows
from sirnn.cli.options import (
    EXPRESSION,
    ExpressionCommand,
    count_option,
    given,
    json_option,
    ot_option,
    profile_option,
    type_options,
)
from sirnn.cli.paper import LAMBDA, SIZE, rows
from sirnn.cli.report import amount, counted, network_rows, out, print_json, spinner, table
from sirnn.cli.scenario import load_scenario, scenario_names
from sirnn.compiler.methods import is_function, method, unknown
from sirnn.correlations.portions import schedule
from sirnn.correlations.prepare import Plan
from sirnn.correlations.supply import Supply
from sirnn.cost import Cost, sequence
from sirnn.files import is_file
from sirnn.fixedpoint import FixedPoint
from sirnn.models.model import load_model
from sirnn.nn.inference import infer_steps
from sirnn.ot.rows import COTS
from sirnn.profile import Profile


@click.command(cls=ExpressionCommand)
@click.argument("what", type=EXPRESSION, required=False)
@click.option("--table", "paper_table", type=click.Choice(["paper"]), help="The paper's Table V beside our figures.")
@type_options
@count_option
@profile_option
@ot_option
@json_option
def cost(
    what: str | None,
    paper_table: str | None,
    inp: FixedPoint,
    out_type: FixedPoint,
    count: int,
    profile: Profile,
    ot: str,
    as_json: bool,
) -> None:
    """The declared cost of WHAT: a function, by name, as an expression in x or as the file of a plan; a scenario, or a
    model file.

    Declared costs are formulas that the tests hold to the measurement, to the byte and the flight. For a model,
    --count is the number of recordings in a batch (1 unless given), and its own types are used.

    But for --profile paper the online part demands correlations, by kind, and making these is the offline part. The
    set-up is what a session takes once: OT keys, and sources of random OTs; its hello, a few hundred bytes, is not
    counted.
    """
    if (what is None) == (paper_table is None):
        raise click.UsageError("name what to cost, or ask for --table paper")
    if what is None:
        _print_paper_table(as_json)
        return
    curve = {}
    if is_function(what):
        function = method(profile, what, inp=inp, out=out_type)
        instances, steps = count, [function.cost(count)]
        curve = {"bytes_per_instance_at": bytes_by_count(function.cost, profile, ot)}
    else:
        _refuse_types(what)
        instances = count if given("count") else 1
        steps = model_steps(what, instances, profile)
    declared, planned = sequence(*steps), schedule(profile, steps, Supply(ot)).total
    report = {
        "what": what,
        "profile": profile.value,
        "ot": ot,
        "count": instances,
        **cost_report(profile, declared, planned),
        "bytes_per_instance": (planned.offline.payload + declared.payload) / instances,
        **curve,
    }
    if as_json:
        print_json(report)
    else:
        _print(report)


def cost_report(profile: Profile, declared: Cost, planned: Plan) -> dict[str, Any]:
    """What a cost comes to, with what has to be made ahead."""
    stages = (planned.offline, declared)
    return {
        "bytes_from_server": declared.sent[0],
        "bytes_from_client": declared.sent[1],
        "bytes_setup": setup_payload(profile, planned),
        "bytes_offline": planned.offline.payload,
        "bytes_online": declared.payload,
        "flights": sum(stage.flights for stage in stages),
        "flights_offline": planned.offline.flights,
        "flights_online": declared.flights,
        "demand": {kind: count for kind, count in declared.demand.items() if count},
        "cots": dict(zip(COTS, planned.cots, strict=True)),
        "sources": [name for name in dict.fromkeys(planned.sources) if name],
        **{f"network_seconds_{name}": sum(bound_seconds(stage, name) for stage in stages) for name in NETWORKS},
    }


def _print(report: dict[str, Any]) -> None:
    bounds = {f"{name}, at most": report[f"network_seconds_{name}"] for name in NETWORKS}
    rows = [
        *traffic_rows(report),
        ["payload online, from the server", amount(report["bytes_from_server"])],
        ["payload online, from the client", amount(report["bytes_from_client"])],
        ["payload per instance", amount(report["bytes_per_instance"])],
        *network_rows(bounds),
    ]
    out.print(table(f"{report['what']}, {counted(report['count'], 'instance')} at once", [], rows))
    if "bytes_per_instance_at" in report:
        out.print(_curve_table(report["bytes_per_instance_at"]))
    if report["demand"]:
        out.print(_demand_table(report))


CURVE = tuple(10**power for power in range(7))
"""Instances at once, for the curve of what one of them comes to."""


def bytes_by_count(cost_of: Callable[[int], Cost], profile: Profile, ot: str) -> dict[int, float]:
    """Bytes for each instance, offline and online, by how many are evaluated at once: overheads are shared by all."""

    def each(count: int) -> float:
        declared = cost_of(count)
        offline = schedule(profile, [declared], Supply(ot)).total.offline
        return (declared.payload + offline.payload) / count

    return {count: each(count) for count in CURVE}


def _curve_table(curve: dict[int, float]) -> Group:
    cells = [f"{nbytes:,.0f}" for nbytes in curve.values()]
    columns = ["at once", *(f"{count:,}" for count in curve)]
    return table("Payload per instance, by how many are evaluated at once", columns, [["bytes", *cells]])


def _demand_table(report: dict[str, Any]) -> Group:
    """What the online part uses up, and the random COTs that this takes in all."""
    count = report["count"]
    rows = [[kind, f"{number:,}", f"{number / count:,.1f}"] for kind, number in report["demand"].items()]
    for kind, number in report["cots"].items():
        made = f"{kind} in all, by {' and '.join(report['sources'])}"
        rows.append([made, f"{number:,}", f"{number / count:,.1f}"])
    return table("Demand: correlations made offline, used up online", ["kind", "count", "each"], rows)


def _print_paper_table(as_json: bool) -> None:
    """Table V, line by line: the paper's figures, our formula's and those of a run of 1,024 instances."""
    with spinner("running every protocol of the table"):
        lines = rows()
    if as_json:
        print_json({"count": SIZE, "lambda": LAMBDA, "rows": lines})
        return
    keys = ("paper_bits", "formula_bits", "measured_bits")
    rounds = ("paper_rounds", "formula_flights", "measured_flights")
    cells = [
        [
            line["protocol"],
            line["parameters"],
            *(f"{line[key]:,.0f}" for key in keys),
            " / ".join(f"{line[key]:.0f}" for key in rounds),
        ]
        for line in lines
    ]
    columns = ["protocol", "widths", "paper", "formula", "measured", "rounds"]
    out.print(table("Table V of SIRNN: bits per instance; rounds of all three", columns, cells))
    out.print("A star: top bits publicly known. The paper's formulas, with L = 128, and why ours differ:")
    for name, formula, why in dict.fromkeys((line["protocol"], line["paper_formula"], line["why"]) for line in lines):
        out.print(f"  {name}: {formula}\n    {why}")


def model_steps(what: str, count: int, profile: Profile) -> list[Cost]:
    """The costs of the steps of a scenario's model or a model file, on a batch of `count` recordings.

    Raises:
        LocalError: there is nothing of that name.
    """
    if what in scenario_names():
        return infer_steps(profile, load_scenario(what).model.shape, count)
    if is_file(what):
        return infer_steps(profile, load_model(Path(what)).shape, count)
    raise unknown(what, *scenario_names(), "a model file")


def bound_seconds(declared: Cost, network: str) -> float:
    """Time on a network if no two messages overlap but those of one flight: an upper bound for the payload."""
    link = NETWORKS[network]
    seconds = declared.flights * link.latency_ns / 1e9
    for sender, nbytes in enumerate(declared.sent):
        bandwidth = link.bandwidth(sender)
        seconds += 8 * nbytes / bandwidth if bandwidth else 0
    return seconds


def _refuse_types(what: str) -> None:
    """A model has types of its own: options that would be ignored are a misunderstanding."""
    for option in ("bits", "in_scale", "out_bits", "out_scale"):
        if given(option):
            raise click.UsageError(f"--{option.replace('_', '-')} is for functions, and {what} is none.")
