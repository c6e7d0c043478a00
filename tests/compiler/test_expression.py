"""Expressions: what they compute, and that nothing but arithmetic gets through."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from sirnn.compiler.expression import parse
from sirnn.compiler.real import UNARY
from sirnn.names import UnknownNameError

X = np.array([-2.5, -1.0, -0.25, 0.5, 1.0, 3.0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x", lambda x: x),
        ("-x ** 2 + 3 * x - 1 / 4", lambda x: -(x**2) + 3 * x - 0.25),
        ("exp(-abs(x)) * pi - e", lambda x: math.exp(-abs(x)) * math.pi - math.e),
        ("where(x < 0, 0.01 * x, x)", lambda x: 0.01 * x if x < 0 else x),
        ("clip(x, -1, 1) + (x >= 1)", lambda x: min(max(x, -1), 1) + (x >= 1)),
        ("max(x, 0) - min(x, 0)", abs),
        ("2", lambda x: 2),
        ("-(x > 0)", lambda x: -float(x > 0)),
    ],
)
def test_values(text, value):
    found = parse(text)(X)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [value(x) for x in X], rtol=1e-15)


def test_spellings_of_one_tree_share_their_text():
    assert parse(" 2*x+ 1 ").text == parse("(2 * x) + 1").text != parse("2 * (x + 1)").text


def test_where_there_is_no_value_there_is_none_and_no_warning():
    assert np.isnan(parse("log(x)")(X)[0])
    assert np.isinf(parse("1 / (x - 1)")(X)[4])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "y",
        "x.real",
        "__import__('os').system('true')",
        "(lambda: 1)()",
        "[x for x in x]",
        "x if x else 1",
        "x and x",
        "'x'",
        "True",
        "1j",
        "1e999",
        "x @ x",
        "x // 2",
        "x[0]",
        "exp",
        "exp(x, x)",
        "exp(x=1)",
        "exp(*x)",
        "max(x)",
        "0 < x < 1",
        "x := 1",
        "eval(x)",
        "x; x",
        "(" * 400 + "x" + ")" * 400,
        "-" * 990 + "x",
        "x" * 1001,
        "9" * 900,
        "x\0",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(UnknownNameError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1e300 * x", "the number 1e+300 in an expression; use numbers below 1e+300"),
        ("sigmod(x)", "there is no function 'sigmod'; did you mean sigmoid or hard_sigmoid?"),
        ("sigmod", "there is no function 'sigmod'; did you mean sigmoid or hard_sigmoid?"),
        ("x * exp", "the function exp without arguments; write exp(x)"),
        ("sin(x", "'sin(x' is no expression: '(' was never closed; write it as in Python, in x"),
        ("x\ud800", "has characters that no expression has"),
        ("-" * 990 + "x", "nested too deeply"),
    ],
)
def test_the_refusal_says_what_is_wrong(text, words):
    with pytest.raises(UnknownNameError) as refusal:
        parse(text)
    assert words in str(refusal.value)


REFERENCES = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "mish": lambda x: x * mpmath.tanh(mpmath.log(1 + mpmath.exp(x))),
    "erf": mpmath.erf,
    "elu": lambda x: x if x > 0 else mpmath.expm1(x),
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "log1p": mpmath.log1p,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_functions_are_as_exact_as_doubles_can_be(name):
    mpmath.mp.prec = 200
    xs = np.concatenate([2.0 ** np.arange(-20, 5), np.linspace(0.01, 8, 40)])
    xs = xs if name in {"rsqrt", "log1p"} else np.concatenate([xs, -xs])
    for x, found in zip(xs, UNARY[name](xs), strict=True):
        exact = REFERENCES[name](mpmath.mpf(float(x)))
        assert abs(found - exact) <= 2.0**-46 * abs(exact) + 2.0**-64
