"""No text of the peer's reaches a terminal or a log as it is: escapes in every field of a preamble and a hello."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from sirnn.endpoint import ABORT, CONTROL, NAME_BYTES, fork_id
from sirnn.errors import PeerError, SirnnError, quoted
from sirnn.nn.service import answer, ask
from sirnn.profile import Profile
from sirnn.session import start_session
from tests.attacks.servers import MODEL, READING, VERSION, framed
from tests.harness import run_pair
from transports.connection import MAGIC, VERSION_BYTES, open_connection

NASTY = "\x1b[31mPWNED\x1b[0m\r\n\u202e\u2066[bold]é\x00"
FIELDS = ("model", "shape", "recordings", "limits", "release", "reveals", "profile", "protocol", "role", "random OTs")


def assert_harmless(error):
    assert isinstance(error, SirnnError), error
    assert str(error).isascii()
    assert str(error).isprintable()
    assert len(str(error)) < 1000


def greeting(**facts):
    """A peer that greets with these facts, and waits."""

    async def body(channel):
        known = {"reveals": "class"} | {key: value for key, value in facts.items() if key != "role"}
        with pytest.MonkeyPatch.context() as patch:
            if "role" in facts:
                patch.setattr("sirnn.handshake._ROLES", (facts["role"], facts["role"]))
            await start_session(channel, profile=Profile.PAPER, tell=known)
        await channel.recv(1)

    return body


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("role", [0, 1], ids=["server", "client"])
async def test_escapes_in_a_hello(role, field, long):
    text = NASTY * 500 if long else NASTY
    facts = {
        "model": MODEL.shape.digest() if role == 0 else "any",
        "shape": MODEL.shape.to_json(),
        "recordings": "2",
        field: text,
    }
    bodies = [partial(answer, model=MODEL, profile=Profile.PAPER), partial(ask, recordings=READING)]
    bodies[1] = partial(ask, recordings=READING, profile=Profile.PAPER)
    bodies[role] = greeting(**facts)
    result = await run_pair(*bodies)
    error = result.outcomes[1 - role].error
    assert_harmless(error)


@pytest.mark.parametrize("first", [MAGIC + NASTY.encode()[:VERSION_BYTES].ljust(VERSION_BYTES, b"\0"), NASTY.encode()])
@pytest.mark.parametrize("role", [0, 1])
async def test_escapes_in_a_preamble(first, role):
    mine, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(first)
    with pytest.raises(PeerError) as caught:
        async with open_connection(mine, role=role, version=VERSION):
            pass
    assert_harmless(caught.value)


async def test_escapes_in_an_abort():
    mine, theirs = trio.testing.memory_stream_pair()
    name = NASTY.encode()[:NAME_BYTES].ljust(NAME_BYTES, b"\0")
    await theirs.send_all(MAGIC + VERSION.encode().ljust(VERSION_BYTES, b"\0"))
    await theirs.send_all(framed(fork_id(CONTROL), 0, ABORT + name))

    async def converse():
        async with open_connection(mine, role=1, version=VERSION) as channel:
            await channel.recv(1)

    with pytest.raises(PeerError) as caught:
        await converse()
    assert_harmless(caught.value)


def test_quoting():
    assert quoted("plain") == "'plain'"
    assert quoted("\x1b[2J\r\né") == "'\\x1b[2J\\r\\n\\xe9'"
    assert quoted("x" * 1000, 10) == "'xxxxxxxxxx'..."
