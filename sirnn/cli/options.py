"""Options that several commands share, spelled the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from simulator.network import NETWORKS
from sirnn.errors import LocalError
from sirnn.profile import Profile

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """--json."""
    return click.option("as_json", "--json", is_flag=True, help="Print one JSON object and nothing else.")(command)


def network_option(command: F) -> F:
    """--network."""
    return click.option(
        "--network", type=click.Choice(list(NETWORKS)), default="lan", show_default=True, help="Network to simulate."
    )(command)


def over_option(command: F) -> F:
    """--over."""
    return click.option(
        "--over",
        type=click.Choice(["sim", "tcp"]),
        default="sim",
        show_default=True,
        help="sim: both parties in this process, in virtual time. tcp: two processes over loopback.",
    )(command)


def seed_option(command: F) -> F:
    """--seed."""
    return click.option(
        "--seed",
        type=int,
        default=None,
        help="Make a simulated run reproducible to the byte (insecure; refused over TCP).",
    )(command)


def profile_option(command: F) -> F:
    """--profile."""
    return click.option(
        "--profile",
        type=click.Choice([profile.value for profile in Profile]),
        default=Profile.PAPER.value,
        show_default=True,
        callback=lambda _ctx, _param, value: Profile(value),
        help="How functions are evaluated.",
    )(command)


def reveals_option(command: F) -> F:
    """--reveal."""
    return click.option(
        "--reveal",
        "reveals",
        type=click.Choice(["class", "logits"]),
        default="class",
        show_default=True,
        help="What the client learns; both parties must say the same.",
    )(command)


def split_address(address: str) -> tuple[str, int]:
    """HOST:PORT.

    Raises:
        LocalError: it is not of that form.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise LocalError(f"{address!r} is not an address", remedy="give HOST:PORT, such as 127.0.0.1:7000")
    return host.strip("[]"), int(port)
