"""The entry point: `sirnn COMMAND ...`.

Commands are imported when they are run, so that `sirnn --help` answers at once. Exit codes: 0 done, 1 failed, 2 bad
usage.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import attrs
import click

from sirnn.cli.plain import plain_characters
from sirnn.errors import PeerError, SirnnError, TransportError
from sirnn.installation import check_packages
from sirnn.names import UnknownNameError, unknown_name
from sirnn.version import __version__


@attrs.frozen
class _Lazy:
    """Where a command is, as module:attribute, and what the overview says of it."""

    place: str
    summary: str

    def load(self) -> click.Command:
        module, _, attribute = self.place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


COMMANDS = {
    "demo": _Lazy("sirnn.cli.demo:demo", "The main job, here and now: one recording, both parties simulated."),
    "run": _Lazy("sirnn.cli.run:run", "A scenario with both parties on this machine, simulated or over TCP."),
    "serve": _Lazy("sirnn.cli.serve:serve", "Be the server: hold the model and wait for clients."),
    "query": _Lazy("sirnn.cli.query:query", "Be the client: send a recording through somebody's model."),
    "cost": _Lazy("sirnn.cli.cost:cost", "What a function or a model will cost; nothing is run."),
    "block": _Lazy("sirnn.cli.block:block", "Run a single protocol: its bytes and flights, checked."),
    "check": _Lazy("sirnn.cli.check:check", "Hold a protocol of your own to its declared value and cost."),
    "sweep": _Lazy("sirnn.cli.sweep:sweep", "Every fault at every message, and how both parties end."),
    "measure": _Lazy("sirnn.cli.measure:measure", "Run a function or random OTs: bytes, flights, seconds, errors."),
    "bench": _Lazy("sirnn.cli.bench:bench", "The benchmark, in one table; or time and memory over the count."),
    "prove": _Lazy("sirnn.cli.prove:prove", "The error of every function over every input word."),
    "eval": _Lazy("sirnn.cli.eval:evaluate", "Run a function on integers of yours and write what comes out."),
    "compile-function": _Lazy(
        "sirnn.cli.compile_function:compile_function", "Make a function into a protocol, within an error."
    ),
}

FAULTS = ((PeerError, "the other party"), (TransportError, "network"), (SirnnError, "error"))
"""What a message starts with, by whose fault it is."""


class _Commands(click.Group):
    """Where every command ends: 0 done, 1 failed, 2 bad usage, and no traceback but that of a defect."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        from sirnn.cli.announce import Announcement, announced
        from sirnn.cli.report import say

        ctx.with_resource(announced(Announcement(say)))  # before the command is imported, which may compile, too
        return COMMANDS[cmd_name].load()

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(str(unknown_name("command", name, COMMANDS, otherwise="see sirnn --help")), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.summary) for name, lazy in COMMANDS.items()])

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """As click's, but in characters that the streams can take, and with a line of why if they cannot be written."""
        streams = (sys.stdout, sys.stderr)
        try:
            with plain_characters():
                return super().main(*args, **kwargs)
        except OSError as failure:
            with suppress(OSError):
                where = failure.filename or "the output"
                click.echo(f"sirnn: error: cannot use {where}: {failure.strerror or failure}", err=True)
            sys.exit(1)
        finally:
            for stream in streams:
                _abandon(stream)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; our errors, lack of memory and Ctrl-C become one line on standard error and exit code 1."""
        try:
            check_packages()
            return super().invoke(ctx)
        except UnknownNameError as error:
            name = ctx.invoked_subcommand or ""
            raise click.UsageError(str(error), click.Context(COMMANDS[name].load(), ctx, name)) from error
        except SirnnError as error:
            problem = f"{next(whose for kind, whose in FAULTS if isinstance(error, kind))}: {error}"
        except KeyboardInterrupt:
            problem = "interrupted"
        except MemoryError:
            problem = "error: not enough memory for as many numbers at once; use smaller sizes"
        click.echo(f"sirnn: {problem}", err=True)
        raise click.exceptions.Exit(1)


def _abandon(stream: TextIO | None) -> None:
    """Let go of what a stream could not write, or the interpreter would try again when it ends, and complain.

    Whatever is written is flushed at once, and a failure told; nothing is lost here that was not lost before.
    """
    if stream is None or stream.closed:
        return
    try:
        stream.flush()
    except OSError:
        with suppress(OSError), Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="sirnn %(version)s")
def cli() -> None:
    """Secure two-party inference for recurrent networks.

    A server holds a trained model, a client holds a recording. They compute the prediction together, by oblivious
    transfer on shares of every value, and neither learns what the other put in. Security is against semi-honest
    parties (they follow the protocol and try to learn from what they see); no third party is trusted.

    Start with `sirnn demo`. Every command takes --json for one JSON object on standard output, and --help.
    """


def main() -> None:
    """Run the command line."""
    cli(prog_name="sirnn")
