"""The fault sweep, cut down: every protocol, each kind of fault; and that it calls bad what is bad.

Each kind strikes one message of a protocol, the kinds evenly apart: all messages of those that have nine or fewer. All
kinds at all messages are `sirnn sweep`'s to strike.
"""

import attrs
import pytest
import trio

from simulator import sweep
from simulator.faults import Corrupt, Delay, Drop, Duplicate, Gone, HalfClose, Lengthen, Truncate
from simulator.simulation import simulate
from simulator.sweep import KINDS, Job, Verdict, faults_for, kind_of, run_clean, strike
from sirnn.cli.library import load_library
from sirnn.cli.swept import INFERENCES, SESSION, SWEPT_SOURCES, Place, job_names, profiles_of
from sirnn.errors import LocalError, PeerError, TransportError
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY

load_library()
SILENCE = sweep.SILENCE_SECONDS * 10**9


def swept(job, *, every=None):
    """The cases of a job; by default each kind strikes once."""

    async def run():
        clean = await run_clean(job)
        stride = every or sum(map(len, clean.sizes)) - sum(clean.first)
        return [await strike(job, clean, fault) for fault in faults_for(clean, every=stride)]

    return trio.run(run)


def assert_good(cases):
    assert [(str(case.fault), case.why) for case in cases if case.verdict is Verdict.BAD] == []
    assert {kind_of(case.fault) for case in cases} >= set(KINDS) - set(sweep.NEED_A_BYTE)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_every_protocol_ends_under_every_fault(name):
    for profile in profiles_of(name):
        assert_good(swept(Place(name, profile).make()))


@pytest.mark.parametrize("profile", profiles_of(SESSION))
def test_a_session_ends_under_every_fault(profile):
    assert_good(swept(Place(SESSION, profile).make()))


def test_an_inference_ends_under_every_fault():
    assert_good(swept(Place("inference", Profile.LEAN).make()))


def test_all_there_is_is_swept():
    assert job_names() == [*INFERENCES, SESSION, *SWEPT_SOURCES, *REGISTRY]
    for name, spec in REGISTRY.items():
        assert (Profile.PAPER in profiles_of(name)) == (Profile.PAPER in spec.profiles)
        assert any(profile.ahead for profile in profiles_of(name)) == any(each.ahead for each in spec.profiles)
    for name in job_names():
        assert profiles_of(name)


# ------------------------------------------------------------ which faults


async def talk(channel):
    """Four messages each way, all of one length: two exchanges, a fork of one, an empty exchange."""
    heard = [await channel.exchange(bytes([channel.role, step]), 2) for step in range(2)]
    fork = channel.fork("side")
    heard.append(await fork.exchange(bytes([channel.role, 9]), 2))
    fork.close()
    await channel.exchange(b"", 0)
    return tuple(heard)


def job(server=talk, client=talk):
    return Job("talk", (server, client), lambda value: value, lambda *values: None)


def struck(fault, server=talk, client=talk):
    """The case of one fault, the answer being that of `talk`."""

    async def run():
        clean = await run_clean(job())
        return await strike(job(server, client), clean, fault)

    return trio.run(run)


def test_every_message_is_struck_with_every_kind():
    clean = trio.run(run_clean, job())
    every = list(faults_for(clean))
    assert len(every) == 9 * 10 - 2 * 2  # four and a farewell each way; the empty ones cannot lose a byte
    assert len(set(every)) == len(every)
    assert {type(fault) for fault in every} == {
        *(Drop, HalfClose, Gone, Truncate, Lengthen, Duplicate, Corrupt, Delay),
    }
    stalls = [fault for fault in every if kind_of(fault) == "stall"]
    assert len(stalls) == 10
    assert all(fault.nanoseconds > SILENCE for fault in stalls)
    assert all(fault.nanoseconds < SILENCE for fault in every if kind_of(fault) == "delay")
    assert all(case.verdict is not Verdict.BAD for case in swept(job(), every=1))


@pytest.mark.parametrize("every", [2, 3, 9])
def test_a_stride_leaves_no_message_out(every):
    clean = trio.run(run_clean, Place("mux", Profile.EXACT).make())
    assert clean.first == (2, 2)  # what prepares is another job's
    chosen = list(faults_for(clean, every=every))
    assert {(fault.sender, fault.at) for fault in chosen} == {(role, at) for role in (0, 1) for at in (2, 3, 4)}


def test_a_fault_without_its_message_is_refused():
    clean = trio.run(run_clean, job())
    clean.check(Drop(1, 4))
    with pytest.raises(LocalError, match="the client sends 5 messages, farewell included"):
        clean.check(Drop(1, 5))
    with pytest.raises(LocalError, match="needs a message of 1 bytes"):
        clean.check(Truncate(0, 3))


# ------------------------------------------------------------ what is bad


def stops_with(error):
    async def body(channel):
        try:
            return await talk(channel)
        except (PeerError, TransportError):
            raise error from None

    return body


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ValueError("x"), "the client ended with ValueError"),
        (ExceptionGroup("", [PeerError("x", where="/")]), "the client ended with ExceptionGroup"),
        (LocalError("x", where="/"), "the client blames its own caller"),
        (TransportError("x"), "the client does not say where it happened"),
        (PeerError("x", where="/"), "the client blames the other party for what the network did"),
    ],
)
def test_a_bad_error_is_called_bad(error, why):
    case = struck(Drop(0, 1), client=stops_with(error))
    assert case.verdict is Verdict.BAD
    assert why in case.why
    assert "server" not in case.why


def test_a_peer_may_be_blamed_for_what_it_sent():
    assert struck(Truncate(0, 1), client=stops_with(PeerError("x", where="/"))).verdict is Verdict.ERRORS


def test_a_wrong_answer_is_called_bad():
    async def adds(channel):
        return (*await talk(channel), "more")

    case = struck(Delay(0, 1, nanoseconds=5), client=adds)
    assert case.why == "the client has a wrong answer and no error"


def test_a_copy_taken_for_the_next_message_is_noticed_at_both():
    """All of one length: the receiver answers the copy, and the sender believes the answers."""

    async def body(channel):
        heard = 0
        for _ in range(3):
            (heard,) = await channel.exchange(bytes([heard + 1 + channel.role]), 1)
        return heard

    async def run(digest):
        return await simulate(body, body, faults=[Duplicate(1, 0)], digest=digest, check=False)

    blind = trio.run(run, False).outcomes
    assert isinstance(blind[0].error, PeerError)
    assert blind[1].error is None
    seeing = trio.run(run, True).outcomes
    assert all(isinstance(outcome.error, PeerError) for outcome in seeing)
    assert struck(Duplicate(1, 0), body, body).verdict is Verdict.ERRORS


def test_losing_patience_too_early_is_called_bad():
    async def hasty(channel):
        await talk(channel)
        raise TransportError("nothing came", where="/")

    case = struck(Delay(0, 1, nanoseconds=5), client=hasty)
    assert "a delay within the silence limit was not waited for" in case.why


def test_a_loss_that_nobody_notices_is_called_bad():
    case = struck(Drop(0, 7))  # beyond the last message: nothing is lost
    assert (case.verdict, case.why) == (Verdict.BAD, "nobody noticed")


def test_a_run_without_an_end_is_called_bad(monkeypatch):
    monkeypatch.setattr(sweep, "CASE_SECONDS", 0.2)

    async def for_ever(channel):
        while True:
            await channel.exchange(b"", 0)

    case = struck(Delay(0, 1, nanoseconds=5), for_ever, for_ever)
    assert case.verdict is Verdict.BAD
    assert "TooSlowError" in case.why


def test_too_much_virtual_time_is_called_bad():
    async def run():
        clean = await run_clean(job())
        hurried = attrs.evolve(clean, virtual_ns=-2 * SILENCE)  # as if it had to be over a silence earlier
        return await strike(job(), hurried, Drop(0, 1))

    assert "s of virtual time" in trio.run(run).why


def test_a_body_that_breaks_the_simulators_rules_is_called_bad():
    async def sleeps(channel):
        await trio.sleep(0.01)
        return await talk(channel)

    case = struck(Drop(0, 0), client=sleeps)
    assert case.verdict is Verdict.BAD
    assert "the run broke off with LocalError" in case.why


def test_the_one_who_is_gone_is_not_judged():
    case = struck(Gone(1, 1), client=stops_with(ValueError("never heard of")))
    assert case.verdict is Verdict.ERRORS
    assert "is gone" in case.ends[1]
