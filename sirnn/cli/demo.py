"""`sirnn demo`: the main job on what comes with the package."""

from __future__ import annotations

import click
from rich.panel import Panel

from sirnn.channel import Phase
from sirnn.cli.inference import InferenceRun, run_inference
from sirnn.cli.options import json_option, network_option, seed_option
from sirnn.cli.report import amount, out, phase_total, print_json, scope_table, table
from sirnn.cli.scenario import DEFAULT, load_scenario
from sirnn.nn.inference import Reveal


@click.command()
@click.option("--recording", type=int, default=None, help="Which of the scenario's recordings the client holds.")
@network_option
@seed_option
@json_option
def demo(recording: int | None, network: str, seed: int | None, as_json: bool) -> None:
    """Run the main job here and now.

    A server with a trained recurrent network (FastGRNN) and a client with a recording of a smartwatch compute what its
    wearer was doing. Both parties run in this process over a simulated network; everything they send is real.
    """
    scenario = load_scenario(DEFAULT)
    index = scenario.default_recording if recording is None else recording
    if not as_json:
        out.print(f"[bold]{scenario.title}[/bold]: both parties in this process, over a simulated {network} network.")
    run = run_inference(scenario, [index], over="sim", network=network, reveals=Reveal.CLASS, seed=seed)
    if as_json:
        print_json(run.report())
    else:
        _explain(run)
    if not run.matches:
        raise click.exceptions.Exit(1)


def _explain(run: InferenceRun) -> None:
    report, shape = run.report(), run.scenario.model.shape
    verdict = (
        "equals the plaintext model's, bit for bit" if run.matches else "[red]differs from the plaintext model's[/red]"
    )
    out.print()
    out.print(
        Panel(
            f"Prediction: [bold green]{report['prediction']}[/bold green] (the wearer was {report['label']}); "
            f"{verdict}.\n\n"
            f"[bold]The server[/bold] put in its model (hidden size {shape.hidden}) and learned nothing.\n"
            f"[bold]The client[/bold] put in its recording ({shape.steps} steps of {shape.channels} channels) "
            "and learned the prediction alone.\n"
            "Both know the model's shape and number formats. Semi-honest security: each is trusted to "
            "follow the protocol, and may study everything it receives.",
            title="What happened",
            title_align="left",
            width=100,
        )
    )
    setup = phase_total(run.pair.ledger, Phase.SETUP)
    out.print(
        table(
            "What it cost",
            ["", "figure"],
            [
                ["payload, both directions", amount(run.online())],
                ["declared beforehand", amount(report["bytes_declared"])],
                ["set-up, once per session", amount(setup.payload)],
                ["framing", amount(report["bytes_framing"])],
                ["flights (causal depth)", f"{report['flights']:,}"],
                ["computing, both parties in one process", f"{run.pair.seconds:.1f} s"],
                *(
                    [f"waiting for the network, {name}", f"{report[f'network_seconds_{name}']:.1f} s"]
                    for name in ("lan", "wan", "mobile")
                ),
            ],
        )
    )
    out.print(scope_table(run.pair.ledger))
    out.print("[bold]Next[/bold]")
    out.print("  sirnn run basicmotions --all            every test recording, checked against the plaintext model")
    out.print("  sirnn serve --listen 127.0.0.1:7000     be the server, then in another terminal")
    out.print("  sirnn query --connect 127.0.0.1:7000 --input RECORDING.npy")
    out.print("  sirnn measure sigmoid --count 16384     what one function costs, and how exact it is")
