"""An attack: a server that bisects a client's reading by the scaling that it tells.

    python -m tests.attacks.bisection

The client applies the server's public mean and gain to its reading and writes the result as a word of the server's
input type. A server that chooses the two so that readings of t and more leave the type learns whether the reading was
below t if the client then refuses, because a refusal ends the session. Some 25 sessions are four digits.
"""

from __future__ import annotations

from functools import partial

import attrs
import click
import numpy as np
import trio

from simulator.simulation import simulate
from sirnn.models.svm import SvmParameters, quantise_svm
from sirnn.nn.inference import Reveal
from sirnn.nn.service import ask
from sirnn.profile import Profile
from sirnn.session import start_session

SESSIONS = 25
LOW, HIGH = -100.0, 100.0
"""Where the server believes the reading to be."""


def model():
    """An SVM of two features."""
    rng = np.random.default_rng(1)
    return quantise_svm(
        SvmParameters(
            centres=rng.uniform(-2, 2, (2, 2)),
            coefficients=rng.normal(size=(2, 2)),
            bias=rng.normal(size=2),
            mean=(0.0, 0.0),
            gain=(1.0, 1.0),
            classes=("yes", "no"),
        )
    )


def below(shape, limit):
    """The shape with a scaling under which the first feature fits if it is below `limit`; the other always does."""
    gain = 1e-3
    end = shape.input_type.range[1] + shape.input_type.ulp / 2  # what rounds up from here does not fit
    return attrs.evolve(shape, mean=(limit - end / gain, 0.0), gain=(gain, 0.0))


async def goes_on(shape, reading):
    """One session up to the set-up: whether the client goes on, which is all that the server looks at."""
    seen = []

    async def server(channel):
        tell = {"model": shape.digest(), "shape": shape.to_json()}
        await start_session(channel, profile=Profile.PAPER, agree={"reveals": Reveal.CLASS.value}, tell=tell)
        seen.append(True)
        raise ConnectionError  # it has seen enough

    client = partial(ask, recordings=reading, profile=Profile.PAPER)
    await simulate(server, client, check=False)
    return bool(seen)


async def attack(reading, sessions=SESSIONS):
    """What a server finds out about the first feature: (lowest, highest), and what it saw of each session."""
    low, high, seen = LOW, HIGH, []
    shape = model().shape
    for _ in range(sessions):
        middle = (low + high) / 2
        seen.append(await goes_on(below(shape, middle), reading))
        low, high = (low, middle) if seen[-1] else (middle, high)
    return low, high, seen


def main():
    """Attack a client and print what comes of it."""
    reading = np.array([36.6180, 1.0])
    low, high, seen = trio.run(attack, reading)
    click.echo(f"the client's reading:    {reading[0]:.4f}")
    click.echo(f"what the server thinks:  {low:.5f} to {high:.5f}, after {SESSIONS} sessions")
    click.echo(f"sessions that went on:   {sum(seen)}")
    click.echo("broken" if low <= reading[0] <= high else "the server has learned nothing")


if __name__ == "__main__":
    main()
