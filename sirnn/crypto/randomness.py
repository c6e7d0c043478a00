"""Randomness: where every mask, choice and key of a party comes from.

A stream is AES-128 in counter mode under a key of its own. `fork` gives an independent stream, so that concurrent
sub-protocols draw in any order and still reproduce: the n-th fork of a stream depends on its key, n and the label
only. Real parties root their streams in the operating system; the seeded root exists for simulation, says `Insecure`
in its name, and `Party` refuses it on a real channel.
"""

from __future__ import annotations

import builtins
import hashlib
import os
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes

from sirnn import ring
from sirnn.ring import Words

KEY_BYTES = 16


class Randomness:
    """A stream of pseudorandom bytes under a secret 16-byte key.

    Attributes:
        insecure: the key can be guessed from a seed; harmless only where both parties live in one process.
    """

    def __init__(self, key: builtins.bytes, *, insecure: bool) -> None:
        self.insecure = insecure
        self._key = key
        self._forks = 0
        self._cipher: CipherContext | None = None

    def fork(self, label: str) -> Randomness:
        """An independent stream. Forking one label twice gives two different streams."""
        name = f"{self._forks}:{label}".encode()
        self._forks += 1
        return Randomness(_derive(self._key, name), insecure=self.insecure)

    def bytes(self, n: int) -> builtins.bytes:
        """The next `n` bytes."""
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
        if self._cipher is None:  # lazily: most forks never draw
            # A key of its own, so that no stream block can equal a forked key.
            key = _derive(self._key, b"stream")
            self._cipher = Cipher(algorithms.AES128(key), modes.CTR(builtins.bytes(16))).encryptor()
        out = np.zeros(n, np.uint8)
        self._cipher.update_into(out, out)  # type: ignore[arg-type]  # encrypting zeros in place is the key stream
        return out

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __reduce__(self) -> Any:
        raise TypeError("a stream of randomness is never copied or pickled: two copies would repeat each other's masks")


class SystemRandomness(Randomness):
    """Randomness rooted in the operating system's generator."""

    def __init__(self) -> None:
        super().__init__(os.urandom(KEY_BYTES), insecure=False)


class InsecureSeededRandomness(Randomness):
    """Randomness anyone can repeat who knows the seed. For simulation only."""

    def __init__(self, seed: int) -> None:
        super().__init__(_derive(bytes(KEY_BYTES), f"seed:{seed}".encode()), insecure=True)


def _derive(key: bytes, label: bytes) -> bytes:
    return hashlib.blake2b(label, key=key, digest_size=KEY_BYTES, person=b"sirnn randomness").digest()
