"""Expressions: a function of x as text, read without ever running the text.

    parse("x * sigmoid(1.702 * x)")
    parse("where(x < 0, 0.01 * x, x)")

The text is parsed to a syntax tree, every node of which must be on the short list below; everything is arithmetic on
arrays of doubles, so no text can take long, name an attribute or reach a file.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import attrs
import numpy as np

from sirnn.compiler.real import UNARY, Reals
from sirnn.names import UnknownNameError, unknown_name

MAX_LENGTH = 1000
"""Characters."""

MAX_NUMBER = 1e300
"""What a number in an expression must stay below."""

CONSTANTS = {"pi": math.pi, "e": math.e}

OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: np.power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    **{name: (1, function) for name, function in UNARY.items()},
    "min": (2, np.minimum),
    "max": (2, np.maximum),
    "clip": (3, np.clip),
    "where": (3, np.where),
}
"""By name: how many arguments, and what it does."""


@attrs.frozen(eq=False)
class Expression:
    """A function of x that was read from text.

    Attributes:
        text: the expression, written the one way that all spellings of its tree share.
    """

    text: str
    _tree: ast.expr = attrs.field(repr=False)

    def __call__(self, x: Reals) -> Reals:
        """Its values, float64 of the shape of x; infinite or NaN where it has none."""
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(_value(self._tree, x), dtype=np.float64), np.shape(x))


def parse(text: str) -> Expression:
    """Read an expression in x.

    Raises:
        UnknownNameError: it is no expression, or uses anything but numbers, x, pi, e, + - * / **, comparisons (inside
            `where`) and the functions listed.
    """
    if len(text) > MAX_LENGTH:
        raise UnknownNameError(f"an expression of {len(text)} characters", remedy=f"use at most {MAX_LENGTH}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        _check(tree)
        return Expression(ast.unparse(tree), tree)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as failure:
        raise UnknownNameError(
            f"{text!r} is no expression: {_why(failure)}", remedy="write it as in Python, in x"
        ) from failure


def _why(failure: Exception) -> str:
    """What Python has against a text, in words."""
    if isinstance(failure, SyntaxError):
        return failure.msg
    if isinstance(failure, ValueError):
        return "it has characters that no expression has"
    return "it is nested too deeply"


def _refuse(what: str) -> UnknownNameError:
    names = ", ".join([*CONSTANTS, *FUNCTIONS])
    return UnknownNameError(
        f"{what} is nothing an expression can use", remedy=f"use numbers, x, + - * / ** and {names}"
    )


def _check(node: ast.expr) -> None:
    """Raise unless this node and all below it are allowed."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            if abs(value) >= MAX_NUMBER:
                raise UnknownNameError(
                    f"the number {ast.unparse(node)} in an expression", remedy=f"use numbers below {MAX_NUMBER:g}"
                )
        case ast.Name(id=name) if name == "x" or name in CONSTANTS:
            return
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            _check(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            _check(left)
            _check(right)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            _check(left)
            _check(right)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            if len(arguments) != FUNCTIONS[name][0]:
                given = f"{name} of {len(arguments)} arguments in {ast.unparse(node)!r}"
                raise UnknownNameError(given, remedy=f"it takes {FUNCTIONS[name][0]}")
            for argument in arguments:
                _check(argument)
        case ast.Name(id=name) if name in FUNCTIONS:
            raise UnknownNameError(f"the function {name} without arguments", remedy=f"write {name}(x)")
        case ast.Name(id=name) | ast.Call(func=ast.Name(id=name)) if get_close_matches(name, FUNCTIONS):
            raise unknown_name("function", name, FUNCTIONS)
        case _:
            raise _refuse(f"{ast.unparse(node)!r}")


def _value(node: ast.expr, x: Reals) -> Any:
    match node:
        case ast.Constant(value=int() | float() as value):
            return np.float64(value)
        case ast.Name(id=name):
            return x if name == "x" else np.float64(CONSTANTS[name])
        case ast.UnaryOp(op=op, operand=operand):
            return OPERATORS[type(op)](_value(operand, x))
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATORS[type(op)](_value(left, x), _value(right, x))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return np.asarray(OPERATORS[type(op)](_value(left, x), _value(right, x)), dtype=np.float64)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name][1](*(_value(argument, x) for argument in arguments))
    raise AssertionError("every node was checked")
