"""`sirnn cost`: declared costs; nothing is run."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from simulator.network import NETWORKS
from sirnn.cli.options import count_option, json_option, profile_option, type_options
from sirnn.cli.paper import LAMBDA, SIZE, rows
from sirnn.cli.report import amount, network_rows, out, print_json, spinner, table
from sirnn.cli.scenario import load_scenario, scenario_names
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS
from sirnn.models.model import load_model
from sirnn.nn.inference import infer_cost
from sirnn.profile import Profile


@click.command()
@click.argument("what", required=False)
@click.option("--table", "paper_table", type=click.Choice(["paper"]), help="The paper's Table V beside our figures.")
@type_options
@count_option
@profile_option
@json_option
def cost(
    what: str | None,
    paper_table: str | None,
    inp: FixedPoint,
    out_type: FixedPoint,
    count: int,
    profile: Profile,
    as_json: bool,
) -> None:
    """The declared cost of WHAT: a function, a scenario, or a model file.

    Declared costs are formulas that the tests hold to the measurement, to the byte and the flight. For a model,
    --count is the number of recordings in a batch (1 unless given), and its own types are used.
    """
    if (what is None) == (paper_table is None):
        raise click.UsageError("name what to cost, or ask for --table paper")
    if what is None:
        _print_paper_table(as_json)
        return
    if what in FUNCTIONS:
        instances, declared = count, FUNCTIONS[what].cost(profile, count, inp=inp, out=out_type)
    else:
        _refuse_types(what)
        instances = count if _given("count") else 1
        declared = model_cost(what, instances, profile)
    report = {
        "what": what,
        "profile": profile.value,
        "count": instances,
        "bytes_from_server": declared.sent[0],
        "bytes_from_client": declared.sent[1],
        "bytes_online": declared.payload,
        "bytes_per_instance": declared.payload / instances,
        "flights": declared.flights,
        **{f"network_seconds_{name}": bound_seconds(declared, name) for name in NETWORKS},
    }
    if as_json:
        print_json(report)
        return
    rows = [
        ["payload", amount(declared.payload)],
        ["  from the server", amount(declared.sent[0])],
        ["  from the client", amount(declared.sent[1])],
        ["payload per instance", amount(declared.payload / instances)],
        ["flights (causal depth)", f"{declared.flights:,}"],
        *network_rows({f"{name}, at most": bound_seconds(declared, name) for name in NETWORKS}),
    ]
    out.print(table(f"{what}, {instances:,} at once", [], rows))


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


def model_cost(what: str, count: int, profile: Profile) -> Cost:
    """The cost of a scenario's model or a model file, on a batch of `count` recordings.

    Raises:
        LocalError: there is nothing of that name.
    """
    if what in scenario_names():
        return infer_cost(profile, load_scenario(what).model.shape, count)
    if Path(what).is_file():
        return infer_cost(profile, load_model(Path(what)).shape, count)
    known = ", ".join([*FUNCTIONS, *scenario_names()])
    raise LocalError(f"there is nothing called {what}", remedy=f"name {known}, or a model file")


def bound_seconds(declared: Cost, network: str) -> float:
    """Time on a network if no two messages overlap but those of one flight: an upper bound for the payload."""
    link = NETWORKS[network]
    seconds = declared.flights * link.latency_ns / 1e9
    for sender, nbytes in enumerate(declared.sent):
        bandwidth = link.bandwidth(sender)
        seconds += 8 * nbytes / bandwidth if bandwidth else 0
    return seconds


def _given(option: str) -> bool:
    return click.get_current_context().get_parameter_source(option) is not ParameterSource.DEFAULT


def _refuse_types(what: str) -> None:
    """A model has types of its own: options that would be ignored are a misunderstanding."""
    for option in ("bits", "in_scale", "out_bits", "out_scale"):
        if _given(option):
            raise click.UsageError(f"--{option.replace('_', '-')} is for functions, and {what} is none.")
