"""Running a subject with both parties here, and the report of it: what `measure`, `eval` and `block` have in common.

Every run of a subject starts with an empty store, so it makes, and pays for, all the correlations that it uses.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs

from sirnn.channel import Channel, Ledger, Phase
from sirnn.cli.declared import hold_to
from sirnn.cli.pair import PairRun, bound, rehearsal, run_pair
from sirnn.cli.report import amount, each, network_rows, out, progress_bars, scope_table, table, traffic_report
from sirnn.cli.setting import Setting
from sirnn.cli.stages import Seconds, Stopwatch, Timed, seconds_of
from sirnn.cli.subjects import Subject
from sirnn.correlations.prepare import Plan, Progress, equip, plan, prepare
from sirnn.correlations.store import Store
from sirnn.party import Party
from sirnn.session import start_session


@attrs.frozen(eq=False)
class Measurement:
    """A finished run: what was run, how, and how it went.

    Attributes:
        subject: what was run.
        setting: how.
        repeat: how often; all figures but the set-up are those of one run.
        pair: what both parties have.
    """

    subject: Subject
    setting: Setting
    repeat: int
    pair: PairRun

    @property
    def values(self) -> tuple[Any, Any]:
        """The outputs of both parties in the last run."""
        server, client = self.pair.values
        return server.value, client.value

    @property
    def seconds(self) -> Seconds:
        """By stage, each over when both parties are done with it."""
        return seconds_of(*(party.marks for party in self.pair.values))

    @property
    def plan(self) -> Plan:
        """What preparing one run takes."""
        return plan(self.subject.profile, self.subject.cost().demand, supply=self.setting.supply())

    @property
    def ledger(self) -> Ledger:
        """All of the set-up, and the rest of the last run."""
        last = _scope(self.repeat - 1)
        return {
            (phase, scope if phase is Phase.SETUP else scope.removeprefix(last).removeprefix("/")): traffic
            for (phase, scope), traffic in self.pair.ledger.items()
            if phase is Phase.SETUP or scope == last or scope.startswith(f"{last}/")
        }

    @property
    def network_seconds(self) -> dict[str, float]:
        """Waiting time by network, set-up excluded; empty over TCP."""
        stages = (Phase.OFFLINE, Phase.ONLINE)
        return {name: sum(ns.get(each, 0) for each in stages) / 1e9 for name, ns in self.pair.network_ns.items()}

    def report(self) -> dict[str, Any]:
        """The keys of `--json`."""
        figures, seconds, count = traffic_report(self.ledger), self.seconds, self.subject.count
        nbytes = figures["bytes_offline"] + figures["bytes_online"]
        working = seconds.offline + seconds.online
        return {
            "what": self.subject.name,
            "profile": self.subject.profile.value,
            "ot": self.setting.ot,
            "over": self.setting.over,
            "count": count,
            "repeat": self.repeat,
            "bytes_per_instance": nbytes / count,
            "bits_per_instance": 8 * nbytes / count,
            **figures,
            **seconds.report(),
            "per_second": count / working if working else None,
            **self.pair.memory_report(),
            **{f"network_seconds_{name}": seconds for name, seconds in self.network_seconds.items()},
            **self.subject.figures(*self.values),
        }


def run_subject(subject: Subject, setting: Setting, *, repeat: int = 1) -> Measurement:
    """Run a subject with both parties, and hold the outcome to what it declares.

    Raises:
        LocalError: it cannot be run; or bytes, flights or words are not the declared ones.
    """
    declared = subject.cost()
    rehearse = rehearsal(*_bodies(subject.tiny(), setting.rehearsal(subject.profile, declared), 1, None))
    with progress_bars(str(subject)) as progress:
        pair = run_pair(
            *_bodies(subject, setting, repeat, progress), over=setting.over, network=setting.network, rehearse=rehearse
        )
    measured = Measurement(subject, setting, repeat, pair)
    hold_to(measured.ledger, str(subject), subject.profile, declared, measured.plan)
    subject.check(*measured.values)
    return measured


def _bodies(subject: Subject, setting: Setting, repeat: int, progress: Progress | None) -> tuple[Any, Any]:
    """Both parties; a progress bar cannot be handed to another process, so the server has it."""
    body = partial(bound, _body, subject=subject, setting=setting, repeat=repeat)
    return body(progress=progress), body(progress=None)


async def _body(
    channel: Channel, *, subject: Subject, setting: Setting, repeat: int, progress: Progress | None
) -> Timed:
    """One party: a session, and any number of runs in it."""
    inputs = subject.inputs(channel.role)
    watch, value = Stopwatch(), None
    watch(Phase.SETUP)
    party = await start_session(
        channel,
        profile=subject.profile,
        agree={"measured": str(subject)},
        randomness=setting.randomness(channel.role),
        supply=setting.supply(),
    )
    for number in range(repeat):
        with party.scope(_scope(number)):
            await _prepare(party, subject, watch, progress)
            watch(Phase.ONLINE)
            with party.channel.phase(Phase.ONLINE):  # entering it anew starts its depths at 0
                value = await subject.run(party, inputs)
    return Timed(value, watch.stop())


async def _prepare(party: Party, subject: Subject, watch: Stopwatch, progress: Progress | None) -> None:
    watch(Phase.SETUP)
    if party.profile.ahead:
        demand, party.store = subject.cost().demand, Store()
        await equip(party, demand)
        watch(Phase.OFFLINE)
        await prepare(party, demand, progress=progress)


def _scope(number: int) -> str:
    return f"run {number}"


# ------------------------------------------------------------ for people


def print_measurement(measured: Measurement) -> None:
    """The report of a run, for people."""
    report = measured.report()
    rows = [
        ["instances", f"{report['count']:,}"],
        *([["runs, of which the median counts", str(measured.repeat)]] if measured.repeat > 1 else []),
        ["payload per instance", each(report["bytes_per_instance"])],
        *traffic_rows(report),
        *protocol_rows(report),
        *error_rows(report),
        *seconds_rows(report),
        *network_rows(measured.network_seconds),
    ]
    out.print(table(str(measured.subject), [], rows))
    out.print("Bytes and flights are as declared, and so is every word that came out.\n")
    out.print(scope_table(measured.ledger))


def traffic_rows(report: dict[str, Any]) -> list[list[str]]:
    """Bytes and flights of each stage, measured or declared; framing is never declared."""
    ahead = [
        ["payload offline", amount(report["bytes_offline"])],
        ["payload online", amount(report["bytes_online"])],
    ]
    flights = f" ({report['flights_offline']:,} offline)" if report["flights_offline"] else ""
    return [
        ["payload", amount(report["bytes_online"] + report["bytes_offline"])],
        *(ahead if report["bytes_offline"] else []),
        ["set-up, once per session", amount(report["bytes_setup"])],
        *([["framing", amount(report["bytes_framing"])]] if "bytes_framing" in report else []),
        ["flights (causal depth)", f"{report['flights']:,}{flights}"],
    ]


def seconds_rows(report: dict[str, Any]) -> list[list[str]]:
    """The clock, stage by stage."""
    stages = [("set-up", report["seconds_setup"]), ("online", report["seconds_online"])]
    if report["bytes_offline"]:
        stages.insert(1, ("offline", report["seconds_offline"]))
    rows = [[f"seconds, {stage}", f"{seconds:.3f} s"] for stage, seconds in stages]
    per_second = report.get("per_second")
    return [*rows, *([["instances a second", f"{per_second:,.0f}"]] if per_second else [])]


def protocol_rows(report: dict[str, Any]) -> list[list[str]]:
    """What each party sends, and what is demanded by kind; nothing for what is no single protocol."""
    if "demand" not in report:
        return []
    return [
        ["payload online, from the server", amount(report["bytes_from_server"])],
        ["payload online, from the client", amount(report["bytes_from_client"])],
        *([f"  {kind}, demanded", f"{number:,}"] for kind, number in report["demand"].items()),
    ]


def error_rows(report: dict[str, Any]) -> list[list[str]]:
    """How exact the results that fit are, and how many do not, if any; nothing for what is no function of reals."""
    if "overflows" not in report:
        return []
    rows = []
    if report["overflows"] < report["count"]:
        rows += [["worst error", f"{report['max_ulp']:.2f} ULP"], ["mean error", f"{report['mean_ulp']:.2f} ULP"]]
    if report["overflows"]:
        rows.append(["overflows (value does not fit)", f"{report['overflows']:,}"])
    return rows
