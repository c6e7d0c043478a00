"""Running a function with both parties here, and the report of it: what `measure` and `eval` have in common."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from sirnn import ring
from sirnn.channel import Channel, Phase
from sirnn.cli.inference import seeded
from sirnn.cli.pair import PairRun, bound, run_pair
from sirnn.cli.report import spinner, traffic_report
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS, MathFunction
from sirnn.profile import Profile
from sirnn.ring import Words
from sirnn.session import start_session
from sirnn.shares import ArithmeticShare

DEFAULT_NETWORK = "lan"


@attrs.frozen
class Job:
    """What is to be evaluated.

    Attributes:
        function: which function.
        inp: type of the input words.
        out: type of the output words.
        profile: how it is evaluated.
    """

    function: MathFunction
    inp: FixedPoint
    out: FixedPoint
    profile: Profile

    def __str__(self) -> str:
        return f"{self.function.name}, {self.inp} to {self.out}"


@attrs.frozen(eq=False)
class FunctionRun:
    """A finished run: what was to be done, the words that went in and came out, and how it went."""

    job: Job
    x: Words
    y: Words
    pair: PairRun

    @property
    def network_seconds(self) -> dict[str, float]:
        """Waiting time by network; empty over TCP."""
        return {name: phases[Phase.ONLINE] / 1e9 for name, phases in self.pair.network_ns.items()}

    def report(self) -> dict[str, Any]:
        """The keys of `--json`.

        `overflows` counts the inputs whose real value the output type cannot hold; the errors are those of the other
        inputs, None if there are no others.
        """
        figures = traffic_report(self.pair.ledger)
        outcome = self.job.function.compare(self.x, self.y, self.job.inp, self.job.out)
        errors = outcome.errors
        return {
            "function": self.job.function.name,
            "profile": self.job.profile.value,
            "count": self.x.size,
            "bytes_per_instance": (figures["bytes_offline"] + figures["bytes_online"]) / self.x.size,
            **figures,
            "seconds": self.pair.seconds,
            "seconds_offline": 0.0,
            "seconds_online": self.pair.seconds,
            **{f"network_seconds_{name}": seconds for name, seconds in self.network_seconds.items()},
            "max_ulp": float(errors.max()) if errors.size else None,
            "mean_ulp": float(errors.mean()) if errors.size else None,
            "overflows": outcome.overflows,
        }


def run_function(job: Job, x: Words, *, over: str, network: str | None, seed: int | None) -> FunctionRun:
    """Evaluate a function on words x (n,) of its input type, and hold the outcome to what it declares.

    Raises:
        LocalError: the function cannot serve these types; or bytes, flights or words are not the declared ones.
    """
    declared = job.function.cost(job.profile, x.size, inp=job.inp, out=job.out)
    body = bound(_body, name=job.function.name, x=x, inp=job.inp, out=job.out, profile=job.profile, seed=seed)
    with spinner(str(job)):
        pair = run_pair(body, body, over=over, network=network or DEFAULT_NETWORK)
    run = FunctionRun(job, x, ring.reduce(pair.values[0] + pair.values[1], job.out.bits), pair)
    figures = traffic_report(pair.ledger)
    measured = (figures["bytes_offline"] + figures["bytes_online"], figures["flights"])
    expected = job.function.clear(x.astype(np.uint64), inp=job.inp, out=job.out)
    if not np.array_equal(run.y, expected) or measured != (declared.payload, declared.flights):
        raise LocalError(f"{job} does not do what it declares", remedy="this is a defect: report it")
    return run


async def _body(
    channel: Channel, *, name: str, x: Words, inp: FixedPoint, out: FixedPoint, profile: Profile, seed: int | None
) -> Words:
    """One party: evaluates the function on its half of x, which is no secret to whoever runs both parties."""
    agree = {"function": f"{name} {inp} to {out}"}
    party = await start_session(channel, profile=profile, agree=agree, randomness=seeded(seed, channel.role))
    mask = ring.reduce(np.random.default_rng(0).integers(0, 1 << 63, size=x.shape, dtype=np.uint64), inp.bits)
    half = mask if party.is_server else ring.reduce(x - mask, inp.bits)
    result = await FUNCTIONS[name].run(party, ArithmeticShare(half, inp.bits), inp=inp, out=out)
    return result.words
