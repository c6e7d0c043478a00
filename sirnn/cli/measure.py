"""`sirnn measure`: run a function with both parties and report what it cost and how exact it was."""

from __future__ import annotations

from typing import Any

import click

from sirnn.cli.function import FunctionRun, Job, run_function
from sirnn.cli.options import (
    check_simulated,
    count_option,
    json_option,
    network_option,
    over_option,
    profile_option,
    seed_option,
    type_options,
)
from sirnn.cli.report import amount, network_rows, out, print_json, scope_table, table
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS
from sirnn.profile import Profile


@click.command()
@click.argument("function", type=click.Choice(list(FUNCTIONS)))
@type_options
@count_option
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
    network: str | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Run FUNCTION on inputs spread over its whole domain and report bytes, flights, seconds and worst error.

    Error is the distance from the real value in ULP, units in the last place of the output, of those inputs whose
    real value the output type can hold; the others are counted as overflows. The measured bytes and flights are
    checked against the declared cost, and every output word against the function in clear; any difference is a
    failure.
    """
    check_simulated(over, network=network, seed=seed)
    job = Job(FUNCTIONS[function], inp, out_type, profile)
    job.function.cost(profile, count, inp=inp, out=out_type)  # refuses what it cannot serve before inputs are made
    run = run_function(job, job.function.inputs(inp, count), over=over, network=network, seed=seed)
    if as_json:
        print_json(run.report())
    else:
        print_run(run)


def error_rows(report: dict[str, Any]) -> list[list[str]]:
    """How exact the results that fit are, and how many do not, if any."""
    rows = []
    if report["overflows"] < report["count"]:
        rows += [["worst error", f"{report['max_ulp']:.2f} ULP"], ["mean error", f"{report['mean_ulp']:.2f} ULP"]]
    if report["overflows"]:
        rows.append(["overflows (value does not fit)", f"{report['overflows']:,}"])
    return rows


def print_run(run: FunctionRun) -> None:
    """The report of a run, for people."""
    report = run.report()
    rows = [
        ["instances", f"{report['count']:,}"],
        ["payload per instance", amount(report["bytes_per_instance"])],
        ["payload", amount(report["bytes_online"] + report["bytes_offline"])],
        ["set-up, once per session", amount(report["bytes_setup"])],
        ["framing", amount(report["bytes_framing"])],
        ["flights (causal depth)", f"{report['flights']:,}"],
        *error_rows(report),
        ["seconds, set-up included", f"{report['seconds']:.2f} s"],
        *network_rows(run.network_seconds),
    ]
    out.print(table(str(run.job), [], rows))
    out.print("Bytes and flights are as declared; every word equals the function in clear.\n")
    out.print(scope_table(run.pair.ledger))
