"""`sirnn prove`: the error of the functions over every input word, and whether it is what is claimed."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from sirnn.cli.identities import as_json_fields
from sirnn.cli.options import BITS, FILE, json_option
from sirnn.cli.report import counted, print_json, progress_bar, table
from sirnn.cli.report import out as console
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS
from sirnn.functions.proof import CLAIMS, Proof, domain
from sirnn.functions.proof import prove as prove_one

COLUMNS = (
    "function",
    "bits",
    "in_scale",
    "out_bits",
    "out_scale",
    "least",
    "inputs",
    "worst_ulp",
    "mean_ulp",
    "worst_input",
    "truncated_ulp_max",
)
"""Of the table, in this order; `least` is empty where the whole domain was evaluated."""


def _scales(_ctx: click.Context, _param: click.Parameter, value: str | None) -> range | None:
    """A scale, or FIRST-LAST."""
    if value is None:
        return None
    first, dash, last = value.partition("-")
    if not first.isdecimal() or (dash and not last.isdecimal()) or int(last or first) < int(first):
        raise click.BadParameter(f"{value!r} is not a scale such as 12, nor a span such as 8-14")
    return range(int(first), int(last or first) + 1)


@click.command()
@click.argument("functions", nargs=-1, type=click.Choice(list(CLAIMS)), metavar="[FUNCTION]...")
@click.option("--in-scales", metavar="FIRST-LAST", callback=_scales, help="Input scales. [default: those of the claim]")
@click.option("--out-scales", metavar="FIRST-LAST", callback=_scales, help="Output scales. [default: the same]")
@click.option("--bits", type=BITS, default=16, show_default=True, help="Width of the input words.")
@click.option("--out-bits", type=BITS, default=16, show_default=True, help="Width of the output words.")
@click.option("--least", type=float, help="Smallest real input. [default: that of the claim]")
@click.option("-o", "--output", type=FILE, help="Write the table as CSV.")
@json_option
def prove(
    functions: tuple[str, ...],
    in_scales: range | None,
    out_scales: range | None,
    bits: int,
    out_bits: int,
    least: float | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Evaluate each FUNCTION (all of them if none is named) on every input word, at every pair of scales.

    Reports the worst and the mean error in ULP, units in the last place of the output, against the real function, and
    at how many pairs of scales its identities hold of every word.
    What is evaluated is the function in clear, whose words the secure protocol gives exactly. Fails if an
    error exceeds the bound claimed for 16-bit words.
    """
    cases = []
    for name in functions or tuple(CLAIMS):
        claim = CLAIMS[name]
        types = itertools.product(in_scales or claim.scales, out_scales or claim.scales)
        start = claim.least if least is None else least
        cases += [(name, FixedPoint(bits, i), FixedPoint(out_bits, o), start) for i, o in types]
    if output is not None and not output.parent.is_dir():
        raise LocalError(f"there is no folder {output.parent}", remedy="make it, or choose another --output")
    total, proofs = _prove_all(cases)
    rows = [row(proof) for proof in proofs]
    if output is not None:
        write_csv(output, rows)
    if as_json:
        full = [{**row, **as_json_fields(proof.facts, proof.out)} for row, proof in zip(rows, proofs, strict=True)]
        print_json({"count": total, "proofs": full, "holds": all(proof.holds for proof in proofs)})
    else:
        _print(proofs, total, output)
    _refuse(proofs)


def _prove_all(cases: Sequence[tuple[str, FixedPoint, FixedPoint, float]]) -> tuple[int, list[Proof]]:
    """Every case's proof, under a progress bar, and the number of input words evaluated."""
    total = sum(len(domain(FUNCTIONS[name], inp, least)) for name, inp, _, least in cases)
    done = 0
    with progress_bar("input words") as progress:

        def advance(words: int) -> None:
            nonlocal done
            done += words
            progress(done, total)

        proofs = [prove_one(FUNCTIONS[name], inp, out, least=least, advance=advance) for name, inp, out, least in cases]
    return total, proofs


def row(proof: Proof) -> dict[str, Any]:
    """A row of the table: ULP to four decimals, far coarser than the reference's precision."""
    return {
        "function": proof.function,
        "bits": proof.inp.bits,
        "in_scale": proof.inp.scale,
        "out_bits": proof.out.bits,
        "out_scale": proof.out.scale,
        "least": None if proof.least == -np.inf else proof.least,
        "inputs": proof.inputs,
        "worst_ulp": round(proof.worst_ulp, 4),
        "mean_ulp": round(proof.mean_ulp, 4),
        "worst_input": proof.worst_input,
        "truncated_ulp_max": proof.truncated_ulp_max,
    }


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """The table as comma-separated values.

    Raises:
        LocalError: the file cannot be written.
    """
    padded = [{**row, **{name: f"{row[name]:.4f}" for name in ("worst_ulp", "mean_ulp")}} for row in rows]
    try:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(padded)
    except OSError as failure:
        raise LocalError(f"cannot write {path}: {failure.strerror}", remedy="choose another --output") from failure


def _print(proofs: list[Proof], total: int, output: Path | None) -> None:
    rows = []
    for name in dict.fromkeys(proof.function for proof in proofs):
        of_it = [proof for proof in proofs if proof.function == name]
        worst = max(of_it, key=lambda proof: proof.worst_ulp)
        bound = f"{CLAIMS[name].bound:.2f}" if all(proof.claim for proof in of_it) else ""
        mean, truncated = max(proof.mean_ulp for proof in of_it), max(proof.truncated_ulp_max for proof in of_it)
        where = [f"{worst.inp.scale} to {worst.out.scale}", f"{worst.worst_input * worst.inp.ulp:.5f}"]
        rows.append([name, f"{worst.worst_ulp:.4f}", bound, *where, f"{mean:.4f}", str(truncated)])
    title = f"Errors in ULP on every input word: {len(proofs)} pairs of scales, {total:,} words"
    columns = ["", "worst", "claim", "scales", "at x", "mean", "truncated"]
    console.print(table(title, columns, rows))
    console.print(
        "Mean: the largest of all pairs. Truncated: both sides cut off to an integer first, as the SIRNN paper counts."
    )
    if holding := _holding(proofs):
        console.print(table("What holds of every word", ["", "", "pairs of scales"], holding))
    if output is not None:
        console.print(f"Wrote {counted(len(proofs), 'row')} to {output}.", markup=False, soft_wrap=True)


def _holding(proofs: list[Proof]) -> list[list[str]]:
    """For each identity of each function, at how many pairs of scales it holds."""
    pairs: dict[tuple[str, str], list[bool]] = {}
    for proof in proofs:
        for fact in proof.facts.identities if proof.facts else ():
            pairs.setdefault((proof.function, fact.says), []).append(fact.kept)
    return [[*key, f"{sum(kept)} of {len(kept)}"] for key, kept in pairs.items()]


def _refuse(proofs: list[Proof]) -> None:
    broken = [proof for proof in proofs if not proof.holds]
    if broken:
        worst = max(broken, key=lambda proof: proof.worst_ulp)
        raise LocalError(
            f"{worst.function} from {worst.inp} to {worst.out} is {worst.worst_ulp:.4f} ULP off, beyond its claim",
            remedy="this is a defect: report it",
        )
