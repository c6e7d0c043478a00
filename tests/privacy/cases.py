"""Which protocols, with which parameters and in which profiles, the privacy tests of the suite look at.

One example of each in the suite; `sirnn check` without a file looks at all of them, and longer.
"""

from __future__ import annotations

from sirnn.protocol import REGISTRY
from tests.protocols import distinct_profiles, label

CASES = [
    (spec, spec.examples[len(spec.examples) // 2], profile)
    for spec in REGISTRY.values()
    for profile in distinct_profiles(spec)
]

NAMES = [f"{label(case[:2])}-{case[2].value}" for case in CASES]

LONG = 12
"""Flights of a protocol that is made of many others, each looked at for itself: a shorter look is enough."""


def runs(spec, params, profile) -> int:
    """How many runs of each choice of halves: enough to see two bits that always agree, or that mostly do."""
    return 24 if spec.cost(profile, 1, params).flights > LONG else 64
