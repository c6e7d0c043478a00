"""`sirnn run`: a scenario with both parties on this machine."""

from __future__ import annotations

import click

from simulator.faults import parse
from sirnn.cli.inference import InferenceRun, Terms, cost_table, run_inference
from sirnn.cli.options import (
    check_simulated,
    json_option,
    network_option,
    ot_option,
    over_option,
    reveals_option,
    scenario_profile_option,
    seed_option,
)
from sirnn.cli.report import out, print_json, scope_table, table
from sirnn.cli.scenario import load_scenario
from sirnn.cli.setting import Setting
from sirnn.cli.struck import StruckRun, run_struck
from sirnn.nn.inference import Reveal
from sirnn.profile import Profile


@click.command()
@click.argument("scenario")
@click.option("--recording", "recordings", type=int, multiple=True, help="Recording to run; may be given repeatedly.")
@click.option("--all", "everything", is_flag=True, help="Run every recording of the scenario, as one batch.")
@scenario_profile_option
@ot_option
@over_option
@network_option
@reveals_option
@seed_option
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND:SENDER@NUMBER",
    help="Let this go wrong too, such as drop:client@12 (see sirnn sweep --help); may be given repeatedly.",
)
@json_option
def run(
    scenario: str,
    recordings: tuple[int, ...],
    everything: bool,
    profile: Profile | None,
    ot: str,
    over: str,
    network: str | None,
    reveals: Reveal,
    seed: int | None,
    faults: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run SCENARIO (a name such as basicmotions, or a TOML file) and check it against the plaintext model.

    Several recordings are one batch: their messages travel together, so the flights stay those of one. Exits with 1
    if any output word differs from the plaintext model's. With faults, the report is of how both parties end.
    """
    check_simulated(over, network=network, seed=seed)
    if everything and recordings:
        raise click.UsageError("--all and --recording contradict each other: give one of them.")
    loaded = load_scenario(scenario)
    indices = list(range(len(loaded.recordings))) if everything else list(recordings) or [loaded.default_recording]
    setting = Setting(over, network or loaded.network, seed, ot)
    terms, struck_by = Terms(profile or loaded.profile, reveals, setting), (*loaded.faults, *map(parse, faults))
    finished = run_struck(loaded, indices, terms, struck_by) if struck_by else run_inference(loaded, indices, terms)
    if as_json:
        print_json(finished.report())
    elif isinstance(finished, StruckRun):
        finished.tell()
    else:
        _print(finished)
    if not finished.matches:
        raise click.exceptions.Exit(1)


def _print(finished: InferenceRun) -> None:
    classes = finished.scenario.model.shape.classes
    answers = [
        [str(index), name, classes[twin], classes[finished.scenario.labels[index]]]
        for index, name, twin in zip(finished.indices, finished.reply.names, finished.twin.prediction, strict=True)
    ]
    out.print(table(finished.scenario.title, ["recording", "secure", "plaintext", "truth"], answers, figures=0))
    same = "equals" if finished.matches else "[red]differs from[/red]"
    out.print(f"Every output word {same} the plaintext model's; {finished.correct} of {len(answers)} right.\n")
    out.print(cost_table(finished))
    out.print()
    out.print(scope_table(finished.pair.ledger))
