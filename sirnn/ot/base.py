"""Base OTs: random 1-of-2 OTs from public-key operations, after Chou and Orlandi (LATINCRYPT 2015, eprint 2015/267).

The sender announces A = a G. For choice c the receiver answers B = b G + c A and keeps hash(b A); the sender keeps
k_0 = hash(a B) and k_1 = hash(a (B - A)). Secure against semi-honest parties, the hash being a random oracle.
"""

from __future__ import annotations

import hashlib

import attrs
import numpy as np
import numpy.typing as npt

from sirnn.cost import Cost
from sirnn.crypto import group
from sirnn.crypto.group import ELEMENT_BYTES
from sirnn.crypto.hashing import Blocks
from sirnn.errors import PeerError
from sirnn.party import Party


@attrs.frozen(eq=False, repr=False)
class BaseOts:
    """What a party has after n base OTs in each direction: (n, 2) uint64 each.

    Attributes:
        keys0: as sender, the keys for choice 0.
        keys1: as sender, the keys for choice 1.
        chosen: as receiver, the keys of this party's choices.
    """

    keys0: Blocks
    keys1: Blocks
    chosen: Blocks


async def base_ots(party: Party, choices: npt.NDArray[np.uint8]) -> BaseOts:
    """Random OTs in both directions at once, each party choosing by its own bits.

    Args:
        party: this party.
        choices: (n,) uint8 bits, secret; n is the same at both parties.

    Raises:
        PeerError: the other party sent bytes that are no element of the group, or an element no honest party sends.

    Cost: `base_ots_cost(n)`.
    """
    n = len(choices)
    salts = [party.fresh_key(f"base OT, sender {sender}") for sender in (0, 1)]
    secret = group.random_scalar(party.randomness)
    announced = group.base_multiply(secret)
    theirs = _element(party, await party.channel.exchange(announced, ELEMENT_BYTES))

    blinds = [group.random_scalar(party.randomness) for _ in range(n)]
    answers = []
    for blind, choice in zip(blinds, choices, strict=True):
        plain = group.base_multiply(blind)
        answers.append((plain, group.add(plain, theirs))[choice])  # both are computed: time says nothing of the choice
    reply = await party.channel.exchange(b"".join(answers), n * ELEMENT_BYTES)
    replies = [_element(party, reply[start : start + ELEMENT_BYTES]) for start in range(0, len(reply), ELEMENT_BYTES)]

    salt = salts[1 - party.role]
    chosen = [_key(salt, i, theirs, answers[i], group.multiply(blind, theirs)) for i, blind in enumerate(blinds)]
    salt = salts[party.role]
    keys: tuple[list[bytes], list[bytes]] = ([], [])
    for i, answer in enumerate(replies):
        shifted = _element(party, group.subtract(answer, announced))
        for choice, element in enumerate((answer, shifted)):
            keys[choice].append(_key(salt, i, announced, answer, group.multiply(secret, element)))
    return BaseOts(_blocks(keys[0]), _blocks(keys[1]), _blocks(chosen))


def base_ots_cost(n: int) -> Cost:
    """Both announcements in one flight, both lists of n answers in the next."""
    return Cost.exchange(8 * ELEMENT_BYTES) + Cost.exchange(8 * ELEMENT_BYTES * n)


def _element(party: Party, encoding: bytes) -> bytes:
    if not group.is_valid(encoding):
        raise PeerError(
            "the other party sent an invalid group element",
            remedy="its program is faulty or hostile; do not continue",
            where=party.channel.path,
        )
    return encoding


def _key(salt: bytes, index: int, announced: bytes, answer: bytes, element: bytes) -> bytes:
    """Bound to session, direction and call (by the salt), to its place in the batch and to what was said."""
    material = index.to_bytes(8, "little") + announced + answer + element
    return hashlib.blake2b(material, key=salt, digest_size=16, person=b"sirnn base OT").digest()


def _blocks(keys: list[bytes]) -> Blocks:
    return np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 2)


PRIMITIVES = (base_ots,)
"""What the protocol suite leaves to tests of its own."""
