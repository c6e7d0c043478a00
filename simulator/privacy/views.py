"""The view test: with all inputs fixed, what a party sees is noise, and the same noise whatever its peer put in.

A protocol is run many times in one session on one choice of halves, so that fresh masks are the only thing that
changes from run to run. A row is what one party saw in a run: every bit it received, every value that an exchange
opened (by xor and by addition), everything that came out of an OT, and what it drew from its own stock and randomness.
Then, for this party:

* the rows have one form: sizes and order say nothing;
* a bit that never changes is the same whatever the other party's halves are;
* any other bit that came from the peer is as often one as zero;
* no two bits, one of which came from the peer, agree more or less often than half the time;
* no bits that came from the peer, of any number, add up to the same in all runs on one choice of halves.

The last two find a mask used twice, the third a mask that is biased, the second no mask at all. All this is done for
several choices of halves; a statistic is the sum over them of a squared deviation.

What it cannot see: patterns of three bits or more that hold in some runs only, and randomness that only looks random
(`seeds`, `ledger`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from simulator.check import Case, domain_of, random_case, run_protocol, shared_inputs, split
from simulator.privacy.taps import ADDED, RECEIVED, TRANSFERRED, XORED, Item, View, tapped, watching
from simulator.simulation import simulate
from sirnn.channel import Channel
from sirnn.correlations.kinds import make, offline_cost
from sirnn.correlations.prepare import prepare
from sirnn.crypto.randomness import InsecureSeededRandomness
from sirnn.ot.rows import COTS
from sirnn.party import Party
from sirnn.profile import Profile
from sirnn.protocol import Opened, Params, Private, ProtocolSpec
from sirnn.session import start_session

RUNS = 64
"""Runs on each choice of halves."""

BITS_OF_A_VIEW = 3000
"""Bits looked at of what a party sees in a run, about."""

FEWEST, MOST = 8, 256
"""Bits looked at of one item: the first half of them from its start, the rest from all over it."""

COLUMNS = 4000
"""Bits of a view that are compared with each other; of more, some from all over it."""

FALSE_ALARM = 1e-6
"""Probability that a protocol whose view is perfect noise is accused."""

SURPLUS = 40
"""Rows beyond columns, so that independent columns depend on each other with a probability of 2^-40."""

Rows: TypeAlias = npt.NDArray[np.uint8]
"""(runs, bits): the rows of one party on one choice of halves."""


@attrs.frozen
class Leak:
    """Something about what a party sees that should not be so.

    Attributes:
        party: who sees it.
        what: in words, naming the items.
    """

    party: int
    what: str

    def __str__(self) -> str:
        return f"party {self.party}: {self.what}"


async def leaks_in_views(
    spec: ProtocolSpec, params: Params, profile: Profile, *, size: int = 1, runs: int = RUNS, seed: int = 0
) -> list[Leak]:
    """Run the view test on one protocol.

    Args:
        spec: the registered protocol.
        params: its parameters.
        profile: of the session; what it makes ahead is made, and looked at, in every run.
        size: instances in a run.
        runs: on each of the four choices of halves.
        seed: of the inputs and of both parties' randomness.

    Returns:
        What was found, empty if nothing was.
    """
    cases = choices_of_halves(spec, params, size, seed)
    views = await watch(cases, profile, runs, seed)
    found: list[Leak] = []
    for party in (0, 1):
        told = any(isinstance(kind, Opened) for kind in spec.gives(params)) and params["to"] == party
        found += [Leak(party, what) for what in judge(views[party], (0, 1 + party), told=told)]
    return found


# ------------------------------------------------------------ the inputs


def choices_of_halves(spec: ProtocolSpec, params: Params, size: int, seed: int) -> list[Case]:
    """Four: some inputs; the same with other halves of party 1; with other halves of party 0; and other inputs."""
    first = random_case(spec, params, size, seed)
    other = random_case(spec, params, size, seed + 1)
    return [first, _varied(first, 1), _varied(first, 0), other]


def _varied(case: Case, party: int) -> Case:
    """The case with the mirror images of its values, one party's halves unchanged."""
    clear, halves = [], []
    for kind, value, (mine, theirs) in zip(shared_inputs(case.spec), case.clear, case.halves, strict=True):
        domain, bits = domain_of(case.spec, case.params, kind), kind.width(case.params)
        mirrored = np.uint64(domain.start) + np.uint64(domain.stop - 1) - value
        if isinstance(kind, Private) and kind.owner != party:
            mirrored = value
        kept = theirs if party == 0 else mine
        pair = split(kind, mirrored, kept.astype(np.uint64), bits)  # (what is kept, the rest)
        clear.append(mirrored)
        halves.append(pair if party == 1 or isinstance(kind, Private) else pair[::-1])
    return attrs.evolve(case, clear=tuple(clear), halves=tuple(halves))


# ------------------------------------------------------------ the runs


async def watch(cases: Sequence[Case], profile: Profile, runs: int, seed: int) -> tuple[list[list[View]], ...]:
    """What each party sees: for every case the views of all its runs, both parties in one session."""

    async def body(channel: Channel) -> list[list[View]]:
        randomness = InsecureSeededRandomness(2 * seed + channel.role)
        party = await start_session(channel, profile=profile, randomness=randomness)
        if profile.ahead:
            rows = [_rows(case, profile) for case in cases for _ in range(runs)]
            await prepare(party, {kind: sum(each.get(kind, 0) for each in rows) for kind in COTS})
        return [[await _run(party, case) for _ in range(runs)] for case in cases]

    with tapped():
        result = await simulate(body, body)
    return result.values


def _rows(case: Case, profile: Profile) -> dict[str, int]:
    """The COTs that a run takes, those included that its other correlations are made of."""
    demand = case.declared(profile).demand
    making = offline_cost(profile, demand).demand
    return {kind: demand.get(kind, 0) + making.get(kind, 0) for kind in COTS}


async def _run(party: Party, case: Case) -> View:
    """One run in a fork of its own: correlations are made from COTs, then the protocol spends them."""
    ahead = party.profile.ahead
    fork = party.fork("run", _rows(case, party.profile) if ahead else {})
    view = View(fork.channel.path)
    with watching(view):
        for kind, count in sorted(case.declared(party.profile).demand.items()) if ahead else ():
            if kind not in COTS and count and fork.store is not None:
                fork.store.put(kind, await make(fork, kind, count))
        await run_protocol(fork, case)
    fork.channel.close()
    return view


# ------------------------------------------------------------ judging


def judge(views: Sequence[Sequence[View]], same_own: tuple[int, int], *, told: bool) -> Iterator[str]:
    """What is wrong with a party's views.

    Args:
        views: of every run of every case.
        same_own: the two cases in which this party's own halves are the same.
        told: the protocol opens its output to this party, whose view then depends on that.
    """
    form = _form(views[0][0])
    for view in (view for case in views for view in case):
        if _form(view) != form:
            yield f"sizes or order of what it sees differ between runs: {_difference(form, _form(view))}"
            return
    items = [item for item, _ in form]
    if not items:
        return
    bits = min(MOST, max(FEWEST, BITS_OF_A_VIEW // len(items)))
    rows = [np.stack([_row(view, items, bits) for view in case]) for case in views]
    owner = np.repeat(np.arange(len(items)), [_bits_of(views[0][0].items[item], bits).size for item in items])
    fixed = _fixed(rows)
    seen = np.array([item.seen for item in items])[owner]
    if not told:
        a, b = same_own
        differs = fixed.all(axis=0) & (rows[a][0] != rows[b][0])
        for place in np.unique(owner[seen & (differs | (fixed.any(axis=0) & ~fixed.all(axis=0)))]):
            yield f"{items[place]} is not masked: it depends on the other party's input"
    live = np.logical_not(fixed.any(axis=0))
    for place, item in enumerate(items):
        if item.what in (XORED, ADDED):  # carries run into the padding of a message, which is nothing opened
            live[owner == place] &= live[owner == items.index(item._replace(what=RECEIVED))]
    compared = np.flatnonzero(live)
    compared = compared[:: 1 + len(compared) // COLUMNS]
    yield from _patterns([each[:, compared] for each in rows], owner[compared], items)
    messages = live & np.isin(
        owner, [place for place, item in enumerate(items) if item.what in (RECEIVED, TRANSFERRED)]
    )
    yield from _sums([each[:, messages] for each in rows], owner[messages], items)


def _fixed(rows: Sequence[Rows]) -> npt.NDArray[np.bool_]:
    """In which cases a bit never changes, (cases, bits); in none if that may be chance."""
    fixed = np.stack([np.all(each == each[0], axis=0) for each in rows])
    spared = [len(each) - 1 for each in rows] @ fixed.astype(int)  # as many bits came out alike
    result: npt.NDArray[np.bool_] = fixed & (spared > math.log2(max(1, fixed.size) / FALSE_ALARM))
    return result


def _patterns(rows: Sequence[Rows], owner: npt.NDArray[np.int64], items: Sequence[Item]) -> Iterator[str]:
    """Biased bits, and pairs of bits that agree too often or too seldom."""
    columns = rows[0].shape[1]
    limit = _limit(FALSE_ALARM / max(1, columns * (columns + 1) // 2), len(rows))
    agreement = np.zeros((columns + 1, columns))
    for each in rows:
        signs = 2 * each.astype(np.float32) - 1
        against = np.concatenate([np.ones((len(each), 1), np.float32), signs], axis=1)
        agreement += (against.T @ signs) ** 2 / len(each)
    for place in np.unique(owner[agreement[0] > limit]):
        if items[place].seen:
            yield f"{items[place]} is biased"
    told = set()
    for i, j in np.argwhere(np.triu(agreement[1:], 1) > limit):
        first, second = items[owner[i]], items[owner[j]]
        if _matters(first, second) and (first, second) not in told:
            told.add((first, second))
            yield f"{first} and {second} coincide" if first != second else f"bits of {first} coincide"


def _sums(rows: Sequence[Rows], owner: npt.NDArray[np.int64], items: Sequence[Item]) -> Iterator[str]:
    """Bits whose xor is the same in all rows of a case: a linear dependence, over the integers modulo 2."""
    total = sum(len(each) for each in rows)
    room = total - len(rows) - SURPLUS
    if room <= 0 or not owner.size:
        return
    some = np.unique(np.linspace(0, owner.size - 1, min(room, owner.size)).astype(int))
    cases = np.repeat(np.eye(len(rows), dtype=np.uint8), [len(each) for each in rows], axis=0)
    relation = dependence(np.concatenate([cases, np.concatenate(rows)[:, some]], axis=1))
    if relation.any():
        parts = ", ".join(str(items[place]) for place in np.unique(owner[some[relation[len(rows) :]]])[:3])
        yield f"bits of {parts} add up to a constant"


def dependence(columns: Rows) -> npt.NDArray[np.bool_]:
    """Which columns of a matrix of bits add up to zero modulo 2: those of one relation, or none.

    Args:
        columns: (rows, columns), with more rows than columns.
    """
    packed = np.packbits(columns.T, axis=1)
    combined = np.packbits(np.eye(len(packed), dtype=np.uint8), axis=1)  # of which columns each is the sum
    left = np.ones(len(packed), bool)
    for row in range(columns.shape[0]):
        byte, bit = row // 8, np.uint8(128 >> row % 8)
        holders = np.flatnonzero(left & (packed[:, byte] & bit > 0))
        if holders.size:
            pivot, others = holders[0], holders[1:]
            packed[others] ^= packed[pivot]
            combined[others] ^= combined[pivot]
            left[pivot] = False
    if not left.any():
        return np.zeros(columns.shape[1], bool)
    return np.unpackbits(combined[np.flatnonzero(left)[0]], count=columns.shape[1]).astype(bool)


def _matters(first: Item, second: Item) -> bool:
    """Whether a pattern between the two says something.

    It does not between own things, between an OT's output and what was made of it, or between two readings of one
    exchange.
    """
    if first.seen and second.seen:
        return {first.what, second.what} != {XORED, ADDED} or first[1:] != second[1:]
    return (first.seen or second.seen) and TRANSFERRED not in (first.what, second.what)


def _limit(probability: float, cases: int) -> float:
    """What a sum of `cases` squared standard normal deviations, an even number of them, exceeds that seldom."""
    limit = 2.0
    while math.exp(-limit / 2) * sum((limit / 2) ** k / math.factorial(k) for k in range(cases // 2)) > probability:
        limit += 1
    return limit


# ------------------------------------------------------------ rows


def _form(view: View) -> list[tuple[Item, tuple[Any, ...]]]:
    """What a view consists of, whatever order its forks ran in."""
    return sorted(
        (item, tuple((each.shape, str(each.dtype)) for each in arrays)) for item, arrays in view.items.items()
    )


def _difference(one: list[Any], other: list[Any]) -> str:
    missing = [str(item) for item, _ in sorted(set(one) ^ set(other))]
    return ", ".join(missing[:3])


def _row(view: View, items: Sequence[Item], bits: int) -> Rows:
    return np.concatenate([_bits_of(view.items[item], bits) for item in items])


def _bits_of(arrays: Sequence[npt.NDArray[Any]], most: int) -> Rows:
    """At most so many bits of an item."""
    data = [np.ascontiguousarray(each).reshape(-1).view(np.uint8) for each in arrays]
    joined = np.unpackbits(np.concatenate([np.zeros(0, np.uint8), *data]), bitorder="little")
    if joined.size <= most:
        return joined
    half = most // 2
    places = half + np.arange(half) * (joined.size - half) // half
    return np.concatenate([joined[:half], joined[places]])
