"""`sirnn serve`: the server party, over TCP."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sirnn.cli import interrupts
from sirnn.cli.inference import Terms
from sirnn.cli.limits import limits_options
from sirnn.cli.memory import keep_freed_memory
from sirnn.cli.options import (
    FILE,
    Address,
    json_option,
    ot_option,
    parse_address,
    profile_option,
    reveals_option,
    show_address,
    silence_option,
)
from sirnn.cli.scenario import DEFAULT, load_scenario
from sirnn.cli.sessions import Log, Sessions
from sirnn.cli.setting import Setting
from sirnn.errors import LocalError
from sirnn.models.model import Model, load_model
from sirnn.nn.inference import Reveal
from sirnn.nn.limits import Limits
from sirnn.profile import Profile
from transports.admission import Gate
from transports.tcp import listen


@click.command()
@click.option("--model", "path", type=FILE, help="Model file; the demo's model by default.")
@click.option(
    "--listen",
    "address",
    default="127.0.0.1:7000",
    show_default=True,
    callback=parse_address,
    help="HOST:PORT; port 0 picks one.",
)
@click.option("--once", is_flag=True, help="Stop after one client; exit with 1 if it went wrong.")
@click.option(
    "--clients", type=click.IntRange(1), default=4, show_default=True, help="Clients served at once; others wait."
)
@click.option(
    "--queue",
    type=click.IntRange(0),
    default=64,
    show_default=True,
    help="Clients that may wait; others are told that the server is busy.",
)
@silence_option
@limits_options
@click.option("--shape-out", type=FILE, help="Write the model's public shape, for `query --expect`.")
@reveals_option
@profile_option
@ot_option
@json_option
def serve(
    path: Path | None,
    address: Address,
    once: bool,
    clients: int,
    queue: int,
    silence: float,
    limits: Limits,
    shape_out: Path | None,
    reveals: Reveal,
    profile: Profile,
    ot: str,
    as_json: bool,
) -> None:
    """Hold a model and answer clients until Ctrl-C.

    A client learns its predictions (or logits, if both say so) and the model's shape; this server learns nothing of
    its recordings. Plaintext TCP, so for now it only listens on this machine's loopback addresses. Every session is
    one line, answered or failed, with its time, its number and the client's address; with --json, one JSON object.

    But for --profile paper, which the client must name too, both first make the correlations that the model demands;
    only what depends on the recordings is left for after that.
    """
    model = load_model(path) if path else load_scenario(DEFAULT).model
    if shape_out is not None:
        write_shape(model, shape_out)
    terms = Terms(profile, reveals, Setting(over="tcp", ot=ot), limits)
    keep_freed_memory()
    sessions = Sessions(model, terms, silence, Gate(1 if once else clients, queue), Log(as_json), once)
    try:
        interrupts.run(partial(_serve, sessions, address))
    except KeyboardInterrupt:
        if once:
            raise
        click.echo("stopped", err=True)


def write_shape(model: Model, path: Path) -> None:
    """Write what `query --expect` reads.

    Raises:
        LocalError: the file cannot be written.
    """
    try:
        path.write_text(model.shape.to_json() + "\n", encoding="utf-8")
    except OSError as failure:
        raise LocalError(f"cannot write {path}: {failure.strerror}", remedy="choose another --shape-out") from failure


async def _serve(sessions: Sessions, address: Address) -> None:
    async with listen(*address) as listener:
        here = show_address(address[0], listener.port)
        click.echo(f"listening on {here}, model shape {sessions.model.shape.digest()[:16]}", err=True)
        await sessions.run(listener)
