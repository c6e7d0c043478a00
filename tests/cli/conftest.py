"""A small model and its scenario, as files."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest
from click.testing import CliRunner

from sirnn.cli.main import cli
from sirnn.models.model import Model, save_model
from sirnn.models.quantise import quantise
from tests.cli.processes import unannounced
from tests.models.networks import CHANNELS, network

SCENARIO = """\
name = "tiny"
title = "A scenario for tests"
model = "model.npz"
recordings = "recordings.npz"
default_recording = 1
network = "wan"
profile = "lean"
"""


@attrs.frozen
class Files:
    """Paths in a scenario's folder, and what is in them."""

    folder: Path
    model: Model
    recordings: np.ndarray

    @property
    def scenario(self):
        return self.folder / "scenario.toml"

    @property
    def model_path(self):
        return self.folder / "model.npz"

    @property
    def recording(self):
        """The scenario's default recording alone."""
        return self.folder / "recording.npy"


def make_files(folder, steps):
    rng = np.random.default_rng(2)
    recordings = rng.normal(size=(3, steps, CHANNELS))
    model = quantise(network(1), recordings)
    save_model(model, folder / "model.npz")
    np.savez(folder / "recordings.npz", recordings=recordings, labels=np.array([0, 1, 2]))
    np.save(folder / "recording.npy", recordings[1])
    (folder / "scenario.toml").write_text(SCENARIO)
    return Files(folder, model, recordings)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A scenario that is done in a second."""
    return make_files(tmp_path_factory.mktemp("tiny"), steps=4)


@pytest.fixture(scope="session")
def long(tmp_path_factory):
    """A scenario that takes long enough to be interrupted."""
    return make_files(tmp_path_factory.mktemp("long"), steps=50)


@pytest.fixture
def invoke():
    """A command in this process, for what needs no process of its own."""

    def run(*arguments):
        result = CliRunner().invoke(cli, [str(each) for each in arguments], prog_name="sirnn")
        for printed in ("stderr_bytes", "output_bytes"):
            setattr(result, printed, unannounced(getattr(result, printed).decode()).encode())
        return result

    return run
