"""Parties that compiled a model's functions differently find out before either has used its inputs."""

from __future__ import annotations

from functools import partial

import pytest

from sirnn.errors import PeerError
from sirnn.models.model import ModelShape
from sirnn.nn.service import answer, ask
from sirnn.profile import Profile
from tests.harness import run_pair
from tests.nn.sessions import small_model, some_recordings

MODEL = small_model(1)
RECORDINGS = some_recordings(MODEL, 1)


@pytest.fixture
def different_plans(monkeypatch):
    """Every time a party asks for the digest of its plans it gets another one."""
    digests = iter(f"{number:02x}" * 32 for number in range(10, 256))
    monkeypatch.setattr(ModelShape, "plans_digest", lambda *_: next(digests))


async def session(profile, over):
    serve = partial(answer, model=MODEL, profile=profile)
    return (await run_pair(serve, partial(ask, recordings=RECORDINGS, profile=profile), over=over)).outcomes


@pytest.mark.usefixtures("different_plans")
@pytest.mark.parametrize("over", ["sim", "tcp"])
async def test_different_plans_are_an_error_at_both(over):
    ends = await session(Profile.LEAN, over)
    said = set()
    for end in ends:
        assert isinstance(end.error, PeerError)
        assert "compiled the model's functions differently" in str(end.error)
        assert "cache of compiled plans" in end.error.remedy
        said.add(tuple(word[:16] for word in str(end.error).replace(",", "").split() if word[:2] in ("0a", "0b")))
    assert said == {("0a" * 8, "0b" * 8), ("0b" * 8, "0a" * 8)}


@pytest.mark.usefixtures("different_plans")
async def test_profiles_that_compile_nothing_compare_nothing():
    assert [end.error for end in await session(Profile.PAPER, "sim")] == [None, None]
