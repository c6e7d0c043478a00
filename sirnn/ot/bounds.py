"""How many bits the hashing leaves: for every use of AES, computed from the constants that decide it.

AES is taken for an ideal cipher. A hash under a public key k can be undone by finding its input, and one evaluation
of AES_k is a guess at every hash under k at once. So an attacker who lacks u bits of an input, and sees q hashes under
a key that it does not know, succeeds with probability about q T / 2^u after T evaluations, spread over keys as it
likes: u - log2 q bits are left. `python -m sirnn.ot.bounds` prints them; docs/security.md has the same table.
"""

from __future__ import annotations

import math
import sys

import attrs

from sirnn.crypto.hashing import HASHES_PER_KEY
from sirnn.ot.extension import BLOCK_BITS, NARROW, rows_per_key
from sirnn.ot.fields import MAX_CHOICES
from sirnn.ot.ggm import trees_at_once
from sirnn.ot.lpn import PARAMETERS
from sirnn.ot.softspoken import DIGIT_BITS, RUN, digits_per_key

DELTA_BITS = NARROW - 1
"""Secret bits of Delta: its lowest is 1, so that a row can hold its choice there."""

CODE_BITS = 128
"""Places in which any two codewords of KK13 differ: secret bits between two messages' inputs."""

SEED_BITS = 128
"""A seed, a node of a tree, or a pad that is grown."""


@attrs.frozen
class Bound:
    """What is left of one use of the hash.

    Attributes:
        use: what is hashed.
        unknown: bits of an input that the other party lacks, u.
        per_key: most hashes under one key that it does not know, q.
    """

    use: str
    unknown: int
    per_key: int

    @property
    def bits(self) -> float:
        """u - log2 q."""
        return self.unknown - math.log2(self.per_key)


def bounds() -> list[Bound]:
    """Every use of the hash."""
    most_blocks = RUN // BLOCK_BITS
    return [
        Bound("pads of 1-of-2 OTs", DELTA_BITS, HASHES_PER_KEY),
        Bound("pads longer than a block", SEED_BITS, HASHES_PER_KEY),
        Bound(
            "pads of 1-of-N OTs by KK13",
            CODE_BITS,
            max((choices - 1) * rows_per_key(choices) for choices in range(3, MAX_CHOICES + 1)),
        ),
        Bound("columns of IKNP and KK13", SEED_BITS, HASHES_PER_KEY),
        # One node of every tree at a level, and its two children; one seed behind each mask of a sum.
        Bound("set-up of SoftSpoken", SEED_BITS, max(NARROW, *(2 * NARROW // k for k in DIGIT_BITS))),
        Bound(
            "columns of SoftSpoken",
            SEED_BITS,
            max(blocks * digits_per_key(blocks) for blocks in range(1, most_blocks + 1)),
        ),
        Bound("trees of Ferret", DELTA_BITS, max(trees_at_once(each.depth) for each in PARAMETERS.values())),
    ]


def least() -> float:
    """Bits left by the weakest of them."""
    return min(bound.bits for bound in bounds())


def table() -> str:
    """All of them, as a table in markdown."""
    rows = [f"| {each.use} | {each.unknown} | {each.per_key} | {each.bits:.1f} |" for each in bounds()]
    return "\n".join(["| what is hashed | u | q | u - log2 q |", "|---|---|---|---|", *rows])


def main() -> None:
    """Print them."""
    sys.stdout.write(table() + "\n")


if __name__ == "__main__":
    main()
