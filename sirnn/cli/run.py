"""`sirnn run`: a scenario with both parties on this machine."""

from __future__ import annotations

import click

from sirnn.channel import Phase
from sirnn.cli.inference import InferenceRun, run_inference
from sirnn.cli.options import json_option, network_option, over_option, reveals_option, seed_option
from sirnn.cli.report import amount, out, phase_total, print_json, scope_table, table
from sirnn.cli.scenario import load_scenario
from sirnn.nn.inference import Reveal


@click.command()
@click.argument("scenario")
@click.option("--recording", "recordings", type=int, multiple=True, help="Recordings to run; may be given repeatedly.")
@click.option("--all", "everything", is_flag=True, help="Run every recording of the scenario, as one batch.")
@over_option
@network_option
@reveals_option
@seed_option
@json_option
def run(
    scenario: str,
    recordings: tuple[int, ...],
    everything: bool,
    over: str,
    network: str,
    reveals: str,
    seed: int | None,
    as_json: bool,
) -> None:
    """Run SCENARIO (a name such as basicmotions, or a TOML file) and check it against the plaintext model.

    Several recordings are one batch: their messages travel together, so the flights stay those of one. Exits with 1
    if any output word differs from the plaintext model's.
    """
    loaded = load_scenario(scenario)
    indices = list(range(len(loaded.recordings))) if everything else list(recordings) or [loaded.default_recording]
    finished = run_inference(loaded, indices, over=over, network=network, reveals=Reveal(reveals), seed=seed)
    if as_json:
        print_json(finished.report())
    else:
        _print(finished, over)
    if not finished.matches:
        raise click.exceptions.Exit(1)


def _print(finished: InferenceRun, over: str) -> None:
    report, classes = finished.report(), finished.scenario.model.shape.classes
    rows = [
        [str(index), name, classes[twin], classes[finished.scenario.labels[index]]]
        for index, name, twin in zip(finished.indices, finished.reply.names, finished.twin.prediction, strict=True)
    ]
    out.print(table(finished.scenario.title, ["recording", "secure", "plaintext", "truth"], rows))
    same = "equals" if finished.matches else "[red]differs from[/red]"
    out.print(f"Every output word {same} the plaintext model's; {finished.correct} of {len(rows)} right.")
    setup = phase_total(finished.pair.ledger, Phase.SETUP).payload
    out.print(
        f"{amount(finished.online())} in {report['flights']:,} flights, after a set-up of {amount(setup)}; "
        f"{finished.pair.seconds:.1f} s {'by the clock' if over == 'tcp' else 'of computing'}."
    )
    for name in finished.pair.network_ns:
        out.print(f"  waiting for the network, {name}: {report[f'network_seconds_{name}']:.1f} s")
    out.print(scope_table(finished.pair.ledger))
