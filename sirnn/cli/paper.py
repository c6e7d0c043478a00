"""The paper's Table V beside our formulas and what a run measures: `sirnn cost --table paper`.

Source: SIRNN (Rathee et al., IEEE S&P 2021, eprint 2021/459), Table V: bits and rounds, for lambda = 128.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs
import trio

import sirnn.blocks.digits
import sirnn.blocks.extension
import sirnn.blocks.msnzb
import sirnn.blocks.multiplication
import sirnn.blocks.shift
import sirnn.blocks.truncation  # noqa: F401  each registers its protocols
from simulator.check import measure_protocol
from sirnn.profile import Profile
from sirnn.protocol import REGISTRY, Params

LAMBDA = 128
SIZE = 1024
"""Instances of a measured run; per-instance figures are averages over them."""


@attrs.frozen
class Line:
    """A protocol of the table.

    Attributes:
        name: as the paper calls it; a star means that the top bits are publicly known.
        formula: the paper's, in words.
        bits: the paper's communication, as a function of our parameters.
        rounds: the paper's rounds, likewise.
        protocol: our name for it.
        cases: parameters to show.
        why: why our figure is another.
    """

    name: str
    formula: str
    bits: Callable[[Params], float]
    rounds: Callable[[Params], float]
    protocol: str
    cases: tuple[dict[str, Any], ...]
    why: str


def _log(width: float) -> int:
    return math.ceil(math.log2(width))


EXTENSIONS = ((8, 16), (16, 32), (32, 64))
SHIFTS = ((16, 8), (32, 12), (64, 16))
PRODUCTS = ((8, 8), (8, 16), (16, 16), (32, 32))
MILL = (
    "the paper bounds a comparison by L l + 14 l bits; ours sends 272 for its lowest digit and 278 for a pair of ANDs"
)


def _extensions(msb: str) -> tuple[dict[str, Any], ...]:
    return tuple({"bits": m, "out_bits": n, "msb": msb} for m, n in EXTENSIONS)


def _shifts(**more: Any) -> tuple[dict[str, Any], ...]:
    return tuple({"bits": bits, "shift": shift, **more} for bits, shift in SHIFTS)


def _products(msb: str) -> tuple[dict[str, Any], ...]:
    signs = {"x_signed": False, "y_signed": False, "msb_x": msb, "msb_y": msb}
    return tuple({"x_bits": m, "y_bits": n, "out_bits": m + n, **signs} for m, n in PRODUCTS)


def _product_bits(p: Params) -> float:
    mu, nu = sorted((int(p["x_bits"]), int(p["y_bits"])))
    return LAMBDA * (3 * mu + nu + 4) + 2 * mu * nu + mu**2 + 17 * mu + 16 * nu


def _known_product_bits(p: Params) -> float:
    mu, nu = sorted((int(p["x_bits"]), int(p["y_bits"])))
    return LAMBDA * (2 * mu + 6) + 2 * mu * nu + mu**2 + 3 * mu + 2 * nu + 4


def _digit_bits(p: Params) -> float:
    bits, d = int(p["bits"]), int(p["digit_bits"])
    return (bits / d - 1) * (LAMBDA * (d + 2) + 15 * d + 20)


def _msnzb_bits(p: Params) -> float:
    bits, d = int(p["bits"]), int(p["digit_bits"])
    iota = _log(bits)
    table = (1 << d) * (iota + 1)
    each = LAMBDA * (d + 8) + table + 15 * d + 2 * iota + 60
    return (bits / d - 1) * each + 6 * LAMBDA + table + bits**2 + 2 * iota


LINES = (
    Line(
        "ZExt/SExt",
        "L(m+1) + 13m + n",
        lambda p: LAMBDA * (p["bits"] + 1) + 13 * p["bits"] + p["out_bits"],
        lambda p: _log(p["bits"]) + 2,
        "zero_extend",
        _extensions("unknown"),
        MILL,
    ),
    Line(
        "*ZExt/SExt",
        "2L - m + n + 2",
        lambda p: 2 * LAMBDA - p["bits"] + p["out_bits"] + 2,
        lambda _: 4,
        "zero_extend",
        _extensions("zero"),
        "B2A needs the product one bit narrower than its ring",
    ),
    Line(
        "LRS/ARS",
        "L(l+3) + 15l + s + 20",
        lambda p: LAMBDA * (p["bits"] + 3) + 15 * p["bits"] + p["shift"] + 20,
        lambda p: _log(p["bits"]) + 3,
        "right_shift",
        _shifts(signed=True, msb="unknown"),
        MILL,
    ),
    Line(
        "*LRS/ARS",
        "L(s+3) + l + 15s + 2",
        lambda p: LAMBDA * (p["shift"] + 3) + p["bits"] + 15 * p["shift"] + 2,
        lambda p: _log(p["shift"]) + 2,
        "right_shift",
        _shifts(signed=False, msb="zero"),
        MILL,
    ),
    Line(
        "TR",
        "L(s+1) + l + 13s",
        lambda p: LAMBDA * (p["shift"] + 1) + p["bits"] + 13 * p["shift"],
        lambda p: _log(p["shift"]) + 2,
        "truncate_reduce",
        _shifts(),
        MILL,
    ),
    Line(
        "DivPow2",
        "L(l+7s/4+4) + 16l + 23s - 5",
        lambda p: LAMBDA * (p["bits"] + 7 * p["shift"] / 4 + 4) + 16 * p["bits"] + 23 * p["shift"] - 5,
        lambda p: _log(p["bits"]) + 4,
        "divide_by_power_of_two",
        _shifts(signed=True),
        "one comparison with equality gives the carry and the test for zero, and one AND the wrap",
    ),
    Line(
        "UMult/SMult",
        "L(3mu+nu+4) + 2 mu nu + mu^2 + 17mu + 16nu",
        _product_bits,
        lambda p: _log(max(p["x_bits"], p["y_bits"])) + 2,
        "multiply",
        _products("unknown"),
        MILL,
    ),
    Line(
        "*UMult/SMult",
        "L(2mu+6) + 2 mu nu + mu^2 + 3mu + 2nu + 4",
        _known_product_bits,
        lambda _: 4,
        "multiply",
        _products("zero"),
        "no difference",
    ),
    Line(
        "DigDec",
        "(l/d-1)(L(d+2) + 15d + 20)",
        _digit_bits,
        lambda p: _log(p["digit_bits"]) + p["bits"] / p["digit_bits"] + 1,
        "digit_decompose",
        tuple({"bits": bits, "digit_bits": 8} for bits in (16, 32, 64)),
        "no equality and no AND for carries known to be zero; the carries go up one digit at a time, two flights each",
    ),
    Line(
        "MSNZB",
        "(l/d-1)(L(d+8) + 2^d(i+1) + 15d + 2i + 60) + 6L + 2^d(i+1) + l^2 + 2i",
        _msnzb_bits,
        lambda p: _log(p["digit_bits"]) + 2 * p["bits"] / p["digit_bits"] + 7,
        "msnzb",
        tuple({"bits": bits, "digit_bits": 8} for bits in (16, 32, 64)),
        "one MUX a digit in the ring of the index: nothing is extended, no flags are ANDed; again a digit at a time",
    ),
)


def rows() -> list[dict[str, Any]]:
    """Every line at every width: the paper's figures, our formula's and a run's."""
    return [_row(line, case) for line in LINES for case in line.cases]


def _row(line: Line, case: dict[str, Any]) -> dict[str, Any]:
    spec = REGISTRY[line.protocol]
    declared = spec.cost(Profile.PAPER, SIZE, case)
    measured = trio.run(measure_protocol, spec, case, SIZE)
    shown = {name: value for name, value in case.items() if type(value) is int}
    return {
        "protocol": line.name,
        "parameters": ", ".join(str(value) for value in shown.values()),
        "paper_formula": line.formula,
        "paper_bits": line.bits(case),
        "formula_bits": 8 * declared.payload / SIZE,
        "measured_bits": 8 * measured.payload / SIZE,
        "paper_rounds": line.rounds(case),
        "formula_flights": declared.flights,
        "measured_flights": measured.flights,
        "why": line.why,
    }
