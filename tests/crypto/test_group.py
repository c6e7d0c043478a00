"""ristretto255: the group laws that base OTs rely on, and the encodings they must refuse."""

import pytest

from sirnn.crypto import group
from sirnn.crypto.randomness import InsecureSeededRandomness

# RFC 9496, appendix A.1: small multiples of the generator.
GENERATOR = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
TWICE = "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919"
# RFC 9496, appendix A.2: non-canonical, negative, and non-square encodings.
INVALID = [
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "ff" * 32,
    # The field's order p = 2^255 - 19, which is 0 by another name; p + 6; p - 1, whose square is that of 1; and an odd
    # number below p, which counts as negative.
    "ed" + "ff" * 30 + "7f",
    "f3" + "ff" * 30 + "7f",
    "ec" + "ff" * 30 + "7f",
    "01" + "ff" * 30 + "7f",
]


def scalar(value: int) -> bytes:
    return value.to_bytes(32, "little")


def test_published_multiples():
    assert group.base_multiply(scalar(1)).hex() == GENERATOR
    assert group.base_multiply(scalar(2)).hex() == TWICE
    assert group.add(bytes.fromhex(GENERATOR), bytes.fromhex(GENERATOR)).hex() == TWICE
    assert group.subtract(bytes.fromhex(TWICE), bytes.fromhex(GENERATOR)).hex() == GENERATOR


def test_multiplication_commutes_and_distributes():
    randomness = InsecureSeededRandomness(5)
    a, b, c = (group.random_scalar(randomness) for _ in range(3))
    A, B = group.base_multiply(a), group.base_multiply(b)
    assert group.multiply(a, B) == group.multiply(b, A)
    assert group.multiply(c, group.add(A, B)) == group.add(group.multiply(c, A), group.multiply(c, B))
    assert group.multiply(c, group.subtract(A, B)) == group.subtract(group.multiply(c, A), group.multiply(c, B))


@pytest.mark.parametrize("encoding", INVALID)
def test_invalid_encodings(encoding):
    assert not group.is_valid(bytes.fromhex(encoding))


def test_the_identity_is_refused():
    assert group.subtract(bytes.fromhex(GENERATOR), bytes.fromhex(GENERATOR)) == group.IDENTITY
    assert not group.is_valid(group.IDENTITY)
    assert group.is_valid(bytes.fromhex(GENERATOR))
