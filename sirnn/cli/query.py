"""`sirnn query`: the client party, over TCP."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from sirnn.channel import Ledger
from sirnn.cli import interrupts
from sirnn.cli.inference import Terms
from sirnn.cli.limits import limits_options
from sirnn.cli.options import (
    FILE,
    Address,
    json_option,
    ot_option,
    parse_address,
    profile_option,
    reveals_option,
    silence_option,
)
from sirnn.cli.report import amount, counted, inference_bars, out, print_json, table, traffic_report
from sirnn.cli.scenario import DEFAULT, load_scenario
from sirnn.cli.setting import Setting
from sirnn.cli.stages import Stopwatch, Timed, in_stages, seconds_of
from sirnn.errors import LocalError
from sirnn.files import read_text
from sirnn.models.archive import read_array
from sirnn.models.model import ModelShape
from sirnn.nn.inference import Reveal
from sirnn.nn.limits import Limits, within
from sirnn.nn.service import as_reals, ask
from sirnn.party import CLIENT
from sirnn.profile import Profile
from sirnn.version import PROTOCOL_VERSION
from transports.tcp import connect


@click.command()
@click.option("--connect", "address", required=True, callback=parse_address, help="HOST:PORT of the server.")
@click.option(
    "--input", "path", type=FILE, help="Recording (steps, channels) as a .npy file; the demo's recording by default."
)
@click.option("--expect", type=FILE, help="Shape file: take no model but one of this shape.")
@silence_option
@limits_options
@reveals_option
@profile_option
@ot_option
@json_option
def query(
    address: Address,
    path: Path | None,
    expect: Path | None,
    silence: float,
    limits: Limits,
    reveals: Reveal,
    profile: Profile,
    ot: str,
    as_json: bool,
) -> None:
    """Send a recording through a server's model and learn the prediction.

    The recording does not leave this machine: the server sees random shares. Several recordings in one file,
    (recordings, steps, channels), are answered as a batch. --profile and --ot must be those of the server.
    """
    recordings = read_recordings(path) if path else demo_recording()
    expected = read_shape(expect) if expect else None
    terms = Terms(profile, reveals, Setting(over="tcp", ot=ot), limits)
    timed, ledger = interrupts.run(partial(_query, address, recordings, expected, silence, terms))
    _tell(timed, ledger, as_json)


def read_recordings(path: Path) -> npt.NDArray[np.float64]:
    """The recordings in a .npy file, or alone in a .npz file.

    Raises:
        LocalError: no such file, not such a file, or not recordings.
    """
    array = read_array(path, "the recordings")
    try:
        readings = as_reals(array)
    except LocalError as failure:
        raise LocalError(f"{path}: {failure.problem}", remedy=failure.remedy) from failure
    return readings


def demo_recording() -> npt.NDArray[np.float64]:
    """The recording that the demo runs."""
    scenario = load_scenario(DEFAULT)
    return as_reals(scenario.recordings[scenario.default_recording])


def read_shape(path: Path) -> ModelShape:
    """A shape file as `serve --shape-out` writes it.

    Raises:
        LocalError: no such file, or not a shape.
    """
    remedy = "the server makes it with serve --shape-out"
    text = read_text(path, "a shape file", remedy=remedy)
    try:
        return ModelShape.from_json(text)
    except LocalError as failure:
        raise LocalError(f"{path} is not a shape file: {failure.problem}", remedy=remedy) from failure


class Once:
    """Says something on standard error, the first time that it is called."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self) -> None:
        if self._text:
            click.echo(self._text, err=True)
        self._text = ""


async def _query(
    address: Address,
    recordings: npt.NDArray[np.float64],
    expected: ModelShape | None,
    silence: float,
    terms: Terms,
) -> tuple[Timed, Ledger]:
    queued = Once("the server is busy with other clients: waiting in its queue")
    watch = Stopwatch()
    with within(terms.limits.session_seconds, "the session", "allow more seconds"):  # the time in the queue included
        async with connect(
            *address, role=1, version=str(PROTOCOL_VERSION), silence_seconds=silence, queued=queued
        ) as channel:
            with inference_bars() as (progress, preparing):
                reply = await ask(
                    channel,
                    recordings,
                    expected=expected,
                    stage=watch,
                    preparing=preparing,
                    progress=progress,
                    **terms.options(CLIENT),
                )
            timed = Timed(reply, watch.stop())
    return timed, channel.ledger


def _tell(timed: Timed, ledger: Ledger, as_json: bool) -> None:
    figures, seconds, reply = traffic_report(ledger), seconds_of(timed.marks), timed.value
    if as_json:
        words: Any = reply.words.tolist() if reply.words is not None else None
        names = list(reply.names)
        print_json(
            {
                "prediction": names[0] if len(names) == 1 else names,
                "output_words": words,
                "count": reply.recordings,
                "clipped": reply.clipped,
                "model_shape": reply.shape.digest(),
                **figures,
                **seconds.report(),
            }
        )
        return
    rows = [[str(index), name] for index, name in enumerate(reply.names)]
    out.print(table("Predictions", ["recording", "class"], rows, figures=0))
    if reply.clipped:
        readings = counted(reply.clipped, "reading")
        out.print(f"{readings} lay beyond {reply.shape.input_type} and took its nearest end.")
    payload = amount(figures["bytes_online"] + figures["bytes_offline"])
    flights = counted(figures["flights"], "flight")
    out.print(f"{payload} in {flights}, {in_stages(seconds)}; the server learned nothing.")
