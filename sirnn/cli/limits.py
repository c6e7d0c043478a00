"""Options for what a session may take, the same for `serve` and `query`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import attrs
import click

from sirnn.nn.limits import Limits

UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}

DEFAULTS = Limits()


class Size(click.ParamType[int]):
    """A number of bytes, such as 500MB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """An integer; see `click.ParamType.convert`."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,15}) ?([A-Za-z]*)", value)
        unit = found and UNITS.get(found[2].upper())
        if not found or not unit or not int(found[1]):
            self.fail(f"{value!r} is not a size: give a number and a unit, such as 500MB or 4GB", param, ctx)
        return int(found[1]) * unit


def limits_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--max-recordings, --max-traffic, --max-memory, --hello-seconds, --session-seconds; the command gets `limits`."""
    seconds = click.FloatRange(min=0, min_open=True)
    options = (
        _option("recordings", click.IntRange(1), "Recordings in one session"),
        _option("traffic", Size(), "Bytes that a session may send both ways, by what is declared"),
        _option("memory", Size(), "Bytes of correlations that may lie ready here"),
        click.option(
            "--hello-seconds",
            type=seconds,
            default=DEFAULTS.hello_seconds,
            show_default=True,
            help="Seconds for the other party to say what it wants.",
        ),
        click.option(
            "--session-seconds",
            type=seconds,
            default=DEFAULTS.session_seconds,
            show_default=True,
            help="Seconds for a whole session.",
        ),
    )
    names = [field.name for field in attrs.fields(Limits)]

    @functools.wraps(command)
    def limited(*args: Any, **kwargs: Any) -> Any:
        limits = Limits(**{name: kwargs.pop(name) for name in names})
        return command(*args, limits=limits, **kwargs)

    for option in reversed(options):
        limited = option(limited)
    return limited


def _option(name: str, kind: click.ParamType[int], help_text: str) -> Callable[[Any], Any]:
    default = getattr(DEFAULTS, name)
    shown = True if name == "recordings" else f"{default // UNITS['GB']}GB"
    return click.option(
        f"--max-{name}", name, type=kind, default=default, show_default=shown, help=f"{help_text}; more is refused."
    )
