"""`sirnn query`: the client party, over TCP."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import trio

from sirnn.channel import Channel
from sirnn.cli.options import json_option, reveals_option, split_address
from sirnn.cli.report import amount, out, print_json, progress_bar, table, traffic_report
from sirnn.errors import LocalError
from sirnn.models.archive import read_numpy
from sirnn.models.model import ModelShape
from sirnn.nn.inference import Reveal
from sirnn.nn.service import Reply, as_batch, ask
from sirnn.version import PROTOCOL_VERSION
from transports.tcp import connect


@click.command()
@click.option("--connect", "address", required=True, help="HOST:PORT of the server.")
@click.option(
    "--input",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    help="Recording(s) as a .npy file: (steps, channels).",
)
@click.option("--expect", type=click.Path(path_type=Path), help="Shape file: take no model but one of this shape.")
@click.option("--silence", type=float, default=120, show_default=True, help="Seconds to wait for a silent server.")
@reveals_option
@json_option
def query(address: str, path: Path, expect: Path | None, silence: float, reveals: str, as_json: bool) -> None:
    """Send a recording through a server's model and learn the prediction.

    The recording does not leave this machine: the server sees random shares. Several recordings in one file,
    (recordings, steps, channels), are answered as a batch.
    """
    host, port = split_address(address)
    recordings, expected = read_recordings(path), read_shape(expect) if expect else None
    reply, channel, seconds = trio.run(_query, host, port, recordings, expected, silence, Reveal(reveals))
    _tell(reply, channel, seconds, as_json)


def read_recordings(path: Path) -> npt.NDArray[np.float64]:
    """The recordings in a .npy file, as a batch.

    Raises:
        LocalError: no such file, not a .npy file, or not recordings.
    """
    array = read_numpy(path)
    if isinstance(array, dict):
        raise LocalError(f"{path} holds several arrays", remedy="save the recording alone, with numpy.save")
    batch = as_batch(array)
    if not np.all(np.isfinite(batch)):
        raise LocalError(f"{path} contains NaN or infinity", remedy="clean the recording first")
    return batch


def read_shape(path: Path) -> ModelShape:
    """A shape file as `serve --shape-out` writes it.

    Raises:
        LocalError: no such file, or not a shape.
    """
    try:
        return ModelShape.from_json(path.read_text())
    except (OSError, UnicodeDecodeError) as failure:
        raise LocalError(f"cannot read the shape file {path}", remedy="make it with serve --shape-out") from failure


async def _query(
    host: str,
    port: int,
    recordings: npt.NDArray[np.float64],
    expected: ModelShape | None,
    silence: float,
    reveals: Reveal,
) -> tuple[Reply, Channel, float]:
    async with connect(host, port, role=1, version=str(PROTOCOL_VERSION), silence_seconds=silence) as channel:
        started = time.perf_counter()
        with progress_bar("time steps") as progress:
            reply = await ask(channel, recordings, expected=expected, reveals=reveals, progress=progress)
        return reply, channel, time.perf_counter() - started


def _tell(reply: Reply, channel: Channel, seconds: float, as_json: bool) -> None:
    figures = traffic_report(channel.ledger)
    if as_json:
        words: Any = reply.words.tolist() if reply.words is not None else None
        names = list(reply.names)
        print_json(
            {
                "prediction": names[0] if len(names) == 1 else names,
                "output_words": words,
                "count": reply.recordings,
                "model_shape": reply.shape.digest(),
                **figures,
                "seconds": seconds,
            }
        )
        return
    out.print(table("Predictions", ["recording", "class"], [[str(i), name] for i, name in enumerate(reply.names)]))
    payload = amount(figures["bytes_online"] + figures["bytes_offline"])
    out.print(f"{payload} in {figures['flights']:,} flights, {seconds:.1f} s; the server learned nothing.")
