"""Which protocols, with which parameters and in which profiles, the privacy tests of the suite look at.

One example of each in the suite; `sirnn check` without a file looks at all of them, and longer.
"""

from __future__ import annotations

from sirnn.profile import Profile
from sirnn.protocol import REGISTRY
from tests.protocols import distinct_profiles, label

CASES = [
    (spec, spec.examples[len(spec.examples) // 2], profile)
    for spec in REGISTRY.values()
    for profile in distinct_profiles(spec)
]


def name(case) -> str:
    return f"{label(case[:2])}-{case[2].value}"


NAMES = [name(case) for case in CASES]

LONG = 10
"""Flights of a protocol that is made of many others, each looked at for itself: a shorter look is enough, at one way."""


def is_long(spec, params, profile) -> bool:
    return spec.cost(profile, 1, params).flights > LONG


VIEWED = [case for case in CASES if case[2].ahead or not (is_long(*case) and Profile.EXACT in case[0].profiles)]
"""Those whose views are looked at: all, but that the long ones are only with what is made ahead."""


def runs(spec, params, profile) -> int:
    """How many runs of each choice of halves: enough to see two bits that always agree, or that mostly do."""
    return 18 if is_long(spec, params, profile) else 48
