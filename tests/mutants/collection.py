"""The mutants: what each changes, and which protocols are likely to show it.

An edit replaces a piece of a module's text that must occur there exactly once, so that a mutant whose place has changed
is noticed rather than planted nowhere.
"""

from __future__ import annotations

import attrs

TESTS = (
    "tests/privacy/test_secrets.py",
    "tests/privacy/test_mistakes.py",
    "tests/privacy/test_ledger.py",
    "tests/privacy/test_seeds.py",
    "tests/privacy/test_inference.py",
    "tests/privacy/test_views.py",
    "tests/crypto",
    "tests/ot",
    "tests/test_handshake.py",
    "tests/correlations/test_selectors.py",
    "tests/attacks/test_nothing_private_decides.py",
    "tests/test_no_values.py",
)
"""What is to catch them: tests of privacy and of randomness, cheapest first."""


@attrs.frozen
class Edit:
    """A change of a module's text."""

    module: str
    old: str
    new: str

    def made_in(self, text: str) -> str:
        """The text with the change made.

        Raises:
            ValueError: the place is not there, or there are several.
        """
        if text.count(self.old) != 1:
            raise ValueError(f"{self.module} has {text.count(self.old)} places that read {self.old!r}")
        return text.replace(self.old, self.new)


@attrs.frozen
class Mutant:
    """A leak, as changes to the library.

    Attributes:
        name: of it.
        what: it does, in a few words.
        edits: the changes.
        near: which tests are run first, as pytest's -k takes it.
    """

    name: str
    what: str
    edits: tuple[Edit, ...]
    near: str = ""


_FOUND = [
    # ------------------------------------------------------------ where secrets come from
    Mutant(
        "delta-from-name",
        "Delta follows from the session's public name",
        (
            Edit(
                "sirnn.ot.setup",
                "secret = party.randomness.bits(NARROW)",
                'secret = np.unpackbits(np.frombuffer(party.fresh_key("Delta"), np.uint8))',
            ),
            Edit(
                "sirnn.ot.setup",
                "from sirnn.channel import Phase",
                "import numpy as np\n\nfrom sirnn.channel import Phase",
            ),
        ),
        "deltas",
    ),
    Mutant(
        "delta-of-few-bits",
        "half of Delta is zero",
        (Edit("sirnn.ot.setup", "secret[0] = 1", "secret[64:] = 0\n        secret[0] = 1"),),
        "deltas",
    ),
    Mutant(
        "wide-secret-zero",
        "the secret of the wide extension is zero",
        (Edit("sirnn.ot.setup", "bits = party.randomness.bits(WIDE)", "bits = party.randomness.bits(WIDE) * 0"),),
        "wide_secrets",
    ),
    Mutant(
        "short-scalars",
        "scalars of base OTs have 16 bits",
        (Edit("sirnn.crypto.group", "randomness.bytes(64)", "randomness.bytes(64)[:2] + bytes(62)"),),
        "scalars",
    ),
    Mutant(
        "few-scalar-bytes",
        "scalars of base OTs are made from 2 random bytes",
        (Edit("sirnn.crypto.group", "randomness.bytes(64)", "randomness.bytes(2) * 32"),),
        "scalars",
    ),
    Mutant(
        "one-blind",
        "all answers of base OTs have one blind",
        (
            Edit(
                "sirnn.ot.base",
                "[group.random_scalar(party.randomness) for _ in range(n)]",
                "[group.random_scalar(party.randomness)] * n",
            ),
        ),
        "scalars or answers",
    ),
    Mutant(
        "weak-system-key",
        "the system's randomness is rooted in 16 bits",
        (Edit("sirnn.crypto.randomness", "os.urandom(KEY_BYTES)", "os.urandom(2) * 8"),),
        "system",
    ),
    Mutant(
        "constant-system-key",
        "the system's randomness is a constant",
        (Edit("sirnn.crypto.randomness", "os.urandom(KEY_BYTES)", "bytes(KEY_BYTES)"),),
        "system",
    ),
    Mutant(
        "forks-alike",
        "all forks of a stream of randomness are one",
        (Edit("sirnn.crypto.randomness", 'f"{self._forks}:{label}".encode()', 'b"fork"'),),
        "streams",
    ),
    Mutant(
        "forks-by-label",
        "forking one label twice gives one stream",
        (Edit("sirnn.crypto.randomness", 'f"{self._forks}:{label}".encode()', "label.encode()"),),
        "streams",
    ),
    Mutant(
        "stream-starts-anew",
        "every draw gives the first bytes of the stream",
        (Edit("sirnn.crypto.randomness", "if self._cipher is None:", "if True:"),),
        "streams or millionaires",
    ),
    Mutant(
        "narrow-words",
        "the top bit of random words is zero",
        (
            Edit(
                "sirnn.crypto.randomness",
                "return ring.reduce(raw.view(dtype).reshape(shape), bits)",
                "return ring.reduce(raw.view(dtype).reshape(shape), bits) >> dtype.type(1)",
            ),
        ),
        "streams or lookup",
    ),
    Mutant(
        "constant-nonce",
        "nonces are constants",
        (Edit("sirnn.session", "nonce=own.bytes(NONCE_BYTES)", "nonce=bytes(NONCE_BYTES)"),),
        "names",
    ),
    Mutant(
        "uncommitted-hello",
        "a hello is not held to what was committed to",
        (Edit("sirnn.handshake", "if _commitment(body) != commitment:", "if False:"),),
        "handshake",
    ),
    Mutant(
        "name-of-one",
        "the server alone chooses the session's name",
        (Edit("sirnn.handshake", "for body in bodies)", "for body in bodies[:1])"),),
        "handshake",
    ),
    # ------------------------------------------------------------ keys and hashing
    Mutant(
        "one-key-a-fork",
        "calls in a fork share their key",
        (Edit("sirnn.party", "str(self._calls).encode(), purpose.encode()", 'b"", purpose.encode()'),),
        "ledger or fresh",
    ),
    Mutant(
        "one-key-for-all-forks",
        "forks share their keys",
        (Edit("sirnn.party", "(self.session, self.channel.path.encode(), str", "(self.session, str"),),
        "ledger or fresh",
    ),
    Mutant(
        "keys-of-no-session",
        "keys are the same in every session",
        (Edit("sirnn.party", 'b"\\x00".join((self.session, self', 'b"\\x00".join((b"", self'),),
        "fresh",
    ),
    Mutant(
        "one-pad-for-two",
        "a COT's row is hashed under one key for all its purposes",
        (
            Edit("sirnn.ot.correlated", 'key = party.fresh_key("correlated OT, random choices")', "key = bytes(16)"),
            Edit(
                "sirnn.ot.correlated",
                '[party.fresh_key(f"correlated OT, sender {sender}") for sender in (0, 1)]',
                "[bytes(16)] * 2",
            ),
        ),
        "ledger",
    ),
    Mutant(
        "columns-alike",
        "every block of a seed's expansion is the same",
        (
            Edit(
                "sirnn.crypto.hashing",
                "inputs[:, :, 0] ^= np.arange(nblocks, dtype=np.uint64)",
                "inputs[:, :, 0] ^= np.uint64(nblocks)",
            ),
        ),
        "hash_nothing_twice or hashing",
    ),
    Mutant(
        "runs-under-one-key",
        "runs of rows are hashed under one key",
        (Edit("sirnn.crypto.hashing", 'derive_key(key, f"rows {start}")', 'derive_key(key, "rows")'),),
        "hashing or bounds",
    ),
    Mutant(
        "no-rekeying",
        "all blocks of a call are hashed under one key",
        (Edit("sirnn.crypto.hashing", "if run is None:", "if True:"),),
        "hashing or bounds",
    ),
    Mutant(
        "no-feed-forward",
        "a hash is the bare permutation",
        (Edit("sirnn.crypto.hashing", "        digest ^= block\n", ""),),
        "hashing",
    ),
    Mutant(
        "short-pads",
        "pads have 8 bits",
        (
            Edit(
                "sirnn.kernels.pads",
                "zeros[j] = a[j, 0, 0] ^ b[j, 0, 0]",
                "zeros[j] = (a[j, 0, 0] ^ b[j, 0, 0]) & np.uint64(255)",
            ),
            Edit(
                "sirnn.kernels.pads",
                "ones[j] = a[j, 1, 0] ^ b[j, 1, 0]",
                "ones[j] = (a[j, 1, 0] ^ b[j, 1, 0]) & np.uint64(255)",
            ),
            Edit("sirnn.kernels.pads", "out[j] = a[j, 0] ^ b[j, 0]", "out[j] = (a[j, 0] ^ b[j, 0]) & np.uint64(255)"),
        ),
        "b2a or mux or pads",
    ),
    # ------------------------------------------------------------ sources of random OTs
    Mutant(
        "iknp-chooses-zero",
        "the choices of IKNP's random OTs are zero",
        (
            Edit(
                "sirnn.ot.iknp", "choices = party.randomness.bits(count)", "choices = party.randomness.bits(count) * 0"
            ),
        ),
        "iknp",
    ),
    Mutant(
        "softspoken-roots-zero",
        "SoftSpoken's trees grow from zero",
        (
            Edit(
                "sirnn.ot.softspoken",
                "party.randomness.words((self._digits, 1, 2), 64)",
                "party.randomness.words((self._digits, 1, 2), 64) * np.uint64(0)",
            ),
        ),
        "softspoken",
    ),
    Mutant(
        "softspoken-roots-public",
        "SoftSpoken's trees grow from a public key",
        (
            Edit(
                "sirnn.ot.softspoken",
                "roots = party.randomness.words((self._digits, 1, 2), 64)",
                "roots = expand(key, np.frombuffer(key, np.uint64).reshape(1, 2), self._digits).reshape(-1, 1, 2)",
            ),
        ),
        "softspoken",
    ),
    Mutant(
        "softspoken-one-root",
        "all trees of SoftSpoken have one root",
        (
            Edit(
                "sirnn.ot.softspoken",
                "party.randomness.words((self._digits, 1, 2), 64)",
                "np.repeat(party.randomness.words((1, 1, 2), 64), self._digits, axis=0)",
            ),
        ),
        "softspoken",
    ),
    Mutant(
        "softspoken-runs-alike",
        "every run of SoftSpoken is hashed under one key",
        (
            Edit(
                "sirnn.ot.softspoken",
                "columns = await self._columns(party, self._keys, key,",
                "columns = await self._columns(party, self._keys, bytes(16),",
            ),
        ),
        "softspoken",
    ),
    Mutant(
        "ferret-roots-public",
        "Ferret's trees grow from a public key",
        (
            Edit(
                "sirnn.ot.ferret",
                "roots = party.randomness.words((self.parameters.trees, 2), 64)",
                "from sirnn.crypto.hashing import expand\n"
                "        roots = expand(key, np.frombuffer(key, np.uint64).reshape(1, 2), self.parameters.trees)\n"
                "        roots = roots.reshape(-1, 2)",
            ),
        ),
        "ferret",
    ),
    Mutant(
        "ferret-roots-short",
        "the roots of Ferret's trees have 64 bits",
        (
            Edit(
                "sirnn.ot.ferret",
                "party.randomness.words((self.parameters.trees, 2), 64)",
                "party.randomness.words((self.parameters.trees, 2), 64) * np.array([1, 0], np.uint64)",
            ),
        ),
        "ferret",
    ),
    Mutant(
        "ferret-reserve-handed-out",
        "rows that Ferret hands out feed its next iteration",
        (Edit("sirnn.ot.ferret", "base[:] = outputs[usable:]", "base[:] = outputs[: len(base)]"),),
        "ferret",
    ),
    # ------------------------------------------------------------ once and no more
    Mutant(
        "store-keeps",
        "what is taken stays in the store",
        (
            Edit(
                "sirnn.correlations.store",
                "batches.appendleft(tuple(array[count:] for array in batch))",
                "batches.appendleft(batch)",
            ),
        ),
        "ledger or inference",
    ),
    Mutant(
        "one-selector-for-all",
        "a second lookup takes the first one's selectors",
        (
            Edit(
                "sirnn.correlations.selectors",
                "        return await party.draw(selector_kind(low, high), count)\n",
                "        made = await party.draw(selector_kind(low, high), count)\n"
                "        ours = _FIRST.setdefault(id(party.ot), (party.ot, {}))[1]\n"
                "        return ours.setdefault((party.role, low, high, count), made)\n",
            ),
            Edit("sirnn.correlations.selectors", "def selector_kind(", "_FIRST: dict = {}\n\n\ndef selector_kind("),
        ),
        "lookup or inference or sigmoid",
    ),
    Mutant(
        "triples-kept",
        "triples are not consumed, so that every layer uses the same",
        (
            Edit(
                "sirnn.blocks.boolean",
                "return [part[count:] for part in pool], [part[:count] for part in pool]",
                "return pool, [part[:count] for part in pool]",
            ),
        ),
        "millionaires or equal",
    ),
    Mutant(
        "answered-twice",
        "an answer may be given twice",
        (Edit("sirnn.ot.correlated", "        self.spend()\n", ""),),
        "given_once",
    ),
    Mutant(
        "offered-twice",
        "rows may be offered twice",
        (Edit("sirnn.ot.rows", "        self.spend()\n", ""),),
        "once",
    ),
    # ------------------------------------------------------------ masks that are none
    Mutant(
        "halves-zero",
        "the sender's halves of 1-of-N OTs are zero",
        (
            Edit(
                "sirnn.ot.chosen",
                "return party.randomness.words(part.stop - part.start, field.bits)",
                "return party.randomness.words(part.stop - part.start, field.bits) * 0",
            ),
        ),
        "paper",
    ),
    Mutant(
        "halves-public",
        "the sender's halves of 1-of-N OTs follow from a public key",
        (
            Edit(
                "sirnn.ot.chosen",
                "return party.randomness.words(part.stop - part.start, field.bits)",
                "from sirnn.crypto.randomness import InsecureSeededRandomness as Seeded\n"
                '    seed = int.from_bytes(party.fresh_key("halves"), "little")\n'
                "    return Seeded(seed).words(part.stop - part.start, field.bits)",
            ),
        ),
        "paper",
    ),
    Mutant(
        "halves-alike",
        "the sender's halves of a batch of 1-of-N OTs are one word",
        (
            Edit(
                "sirnn.ot.chosen",
                "return party.randomness.words(part.stop - part.start, field.bits)",
                "return np.repeat(party.randomness.words(1, field.bits), part.stop - part.start)",
            ),
        ),
        "paper",
    ),
    Mutant(
        "pool-of-zeros",
        "the bits that mask the operands of ANDs are zero at one party",
        (
            Edit(
                "sirnn.blocks.boolean",
                "a, b = (BooleanShare(party.randomness.bits(singles)) for _ in range(2))",
                "a, b = (BooleanShare(party.randomness.bits(singles) * party.role) for _ in range(2))",
            ),
        ),
        "millionaires or equal or carry",
    ),
    Mutant(
        "first-bit-known",
        "the server's half of a selector's first bit is zero",
        (
            Edit(
                "sirnn.correlations.one_hot",
                "halves = [party.randomness.bits(count), *",
                "halves = [party.randomness.bits(count) * 0, *",
            ),
        ),
        "lookup",
    ),
    Mutant(
        "choices-in-clear",
        "the receiver's random choices are zero, so that it says its real ones",
        (
            Edit("sirnn.ot.softspoken", "columns[0, 0] = u[0]", "columns[0, 0] = u[0] * np.uint64(0)"),
            Edit("sirnn.ot.softspoken", "(u[1:] ^ u[0])", "u[1:]"),
        ),
        "softspoken",
    ),
    Mutant(
        "code-of-half-distance",
        "codewords of 1-of-N OTs are 64 places apart",
        (
            Edit(
                "sirnn.ot.extension",
                "np.bitwise_count(np.arange(WIDE)[:, np.newaxis] & np.arange(WIDE)) & 1",
                "np.bitwise_count(np.arange(WIDE)[:, np.newaxis] & np.arange(WIDE) & 127) & (np.arange(WIDE) < 128)",
            ),
        ),
        "extension",
    ),
    # ------------------------------------------------------------ what decides, and what is told
    Mutant(
        "readings-refused",
        "a reading beyond the told type ends the session",
        (
            Edit(
                "sirnn.models.model",
                "return self.input_type.saturate(scaled)",
                "return self.input_type.encode(scaled), 0",
            ),
        ),
        "decides or private",
    ),
    Mutant(
        "reading-in-an-error",
        "a range error tells a private reading",
        (
            Edit(
                "sirnn.fixedpoint",
                'values do not fit {self}"',
                'values do not fit {self}, such as {reals.ravel()[0]}"',
            ),
        ),
        "values",
    ),
    Mutant(
        "shares-printed",
        "the repr of a share has its words",
        (
            Edit(
                "sirnn.shares",
                'return f"{type(self).__name__}(shape={self.shape}, bits={self.bits})"',
                'return f"{type(self).__name__}(shape={self.shape}, bits={self.bits}, {self.words})"',
            ),
        ),
        "values",
    ),
    Mutant(
        "randomness-copied",
        "a stream of randomness can be copied",
        (
            Edit(
                "sirnn.crypto.confined",
                'raise TypeError(f"{self._named()} is never',
                'return object.__reduce_ex__(self, 2)\n        raise TypeError(f"{self._named()} is never',
            ),
        ),
        "confined",
    ),
    Mutant(
        "forked-process",
        "a forked process draws what its parent draws",
        (Edit("sirnn.crypto.confined", "if os.getpid() != self._process:", "if False:"),),
        "confined",
    ),
    Mutant(
        "key-of-64-bits",
        "the system's randomness is rooted in 64 bits",
        (Edit("sirnn.crypto.randomness", "os.urandom(KEY_BYTES)", "os.urandom(8) + bytes(8)"),),
        "system",
    ),
    Mutant(
        "key-of-the-clock",
        "the system's randomness is rooted in the clock",
        (
            Edit(
                "sirnn.crypto.randomness",
                "os.urandom(KEY_BYTES)",
                'hashlib.sha256(str(__import__("time").time_ns()).encode()).digest()[:16]',
            ),
        ),
        "system",
    ),
    Mutant(
        "softspoken-roots-short",
        "the roots of SoftSpoken's trees have 64 bits",
        (
            Edit(
                "sirnn.ot.softspoken",
                "roots = party.randomness.words((self._digits, 1, 2), 64)",
                "roots = party.randomness.words((self._digits, 1, 2), 64)\n            roots[:, :, 1] = roots[:, :, 0]",
            ),
        ),
        "softspoken",
    ),
    Mutant(
        "one-mask-for-two",
        "two operands of a pair of ANDs have one mask",
        (
            Edit(
                "sirnn.blocks.boolean",
                "d, e, f = (BooleanShare(party.randomness.bits(pairs)) for _ in range(3))",
                "d, f = (BooleanShare(party.randomness.bits(pairs)) for _ in range(2))\n        e = f",
            ),
        ),
        "paper",
    ),
    Mutant(
        "first-bit-twice",
        "both products of a pair of random ANDs are of one operand",
        (
            Edit(
                "sirnn.correlations.triples",
                "e, f = (_bit(operands[two], place) for place in (0, 1))",
                "e, f = (_bit(operands[two], place) for place in (0, 0))",
            ),
            Edit(
                "sirnn.correlations.triples",
                "g, h = (_bit(products[two], place) for place in (0, 1))",
                "g, h = (_bit(products[two], place) for place in (0, 0))",
            ),
        ),
        "and_common",
    ),
    Mutant(
        "first-pad-zero",
        "the pad of the first message of a 1-of-N OT is zero",
        (
            Edit(
                "sirnn.kernels.pads",
                "pads[j, k] = sums[k] & mask",
                "pads[j, k] = sums[k] & mask if k else np.uint64(0)",
            ),
            Edit("sirnn.kernels.pads", "pads[j] = pad & mask", "pads[j] = pad & mask if choices[j] else np.uint64(0)"),
        ),
        "millionaires",
    ),
]

MUTANTS = {mutant.name: mutant for mutant in _FOUND}
"""By name."""
