"""Randomness: where every mask, choice and key of a party comes from.

A stream is AES-128 in counter mode under a key of its own. `fork` gives an independent stream, so that concurrent
sub-protocols draw in any order and still reproduce: the n-th fork of a stream depends on its key, n and the label
only. Real parties root their streams in the operating system; the seeded root exists for simulation, says `Insecure`
in its name, and `Party` refuses whatever is not rooted in the system on a real channel.
"""

from __future__ import annotations

import builtins
import hashlib
import os
from typing import Self

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from sirnn import ring
from sirnn.crypto.confined import Confined
from sirnn.ring import Words

KEY_BYTES = 16


class Randomness(Confined):
    """A stream of pseudorandom bytes under a secret 16-byte key.

    Where the key comes from is the type's business alone: `SystemRandomness` or `InsecureSeededRandomness`, and their
    forks. There is no other way to make one, and nothing to switch.
    """

    __slots__ = ("_cipher", "_forks", "_key")

    _key: builtins.bytes
    _forks: int
    _cipher: CipherContext | None

    def __init__(self) -> None:
        raise TypeError("randomness has a source: use SystemRandomness() or InsecureSeededRandomness(seed)")

    def _begin(self, key: builtins.bytes) -> None:
        self._key, self._forks, self._cipher = key, 0, None

    def fork(self, label: str) -> Self:
        """An independent stream of the same type. Forking one label twice gives two different streams.

        Raises:
            LocalError: this process was forked off the one that made the stream.
        """
        self.stay()
        name = f"{self._forks}:{label}".encode()
        self._forks += 1
        fork = type(self).__new__(type(self))
        fork._begin(_derive(self._key, name))
        return fork

    def bytes(self, n: int) -> builtins.bytes:
        """The next `n` bytes.

        Raises:
            LocalError: as `fork`; so do the two below.
        """
        return self._stream(n).tobytes()

    def words(self, shape: int | tuple[int, ...], bits: int) -> Words:
        """Uniform elements of Z_2^bits, in the narrowest dtype that holds them."""
        dtype = ring.dtype_for(bits)
        raw = self._stream(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
        return ring.reduce(raw.view(dtype).reshape(shape), bits)

    def bits(self, shape: int | tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """Uniform bits, one in each uint8."""
        count = int(np.prod(shape, dtype=np.int64))
        return np.unpackbits(self._stream(-(-count // 8)), count=count).reshape(shape)

    def _stream(self, n: int) -> npt.NDArray[np.uint8]:
        self.stay()
        if self._cipher is None:  # lazily: most forks never draw
            # A key of its own, so that no stream block can equal a forked key.
            key = _derive(self._key, b"stream")
            self._cipher = Cipher(algorithms.AES128(key), modes.CTR(builtins.bytes(16))).encryptor()
        out = np.zeros(n, np.uint8)
        self._cipher.update_into(out, out)  # type: ignore[arg-type]  # encrypting zeros in place is the key stream
        return out

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class SystemRandomness(Randomness):
    """Randomness rooted in the operating system's generator: the only type that a real channel takes."""

    __slots__ = ()

    def __init__(self) -> None:
        self._begin(os.urandom(KEY_BYTES))


class InsecureSeededRandomness(Randomness):
    """Randomness anyone can repeat who knows the seed. For simulation only."""

    __slots__ = ()

    def __init__(self, seed: int) -> None:
        self._begin(_derive(bytes(KEY_BYTES), f"seed:{seed}".encode()))


def _derive(key: bytes, label: bytes) -> bytes:
    return hashlib.blake2b(label, key=key, digest_size=KEY_BYTES, person=b"sirnn randomness").digest()
