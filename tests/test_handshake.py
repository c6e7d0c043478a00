import hashlib
import json

import pytest

from sirnn import handshake
from sirnn.channel import Phase
from sirnn.errors import LocalError, PeerError
from sirnn.handshake import COMMITMENT_BYTES, FACTS_LIMIT, hello
from tests.harness import BACKENDS, run_both, run_pair

NONCES = (bytes(16), bytes(range(16)))


def greets(facts, must_match=(), nonces=NONCES):
    async def body(channel):
        return await hello(channel, facts, nonce=nonces[channel.role], must_match=must_match)

    return body


def announcement(raw):
    """What is said of a hello before it is said."""
    return len(raw).to_bytes(4, "little") + hashlib.blake2b(raw, digest_size=32, person=b"sirnn hello").digest()


def says(raw):
    """A peer that sends these bytes as its hello."""

    async def body(channel):
        with channel.phase(Phase.SETUP), channel.scope("hello"):
            announced = await channel.exchange(announcement(raw), 4 + COMMITMENT_BYTES)
            await channel.exchange(raw, int.from_bytes(announced[:4], "little"))

    return body


@pytest.mark.parametrize("over", BACKENDS)
async def test_the_parties_learn_each_others_facts(over):
    server = greets({"model": "m1", "build": "a"}, must_match=["model"])
    client = greets({"model": "m1", "build": "b"}, must_match=["model"])
    outcome = await run_both(server, client, over=over)
    one, other = outcome.values
    assert one.peer == {"model": "m1", "build": "b", "role": "client"}
    assert other.peer == {"model": "m1", "build": "a", "role": "server"}
    assert one.session == other.session
    assert len(one.session) == 16
    assert outcome.traffic(0, Phase.SETUP, "hello").flights == 2
    assert outcome.traffics[0].payload == 0


async def test_each_nonce_changes_the_session():
    sessions = set()
    for nonces in (NONCES, NONCES[::-1], (NONCES[0], NONCES[0]), (NONCES[1], NONCES[1])):
        outcome = await run_both(greets({}, nonces=nonces), greets({}, nonces=nonces))
        sessions.add(outcome.values[0].session)
    assert len(sessions) == 4


@pytest.mark.parametrize("over", BACKENDS)
async def test_a_disagreement_names_both_values_at_both_sides(over):
    server = greets({"model": "google30", "bits": "16"}, must_match=["model", "bits"])
    client = greets({"model": "har", "bits": "16"}, must_match=["model", "bits"])
    at_server, at_client = (await run_pair(server, client, over=over)).outcomes
    assert isinstance(at_server.error, PeerError)
    assert isinstance(at_client.error, PeerError)
    assert "model: 'google30' here, 'har' there" in str(at_server.error)
    assert "model: 'har' here, 'google30' there" in str(at_client.error)
    assert "bits" not in str(at_server.error)


async def test_a_fact_that_one_party_lacks():
    server, client = greets({"model": "m"}, must_match=["model"]), greets({}, must_match=["model"])
    at_server, at_client = (await run_pair(server, client)).outcomes
    assert "model: 'm' here, nothing there" in str(at_server.error)
    assert "model: nothing here, 'm' there" in str(at_client.error)
    await run_both(greets({}, must_match=["model"]), greets({}, must_match=["model"]))


async def test_a_peer_of_the_same_role():
    raw = json.dumps({"nonce": bytes(16).hex(), "facts": {"role": "server"}}).encode()
    error = (await run_pair(greets({}), says(raw))).outcomes[0].error
    assert isinstance(error, PeerError)
    assert "role: 'server' here, 'server' there" in str(error)


async def test_a_value_cannot_play_tricks_on_a_terminal():
    facts = {"role": "client", "model": "\x1b[2J" + "x" * 1000}
    raw = json.dumps({"nonce": bytes(16).hex(), "facts": facts}).encode()
    error = (await run_pair(greets({"model": "m"}, must_match=["model"]), says(raw))).outcomes[0].error
    assert str(error).isprintable()
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        b"{}",
        b"[" * 50_000,
        b'{"nonce": "00", "facts": {}}',
        b'{"nonce": "zz", "facts": {}}',
        b'{"nonce": 5, "facts": {}}',
        b'{"nonce": "' + b"00" * 16 + b'"}',
        b'{"nonce": "' + b"00" * 16 + b'", "facts": []}',
        b'{"nonce": "' + b"00" * 16 + b'", "facts": {"role": 1}}',
    ],
)
async def test_a_hello_that_cannot_be_read(raw):
    error = (await run_pair(greets({}), says(raw))).outcomes[0].error
    assert isinstance(error, PeerError)
    assert "cannot be read" in str(error)


async def test_a_hello_that_is_too_long_is_refused_by_its_length():
    async def body(channel):
        with channel.phase(Phase.SETUP), channel.scope("hello"):
            await channel.exchange((FACTS_LIMIT + 1).to_bytes(4, "little") + bytes(32), 36)
            await channel.recv(1)

    error = (await run_pair(greets({}), body)).outcomes[0].error
    assert isinstance(error, PeerError)
    assert f"a hello of {FACTS_LIMIT + 1} bytes" in str(error)


@pytest.mark.parametrize(("facts", "nonce"), [({}, b"short"), ({"x": "y" * FACTS_LIMIT}, bytes(16))])
async def test_unusable_facts_are_our_own_fault(facts, nonce):
    body = greets(facts, nonces=(nonce, nonce))
    with pytest.raises(LocalError):
        await run_both(body, body)


# ------------------------------------------------------------ who chooses the session's name


def said(role, facts, nonce):
    facts = {**facts, "role": ("server", "client")[role]}
    return json.dumps({"nonce": nonce.hex(), "facts": facts}).encode()


async def test_the_name_covers_all_that_was_said_and_by_whom():
    names = set()
    for server, client, nonces in [
        ({"a": "1"}, {"a": "1"}, NONCES),
        ({"a": "2"}, {"a": "1"}, NONCES),
        ({"a": "1"}, {"a": "2"}, NONCES),
        ({"b": "1"}, {"a": "1"}, NONCES),
        ({"a": "1"}, {"a": "1"}, NONCES[::-1]),
    ]:
        outcome = await run_both(greets(server, nonces=nonces), greets(client, nonces=nonces))
        assert outcome.values[0].session == outcome.values[1].session
        names.add(outcome.values[0].session)
    assert len(names) == 5


async def test_the_name_against_an_independent_computation():
    outcome = await run_both(greets({"a": "x"}), greets({"a": "y"}))
    bodies = [said(role, {"a": "xy"[role]}, NONCES[role]) for role in (0, 1)]
    joined = b"".join(len(body).to_bytes(4, "little") + body for body in bodies)
    assert outcome.values[0].session == hashlib.blake2b(joined, digest_size=16, person=b"sirnn session").digest()


async def chooses(channel):
    """A client that settles on its nonce when it has seen the server's hello: the name then begins as it likes."""
    with channel.phase(Phase.SETUP), channel.scope("hello"):
        promised = said(1, {}, bytes(16))
        announced = await channel.exchange(announcement(promised), 36)
        theirs = await channel.recv(int.from_bytes(announced[:4], "little"))
        candidates = (said(1, {}, number.to_bytes(16, "big")) for number in range(10_000))
        await channel.send(next(body for body in candidates if handshake._name((theirs, body))[0] == 0x5A))


async def test_a_peer_that_chooses_the_name(monkeypatch):
    """It would have its way, if a hello were not committed to."""
    for number in range(3):
        server = greets({}, nonces=(bytes([number] * 16), b""))
        error = (await run_pair(server, chooses)).outcomes[0].error
        assert isinstance(error, PeerError)
        assert "not the one it committed to" in str(error)
    monkeypatch.setattr(handshake, "_check_opening", lambda *_: None)
    for number in range(3):
        server = greets({}, nonces=(bytes([number] * 16), b""))
        assert (await run_both(server, chooses)).values[0].session[0] == 0x5A


async def test_a_peer_that_echoes():
    """It commits to what we did and opens it as we do, without having known what it says."""

    async def echoes(channel):
        with channel.phase(Phase.SETUP), channel.scope("hello"):
            announced = await channel.recv(36)
            await channel.send(announced)
            await channel.send(await channel.recv(int.from_bytes(announced[:4], "little")))

    error = (await run_pair(greets({}), echoes)).outcomes[0].error
    assert isinstance(error, PeerError)
    assert "the two parties disagree: role: " in str(error)


async def test_nothing_is_opened_to_a_peer_that_has_not_committed():
    async def waits(channel):
        with channel.phase(Phase.SETUP), channel.scope("hello"):
            announced = await channel.recv(36)
            await channel.recv(int.from_bytes(announced[:4], "little"))

    result = await run_pair(greets({}), waits)
    assert result.ledgers[0][Phase.SETUP, "hello"].sent == 36
