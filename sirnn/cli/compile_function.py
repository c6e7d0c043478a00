"""`sirnn compile-function`: a real function made into a protocol's plan, within an error and at the least cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click
import numpy as np

from simulator.network import NETWORKS
from sirnn.cli import compiled_together
from sirnn.cli.error_plot import sparkline, write_plot
from sirnn.cli.identities import as_json_fields, as_rows
from sirnn.cli.options import BITS, EXPRESSION, FILE, SCALE, ExpressionCommand, json_option
from sirnn.cli.plain import spelled
from sirnn.cli.report import amount, counted, print_json, progress_bar, say, table
from sirnn.cli.report import out as console
from sirnn.compiler.compiled import Compiled, describe, parameters
from sirnn.compiler.library import LIBRARY, between
from sirnn.compiler.price import COUNT, Link
from sirnn.compiler.proof import ASSUMED, INTERVALS
from sirnn.compiler.saved import SUFFIX, is_saved, save
from sirnn.compiler.search import compile_function as compile_one
from sirnn.compiler.together import compile_together
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.identities import NAMES


def _domain(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    low, colon, high = text.partition(":")
    try:
        ends = float(low), float(high)
    except ValueError:
        ends = (np.nan, np.nan)
    if not (colon and np.all(np.isfinite(ends)) and ends[0] <= ends[1]):
        raise click.BadParameter(f"{text!r} is not a domain: give LOW:HIGH, such as -8:0")
    return ends


def _keep(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[str, ...]:
    names = tuple(text.replace(",", " ").split()) if text else ()
    for name in set(names) - set(NAMES):
        raise click.BadParameter(f"{name!r} is none of {', '.join(NAMES)}")
    return names


@click.command("compile-function", cls=ExpressionCommand)
@click.argument("functions", metavar="FUNCTION...", type=EXPRESSION, nargs=-1, required=True)
@click.option("--bits", type=BITS, default=16, show_default=True, help="Width of the input words.")
@click.option("--in-scale", type=SCALE, default=12, show_default=True, help="Binary places of the input.")
@click.option("--unsigned", is_flag=True, help="Input words have no sign.")
@click.option("--out-bits", type=BITS, default=16, show_default=True, help="Width of the output words.")
@click.option("--out-scale", type=SCALE, default=12, show_default=True, help="Binary places of the output.")
@click.option("--out-unsigned", is_flag=True, help="Output words have no sign.")
@click.option(
    "--max-ulp", type=click.FloatRange(0, min_open=True), help="Error allowed. [default: 1, or the library's]"
)
@click.option(
    "--domain", metavar="LOW:HIGH", callback=_domain, help="Inputs that matter. [default: all that have a value]"
)
@click.option("--saturate/--no-saturate", default=None, help="Let the output's ends stand for what is beyond them.")
@click.option(
    "--network", type=click.Choice(list(NETWORKS)), help="Choose what is fastest on it, not what sends least."
)
@click.option(
    "--flight-bits",
    type=click.IntRange(0),
    help="What an instance must save for a flight more. [default: 12, or the library's]",
)
@click.option(
    "--max-flights",
    type=click.IntRange(1),
    help="Online flights that it may take. [default: any number]",
)
@click.option(
    "--keep",
    metavar="NAME,...",
    callback=_keep,
    help="Identities that must hold of every word: zero (f(0) is exact), symmetric, monotone. [default: none]",
)
@click.option("--exhaust", is_flag=True, help="Prove it on every input, also of wide ones: 2^32 take some ten minutes.")
@click.option("--count", type=click.IntRange(1), default=COUNT, show_default=True, help="Instances in a batch.")
@click.option("--cache/--no-cache", default=True, show_default=True, help="Use plans compiled before.")
@click.option("--explain", is_flag=True, help="Show what was weighed, and where the error is.")
@click.option("--plot", type=FILE, help="Draw the error over the domain (.svg, .png or .pdf; needs matplotlib).")
@click.option("-o", "--output", type=FILE, help="Write the plan as JSON, to be named in place of a function.")
@json_option
def compile_function(
    functions: tuple[str, ...],
    bits: int,
    in_scale: int,
    unsigned: bool,
    out_bits: int,
    out_scale: int,
    out_unsigned: bool,
    domain: tuple[float, float] | None,
    network: str | None,
    explain: bool,
    plot: Path | None,
    output: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Make FUNCTION into a plan: the cheapest whose error, on every input, stays within --max-ulp.

    FUNCTION is an expression in x, such as 'x * sigmoid(1.702 * x)', or a name: NAMES. The error is the distance from
    the real value in ULP, units in the last place of the output, of the worst input; what the two parties compute is
    exactly the plan. Bytes are those of a batch of --count, with everything made ahead (offline) but set-up.

    Several functions are made to be evaluated together, for less than one after the other.
    """
    for path in (plot, output):
        if path is not None and not path.parent.is_dir():
            raise LocalError(f"there is no folder {path.parent}", remedy="make it, or choose another file")
    if output is not None and not is_saved(output.name):
        raise LocalError(f"{output} does not end in {SUFFIX}", remedy=f"call it {output.with_suffix(SUFFIX)}")
    inp, out = FixedPoint(bits, in_scale, not unsigned), FixedPoint(out_bits, out_scale, not out_unsigned)
    options["domain"] = None if domain is None else words_in(domain, inp)
    options["network"] = None if network is None else link(network)
    if len(functions) > 1:
        if explain or plot or output:
            raise click.UsageError("--explain, --plot and --output are for a single function")
        made = compile_together(functions, inp=inp, outs=[out] * len(functions), **options)
        if as_json:
            print_json(compiled_together.report(made))
        else:
            compiled_together.print_together(made)
        return
    with progress_bar(f"Proving {functions[0]}") as progress:
        compiled = compile_one(functions[0], inp=inp, out=out, progress=progress, **options)
    if output is not None:
        save(output, compiled)
    if plot is not None:
        write_plot(plot, compiled)
    if as_json:
        print_json(report(compiled, explain=explain))
    else:
        _print(compiled, explain=explain)
        for path in (plot, output):
            if path is not None:
                console.print(f"Wrote {path}.", markup=False, soft_wrap=True)


compile_function.help = (compile_function.help or "").replace("NAMES", ", ".join(LIBRARY))


def words_in(domain: tuple[float, float], inp: FixedPoint) -> range:
    """The words in LOW:HIGH; if that reaches beyond the type, a line on standard error says so.

    Raises:
        LocalError: there are none.
    """
    asked, (least, most) = f"{domain[0]:g}:{domain[1]:g}", inp.range
    words, holds = between(*domain)(inp), f"{least:g} to {most:g}"
    if not words:
        raise LocalError(f"no word of {inp} lies in {asked}", remedy=f"it holds {holds}, in steps of {inp.ulp:g}")
    if domain[0] < least or domain[1] > most:
        say(f"sirnn: {inp} holds {holds}: what else lies in {asked} is left out")
    return words


def link(name: str) -> Link:
    """A simulated network, as far as the compiler looks at it."""
    network = NETWORKS[name]
    both = [rate for rate in (network.up, network.down) if rate is not None]
    return Link(network.latency_ns * 1e-9, len(both) / sum(1 / rate for rate in both) if both else float("inf"))


def report(compiled: Compiled, *, explain: bool) -> dict[str, Any]:
    """The JSON object: bytes of the batch but for those per instance, flights online."""
    proof, bill = compiled.proof, compiled.bill
    weighed = {"candidates": [attrs.asdict(candidate) for candidate in compiled.candidates]} if explain else {}
    return {
        "function": compiled.task.name,
        "plan": describe(compiled.plan),
        "parameters": parameters(compiled.plan),
        "digest": compiled.digest,
        "allowed_ulp": compiled.task.max_ulp,
        "max_ulp": proof.max_ulp,
        "mean_ulp": proof.mean_ulp,
        "worst_input": proof.worst_input,
        "proven": proof.method,
        "inputs": proof.words,
        "overflows": proof.overflows,
        **as_json_fields(compiled.facts, compiled.plan.out),
        "count": bill.count,
        "bytes_per_instance": bill.bytes_per_instance,
        "bytes_offline": bill.offline.payload,
        "bytes_online": bill.online.payload,
        "flights": bill.online.flights,
        "flights_offline": bill.offline.flights,
        **weighed,
    }


def _print(compiled: Compiled, *, explain: bool) -> None:
    plan, proof, bill = compiled.plan, compiled.proof, compiled.bill
    saturated = f", {proof.overflows:,} of them saturated" if proof.overflows else ""
    rows = [
        ["plan", describe(plan)],
        ["worst error", f"{proof.max_ulp:.4f} ULP, at x = {proof.worst_input * plan.inp.ulp:g}"],
        ["mean error", f"{proof.mean_ulp:.4f} ULP"],
        ["proof", f"{proof.method}: {counted(proof.words, 'input')}{saturated}"],
        *(as_rows(compiled.facts, plan.out) if explain else []),
        ["payload", f"{bill.bytes_per_instance:.1f} bytes an instance, in a batch of {bill.count:,}"],
        ["offline", amount(bill.offline.payload)],
        ["online", f"{amount(bill.online.payload)} in {counted(bill.online.flights, 'flight')}"],
        ["digest", compiled.digest[:32]],
    ]
    console.print(table(f"{compiled.task.name}: {plan.inp} to {plan.out}", [], rows, figures=0))
    if explain:
        _explain(compiled)


def _explain(compiled: Compiled) -> None:
    rows = [
        [candidate.plan, f"{candidate.bits / 8:.1f}", str(candidate.flights), candidate.verdict]
        for candidate in compiled.candidates
    ]
    console.print(table("What was weighed, cheapest shape of each", ["", "bytes", "flights", ""], rows))
    if compiled.proof.method == INTERVALS:
        console.print(f"The bound assumes that {ASSUMED}.")
    console.print(f"Worst error along the domain, 0 to {compiled.max_ulp:.2f} ULP:")
    console.print(spelled(sparkline(compiled), console.file), markup=False)
