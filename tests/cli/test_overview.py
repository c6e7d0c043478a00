"""What every command has, and what it does with bad usage."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from sirnn.cli.main import COMMANDS
from sirnn.version import __version__
from tests.cli.processes import PATIENCE, sirnn

HEAVY = ("numpy", "numba", "trio", "rich", "cryptography")


def test_the_overview_lists_every_command():
    result = sirnn("--help")
    assert result.returncode == 0
    assert result.stderr == ""
    listed = result.stdout.partition("Commands:")[2]
    assert [line.split()[0] for line in listed.splitlines() if line[2:3].strip()] == list(COMMANDS)
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_overview_imports_nothing_heavy():
    program = f"""
import sys
from sirnn.cli.main import main
try:
    sys.argv = ["sirnn", "--help"]
    main()
finally:
    print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    line = [sys.executable, "-c", program]
    result = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S603
    assert result.stderr.strip() == "[]"
    assert "demo" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_json(invoke, name):
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: sirnn {name} ")
    command = COMMANDS[name].load()
    assert command.name == name
    assert "--json" in [option for each in command.params for option in each.opts]
    undocumented = [each.name for each in command.params if isinstance(each, click.Option) and not each.help]
    assert undocumented == []


def test_version(invoke):
    assert invoke("--version").output == f"sirnn {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["measur"],
        ["run", "juggling"],
        ["cost", "juggling"],
        ["cost", "-z"],
        ["block", "juggling"],
        ["block", "b2a", "-p", "juggling=3"],
        ["eval", "juggling", "--inputs", "x.npy", "--outputs", "y.npy"],
        ["compile-function", "juggling"],
        ["prove", "juggling"],
        ["bench", "--only", "juggling"],
        ["demo", "--nonsense"],
        ["run"],
        ["run", "basicmotions", "--over", "pigeon"],
        ["run", "basicmotions", "--all", "--recording", "1"],
        ["serve", "--listen", "7000"],
        ["serve", "--listen", "127.0.0.1:99999"],
        ["serve", "--silence", "0"],
        ["query"],
        ["query", "--connect", "localhost"],
        ["measure", "sine"],
        ["measure", "exp", "--count", "0"],
        ["measure", "exp", "--bits", "65"],
        ["measure", "exp", "--in-scale", "1000"],
        ["cost", "basicmotions", "--bits", "12"],
        ["eval", "exp"],
    ],
    ids=" ".join,
)
def test_bad_usage_exits_with_2(invoke, arguments):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert "Usage: sirnn" in result.stderr
    assert "Error: " in result.stderr
    assert result.stdout == ""


def test_what_exceeds_the_memory_is_refused_in_a_line(invoke):
    result = invoke("measure", "exp", "--profile", "exact", "--count", 10**15)
    assert result.exit_code == 1
    assert result.stderr.startswith("sirnn: error: not enough memory")
    assert result.stdout == ""


@pytest.mark.parametrize("option", [["--seed", "1"], ["--network", "wan"]], ids=lambda option: option[0])
@pytest.mark.parametrize("command", [["run", "basicmotions"], ["measure", "exp"]], ids=lambda command: command[0])
def test_a_real_connection_takes_neither_seed_nor_network(invoke, command, option):
    result = invoke(*command, "--over", "tcp", *option)
    assert result.exit_code == 2
    assert f"{option[0]} is for simulated runs" in " ".join(result.stderr.split())
