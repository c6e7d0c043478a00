"""What commands write to: streams of any encoding, streams that are full or closed, and from any thread."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from sirnn.cli import bench as bench_module
from sirnn.cli import demo as demo_module
from sirnn.cli import report
from sirnn.cli.library import load_library
from sirnn.cli.main import COMMANDS, cli
from sirnn.cli.pair import run_pair
from sirnn.cli.plain import PLAIN, plain_characters, spelled
from sirnn.cli.scenario import load_scenario
from sirnn.protocol import REGISTRY
from tests.cli.processes import PATIENCE, SIRNN, Server, sirnn
from tests.cli.test_bench import REPORT
from tests.cli.test_pair import receive, send
from tests.test_docs import ROOT

ENCODINGS = ["ascii", "latin-1", "cp1252"]
SMALL = ["--bits", "6", "--in-scale", "3", "--out-bits", "8", "--out-scale", "3"]


@pytest.fixture(scope="module")
def lines(tiny):
    """A line for every command that runs by itself, small enough to be run many times."""
    np.save(tiny.folder / "integers.npy", np.array([-8, 0]))
    marked = tiny.folder / "größer.toml"
    marked.write_text(tiny.scenario.read_text().replace("for tests", "für Tests – π"), encoding="utf-8")
    return {
        "demo": ["demo"],
        "run": ["run", marked],
        "cost": ["cost", "exp", *SMALL],
        "block": ["block", "b2a", "--count", "5"],
        "check": ["check", ROOT / "docs" / "examples" / "hamming.py", "--profile", "paper", "--runs", "0"],
        "sweep": ["sweep", "mux", "--profile", "paper", "--every", "30"],
        "measure": ["measure", "exp", *SMALL, "--count", "5"],
        "bench": ["bench"],
        "prove": ["prove", "exp", "--bits", "6", "--in-scales", "3", "--out-scales", "3", "--out-bits", "8"],
        "eval": ["eval", "exp", *SMALL, "--inputs", tiny.folder / "integers.npy", "--outputs", tiny.folder / "out"],
        "compile-function": ["compile-function", "exp", *SMALL, "--explain"],
    }


@pytest.fixture(autouse=True)
def cheap(tiny, monkeypatch):
    """The demo of a small model, a benchmark that was run before, and protocols that are forgotten after a check."""
    monkeypatch.setattr(demo_module, "load_scenario", lambda _: load_scenario(str(tiny.scenario)))
    monkeypatch.setattr(bench_module, "run_rows", lambda _: [REPORT])
    load_library()
    known = set(REGISTRY)
    yield
    for name in set(REGISTRY) - known:
        del REGISTRY[name]


# ------------------------------------------------------------ encodings


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_writes_what_the_stream_can_take(lines, name, encoding):
    runner = CliRunner(charset=encoding)
    for line in ([name, "--help"], *([lines[name]] if name in lines else [])):
        result = runner.invoke(cli, list(map(str, line)), prog_name="sirnn")
        assert result.exit_code == 0, result.output
        text = result.stdout_bytes.decode(encoding)
        assert not set(text) & set(PLAIN) - set("…")
        known = text.replace("\\u2013", "").replace("\\u03c0", "")  # the scenario's own
        assert "\\u" not in known, "a character that we draw with has no plain one"
        assert name not in ("cost", "block", "run") or "--help" in line or "+-----" in text


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_errors_are_written_in_any_encoding(encoding, tmp_path):
    for line in (["run", tmp_path / "größer–π.toml"], ["measure", "x−π"], ["eval", "\udcff", "--inputs", "x"]):
        result = CliRunner(charset=encoding).invoke(cli, list(map(str, line)), prog_name="sirnn")
        assert result.exit_code in (1, 2), line
        assert result.stderr_bytes.decode("utf-8" if encoding == "ascii" else encoding)  # click mistrusts ascii
        assert isinstance(result.exception, SystemExit)


def test_what_cannot_be_encoded_is_written_one_for_one():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    before, sys.stdout = sys.stdout, stream
    try:
        with plain_characters():
            sys.stdout.write("╭─┬╮│█▁…é\udcff")
    finally:
        sys.stdout = before
    assert stream.errors == "strict"  # the stream is the caller's again
    stream.flush()
    assert stream.buffer.getvalue() == rb"+-++|81.\xe9\udcff"


def test_a_plot_is_plain_as_a_whole():
    cp437 = io.TextIOWrapper(io.BytesIO(), encoding="cp437")  # has some of the blocks
    assert spelled("█▄▁", cp437) == "841"
    assert spelled("█▄▁", io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) == "█▄▁"
    assert spelled("█▄", cp437) == "█▄"


def test_processes_write_plain_characters(monkeypatch, tiny):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with Server("--model", tiny.model_path, "--once", terminal=True) as server:
        told = sirnn("query", "--connect", server.address, "--input", tiny.recording)
        assert server.end() == 0
        assert "steps" in server.stderr
    assert told.returncode == 0, told.stderr
    assert "+-----" in told.stdout
    assert (told.stdout + server.stdout + server.stderr).isascii()


def test_the_locale_of_nobody(monkeypatch):
    for name, value in (("LC_ALL", "C"), ("PYTHONCOERCECLOCALE", "0"), ("PYTHONUTF8", "0")):
        monkeypatch.setenv(name, value)
    result = sirnn("block")
    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()


# ------------------------------------------------------------ outputs that take nothing


@pytest.fixture
def deaf(how):
    """A file that nothing can be written to."""
    if how == "full":
        with open("/dev/full", "w") as file:  # noqa: PTH123 - it stands for standard output
            yield file
    else:
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "w") as file:
            yield file


@pytest.mark.parametrize(("how", "options"), [("full", []), ("closed", ["--json"])], ids=["full", "closed"])
@pytest.mark.parametrize("name", [*COMMANDS, ""])
def test_every_command_ends_in_a_line_if_its_output_takes_nothing(lines, name, options, deaf, monkeypatch):
    line = [*lines[name], *options] if name in lines else [name, "--help"] if name else ["--help"]
    error = io.StringIO()
    monkeypatch.setattr(sys, "stdout", deaf)
    monkeypatch.setattr(sys, "stderr", error)
    with pytest.raises(SystemExit) as end:
        cli.main(list(map(str, line)), prog_name="sirnn")
    assert end.value.code == 1
    said = [each for each in error.getvalue().splitlines() if "compiling, once" not in each]
    assert said in ([], ["sirnn: error: cannot use the output: No space left on device"])
    deaf.flush()  # the interpreter has nothing left to complain of


@pytest.mark.parametrize("deaf_too", [False, True], ids=["stdout", "both"])
def test_a_full_disk_is_no_traceback(deaf_too):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        line = [SIRNN, "block", "--json"]
        error = full if deaf_too else subprocess.PIPE
        result = subprocess.run(line, stdout=full, stderr=error, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    assert result.returncode == 1
    assert deaf_too or result.stderr == "sirnn: error: cannot use the output: No space left on device\n"


def test_a_message_that_cannot_be_written_changes_no_exit_code():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        line = [SIRNN, "run", "juggling"]
        result = subprocess.run(line, stdout=subprocess.PIPE, stderr=full, timeout=PATIENCE, check=False)  # noqa: S603
    assert result.returncode in (1, 2)
    assert result.stdout == b""


# ------------------------------------------------------------ threads


def in_a_thread(program):
    """What a program returns in a thread of its own."""
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(program()))
    thread.start()
    thread.join(PATIENCE)
    return outcome[0]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("serve", "query", "bench")])
def test_every_command_runs_off_the_main_thread(lines, name):
    line = [*map(str, lines[name]), "--json"]
    result = in_a_thread(lambda: CliRunner().invoke(cli, line, prog_name="sirnn"))
    assert result.exit_code == 0, result.output
    json.loads(result.stdout)


def test_two_processes_are_run_off_the_main_thread():
    assert in_a_thread(lambda: run_pair(send, receive, over="tcp")).values == (0, b"four")


# ------------------------------------------------------------ empty tables, bars


def test_a_plan_that_sends_nothing_says_so(invoke):
    silent = ("--bits", "2", "--in-scale", "0", "--out-bits", "2", "--out-scale", "1", "--count", "9")
    result = invoke("measure", "sigmoid", *silent)
    assert result.exit_code == 0, result.output
    assert "Nothing is sent after the set-up" in result.stdout
    assert "Where the bytes went" not in result.stdout
    assert invoke("cost", "sigmoid", *silent).exit_code == 0


def test_a_table_without_rows_is_a_sentence():
    with report.out.capture() as capture:
        report.out.print(report.table("Things", ["name", "count"], []))
        report.out.print(report.scope_table({}))
    assert capture.get().startswith("Things: nothing to show.\nNothing is sent")


def test_bars_are_in_the_order_of_the_work(monkeypatch):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, _environ={})
    monkeypatch.setattr(report, "Console", lambda **_: console)
    with report.inference_bars() as (steps, making):
        making("cot/server", 1, 2)
        steps(3, 4)
        report.say("a line of its own")
    last = screen.getvalue().rpartition("a line of its own")[2]
    assert 0 < last.index("making cot/server") < last.index("steps")
    assert "setting up" not in last
