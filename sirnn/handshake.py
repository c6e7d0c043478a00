"""Hello: what two parties tell each other before anything else, over any channel.

Each sends one JSON object of facts about itself; both compare the two objects and come to the same verdict, so
that a disagreement about the job (the model, the profile, who is who) ends at both sides with an error that names
both sides' values, and never as garbage later on.

A hello is committed to before it is opened: first both send the length and a hash of theirs, which holds a fresh nonce,
and then the hellos, each checked against its hash. The hash of both is the session's name, under which all keys of
the session are derived. So no other session has it, it covers all that was said and who said it, and neither party
can choose it: both nonces were fixed when the first of them was shown. (A party that does not like the name can only
hang up.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

import attrs

from sirnn.channel import Channel, Phase
from sirnn.errors import LocalError, PeerError, quoted

NONCE_BYTES = 16
COMMITMENT_BYTES = 32
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
        PeerError: the parties disagree, at both of them; or the peer's hello cannot be read, or is not the one that
            the peer committed to.
    """
    if len(nonce) != NONCE_BYTES:
        raise LocalError(f"a nonce of {len(nonce)} bytes", remedy=f"give {NONCE_BYTES} random bytes")
    mine = {**facts, "role": _ROLES[channel.role]}
    body = json.dumps({"nonce": nonce.hex(), "facts": mine}).encode()
    if len(body) > FACTS_LIMIT:
        raise LocalError(f"a hello of {len(body)} bytes", remedy=f"keep the facts within {FACTS_LIMIT} bytes")
    with channel.phase(Phase.SETUP), channel.scope("hello"):
        announcement = len(body).to_bytes(4, "little") + _commitment(body)
        announced = await channel.exchange(announcement, len(announcement))
        length = int.from_bytes(announced[:4], "little")
        if length > FACTS_LIMIT:
            raise PeerError(f"the other party announces a hello of {length} bytes", remedy="it does not run sirnn")
        opened = await channel.exchange(body, length)
        _check_opening(announced[4:], opened)
        theirs = _parse(opened)
        _compare(channel.role, mine, theirs, must_match)
    return Agreement(_name((body, opened) if channel.role == 0 else (opened, body)), theirs)


def _commitment(body: bytes) -> bytes:
    """Binding, and hiding because of the nonce in the body. Echoed, it opens to a hello of the wrong role."""
    return hashlib.blake2b(body, digest_size=COMMITMENT_BYTES, person=b"sirnn hello").digest()


def _check_opening(commitment: bytes, body: bytes) -> None:
    if _commitment(body) != commitment:
        raise PeerError(
            "the other party's hello is not the one it committed to",
            remedy="it runs another release, or would choose the session's name; do not go on with it",
        )


def _name(bodies: tuple[bytes, bytes]) -> bytes:
    """The session's name: a hash of both hellos, the server's first."""
    joined = b"".join(len(body).to_bytes(4, "little") + body for body in bodies)
    return hashlib.blake2b(joined, digest_size=16, person=b"sirnn session").digest()


def _parse(body: bytes) -> dict[str, str]:
    """The peer's facts, every part of its hello being checked."""
    try:
        said: Any = json.loads(body)
        nonce, facts = bytes.fromhex(said["nonce"]), said["facts"]
        if len(nonce) == NONCE_BYTES and all(isinstance(value, str) for value in facts.values()):
            return dict(facts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise PeerError("the other party's hello cannot be read", remedy="both must run the same release")


def _compare(role: int, mine: Mapping[str, str], theirs: Mapping[str, str], must_match: Collection[str]) -> None:
    expected = {key: mine.get(key) for key in must_match} | {"role": _ROLES[1 - role]}
    differing = [key for key, value in expected.items() if theirs.get(key) != value]
    if differing:
        differing.sort(key=lambda key: (key != "role", key))
        said = [f"{key}: {_quoted(mine.get(key))} here, {_quoted(theirs.get(key))} there" for key in differing]
        alike = ", ".join(key for key in differing if key != "role")
        remedies = ["one must be the server and the other the client"] if "role" in differing else []
        remedies += [f"both must be given the same {alike}"] if alike else []
        raise PeerError(f"the two parties disagree: {'; '.join(said)}", remedy=" and ".join(remedies))


def _quoted(value: str | None) -> str:
    return "nothing" if value is None else quoted(value, 200)
