"""Plant every mutant and say which test caught it."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from tests.mutants.collection import MUTANTS, TESTS, Mutant

OPTIONS = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "--no-header", "--tb=no")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def caught_by(mutant: Mutant) -> str | None:
    """The first test that fails with the mutant planted; None if none does."""
    rounds = [["-k", mutant.near], []] if mutant.near else [[]]
    for chosen in rounds:
        command = [sys.executable, "-m", "tests.mutants.plant", mutant.name, *OPTIONS, *TESTS, *chosen]
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        failed = FAILED.search(run.stdout)
        if failed:
            return failed[1]
        if run.returncode not in (0, 5):  # 5: nothing was selected
            return f"could not be run: {(run.stdout + run.stderr).strip().splitlines()[-1]}"
    return None


@click.command()
@click.argument("names", nargs=-1)
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="Mutants at a time.")
@click.option("--list", "only_list", is_flag=True, help="Name them, and run nothing.")
def main(names: tuple[str, ...], jobs: int, only_list: bool) -> None:
    """Plant mutants (all, or those of these NAMES) and report which test catches each; exit 1 if one is not caught."""
    unknown = [name for name in names if name not in MUTANTS]
    if unknown:
        raise click.BadParameter(f"no mutant is called {', '.join(unknown)}; see --list")
    chosen = [MUTANTS[name] for name in names] or list(MUTANTS.values())
    results: dict[str, str | None] = {}
    if not only_list:
        with Progress(console=Console(stderr=True)) as bar, ThreadPoolExecutor(jobs) as pool:
            task = bar.add_task("mutants", total=len(chosen))
            for mutant, test in zip(chosen, pool.map(partial(_advancing, bar, task), chosen), strict=True):
                results[mutant.name] = test
    _print(chosen, results, only_list)
    if None in results.values():
        raise click.exceptions.Exit(1)


def _advancing(bar: Progress, task: object, mutant: Mutant) -> str | None:
    test = caught_by(mutant)
    bar.advance(task)  # type: ignore[arg-type]
    return test


def _print(chosen: list[Mutant], results: dict[str, str | None], only_list: bool) -> None:
    table = Table("mutant", "what it does", *([] if only_list else ["caught by"]))
    for mutant in chosen:
        verdict = [] if only_list else [escape(results[mutant.name] or "NOT CAUGHT")]
        table.add_row(mutant.name, mutant.what, *verdict)
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    if results:
        caught = sum(test is not None for test in results.values())
        print(f"{caught} of {len(results)} caught")  # noqa: T201


if __name__ == "__main__":
    main()
