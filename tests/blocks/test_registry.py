"""Every registered protocol: its value, its bytes in each direction and its flights are exactly what it declares."""

from __future__ import annotations

from functools import partial

import attrs
import pytest

from simulator.check import SIZES, check_protocol
from simulator.mismatch import MismatchError
from sirnn.cost import Cost
from sirnn.crypto.randomness import SystemRandomness
from sirnn.protocol import REGISTRY, _call
from tests.harness import run_both
from tests.protocols import MODULES, distinct_profiles, public_coroutines


@pytest.mark.parametrize("spec", REGISTRY.values(), ids=lambda spec: spec.name)
async def test_protocol_does_what_it_declares(spec):
    """Every example on its edges, and on every pair of shares if there are few; of many examples each at some sizes."""
    turns = min(len(SIZES), max(1, len(spec.examples) // 4))
    for turn in range(turns):
        examples = spec.examples[turn::turns]
        await check_protocol(spec, *examples, sizes=SIZES[turn::turns], profiles=distinct_profiles(spec))


@pytest.mark.parametrize("spec", REGISTRY.values(), ids=lambda spec: spec.name)
async def test_protocol_over_tcp(spec):
    """The same body over real sockets, with real randomness."""
    runner = partial(run_both, over="tcp")
    params = spec.examples[len(spec.examples) // 2]
    options = {"runner": runner, "randomness": lambda role: SystemRandomness()}
    await check_protocol(spec, params, sizes=(0, 5, 33), profiles=distinct_profiles(spec), **options)


def test_every_public_protocol_is_registered():
    """No public coroutine escapes the suite: it is registered, or named as a primitive with tests of its own."""
    missing = []
    for module in MODULES:
        primitives = {function.__name__ for function in getattr(module, "PRIMITIVES", ())}
        known = primitives | REGISTRY.keys()
        missing += [f"{module.__name__}.{name}" for name in public_coroutines(module) if name not in known]
    assert not missing


ONE_A_PACKAGE = {spec.run.__module__.rpartition(".")[0]: spec for spec in REGISTRY.values()}


@pytest.mark.parametrize("spec", ONE_A_PACKAGE.values(), ids=ONE_A_PACKAGE)
async def test_a_wrong_declaration_is_caught(spec):
    """The suite can fail: a cost that is one byte or one flight off, and a functionality that is one off."""
    params, size, profile = spec.examples[-1], 3, spec.profiles[0]

    def honest(*sizes):
        return _call(spec.cost_formula, sizes, params)

    wrong_bytes = attrs.evolve(spec, cost_formula=lambda *sizes: honest(*sizes) | Cost(sent=(1, 0)))
    wrong_flights = attrs.evolve(spec, cost_formula=lambda *sizes: honest(*sizes) + Cost.exchange(0))
    wrong_value = attrs.evolve(spec, clear=lambda *inputs: tuple(out + 1 for out in spec.functionality(inputs, params)))
    for wrong, what in ((wrong_bytes, "bytes"), (wrong_flights, "flights"), (wrong_value, "differs")):
        with pytest.raises(MismatchError, match=what):
            await check_protocol(wrong, params, sizes=(size,), profiles=[profile])
