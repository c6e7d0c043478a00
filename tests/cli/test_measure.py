"""`sirnn measure`, `cost` and `block` where correlations are made ahead, and of what is no function."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sirnn.channel import Phase, Traffic
from sirnn.cli import declared as declared_module
from sirnn.cli.declared import hold_to
from sirnn.cli.setting import SMALLEST_FERRET, Setting
from sirnn.cli.subjects import DIRECTIONS, SAMPLE, FunctionSubject, ProtocolSubject, RotSubject, sample_of
from sirnn.correlations.prepare import plan
from sirnn.correlations.supply import SOURCES, Supply
from sirnn.cost import Cost
from sirnn.errors import LocalError
from sirnn.fixedpoint import FixedPoint
from sirnn.functions.catalogue import FUNCTIONS
from sirnn.ot.setup import set_up_cost
from sirnn.profile import Profile
from tests.cli.processes import answer

EXACT, PAPER = ("--profile", "exact"), ("--profile", "paper")
STAGES = ("setup", "offline", "online")


def run(invoke, *arguments):
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)


# ------------------------------------------------------------ functions


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_made_ahead_is_declared_too(invoke, name):
    measured = run(invoke, "measure", name, "--count", "40", *EXACT)
    declared = run(invoke, "cost", name, "--count", "40", *EXACT)
    for key in ("bytes_offline", "bytes_online", "flights", "flights_offline", "flights_online", "bytes_per_instance"):
        assert measured[key] == declared[key], key
    assert measured["bytes_offline"] > 0
    assert measured["flights"] == measured["flights_offline"] + measured["flights_online"]
    assert measured["bytes_setup"] > declared["bytes_setup"] > set_up_cost(Profile.EXACT).payload
    paper = run(invoke, "measure", name, "--count", "40", *PAPER)
    assert paper["bytes_offline"] == paper["flights_offline"] == paper["seconds_offline"] == 0
    assert measured["max_ulp"] == paper["max_ulp"]
    assert measured["bytes_online"] < paper["bytes_online"] / 4


def test_the_curve_is_the_cost_at_each_count(invoke):
    curve = run(invoke, "cost", "sigmoid", *EXACT)["bytes_per_instance_at"]
    assert list(curve) == [str(10**power) for power in range(7)]
    for count in ("1", "1000"):
        assert curve[count] == run(invoke, "cost", "sigmoid", "--count", count, *EXACT)["bytes_per_instance"]
    assert sorted(curve.values(), reverse=True) == list(curve.values())
    shown = invoke("cost", "sigmoid", *EXACT).stdout
    assert "by how many are evaluated at once" in shown
    assert "bytes_per_instance_at" not in run(invoke, "cost", "iris", *EXACT)


def test_the_seconds_are_those_of_the_stages(invoke):
    report = run(invoke, "measure", "exp", "--count", "9", *EXACT)
    assert all(report[f"seconds_{stage}"] > 0 for stage in STAGES)
    assert report["seconds"] == pytest.approx(sum(report[f"seconds_{stage}"] for stage in STAGES))
    assert report["per_second"] == pytest.approx(9 / (report["seconds_offline"] + report["seconds_online"]))
    assert 0 < report["network_seconds_lan"] < report["network_seconds_wan"]


def test_runs_over_tcp_are_repeated_in_one_session(invoke):
    once = run(invoke, "measure", "exp", "--count", "9", *EXACT)
    often = answer("measure", "exp", "--count", "9", *EXACT, "--over", "tcp", "--repeat", "3")
    assert often["repeat"] == 3
    for key in ("bytes_offline", "bytes_online", "flights", "flights_offline", "flights_online", "max_ulp"):
        assert often[key] == once[key], key
    assert often["peak_bytes_server"] > 10_000_000 < often["peak_bytes_client"]
    assert "peak_bytes_server" not in once


@pytest.mark.parametrize("source", ["iknp", "softspoken-2", "softspoken-4", "softspoken-8", "ferret-b10"])
def test_the_source_of_random_ots_is_a_choice(invoke, source):
    report = run(invoke, "measure", "exp", "--count", "9", *EXACT, "--ot", source)
    demand = FUNCTIONS["exp"].cost(Profile.EXACT, 9, inp=FixedPoint(16, 12), out=FixedPoint(16, 12)).demand
    assert report["ot"] == source
    assert report["bytes_offline"] == plan(Profile.EXACT, demand, supply=Supply(source)).offline.payload


def test_the_run_for_people_tells_the_stages_apart(invoke):
    result = invoke("measure", "exp", "--count", "9", *EXACT)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    for words in ("payload offline", "payload online", "seconds, set-up", "seconds, offline", "seconds, online"):
        assert words in result.output


def test_eval_can_prepare_as_well(invoke, tmp_path):
    np.save(tmp_path / "x.npy", np.array([-4096, -1, 0]))
    report = run(invoke, "eval", "exp", "--inputs", tmp_path / "x.npy", "--outputs", tmp_path / "y.npy", *EXACT)
    assert report["bytes_offline"] > 0
    assert np.load(tmp_path / "y.npy")[2] == 4096


# ------------------------------------------------------------ random OTs


@pytest.mark.parametrize("source", ["iknp", "softspoken-8", "ferret-b10"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_random_ots(invoke, source, direction):
    report = run(invoke, "measure", "rot", "--count", "1000", "--ot", source, "--direction", direction)
    made = SOURCES[source](0).yields(1000)
    assert report["count"] == made * len(DIRECTIONS[direction])
    bits = 8 * sum(SOURCES[source](sender).cost(made).payload for sender in DIRECTIONS[direction])
    assert report["bits_per_instance"] == pytest.approx(bits / report["count"])
    assert (report["bytes_online"], report["flights_online"]) == (0, 0)
    assert report["seconds_online"] > 0  # hashing
    assert report["direction"] == direction


def test_random_ots_for_people(invoke):
    result = invoke("measure", "rot", "--count", "1000", "--ot", "softspoken-8")
    lines = result.output.splitlines()
    assert lines[0] == "random OTs, sent by the server"
    assert any("15.00 bits" in line for line in lines)


def test_random_ots_that_do_not_fit_are_a_failure():
    subject = RotSubject(3, "server")
    zeros, ones = (np.arange(6, dtype=np.uint64).reshape(2, 3, 1)[end] for end in (0, 1))
    chosen = np.array([0, 1, 1], np.uint8)
    words = np.where(chosen[:, None] == 1, ones, zeros)
    subject.check([(zeros, ones)], [(chosen, words)])
    for wrong in ((zeros, ones + np.uint64(1)), (zeros, zeros)):
        with pytest.raises(LocalError, match="does not do what it declares"):
            subject.check([wrong], [(chosen, words)])


def test_of_many_random_ots_a_sample_is_compared():
    for count, kept in ((3, 3), (SAMPLE, SAMPLE), (SAMPLE + 1, SAMPLE // 2 + 1), (10 * SAMPLE, SAMPLE)):
        sample = sample_of(np.arange(count))
        assert sample.size == kept
        assert sample.base is None  # a view would keep all of them in memory


# ------------------------------------------------------------ lookups and products


@pytest.mark.parametrize("profile", ["lean", "exact", "paper"])
def test_a_lookup_is_8_bits_to_14_by_default(invoke, profile):
    report = run(invoke, "measure", "lookup", "--count", "30", "--profile", profile)
    subject = ProtocolSubject.lookup(bits=8, out_bits=14, count=30, profile=Profile(profile))
    assert report["what"] == "lookup 8 to 14"
    assert report["bytes_online"] == subject.cost().payload
    assert (report["bytes_offline"] > 0) == (profile != "paper")


@pytest.mark.parametrize("profile", ["lean", "exact", "paper"])
def test_a_product_counts_its_multiplications(invoke, profile):
    report = run(invoke, "measure", "matmul", "--dims", "3,4,5", "--bits", "7", "--profile", profile)
    assert report["what"] == "matmul 3x4x5"
    assert report["count"] == 60
    assert (report["bytes_offline"] > 0) == (profile != "paper")


def test_a_block_is_prepared_as_well(invoke):
    report = run(invoke, "block", "b2a", "-p", "bits=9", "--count", "50", *EXACT, "--ot", "softspoken-2")
    assert report["demand"] == {"cot/server": 50}
    assert report["bytes_offline"] == SOURCES["softspoken-2"](0).cost(50).payload


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rot", "--bits", "3"], "--bits says nothing about rot"),
        (["rot", *EXACT], "--profile says nothing about rot"),
        (["exp", "--direction", "both"], "--direction says nothing about exp"),
        (["matmul", "--count", "3"], "--count says nothing about matmul"),
        (["matmul", "--dims", "3,4"], "are not the sizes of a product"),
        (["matmul", "--dims", "3,0,4"], "are not the sizes of a product"),
        (["exp", "--repeat", "2"], "--repeat is for --over tcp"),
        (["exp", "--ot", "pigeon"], "'pigeon' is not one of"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_make_no_sense_are_refused(invoke, arguments, words):
    result = invoke("measure", *arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [["lookup", "--bits", "21"], ["lookup", "--bits", "9", "--profile", "paper"], ["matmul", "--bits", "40"]],
    ids=" ".join,
)
def test_what_does_not_fit_is_refused_in_a_line(invoke, arguments):
    result = invoke("measure", *arguments)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


# ------------------------------------------------------------ judging


@pytest.mark.parametrize("phase", [Phase.ONLINE, Phase.OFFLINE, Phase.SETUP])
def test_a_byte_more_in_any_stage_is_a_failure(phase):
    declared = Cost.message(0, 80) + Cost(demand={"cot/server": 128})
    planned = plan(Profile.EXACT, declared.demand, supply=Supply("softspoken-8"))
    setup = set_up_cost(Profile.EXACT).payload + planned.set_up.payload
    ledger = {
        (Phase.SETUP, "hello"): Traffic(sent=77),
        (Phase.SETUP, "setup"): Traffic(sent=setup),
        (Phase.OFFLINE, "prepare"): Traffic(received=planned.offline.payload, flights=1),
        (Phase.ONLINE, "x"): Traffic(sent=10, flights=1),
    }
    hold_to(ledger, "it", Profile.EXACT, declared, planned)
    (key,) = (each for each in ledger if each[0] is phase and each[1] != "hello")
    ledger[key].sent += 1
    with pytest.raises(LocalError, match=f"{'of set-up' if phase is Phase.SETUP else phase.value}.* are declared"):
        hold_to(ledger, "it", Profile.EXACT, declared, planned)


def test_a_run_that_costs_other_than_planned_is_a_failure(invoke, monkeypatch):
    monkeypatch.setattr(declared_module, "set_up_cost", lambda _: Cost())
    result = invoke("measure", "exp", "--count", "2")
    assert result.exit_code == 1
    assert "bytes of set-up" in result.stderr


@pytest.mark.parametrize("profile", Profile)
def test_wrong_words_are_a_failure(profile):
    subject = FunctionSubject.spread("exp", FixedPoint(8, 4), FixedPoint(8, 4), profile, 5)
    right = subject.method.clear(subject.x.astype(np.uint64)).astype(np.uint8)
    subject.check(right, np.zeros_like(right))
    with pytest.raises(LocalError, match="its words differ"):
        subject.check(right, np.eye(1, 5, dtype=np.uint8)[0])


def test_a_rehearsal_takes_the_code_paths_of_the_run_at_its_smallest():
    many, few = (Cost(demand={"cot/server": count}) for count in (10**8, 100))
    assert Setting(ot="ferret-b13").rehearsal(Profile.EXACT, few).ot == SMALLEST_FERRET == "ferret-b10"
    assert Setting().rehearsal(Profile.EXACT, many).ot == SMALLEST_FERRET
    assert Setting().rehearsal(Profile.EXACT, few).ot == "softspoken-8"
    assert Setting(ot="iknp", over="tcp", network="wan").rehearsal(Profile.EXACT, few) == Setting(
        ot="iknp", network="ideal"
    )
    assert Setting().rehearsal(Profile.PAPER, Cost()).ot == "auto"


def test_the_supply_knows_the_simulated_network():
    assert Setting(network="wan").supply().megabits_per_second == 100
    assert Setting(network="mobile").supply().megabits_per_second == 10
    assert Setting(network="ideal").supply().megabits_per_second == float("inf")
    assert Setting(over="tcp", ot="iknp").supply() == Supply("iknp")
