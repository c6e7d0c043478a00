"""Hello: what two parties tell each other before anything else, over any channel.

Each sends one JSON object of facts about itself; both compare the two objects and come to the same verdict, so
that a disagreement about the job (the model, the profile, who is who) ends at both sides with an error that names
both sides' values, and never as garbage later on. The two nonces make the session's name, which no other session has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from sirnn.channel import Channel, Phase
from sirnn.errors import LocalError, PeerError

NONCE_BYTES = 16
FACTS_LIMIT = 64 << 10
"""Most bytes of one party's hello."""

_ROLES = ("server", "client")


@attrs.frozen
class Agreement:
    """What came out of a handshake that succeeded.

    Attributes:
        session: 16 bytes that both parties know and no other session has.
        peer: the other party's facts.
    """

    session: bytes
    peer: Mapping[str, str]


async def hello(
    channel: Channel, facts: Mapping[str, str], *, nonce: bytes, must_match: Collection[str] = ()
) -> Agreement:
    """Tell the peer `facts`, hear its own and compare. Booked under `Phase.SETUP`, scope `hello`; two flights.

    Args:
        channel: the connection.
        facts: what this party says of itself; not secret. The role is added to it.
        nonce: 16 fresh random bytes.
        must_match: the keys whose values must be equal at both parties, absent ones included.

    Raises:
        LocalError: the nonce or the facts are unusable.
        PeerError: the parties disagree, at both of them; or the peer's hello cannot be read.
    """
    if len(nonce) != NONCE_BYTES:
        raise LocalError(f"a nonce of {len(nonce)} bytes", remedy=f"give {NONCE_BYTES} random bytes")
    mine = {**facts, "role": _ROLES[channel.role]}
    body = json.dumps({"nonce": nonce.hex(), "facts": mine}).encode()
    if len(body) > FACTS_LIMIT:
        raise LocalError(f"a hello of {len(body)} bytes", remedy=f"keep the facts within {FACTS_LIMIT} bytes")
    with channel.phase(Phase.SETUP), channel.scope("hello"):
        length = int.from_bytes(await channel.exchange(len(body).to_bytes(4, "little"), 4), "little")
        if length > FACTS_LIMIT:
            raise PeerError(f"the other party announces a hello of {length} bytes", remedy="it does not run sirnn")
        peer_nonce, theirs = _parse(await channel.exchange(body, length))
        _compare(channel.role, mine, theirs, must_match)
    nonces = (nonce, peer_nonce) if channel.role == 0 else (peer_nonce, nonce)
    session = hashlib.blake2b(b"".join(nonces), digest_size=16, person=b"sirnn session").digest()
    return Agreement(session, theirs)


def _parse(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The peer's nonce and facts, every part of them checked."""
    try:
        said: Any = json.loads(body)
        nonce, facts = bytes.fromhex(said["nonce"]), said["facts"]
        if len(nonce) == NONCE_BYTES and all(isinstance(value, str) for value in facts.values()):
            return nonce, dict(facts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise PeerError("the other party's hello cannot be read", remedy="both must run the same release")


def _compare(role: int, mine: Mapping[str, str], theirs: Mapping[str, str], must_match: Collection[str]) -> None:
    expected = {key: mine.get(key) for key in must_match} | {"role": _ROLES[1 - role]}
    differences = [
        f"{key}: {_quoted(mine.get(key))} here, {_quoted(theirs.get(key))} there"
        for key, value in sorted(expected.items(), key=lambda item: (item[0] != "role", item[0]))
        if theirs.get(key) != value
    ]
    if differences:
        raise PeerError(
            f"the two parties disagree: {'; '.join(differences)}",
            remedy="one must be the server, the other the client, with the same job",
        )


def _quoted(value: str | None) -> str:
    # The peer chose this text; as a literal it cannot play tricks on a terminal.
    return "nothing" if value is None else ascii(value[:200])
