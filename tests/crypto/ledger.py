"""A ledger of everything that is encrypted with AES for hashing, by party and key: `sirnn.crypto.hashing.Cipher`."""

from __future__ import annotations

from collections import defaultdict
from contextvars import ContextVar

import numpy as np

from sirnn.crypto import hashing

ROLE: ContextVar[int] = ContextVar("role")
"""Which party's task is running; tasks that it starts inherit it."""


class Ledger:
    """Notes every block, once it is in place."""

    def __init__(self, monkeypatch) -> None:
        self.blocks = (defaultdict(set), defaultdict(set))
        self.count = 0
        real = hashing.Cipher

        class Noting:
            def __init__(self, algorithm, mode):
                self.key, self.cipher = algorithm.key, real(algorithm, mode)

            def encryptor(noting):  # noqa: N805 - `self` is the ledger
                context = noting.cipher.encryptor()

                class Encryptor:
                    @staticmethod
                    def update_into(data, result):
                        self.note(noting.key, data)
                        return context.update_into(data, result)

                return Encryptor

        monkeypatch.setattr(hashing, "Cipher", Noting)

    def note(self, key, data):
        role = ROLE.get(None)
        if role is None:  # what the test prepares for the parties
            return
        whole = np.asarray(data).tobytes()
        self.count += len(whole) // 16
        self.blocks[role][key].update(whole[i : i + 16] for i in range(0, len(whole), 16))

    def at(self, body):
        """The body of a party, whose hashing is noted as its own."""

        async def run(party):
            ROLE.set(party.role)
            return await body(party)

        return run

    def unknown(self, role: int) -> int:
        """Most blocks that the other party hashed under one key and this one did not."""
        mine, theirs = self.blocks[role], self.blocks[1 - role]
        return max((len(blocks - mine.get(key, set())) for key, blocks in theirs.items()), default=0)
