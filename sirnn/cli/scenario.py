"""A scenario: a TOML file that names a model, recordings and what to run them on."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs
import cattrs
import numpy as np
import numpy.typing as npt

from sirnn.errors import LocalError
from sirnn.models.archive import read_numpy
from sirnn.models.model import Model, load_model
from sirnn.profile import Profile

DEFAULT = "basicmotions"


@attrs.frozen
class _File:
    """The keys of a scenario file."""

    name: str
    title: str
    model: str
    recordings: str
    default_recording: int
    network: str
    profile: str


@attrs.frozen(eq=False)
class Scenario:
    """A scenario, loaded.

    Attributes:
        name: how it is called.
        title: what it shows, in a line.
        model: the server's model.
        model_path: where it came from.
        recordings: the client's recordings in real numbers, (count, steps, channels).
        labels: index of the true class of each.
        default_recording: which one to run if none is named.
        network: the network it is meant for.
        profile: how its functions are evaluated.
    """

    name: str
    title: str
    model: Model
    model_path: Path
    recordings: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    default_recording: int
    network: str
    profile: Profile


def scenario_names() -> list[str]:
    """The scenarios that come with the package."""
    return sorted(path.parent.name for path in _home().glob("*/scenario.toml"))


def load_scenario(name: str) -> Scenario:
    """A scenario that comes with the package, by name, or any scenario file, by path.

    Raises:
        LocalError: there is none of that name, or a file of it cannot be used.
    """
    path = Path(name) if name.endswith(".toml") else _home() / name / "scenario.toml"
    if not path.is_file():
        raise LocalError(f"there is no scenario {name}", remedy=f"choose from {', '.join(scenario_names())}, or a file")
    try:
        said = cattrs.Converter(forbid_extra_keys=True).structure(tomllib.loads(path.read_text()), _File)
        profile = Profile(said.profile)
    except (cattrs.BaseValidationError, ValueError) as failure:
        raise LocalError(f"{path} is not a scenario", remedy="compare it with one that comes with sirnn") from failure
    data = read_numpy(path.parent / said.recordings)
    if not isinstance(data, dict) or not {"recordings", "labels"} <= data.keys():
        raise LocalError(f"{said.recordings} lacks recordings or labels", remedy="save both arrays with numpy.savez")
    model_path = path.parent / said.model
    return Scenario(
        name=said.name,
        title=said.title,
        model=load_model(model_path),
        model_path=model_path,
        recordings=data["recordings"],
        labels=data["labels"],
        default_recording=said.default_recording,
        network=said.network,
        profile=profile,
    )


def _home() -> Path:
    return Path(str(files("scenarios").joinpath("basicmotions"))).parent
