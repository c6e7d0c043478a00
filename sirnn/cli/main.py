"""The entry point: `sirnn COMMAND ...`.

Commands are imported when they are run, so that `sirnn --help` answers at once. Exit codes: 0 done, 1 failed, 2 bad
usage.
"""

from __future__ import annotations

import importlib
import sys

import attrs
import click

from sirnn.errors import LocalError, PeerError, SirnnError, TransportError
from sirnn.version import __version__


@attrs.frozen
class _Lazy:
    """Where a command is, and what the overview says of it."""

    module: str
    summary: str


COMMANDS = {
    "demo": _Lazy("sirnn.cli.demo", "The main job, here and now: one recording, one model, both parties simulated."),
    "run": _Lazy("sirnn.cli.run", "A scenario with both parties on this machine, simulated or over TCP."),
    "serve": _Lazy("sirnn.cli.serve", "Be the server: hold the model and wait for clients."),
    "query": _Lazy("sirnn.cli.query", "Be the client: send a recording through somebody's model."),
    "cost": _Lazy("sirnn.cli.cost", "What a function or a model will cost; nothing is run."),
    "measure": _Lazy("sirnn.cli.measure", "Run a function and report bytes, flights, seconds and worst error."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(COMMANDS[cmd_name].module), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="sirnn", message="sirnn %(version)s")
def cli() -> None:
    """Secure two-party inference for recurrent networks.

    A server holds a trained model, a client holds a recording. They compute the prediction together, by oblivious
    transfer on shares of every value, and neither learns what the other put in. Security is against semi-honest
    parties (they follow the protocol and try to learn from what they see); no third party is trusted.

    Start with `sirnn demo`. Every command takes --json for one JSON object on standard output, and --help.
    """


FAULTS = {LocalError: "error", PeerError: "the other party", TransportError: "network"}
"""What the message starts with, by whose fault it is."""


def main() -> None:
    """Run the command line; errors of ours become one line on standard error and exit code 1."""
    try:
        cli()
    except SirnnError as error:
        click.echo(f"sirnn: {FAULTS.get(type(error), 'error')}: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("sirnn: interrupted", err=True)
        sys.exit(1)
