"""Unknown names: the nearest ones, or all if there are few."""

from __future__ import annotations

import pytest

from sirnn.cli.library import find_protocol
from sirnn.names import UnknownNameError, unknown_name
from sirnn.profile import Profile

MANY = [f"name{number}" for number in range(40)]


@pytest.mark.parametrize(
    ("name", "known", "words"),
    [
        ("leen", ["lean", "paper"], "there is no thing 'leen'; did you mean lean? there are lean, paper"),
        ("zzz", ["lean", "paper"], "there is no thing 'zzz'; there are lean, paper"),
        ("name", MANY, "there is no thing 'name'; did you mean name9 or name8?"),
        ("zzz", MANY, "there is no thing 'zzz'; ask"),
        ("\x1b[31m", MANY, "there is no thing '\\x1b[31m'; ask"),
    ],
)
def test_what_is_told(name, known, words):
    assert str(unknown_name("thing", name, known, otherwise="ask")) == words


def test_a_profile_by_a_name_that_is_none():
    with pytest.raises(UnknownNameError, match=r"no profile 'leen'; did you mean lean\? there are paper, exact, lean"):
        Profile("leen")


def test_a_protocol_by_a_name_that_is_none():
    with pytest.raises(UnknownNameError, match=r"no protocol 'millionaire'; did you mean millionaires\?"):
        find_protocol("millionaire")
