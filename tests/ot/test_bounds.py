"""No key hashes more blocks that the other party does not know than the bounds say; and the page says the same."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sirnn.correlations.selectors import make_selectors, selector_cost
from sirnn.correlations.triples import and_triples, and_triples_cost
from sirnn.crypto.hashing import HASHES_PER_KEY
from sirnn.ot.base import base_ots
from sirnn.ot.bounds import bounds, least, main, table
from sirnn.ot.chosen import oblivious_transfer
from sirnn.ot.correlated import correlated_ot, cot_both_ways
from sirnn.ot.ferret import Ferret
from sirnn.ot.fields import CotField, OtField
from sirnn.ot.iknp import Iknp
from sirnn.ot.lpn import PARAMETERS, LpnParameters
from sirnn.ot.softspoken import SoftSpoken
from tests.correlations.parties import AHEAD, run_ahead
from tests.crypto.ledger import Ledger
from tests.ot.parties import run_parties
from tests.ot.shared import words

Q = {bound.use: bound.per_key for bound in bounds()}
PAGE = Path(__file__).parents[2] / "docs" / "security.md"


@pytest.fixture
def ledger(monkeypatch):
    return Ledger(monkeypatch)


async def test_base_ots_use_no_aes(ledger):
    choices = np.zeros(4, np.uint8)
    await run_parties(ledger.at(lambda party: base_ots(party, choices)), keys=False)
    assert ledger.count == 0


@pytest.mark.parametrize("repeat", [1, 700])
async def test_cots_by_iknp(ledger, repeat):
    """Of the receiver's columns the sender lacks one of two; of the pads the receiver lacks one of two."""
    field = CotField(9000 // repeat, 32, repeat)

    def body(party):
        if party.is_server:
            return correlated_ot(party, [field], sender=0, correlations=[words(field.shape, 32)])
        return correlated_ot(party, [field], sender=0, choices=[words(field.count, 1)])

    await run_parties(ledger.at(body))
    assert ledger.unknown(0) == (128 if repeat > 1 else Q["columns of IKNP and KK13"])  # 12 rows are a block each
    assert ledger.unknown(1) == Q["pads longer than a block" if repeat > 1 else "pads of 1-of-2 OTs"]


@pytest.mark.parametrize("choices", [2, 3, 16, 100])
async def test_ots_by_codes(ledger, choices):
    field = OtField(1500, choices, 8)

    def body(party):
        if party.is_server:
            return oblivious_transfer(party, [field], sender=0, messages=[words((1500, choices), 8)])
        return oblivious_transfer(party, [field], sender=0, choices=[np.zeros(1500, np.uint8)])

    await run_parties(ledger.at(body))
    assert ledger.unknown(0) == Q["columns of IKNP and KK13"]
    assert ledger.unknown(1) <= Q["pads of 1-of-N OTs by KK13" if choices > 2 else "pads of 1-of-2 OTs"]
    assert ledger.unknown(1) == min(1500, 2 * HASHES_PER_KEY // choices) * (choices - 1)


async def test_ots_from_cots(ledger):
    """Seven random OTs a choice, hashed into pads of 16 words."""
    field = OtField(300, 128, 16)  # 16 blocks a pad

    def body(party):
        if party.is_server:
            return oblivious_transfer(party, [field], sender=0, messages=[words((300, 128), 16)])
        return oblivious_transfer(party, [field], sender=0, choices=[np.zeros(300, np.uint8)])

    await run_ahead(ledger.at(body), {"cot/server": 2100})
    assert ledger.unknown(0) == 0
    assert ledger.unknown(1) == Q["pads longer than a block"]


SOURCES = {
    "iknp": (lambda: Iknp(0), "columns of IKNP and KK13"),
    **{f"softspoken-{k}": (lambda k=k: SoftSpoken(k, 0), "columns of SoftSpoken") for k in (2, 4, 8)},
}


@pytest.mark.parametrize("name", SOURCES)
async def test_random_cots(ledger, name):
    make, use = SOURCES[name]

    async def body(party):
        source = make()
        await source.set_up(party)
        if name != "iknp":
            assert ledger.count > 0
        return await source.extend(party, 10_001)

    await run_parties(ledger.at(body))
    assert ledger.unknown(0) <= max(Q[use], Q["set-up of SoftSpoken"])


@pytest.mark.parametrize("k", [2, 4, 8])
async def test_set_up_of_softspoken(ledger, k):
    await run_parties(ledger.at(lambda party: SoftSpoken(k, 0).set_up(party)))
    assert ledger.unknown(0) == Q["set-up of SoftSpoken"]


@pytest.mark.parametrize("parameters", [LpnParameters("deep", 8, 200, 10), LpnParameters("many", 8, 1500, 4)])
async def test_ferret(ledger, parameters):
    """Its set-up is another source's; then two iterations. Of each tree the receiver lacks a node a level."""

    async def body(party):
        source = Ferret(parameters, 0, SoftSpoken(8, 0))
        await source.set_up(party)
        for blocks in ledger.blocks:
            blocks.clear()
        await source.extend(party, parameters.usable + 1)

    await run_parties(ledger.at(body))
    together = min(HASHES_PER_KEY, parameters.trees, (1 << 16) >> parameters.depth)
    assert ledger.unknown(1) == together
    if parameters.depth == 10:
        assert together == Q["trees of Ferret"]


async def test_selectors_and_triples(ledger):

    async def body(party):
        await and_triples(party, 1000, 300)
        return await make_selectors(party, 10, 2, 300)

    cost = and_triples_cost(AHEAD, 1000, 300) + selector_cost(AHEAD, 10, 2, 300)
    await run_ahead(ledger.at(body), cost.demand)
    assert ledger.unknown(0) == ledger.unknown(1) == Q["pads of 1-of-2 OTs"]


async def test_both_directions(ledger):
    field = CotField(2000, 8)

    def body(party):
        return cot_both_ways(party, [field], [words(2000, 8)], [words(2000, 1)])

    await run_ahead(ledger.at(body), {"cot/server": 2000, "cot/client": 2000})
    assert ledger.unknown(0) == ledger.unknown(1) == Q["pads of 1-of-2 OTs"]


# ------------------------------------------------------------ the page


def test_the_page_has_the_table():
    text = PAGE.read_text()
    assert table() in text
    assert f"**{math.floor(least())} bits**" in text


def test_the_command_prints_the_table(capsys):
    main()
    assert capsys.readouterr().out == table() + "\n"


def test_every_use_is_bounded():
    assert all(bound.bits >= least() for bound in bounds())
    assert least() <= min(127, 128) - math.log2(HASHES_PER_KEY)


def test_the_pages_have_the_estimates_of_lpn():
    rows = (PAGE.parent / "correlations" / "lpn.md").read_text()
    for each in PARAMETERS.values():
        start = f"| {each.name} | {each.outputs:,} | 2^{each.dimension_bits} | {each.trees:,} | {each.depth} |"
        assert any(line.startswith(start) and f"**{each.security_bits}**" in line for line in rows.splitlines())
    estimates = [each.security_bits for each in PARAMETERS.values()]
    assert f"{min(estimates)} to {max(estimates)} bits" in PAGE.read_text()
    assert f"at most {Q['trees of Ferret']} in these sets" in rows
