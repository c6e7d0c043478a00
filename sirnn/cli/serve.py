"""`sirnn serve`: the server party, over TCP."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sirnn.channel import Ledger
from sirnn.cli import interrupts
from sirnn.cli.inference import Terms, server_body
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
from sirnn.cli.report import amount, counted, inference_bars, print_json, traffic_report
from sirnn.cli.scenario import DEFAULT, load_scenario
from sirnn.cli.setting import Setting
from sirnn.cli.stages import Seconds, Timed, seconds_of
from sirnn.errors import LocalError, PeerError, TransportError
from sirnn.models.model import Model, load_model
from sirnn.nn.inference import Reveal
from sirnn.profile import Profile
from sirnn.version import PROTOCOL_VERSION
from transports.tcp import Listener, listen


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
@silence_option
@click.option("--shape-out", type=FILE, help="Write the model's public shape, for `query --expect`.")
@reveals_option
@profile_option
@ot_option
@json_option
def serve(
    path: Path | None,
    address: Address,
    once: bool,
    silence: float,
    shape_out: Path | None,
    reveals: Reveal,
    profile: Profile,
    ot: str,
    as_json: bool,
) -> None:
    """Hold a model and answer clients, one after the other, until Ctrl-C.

    A client learns its predictions (or logits, if both say so) and the model's shape; this server learns nothing of
    its recordings. Plaintext TCP, so for now it only listens on this machine's loopback addresses. With --json, every
    client answered is one JSON object on a line of its own.

    But for --profile paper, which the client must name too, both first make the correlations that the model demands;
    only what depends on the recordings is left for after that.
    """
    model = load_model(path) if path else load_scenario(DEFAULT).model
    if shape_out is not None:
        write_shape(model, shape_out)
    terms = Terms(profile, reveals, Setting(over="tcp", ot=ot))
    keep_freed_memory()
    try:
        interrupts.run(partial(_serve, model, address, once, silence, terms, as_json))
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


async def _serve(model: Model, address: Address, once: bool, silence: float, terms: Terms, as_json: bool) -> None:
    async with listen(*address) as listener:
        here = show_address(address[0], listener.port)
        click.echo(f"listening on {here}, model shape {model.shape.digest()[:16]}", err=True)
        while True:
            try:
                await _serve_one(listener, model, silence, terms, as_json)
            except (PeerError, TransportError) as error:
                # One client's trouble is not the next one's.
                if once:
                    raise
                click.echo(f"a client failed: {error}", err=True)
            if once:
                return


async def _serve_one(listener: Listener, model: Model, silence: float, terms: Terms, as_json: bool) -> None:
    async with listener.accept(role=0, version=str(PROTOCOL_VERSION), silence_seconds=silence) as channel:
        with inference_bars() as (progress, preparing):
            timed = await server_body(channel, model=model, terms=terms, progress=progress, preparing=preparing)
    _tell(timed, channel.ledger, as_json)


def _tell(timed: Timed, ledger: Ledger, as_json: bool) -> None:
    report, seconds, count = traffic_report(ledger), seconds_of(timed.marks), timed.value.recordings
    if as_json:
        print_json({"count": count, **report, **seconds.report()}, indent=None)
        return
    payload = amount(report["bytes_online"] + report["bytes_offline"])
    flights = counted(report["flights"], "flight")
    click.echo(f"answered {counted(count, 'recording')}: {payload}, {flights}, {in_stages(seconds)}")


def in_stages(seconds: Seconds) -> str:
    """Seconds in words; those of being prepared apart, if there was anything to prepare."""
    ahead = f" ({seconds.offline:.1f} s of it offline)" if seconds.offline else ""
    return f"{seconds.total:.1f} s{ahead}"
