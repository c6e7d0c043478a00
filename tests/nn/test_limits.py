"""What a session may take: priced before it is prepared, refused by name, and by whose fault it is."""

from __future__ import annotations

from functools import partial

import attrs
import numpy as np
import pytest

from sirnn.correlations.supply import Supply
from sirnn.errors import LocalError, PeerError
from sirnn.nn.inference import Reveal
from sirnn.nn.limits import UNLIMITED, Bill, Limits, bill, hold, least_bill
from sirnn.nn.service import answer, ask
from sirnn.party import CLIENT, SERVER
from sirnn.profile import Profile
from sirnn.session import start_session
from tests.harness import run_pair
from tests.nn.sessions import small_model, some_recordings

MODEL = small_model(1)


def billed(count, profile=Profile.LEAN):
    return bill(profile, MODEL.shape, count, Reveal.CLASS, Supply())


async def ends_of(count, *, server=UNLIMITED, client=UNLIMITED):
    """How both sides end, and the phases in which anything was sent."""
    result = await run_pair(
        partial(answer, model=MODEL, limits=server),
        partial(ask, recordings=some_recordings(MODEL, count), limits=client),
    )
    scopes = {scope.partition("/")[0] for _, scope in result.ledgers[0]}
    return [outcome.error for outcome in result.outcomes], scopes


async def test_the_bill_is_what_is_sent():
    result = await run_pair(
        partial(answer, model=MODEL), partial(ask, recordings=some_recordings(MODEL, 3)), over="sim"
    )
    asked = billed(3)
    for role in (SERVER, CLIENT):
        sent = sum(t.sent for (_, scope), t in result.ledgers[role].items() if scope not in ("hello", "setup"))
        # The set-up of a source is booked beside that of the session, under one name.
        assert sent <= asked.sent[role] <= sent + total_setup(result.ledgers[role])
    assert asked.memory > 0


def total_setup(ledger):
    return sum(traffic.sent for (_, scope), traffic in ledger.items() if scope == "setup")


@pytest.mark.parametrize("profile", list(Profile))
def test_the_least_bill_is_below_the_bill(profile):
    for count in (1, 7):
        least, real = least_bill(MODEL.shape, count), billed(count, profile)
        assert 0 < least.traffic <= real.traffic
        assert least.memory <= real.memory


@pytest.mark.parametrize("axis", ["traffic", "memory", "recordings"])
@pytest.mark.parametrize("owner", [SERVER, CLIENT])
async def test_too_many_recordings_are_the_clients_fault_at_both(axis, owner):
    limit = attrs.evolve(UNLIMITED, **{axis: getattr(billed(4), axis) - 1})
    errors, scopes = await ends_of(4, **{("server", "client")[owner]: limit})
    assert [type(error) for error in errors] == [PeerError, LocalError]
    for error in errors:
        assert f"that the {('server', 'client')[owner]} allows (--max-{axis})" in str(error)
        assert "4 recordings" in str(error)
        assert "ask for fewer" in str(error)
    assert scopes <= {"hello", "setup"}
    assert (await ends_of(3, **{("server", "client")[owner]: limit}))[0] == [None, None]


@pytest.mark.parametrize("axis", ["traffic", "memory"])
@pytest.mark.parametrize(
    ("owner", "kinds"), [(SERVER, [LocalError, PeerError]), (CLIENT, [PeerError, PeerError])], ids=["server", "client"]
)
async def test_a_model_that_is_too_large_is_the_servers(axis, owner, kinds):
    limit = attrs.evolve(UNLIMITED, **{axis: getattr(billed(1), axis) - 1})
    errors, _ = await ends_of(1, **{("server", "client")[owner]: limit})
    assert [type(error) for error in errors] == kinds
    for error in errors:
        assert "1 recording through this model take" in str(error)
        assert "a smaller model" in str(error)


async def test_a_shape_of_absurd_size_is_refused_from_its_dimensions_alone(monkeypatch):
    """4,096 units and 65,536 steps: no function is compiled, no cost worked out, no array made."""
    shape = attrs.evolve(MODEL.shape, hidden=4096, steps=65536, channels=1)
    monkeypatch.setattr(type(shape), "methods", lambda *_: pytest.fail("a function was compiled"))

    async def server(channel):
        tell = {"model": shape.digest(), "shape": shape.to_json()}
        await start_session(channel, profile=Profile.LEAN, agree={"reveals": "class"}, tell=tell)

    result = await run_pair(server, partial(ask, recordings=np.zeros((65536, 1))))
    error = result.outcomes[1].error
    assert isinstance(error, PeerError)
    assert "1 recording through this model take at least" in str(error)
    assert "(--max-traffic)" in str(error)
    assert {scope for _, scope in result.ledgers[1]} == {"hello"}


def test_limits_travel_as_three_numbers():
    limits = Limits(recordings=3, traffic=10**12, memory=7)
    assert Limits.told(limits.tell()) == limits
    assert Limits.told(None) == UNLIMITED
    assert Limits.told(UNLIMITED.tell()).memory == UNLIMITED.memory


@pytest.mark.parametrize("text", ["", "1 2", "1 2 3 4", "-1 2 3", "1 2 x", "1  3", "² 2 3", "\x1b[31m 2 3", "9" * 5000])
def test_limits_that_cannot_be_read(text):
    with pytest.raises(PeerError, match="limits are") as caught:
        Limits.told(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


def test_a_bill_within_the_limits_is_held():
    limits = Limits(recordings=2, traffic=10, memory=5)
    hold(Bill(2, (4, 6), 5), lambda: pytest.fail("nobody is to blame"), (limits, limits), SERVER)
