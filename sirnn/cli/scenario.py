"""A scenario: a TOML file that names a model, recordings and what to run them on."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import attrs
import cattrs
import numpy as np
import numpy.typing as npt

from simulator.faults import Fault, parse
from simulator.network import NETWORKS
from sirnn.errors import LocalError
from sirnn.installation import SCENARIOS
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
    profile: Profile
    faults: tuple[str, ...] = ()


_CONVERTER = cattrs.Converter(forbid_extra_keys=True)


@attrs.frozen(eq=False)
class Scenario:
    """A scenario, loaded.

    Attributes:
        name: how it is called.
        title: what it shows, in a line.
        model: the server's model.
        model_path: where it came from.
        recordings: the client's recordings in real numbers, (count, ...).
        labels: index of the true class of each.
        default_recording: which one to run if none is named.
        network: the network it is meant for.
        profile: how its functions are evaluated.
        faults: what goes wrong on the link.
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
    faults: tuple[Fault, ...] = ()

    def some(self, indices: list[int]) -> npt.NDArray[Any]:
        """Some of the recordings.

        Raises:
            LocalError: there is none of that index.
        """
        last = len(self.recordings) - 1
        for index in indices:
            if not 0 <= index <= last:
                raise LocalError(f"the scenario has no recording {index}", remedy=f"choose from 0 to {last}")
        return self.recordings[indices]


def scenario_names() -> list[str]:
    """The scenarios that come with the package."""
    return sorted(path.parent.name for path in SCENARIOS.glob("*/scenario.toml"))


def load_scenario(name: str) -> Scenario:
    """A scenario that comes with the package, by name, or any scenario file, by path.

    Raises:
        LocalError: there is none of that name, or a file of it cannot be used.
    """
    path = Path(name) if name.endswith(".toml") else SCENARIOS / name / "scenario.toml"
    if not path.is_file():
        raise LocalError(f"there is no scenario {name}", remedy=f"choose from {', '.join(scenario_names())}, or a file")
    said = _read(path)
    model = load_model(path.parent / said.model)
    recordings, labels = _read_recordings(path.parent / said.recordings, len(model.shape.classes))
    return Scenario(
        name=said.name,
        title=said.title,
        model=model,
        model_path=path.parent / said.model,
        recordings=recordings,
        labels=labels,
        default_recording=said.default_recording,
        network=said.network,
        profile=said.profile,
        faults=tuple(map(parse, said.faults)),
    )


def _read(path: Path) -> _File:
    try:
        said = _CONVERTER.structure(tomllib.loads(path.read_text()), _File)
    except (cattrs.BaseValidationError, ValueError, OSError) as failure:
        why = "; ".join(cattrs.transform_error(failure)) if isinstance(failure, cattrs.BaseValidationError) else failure
        raise LocalError(
            f"{path} is not a scenario: {why}", remedy="compare it with one that comes with sirnn"
        ) from failure
    if said.network not in NETWORKS:
        raise LocalError(f"{path} names the network {said.network}", remedy=f"choose from {', '.join(NETWORKS)}")
    return said


def _read_recordings(path: Path, classes: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Recordings (count, ...) and the index of the true class of each."""
    data = read_numpy(path)
    if not isinstance(data, dict) or not {"recordings", "labels"} <= data.keys():
        raise LocalError(f"{path} lacks recordings or labels", remedy="save both arrays with numpy.savez")
    recordings, labels = data["recordings"], data["labels"]
    if recordings.ndim < 2 or labels.shape != recordings.shape[:1] or labels.dtype.kind not in "iu":
        raise LocalError(
            f"{path} holds recordings {recordings.shape} and {labels.dtype} labels {labels.shape}",
            remedy="save recordings (count, ...) and an integer label of each",
        )
    if np.any((labels < 0) | (labels >= classes)):
        raise LocalError(f"{path} has labels beyond the model's {classes} classes", remedy="label from 0")
    return recordings, labels.astype(np.int64)
