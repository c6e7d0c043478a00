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


def name(case) -> str:
    return f"{label(case[:2])}-{case[2].value}"


NAMES = [name(case) for case in CASES]

LONG = 10
"""Flights of a protocol that is made of many others, each looked at for itself."""


def flights(spec, params, profile) -> int:
    return spec.cost(profile, 1, params).flights


AT_THE_TOP = ("sigmoid", "evaluate", "divide_normalised")

VIEWED = [case for case in CASES if flights(*case) <= LONG or (case[0].name in AT_THE_TOP and case[2].ahead)]
"""Those whose views are looked at: every building block, and of what is made of many some at the top."""


def runs(spec, params, profile) -> int:
    """How many runs of each choice of halves: enough to see two bits that always agree, or that mostly do."""
    return 18 if flights(spec, params, profile) > LONG else 36
