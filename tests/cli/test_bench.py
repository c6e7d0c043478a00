"""`sirnn bench`: its rows, its table and its files; of running, one small row."""

from __future__ import annotations

import csv
import json

import pytest

from sirnn.cli import scaling
from sirnn.cli.bench import FULL, PROFILES, QUICK, bench_table, rows
from sirnn.cli.measure import measure
from sirnn.cli.report import out
from sirnn.cli.rows import COLUMNS, Row
from sirnn.errors import LocalError

REPORT = {
    "row": "rot softspoken-8",
    "what": "rot",
    "command": "sirnn measure rot",
    "count": 10_000_000,
    "flights": 1,
    "per_second": 12_345_678.9,
    **{f"bytes_{stage}": 12_345_678_900 for stage in ("offline", "online")},
    "bytes_setup": 345_678,
    **{f"seconds_{stage}": 123.4567 for stage in ("setup", "offline", "online")},
    **{f"peak_bytes_{who}": 1e8 for who in ("server", "client")},
}


def test_a_row_over_tcp_into_a_file(invoke, tmp_path):
    result = invoke("bench", "--quick", "--only", "rot softspoken", "-o", tmp_path / "table.csv", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    (report,) = json.loads(result.stdout)["rows"]
    assert report["count"] == 1024
    assert report["bits_per_instance"] == 15
    assert report["seconds_offline"] > 0
    with (tmp_path / "table.csv").open(newline="") as file:
        (written,) = csv.DictReader(file)
    assert tuple(written) == COLUMNS
    assert written == {key: str(report[key]) for key in COLUMNS}
    assert written["command"] == "sirnn measure rot --ot softspoken-8 --count 1000 --repeat 1 --over tcp"


def test_a_row_of_every_profile(invoke):
    result = invoke("bench", "--quick", "--only", "exp", "--json")
    assert result.exit_code == 0, result.output
    lean, exact, paper = json.loads(result.stdout)["rows"]
    assert [row["profile"] for row in (lean, exact, paper)] == list(PROFILES)
    assert lean["count"] == exact["count"] == paper["count"] == 256
    assert exact["max_ulp"] == paper["max_ulp"] != lean["max_ulp"]
    assert lean["flights_online"] < min(exact["flights_online"], paper["flights_online"])


@pytest.mark.parametrize("sizes", [FULL, QUICK], ids=["full", "quick"])
def test_every_row_is_a_command(sizes):
    for row in [*rows(sizes, 3), *scaling.points(False), *scaling.points(True)]:
        measure.make_context("measure", list(row.arguments), resilient_parsing=False)
    names = [row.name for row in rows(sizes, 3)]
    assert len(set(names)) == len(names) == 21
    for function in ("sigmoid", "tanh", "exp", "rsqrt"):
        assert [name for name in names if function in name] == [f"{function} {which}" for which in PROFILES]


def test_the_table_fits_into_80_columns():
    with out.capture() as capture:
        out.print(bench_table([REPORT, {**REPORT, "row": "sigmoid exact"}]))
    lines = capture.get().splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= 80
    assert "12,345,679" in lines[2]


def test_a_row_that_fails_says_how_to_see_it(invoke):
    with pytest.raises(LocalError, match=r"odd: .*tanh is -1 at .*; try it by itself: sirnn measure tanh") as failure:
        Row("odd", ("tanh", "--out-scale", "16")).run()
    assert failure.value.remedy == "try it by itself: sirnn measure tanh --out-scale 16 --over tcp"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "/nowhere/table.csv"], "there is no folder /nowhere"),
        (["--scaling"], "--scaling draws a plot; name it with -o"),
        (["--scaling", "-o", "plot.csv"], "ending in .svg or .png"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_refused_before_anything_is_run(invoke, arguments, words):
    result = invoke("bench", "--quick", *arguments)
    assert result.exit_code == 1
    assert words in result.stderr


def test_a_row_that_there_is_not_is_bad_usage(invoke):
    result = invoke("bench", "--quick", "--only", "juggling")
    assert result.exit_code == 2
    assert "no row's name contains 'juggling'" in result.stderr


def test_a_plot_needs_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setattr(scaling, "find_spec", lambda _: None)
    with pytest.raises(LocalError, match=r"pip install 'sirnn\[docs\]'"):
        scaling.check_output(tmp_path / "plot.svg")


@pytest.mark.parametrize("suffix", scaling.SUFFIXES)
def test_the_plot(tmp_path, suffix):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"plot{suffix}"
    scaling.plot(path, [{**REPORT, "what": what, "count": n} for what in ("rot", "sigmoid") for n in (1000, 10_000)])
    assert path.stat().st_size > 1000
    with pytest.raises(LocalError, match="cannot write"):
        scaling.plot(tmp_path / "absent" / f"plot{suffix}", [REPORT])
