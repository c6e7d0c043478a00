"""`sirnn demo`: the main job on what comes with the package."""

from __future__ import annotations

import click
from rich import box
from rich.panel import Panel
from rich.table import Table

from sirnn.cli.inference import InferenceRun, Terms, cost_table, run_inference
from sirnn.cli.options import json_option, network_option, ot_option, scenario_profile_option, seed_option
from sirnn.cli.report import out, print_json, scope_table
from sirnn.cli.scenario import DEFAULT, load_scenario
from sirnn.cli.setting import Setting
from sirnn.nn.inference import Reveal
from sirnn.profile import Profile

NEXT = """\
[bold]Next[/bold]
  every test recording, checked against the plaintext model
    sirnn run basicmotions --all
  be the server and, in another terminal, the client
    sirnn serve --listen 127.0.0.1:7000
    sirnn query --connect 127.0.0.1:7000
  what one function costs, and how exact it is
    sirnn measure sigmoid --count 16384"""


@click.command()
@click.option("--recording", type=int, default=None, help="Which of the scenario's recordings the client holds.")
@scenario_profile_option
@ot_option
@network_option
@seed_option
@json_option
def demo(
    recording: int | None, profile: Profile | None, ot: str, network: str | None, seed: int | None, as_json: bool
) -> None:
    """Run the main job here and now.

    A server with a trained recurrent network (FastGRNN) and a client with a recording of a smartwatch compute what its
    wearer was doing. Both parties run in this process over a simulated network; everything they send is real.
    """
    scenario = load_scenario(DEFAULT)
    index = scenario.default_recording if recording is None else recording
    if not as_json:
        out.print(f"[bold]{scenario.title}[/bold]")
        out.print(f"Both parties run in this process, over a simulated network ({network or scenario.network}).\n")
    setting = Setting(network=network or scenario.network, seed=seed, ot=ot)
    run = run_inference(scenario, [index], Terms(profile or scenario.profile, Reveal.CLASS, setting))
    if as_json:
        print_json(run.report())
    else:
        _explain(run)
    if not run.matches:
        raise click.exceptions.Exit(1)


def _explain(run: InferenceRun) -> None:
    out.print(Panel(_story(run), title="What happened", title_align="left", width=80, box=box.ROUNDED))
    out.print()
    out.print(cost_table(run))
    out.print()
    out.print(scope_table(run.pair.ledger))
    out.print()
    out.print(NEXT)


def _story(run: InferenceRun) -> Table:
    """Who put in what, and who learned what."""
    report, shape = run.report(), run.scenario.model.shape
    verdict = "Every bit equals" if run.matches else "[red]It differs from[/red]"
    story = Table.grid(padding=(0, 2))
    story.add_column(style="bold", no_wrap=True)
    story.add_column()
    story.add_row(
        "Prediction",
        f"[bold green]{report['prediction']}[/bold green]; the wearer was {report['label']}.\n"
        f"{verdict} the plaintext model's.\n",
    )
    story.add_row("Server", f"put in its model ({shape.architecture}) and learned nothing.")
    story.add_row(
        "Client",
        f"put in its recording ({shape.takes}) and learned the prediction alone.",
    )
    story.add_row("Both", "know the model's shape and number formats.\n")
    story.add_row(
        "Security",
        "semi-honest: each party is trusted to follow the protocol, and may study everything it receives.",
    )
    return story
