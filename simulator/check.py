"""Check a protocol against what it declares: value, bytes per direction and flights, all exactly.

    await check_protocol(REGISTRY["mux"])

First it shares the values where mistakes are likeliest, the edges of the domain and equal operands; then, for each
size, random ones; and where the parameters are small enough every possible pair of shares of every input. It runs both
parties, and holds the outputs to the functionality and the measured cost to the declared one, of every branch of
`Party.parallel` as well. It is what the conformance suite runs for every registered protocol, and works for your own in
the same way.

In a profile that makes correlations ahead, the demand of all the runs is prepared first. Then every run must use
exactly the correlations it declares, and preparing must cost exactly what its plan says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from itertools import product
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from simulator.branches import Branches
from simulator.mismatch import Counterexample, MismatchError
from simulator.simulation import simulate
from sirnn import ring
from sirnn.channel import Channel, Ledger, Phase, Traffic
from sirnn.correlations.prepare import Plan, plan, prepare
from sirnn.cost import Cost, sequence
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.errors import LocalError
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Bool, Clear, Halves, Kind, Msb, Opened, Params, Private, ProtocolSpec
from sirnn.ring import Words
from sirnn.session import start_session
from sirnn.shares import ArithmeticShare, BooleanShare, PrivateValue

SIZES = (0, 1, 17, 200)
"""Array sizes to try: none, one, and some that are a multiple of nothing."""

EXHAUSTIVE_BITS = 16
"""Every pair of shares of every input is run if that makes at most 2^16 instances."""

EDGE_SIZE = 5
"""Size of inputs that have shapes of their own."""

MOST_EDGES = 400
"""All combinations of the edges of the inputs are run if there are fewer; otherwise so many are drawn."""

ON = "on "
"""How the note begins that is added to what a protocol raises: it goes on with the case."""

AHEAD = "ahead"
"""The scope that preparing is booked under."""

Outputs: TypeAlias = tuple[Words | None, ...]
"""One party's outputs: words of its shares, or of what was opened to it."""

Halved: TypeAlias = tuple[Words, Words]
Runner: TypeAlias = Callable[..., Awaitable[Any]]
"""Runs two bodies on two channels and returns something with `values` and `ledgers`, as `simulate` does."""


@attrs.frozen
class Case:
    """One run: a protocol, its parameters, and for each input its value in clear and both parties' halves.

    Attributes:
        what: which inputs these are.
        size: as the cost formula is handed it.
        clear: the value of each input.
        halves: both parties' halves of it.
        drawn: whether any size could be drawn in their place.
    """

    spec: ProtocolSpec
    params: Params
    what: str
    size: int
    clear: tuple[Clear, ...]
    halves: tuple[Halved, ...]
    drawn: bool = False

    def __str__(self) -> str:
        return f"{self.spec.name} {dict(self.params)}, {self.what}"

    def declared(self, profile: Profile) -> Cost:
        """What it should cost."""
        return self.spec.cost(profile, self.size, self.params)


async def check_protocol(
    spec: ProtocolSpec,
    *examples: Params,
    sizes: Sequence[int] = SIZES,
    profiles: Sequence[Profile] | None = None,
    seed: int = 0,
    runner: Runner = simulate,
    randomness: Callable[[int], Any] | None = None,
) -> None:
    """Run one protocol with some choices of parameters at many sizes, all in one session for each profile.

    Args:
        spec: the registered protocol.
        examples: choices of parameters; all the protocol's own by default.
        sizes: array sizes to run at.
        profiles: ways to evaluate it, each of which is checked; by default all that it exists in.
        seed: makes inputs, shares and masks reproducible.
        runner: the backend.
        randomness: the randomness of each role; seeded by default, which only a simulated channel accepts.

    Raises:
        MismatchError: a value, a byte count, the number of flights or of correlations differs from what is declared.
        LocalError: it does not exist in one of the profiles.
        Exception: what the protocol raises, with a note that says on which inputs.
    """
    check_profiles(spec, spec.profiles if profiles is None else profiles)
    cases = []
    for params in examples or spec.examples:
        cases.append(edge_case(spec, params, seed))
        cases += [random_case(spec, params, size, seed + size) for size in sizes]
        if spec.shapes is None and sum(_share_bits(spec, params)) <= EXHAUSTIVE_BITS:
            cases.append(exhaustive_case(spec, params))
    source = randomness or (lambda role: InsecureSeededRandomness(2 * seed + role))
    for profile in spec.profiles if profiles is None else profiles:
        await _check_cases(cases, profile, runner, source)


def check_profiles(spec: ProtocolSpec, profiles: Sequence[Profile]) -> None:
    """Refuse profiles that a protocol does not exist in.

    Raises:
        LocalError: one of them.
    """
    for profile in profiles:
        if profile not in spec.profiles:
            raise LocalError(
                f"{spec.name} does not exist in profile {profile.value}",
                remedy=f"use {' or '.join(each.value for each in spec.profiles)}",
            )


async def measure_protocol(
    spec: ProtocolSpec, params: Params, size: int, *, profile: Profile = Profile.PAPER, seed: int = 0
) -> Traffic:
    """What one simulated run of a protocol sends online, on random inputs of a size, as the server counts it."""
    case = random_case(spec, params, size, seed)

    async def body(channel: Channel) -> None:
        party = await start_session(channel, profile=profile, randomness=InsecureSeededRandomness(channel.role))
        await prepare_cases(party, [case])
        await run_case(party, case, scope="case")

    result = await simulate(body, body)
    return _traffic(result.ledgers[0])[Phase.ONLINE, "case"]


async def _check_cases(
    cases: Sequence[Case], profile: Profile, runner: Runner, randomness: Callable[[int], Any]
) -> None:
    branches = [Branches() for _ in cases]

    async def body(channel: Channel) -> tuple[Plan, list[Outputs]]:
        party = await start_session(channel, profile=profile, randomness=randomness(channel.role))
        planned, outputs = await prepare_cases(party, cases), []
        for index, case in enumerate(cases):
            party.watch = branches[index].watch
            try:
                outputs.append(await _spend(party, case, f"case {index}"))
            except Exception as failure:
                failure.add_note(f"{ON}{case}, profile {profile.value}")
                raise
        return planned, outputs

    result = await runner(body, body)
    (planned, first), (_, second) = result.values
    for role, ledger in enumerate(result.ledgers):
        traffic = _traffic(ledger)
        for phase, cost in ((Phase.SETUP, planned.set_up), (Phase.OFFLINE, planned.offline)):
            _check_cost(f"{phase.value} of {cases[0].spec.name}", cost, traffic[phase, AHEAD], role)
        for index, case in enumerate(cases):
            if problem := branches[index].problem():
                raise _mismatch(case, problem)
            _check_cost(str(case), case.declared(profile), traffic[Phase.ONLINE, f"case {index}"], role)
    for case, server, client in zip(cases, first, second, strict=True):
        check_values(case, server, client)


# ------------------------------------------------------------ inputs


def random_case(spec: ProtocolSpec, params: Params, size: int, seed: int, *, constant: bool = False) -> Case:
    """Uniform inputs of the declared domain, uniformly shared; `constant` repeats one value in all instances."""
    rng = np.random.default_rng(seed)
    clear, halves = [], []
    for kind, shape in zip(shared_inputs(spec), spec.input_shapes(size, params), strict=False):
        bits, domain = kind.width(params), domain_of(spec, params, kind)
        drawn = (1,) * len(shape) if constant else shape
        value = rng.integers(domain.start, domain.stop - 1, size=drawn, dtype=np.uint64, endpoint=True)
        value = np.broadcast_to(value, shape).copy()
        mask = rng.integers(0, ring.mask(bits), size=shape, dtype=np.uint64, endpoint=True)
        clear.append(value)
        halves.append(split(kind, value, mask, bits))
    return Case(spec, params, f"size {size}", size, tuple(clear), tuple(halves), drawn=True)


def edge_case(spec: ProtocolSpec, params: Params, seed: int) -> Case:
    """The edges of every input's domain in all combinations, or some if there are many; equal operands among them.

    Half of the masks are edges, too. Inputs with shapes of their own hold edges at random.
    """
    rng = np.random.default_rng(seed)
    edges = [_edges(domain_of(spec, params, kind), kind.width(params)) for kind in shared_inputs(spec)]
    size = min(MOST_EDGES, int(np.prod([len(each) for each in edges]))) if spec.shapes is None else EDGE_SIZE
    shapes, clear, halves = spec.input_shapes(size, params), [], []
    if spec.shapes is None and size < MOST_EDGES:
        values = [np.array(column, np.uint64) for column in zip(*product(*edges), strict=True)]
    else:
        values = [rng.choice(np.array(each, np.uint64), shape) for each, shape in zip(edges, shapes, strict=False)]
    for kind, value in zip(shared_inputs(spec), values, strict=True):
        bits = kind.width(params)
        drawn = rng.integers(0, ring.mask(bits), size=value.shape, dtype=np.uint64, endpoint=True)
        edge = rng.choice(np.array(_edges(range(1 << bits), bits), np.uint64), value.shape)
        clear.append(value)
        halves.append(split(kind, value, np.where(rng.integers(0, 2, value.shape) == 1, edge, drawn), bits))
    return Case(spec, params, "edges of the domain", size, tuple(clear), tuple(halves))


def _edges(domain: range, bits: int) -> list[int]:
    """Both ends and their neighbours, and where the top bit turns over."""
    half = 1 << (bits - 1)
    wanted = (domain.start, domain.start + 1, half - 1, half, domain.stop - 2, domain.stop - 1)
    return sorted({word for word in wanted if word in domain})


def exhaustive_case(spec: ProtocolSpec, params: Params) -> Case:
    """Every value of the declared domain with every sharing of it, for all inputs together."""
    axes: list[Clear] = []
    for kind, bits in zip(shared_inputs(spec), _share_bits(spec, params), strict=True):
        domain = domain_of(spec, params, kind)
        axes.append(np.arange(domain.start, domain.stop, dtype=np.uint64))
        if not isinstance(kind, Private):
            axes.append(np.arange(1 << (bits // 2), dtype=np.uint64))
    grid = iter([axis.reshape(-1) for axis in np.meshgrid(*axes, indexing="ij")])
    clear, halves = [], []
    for kind in shared_inputs(spec):
        value = next(grid)
        mask = np.zeros_like(value) if isinstance(kind, Private) else next(grid)
        clear.append(value)
        halves.append(split(kind, value, mask, kind.width(params)))
    return Case(spec, params, "every pair of shares", clear[0].size, tuple(clear), tuple(halves))


def shared_inputs(spec: ProtocolSpec) -> list[Any]:
    """The inputs that carry a value, which `Msb` does not."""
    return [kind for kind in spec.takes if not isinstance(kind, Msb)]


def _share_bits(spec: ProtocolSpec, params: Params) -> list[int]:
    return [kind.width(params) * (1 if isinstance(kind, Private) else 2) for kind in shared_inputs(spec)]


def domain_of(spec: ProtocolSpec, params: Params, kind: Any) -> range:
    """The declared domain, narrowed by what the parameters say is known of the top bit."""
    domain: range = kind.domain(params)
    half = 1 << (kind.width(params) - 1)
    for known in spec.takes:
        if isinstance(known, Msb) and spec.takes[known.of] is kind:
            which = params.get(known.param, "unknown")
            if which == "zero":
                domain = range(domain.start, min(domain.stop, half))
            if which == "one":
                domain = range(max(domain.start, half), domain.stop)
    return domain


def split(kind: Any, value: Clear, mask: Clear, bits: int) -> Halved:
    if isinstance(kind, Private):
        return ring.reduce(value, bits), ring.reduce(value, bits)
    other = value ^ mask if isinstance(kind, Bool) else value - mask
    return ring.reduce(mask, bits), ring.reduce(other, bits)


# ------------------------------------------------------------ running


async def prepare_cases(party: Party, cases: Sequence[Case]) -> Plan:
    """Make the correlations that all the cases demand, booked under the scope `AHEAD`; none in profile `paper`.

    Returns:
        What that should cost.
    """
    demand = sequence(*(case.declared(party.profile) for case in cases)).demand
    if not party.profile.ahead:
        return plan(party.profile, demand)
    with party.scope(AHEAD):
        return await prepare(party, demand)


async def run_case(party: Party, case: Case, *, scope: str) -> Outputs:
    """One party's run of a case, booked under `scope`: its halves of the outputs."""
    # Entering the phase anew starts its depths at 0.
    with party.channel.phase(Phase.ONLINE), party.scope(scope):
        return await run_protocol(party, case)


async def run_protocol(party: Party, case: Case) -> Outputs:
    """One party's run of a case, booked wherever the party is: its halves of the outputs."""
    spec, params = case.spec, case.params
    result = await spec.call(party, _inputs(party, case), params)
    outputs, kinds = result if isinstance(result, tuple) else (result,), spec.gives(params)
    if len(outputs) != len(kinds):
        raise _mismatch(case, f"{len(outputs)} outputs are returned, {len(kinds)} are declared")
    return tuple(_words(party, case, *each) for each in enumerate(zip(kinds, outputs, strict=True)))


def _words(party: Party, case: Case, index: int, given: tuple[Kind, Any]) -> Words | None:
    """The words of an output."""
    kind, output = given
    if isinstance(kind, Opened):
        return _opened(party, case.params, output)
    wanted = BooleanShare if isinstance(kind, Bool) else ArithmeticShare
    if not isinstance(output, wanted):
        raise _mismatch(case, f"output {index} is of type {type(output).__name__}, not {wanted.__name__}")
    words: Words = output.words
    return words


async def _spend(party: Party, case: Case, scope: str) -> Outputs:
    """Run a case and hold what leaves the store to what the case demands."""
    before = party.store.remains if party.store else {}
    outputs = await run_case(party, case, scope=scope)
    after = party.store.remains if party.store else {}
    spent = {kind: count - after.get(kind, 0) for kind, count in before.items() if count != after.get(kind, 0)}
    demand = {kind: count for kind, count in case.declared(party.profile).demand.items() if count}
    if spent != demand:
        raise _mismatch(case, f"uses the correlations {spent}, {demand} are declared")
    return outputs


def _opened(party: Party, params: Params, output: Words | None) -> Words | None:
    if (output is not None) != (party.role == params["to"]):
        raise MismatchError(f"the output is for party {params['to']} alone, and party {party.role} disagrees")
    return output


def _inputs(party: Party, case: Case) -> list[Any]:
    spec, params = case.spec, case.params
    values = iter(zip(case.halves, case.clear, strict=True))
    made: list[Any] = []
    for kind in spec.takes:
        if isinstance(kind, Msb):
            made.append(_known_msb(party, params.get(kind.param, "unknown"), made[kind.of], case.clear[kind.of]))
            continue
        halves, clear = next(values)
        bits = kind.width(params)
        if isinstance(kind, Private):
            made.append(PrivateValue(kind.owner, clear.shape, bits, halves[0] if kind.owner == party.role else None))
        elif isinstance(kind, Bool):
            made.append(BooleanShare(halves[party.role], bits))
        else:
            made.append(ArithmeticShare(halves[party.role], bits))
    return made


def _known_msb(party: Party, known: str, share: ArithmeticShare, clear: Clear) -> BooleanShare | int | None:
    if known == "unknown":
        return None
    if known in ("zero", "one"):
        return int(known == "one")
    if known != "shared":
        raise LocalError(f"nothing is called a {known} top bit", remedy="say unknown, zero, one or shared")
    # A sharing with a pattern in it: the protocol's output must not depend on it.
    mask = (np.arange(clear.size).reshape(clear.shape) % 2).astype(np.uint8)
    return BooleanShare(ring.top_bit(clear, share.bits) ^ mask if party.is_server else mask)


# ------------------------------------------------------------ judging


def check_values(case: Case, first: Outputs, second: Outputs) -> None:
    """Hold both parties' outputs to the functionality.

    Raises:
        MismatchError: a word differs, or is not one of its ring.
    """
    spec, params = case.spec, case.params
    arguments: list[Clear] = []
    for kind, value, halves in zip(shared_inputs(spec), case.clear, case.halves, strict=True):
        arguments += [half.astype(np.uint64) for half in halves] if isinstance(kind, Halves) else [value]
    expected, kinds = spec.functionality(arguments, params), spec.gives(params)
    if not len(expected) == len(first) == len(second) == len(kinds):
        raise _mismatch(case, f"{len(kinds)} outputs declared, {len(first)} and {len(second)} returned")
    for index, (kind, want, a, b) in enumerate(zip(kinds, expected, first, second, strict=True)):
        got = _together(kind, a, b, kind.width(params), f"{case}: output {index}")
        if got.shape != want.shape:
            raise _mismatch(case, f"output {index} has shape {got.shape}, not {want.shape}")
        wrong = got.astype(np.uint64) != want
        if wrong.any():
            shown = _counterexample(case, index, wrong, want, got)
            what = f"output {index} differs from the functionality at {np.count_nonzero(wrong)} of {want.size}"
            raise _mismatch(case, f"{what}; {shown}", shown)


def _counterexample(case: Case, output: int, wrong: npt.NDArray[np.bool_], want: Clear, got: Words) -> Counterexample:
    """The first instance at which an output is wrong."""
    at = tuple(int(place) for place in np.argwhere(wrong)[0])
    inputs = [
        str(value[at]) if isinstance(kind, Private) else f"{value[at]} (shared as {halves[0][at]}, {halves[1][at]})"
        for kind, value, halves in zip(shared_inputs(case.spec), case.clear, case.halves, strict=True)
        if value.shape == want.shape
    ]
    return Counterexample(output, at, tuple(inputs), int(want[at]), int(got[at]))


def _mismatch(case: Case, what: str, counterexample: Counterexample | None = None) -> MismatchError:
    return MismatchError(f"{case}: {what}", counterexample=counterexample, size=case.size if case.drawn else None)


def _together(kind: Kind, a: Words | None, b: Words | None, bits: int, where: str) -> Words:
    """The value both parties' outputs stand for; each must be a well-formed word of its ring."""
    halves = [half for half in (a, b) if half is not None]
    for half in halves:
        if half.dtype != ring.dtype_for(bits) or np.any(half > ring.mask(bits)):
            raise MismatchError(f"{where} is not in reduced words of {bits} bits")
    if isinstance(kind, Opened):
        return halves[0]
    return ring.reduce(halves[0] ^ halves[1] if isinstance(kind, Bool) else halves[0] + halves[1], bits)


def _traffic(ledger: Ledger) -> defaultdict[tuple[Phase, str], Traffic]:
    """What was booked in each phase under each outermost scope."""
    total: defaultdict[tuple[Phase, str], Traffic] = defaultdict(Traffic)
    for (phase, scope), traffic in ledger.items():
        total[phase, scope.partition("/")[0]].add(traffic)
    return total


def _check_cost(what: str, declared: Cost, measured: Traffic, role: int) -> None:
    got = (measured.sent, measured.received) if role == 0 else (measured.received, measured.sent)
    for sender, (want, found) in enumerate(zip(declared.sent, got, strict=True)):
        if want != found:
            raise MismatchError(
                f"{what}: party {sender} sends {found} bytes, {want} are declared (party {role} counts)"
            )
    if measured.flights != declared.flights:
        raise MismatchError(
            f"{what}: {measured.flights} flights, {declared.flights} are declared (party {role} counts)"
        )
