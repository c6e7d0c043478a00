"""The hash ledger: what must be used once is used once.

All that hides anything is, in the end, a hash: AES of a block under a public key. A second hash of one block under one
key gives the same pad again, and whatever both hide can be added up to their difference. So the ledger writes down, for
each party,

* every block that is hashed, under which key: none twice;
* every key that is made afresh for a call: none twice;
* every random COT that leaves the store: none twice;

and both parties must have made the same keys afresh. Set-up and what is made ahead count like everything else.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from simulator.check import prepare_cases, random_case, run_protocol
from simulator.privacy.taps import replaced, replaced_everywhere
from simulator.simulation import simulate
from sirnn.channel import Channel
from sirnn.correlations.store import Store
from sirnn.crypto.hashing import derive_key, run_keys
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.ot.rows import COTS
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Params, ProtocolSpec
from sirnn.session import start_session

BLOCK = np.dtype("V16")

SIZE = 5
"""Instances in a run."""

NEXT_STEP = "step "
"""How `sirnn.crypto.hashing.hash_blocks` labels the key of the next block of a chain."""

UNKNOWN = 1 << 32
"""A block below it stands for a seed that the party does not know, held as zero and counted up."""


class Ledger:
    """What was hashed, made and drawn, by party.

    Attributes:
        hashed: by party and key, the blocks, 16 bytes each.
        fresh: by party, the keys made for a call.
        drawn: by party and kind, the rows of random COTs.
        names: what each key is for.
        prefixes: keys of the first of several blocks that are hashed in a chain: inputs may begin alike there.
        parents: for the key of a run of blocks, what it was derived from.
    """

    def __init__(self) -> None:
        self.hashed: dict[tuple[int, bytes], list[npt.NDArray[Any]]] = defaultdict(list)
        self.fresh: dict[int, list[bytes]] = {0: [], 1: []}
        self.drawn: dict[tuple[int, str], list[npt.NDArray[Any]]] = defaultdict(list)
        self.names: dict[bytes, str] = {}
        self.prefixes: set[bytes] = set()
        self.parents: dict[bytes, bytes] = {}

    @property
    def hashes(self) -> int:
        """Blocks hashed, by both parties."""
        return sum(len(blocks) for batches in self.hashed.values() for blocks in batches)

    def findings(self) -> Iterator[str]:
        """What was used more than once, in words."""
        for (party, key), batches in self.hashed.items():
            count = 0 if self.parents.get(key, key) in self.prefixes else _repeated(batches)
            if count:
                yield f"party {party} hashes {count} blocks twice under one key, made for {self._name(key)}"
        for party, keys in self.fresh.items():
            for key, count in Counter(keys).items():
                if count > 1:
                    yield f"party {party} makes one fresh key {count} times, for {self._name(key)}"
        if set(self.fresh[0]) != set(self.fresh[1]):
            odd = min(set(self.fresh[0]) ^ set(self.fresh[1]))
            yield f"only one party makes a key for {self._name(odd)}"
        for (party, kind), batches in self.drawn.items():
            count = _repeated(batches)
            if count:
                yield f"party {party} draws {count} random COTs of {kind} twice"

    def _name(self, key: bytes) -> str:
        return self.names.get(self.parents.get(key, key), "nothing that is known")


async def spent_twice(spec: ProtocolSpec, params: Params, profile: Profile, *, seed: int = 0) -> list[str]:
    """What two runs of a protocol in one session, set-up and preparing included, use more than once, in words."""
    cases = [random_case(spec, params, SIZE, seed + run) for run in range(2)]

    async def body(channel: Channel) -> None:
        with at_party(channel.role):
            randomness = InsecureSeededRandomness(2 * seed + channel.role)
            party = await start_session(channel, profile=profile, randomness=randomness)
            await prepare_cases(party, cases)
            for case in cases:
                await run_protocol(party, case)

    with bookkeeping() as ledger:
        await simulate(body, body)
    return list(ledger.findings())


_party: ContextVar[int | None] = ContextVar("party", default=None)


@contextmanager
def at_party(role: int) -> Iterator[None]:
    """What this task and its children do is done by that party."""
    token = _party.set(role)
    try:
        yield
    finally:
        _party.reset(token)


@contextmanager
def bookkeeping() -> Iterator[Ledger]:
    """A ledger of all that parties do meanwhile, where `at_party` says which."""
    ledger = Ledger()
    with ExitStack() as taps:
        taps.enter_context(replaced_everywhere(Cipher, functools.partial(_enciphering, ledger)))
        taps.enter_context(replaced_everywhere(derive_key, functools.partial(_deriving, ledger)))
        taps.enter_context(replaced_everywhere(run_keys, functools.partial(_running, ledger)))
        taps.enter_context(replaced(Party, "fresh_key", functools.partial(_making, ledger)))
        taps.enter_context(replaced(Store, "take", functools.partial(_taking, ledger)))
        yield ledger


def _enciphering(ledger: Ledger, cipher: Any) -> Any:
    def tap(algorithm: Any, mode: Any) -> Any:
        real = cipher(algorithm, mode)
        # A bare permutation is what hashing uses; streams of randomness and of matrices run in another mode.
        return _Recording(real, ledger, bytes(algorithm.key)) if isinstance(mode, modes.ECB) else real

    return tap


class _Recording:
    """A cipher, and its encryptor, that writes down which blocks it is given."""

    def __init__(self, real: Any, ledger: Ledger, key: bytes) -> None:
        self._real, self._ledger, self._key = real, ledger, key

    def encryptor(self) -> _Recording:
        return _Recording(self._real.encryptor(), self._ledger, self._key)

    def update_into(self, data: Any, out: Any) -> int:
        party = _party.get()
        if party is not None:
            self._ledger.hashed[party, self._key].append(np.frombuffer(bytes(data), BLOCK))
        length: int = self._real.update_into(data, out)
        return length


def _deriving(ledger: Ledger, derive: Any) -> Any:
    def tap(key: bytes, label: str) -> bytes:
        derived: bytes = derive(key, label)
        if label.startswith(NEXT_STEP):
            ledger.prefixes.add(key)
        ledger.names[derived] = f"{ledger.names.get(key, '?')}, {label}"
        return derived

    return tap


def _running(ledger: Ledger, derive: Any) -> Any:
    def tap(key: bytes, count: int) -> list[bytes]:
        derived: list[bytes] = derive(key, count)
        ledger.parents.update(dict.fromkeys(derived, key))
        return derived

    return tap


def _making(ledger: Ledger, make: Any) -> Any:
    def tap(self: Party, purpose: str) -> bytes:
        key: bytes = make(self, purpose)
        ledger.fresh[self.role].append(key)
        ledger.names.setdefault(key, f"{purpose!r} at {self.channel.where}")
        return key

    return tap


def _taking(ledger: Ledger, take: Any) -> Any:
    def tap(self: Store, kind: str, count: int, **options: Any) -> Any:
        material = take(self, kind, count, **options)
        party = _party.get()
        if kind in COTS and party is not None:
            rows = np.ascontiguousarray(material[0])
            ledger.drawn[party, kind].append(rows.view(BLOCK).reshape(-1))
        return material

    return tap


def _repeated(batches: list[npt.NDArray[Any]]) -> int:
    """How many blocks occur again."""
    blocks = np.concatenate(batches).view(np.uint64).reshape(-1, 2)
    blocks = blocks[(blocks[:, 0] >= UNKNOWN) | (blocks[:, 1] > 0)]
    return len(blocks) - len(np.unique(np.ascontiguousarray(blocks).view(BLOCK)))
