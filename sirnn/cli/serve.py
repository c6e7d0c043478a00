"""`sirnn serve`: the server party, over TCP."""

from __future__ import annotations

import time
from pathlib import Path

import click
import trio

from sirnn.channel import Channel, Ledger
from sirnn.cli.options import json_option, reveals_option, split_address
from sirnn.cli.report import amount, print_json, progress_bar, traffic_report
from sirnn.cli.scenario import DEFAULT, load_scenario
from sirnn.errors import PeerError, TransportError
from sirnn.models.model import Model, load_model
from sirnn.nn.inference import Reveal
from sirnn.nn.service import Reply, answer
from sirnn.version import PROTOCOL_VERSION
from transports.tcp import Listener, listen


@click.command()
@click.option("--model", "path", type=click.Path(path_type=Path), help="Model file; the demo's model by default.")
@click.option("--listen", "address", default="127.0.0.1:7000", show_default=True, help="HOST:PORT; port 0 picks one.")
@click.option("--once", is_flag=True, help="Stop after one client; exit with 1 if it went wrong.")
@click.option("--silence", type=float, default=120, show_default=True, help="Seconds to wait for a silent client.")
@click.option(
    "--shape-out", type=click.Path(path_type=Path), help="Write the model's public shape, for `query --expect`."
)
@reveals_option
@json_option
def serve(
    path: Path | None, address: str, once: bool, silence: float, shape_out: Path | None, reveals: str, as_json: bool
) -> None:
    """Hold a model and answer clients, one after the other.

    A client learns its predictions (or logits, if both say so) and the model's shape; this server learns nothing of
    its recordings. Plaintext TCP, so for now it only listens on this machine's loopback addresses.
    """
    model = load_model(path) if path else load_scenario(DEFAULT).model
    host, port = split_address(address)
    if shape_out is not None:
        shape_out.write_text(model.shape.to_json() + "\n")
    trio.run(_serve, model, host, port, once, silence, Reveal(reveals), as_json)


async def _serve(
    model: Model, host: str, port: int, once: bool, silence: float, reveals: Reveal, as_json: bool
) -> None:
    async with listen(host, port) as listener:
        click.echo(f"listening on {host}:{listener.port}, model shape {model.shape.digest()[:16]}", err=True)
        while True:
            try:
                await _serve_one(listener, model, silence, reveals, as_json)
            except (PeerError, TransportError) as error:
                # One client's trouble is not the next one's.
                if once:
                    raise
                click.echo(f"a client failed: {error}", err=True)
            if once:
                return


async def _serve_one(listener: Listener, model: Model, silence: float, reveals: Reveal, as_json: bool) -> None:
    async with listener.accept(role=0, version=str(PROTOCOL_VERSION), silence_seconds=silence) as channel:
        started = time.perf_counter()
        with progress_bar("time steps") as progress:
            reply = await answer(channel, model=model, reveals=reveals, progress=progress)
        seconds = time.perf_counter() - started
    _tell(reply, channel, seconds, as_json)


def _tell(reply: Reply, channel: Channel, seconds: float, as_json: bool) -> None:
    ledger: Ledger = channel.ledger
    report = traffic_report(ledger)
    if as_json:
        print_json({"count": reply.recordings, **report, "seconds": seconds})
    else:
        payload = amount(report["bytes_online"] + report["bytes_offline"])
        click.echo(
            f"answered {reply.recordings} recording(s): {payload}, {report['flights']:,} flights, {seconds:.1f} s"
        )
