"""The ristretto255 group: a prime-order group without cofactor, as RFC 9496 encodes it, by libsodium.

Elements and scalars are 32 bytes. libsodium's group arithmetic takes constant time.
"""

from __future__ import annotations

import rbcl

from sirnn.crypto.randomness import Randomness

ELEMENT_BYTES = 32

IDENTITY = bytes(ELEMENT_BYTES)


def random_scalar(randomness: Randomness) -> bytes:
    """A uniform scalar: 512 random bits modulo the group's order."""
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(randomness.bytes(64)))


def is_valid(element: bytes) -> bool:
    """Whether these bytes are the canonical encoding of an element other than the identity."""
    return element != IDENTITY and bool(rbcl.crypto_core_ristretto255_is_valid_point(element))


def base_multiply(scalar: bytes) -> bytes:
    """scalar * G."""
    return bytes(rbcl.crypto_scalarmult_ristretto255_base(scalar))


def multiply(scalar: bytes, element: bytes) -> bytes:
    """scalar * element; the element must be valid and the scalar not zero."""
    return bytes(rbcl.crypto_scalarmult_ristretto255(scalar, element))


def add(a: bytes, b: bytes) -> bytes:
    """a + b, both valid encodings."""
    return bytes(rbcl.crypto_core_ristretto255_add(a, b))


def subtract(a: bytes, b: bytes) -> bytes:
    """a - b, both valid encodings."""
    return bytes(rbcl.crypto_core_ristretto255_sub(a, b))
