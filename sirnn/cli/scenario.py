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
from sirnn.files import is_file, kind_at, read_text
from sirnn.installation import SCENARIOS
from sirnn.models.archive import read_numpy
from sirnn.models.model import Model, load_model
from sirnn.names import UnknownNameError, unknown_name
from sirnn.profile import Profile

DEFAULT = "basicmotions"

SUFFIX = ".toml"
FILE = f"scenario{SUFFIX}"

COMPARE = "compare it with one that comes with sirnn"

KINDS: dict[type | None, str] = {str: "text", int: "an integer"}
"""What the values of a scenario are, in words."""


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
    return sorted(path.parent.name for path in SCENARIOS.glob(f"*/{FILE}"))


def load_scenario(name: str) -> Scenario:
    """A scenario that comes with the package, by name, or any scenario file, by path.

    Raises:
        UnknownNameError: there is none of that name.
        LocalError: a file of it cannot be used.
    """
    path = _find(name)
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


def _find(name: str) -> Path:
    path = Path(name)
    if path.suffix == SUFFIX:
        return path
    if is_file(name):
        remedy = f"a model or recordings are run by a scenario that names them: see {SCENARIOS / DEFAULT / FILE}"
        raise LocalError(f"{name} is {kind_at(path).what}, not a scenario, whose name ends in {SUFFIX}", remedy=remedy)
    names = scenario_names()
    if name not in names:
        raise unknown_name("scenario", name, names, otherwise=f"choose from {', '.join(names)}, or name a file")
    return SCENARIOS / name / FILE


def _read(path: Path) -> _File:
    text = read_text(path, "a scenario", remedy=COMPARE)
    try:
        said = _CONVERTER.structure(tomllib.loads(text), _File)
    except cattrs.BaseValidationError as failure:
        faults = cattrs.transform_error(failure, path="", format_exception=_in_words)
        parts = [fault.rpartition(" @ ") for fault in faults]  # words, and the key, if it is that of one value
        why = "; ".join(f"{where.lstrip('.')}: {what}" if where else what for what, _, where in parts)
        raise LocalError(f"{path} is not a scenario: {why}", remedy=COMPARE) from failure
    except tomllib.TOMLDecodeError as failure:
        raise LocalError(f"{path} is not a scenario: it is no TOML: {failure}", remedy=COMPARE) from failure
    if said.network not in NETWORKS:
        problem = unknown_name("network", said.network, NETWORKS)
        raise LocalError(f"{path}: {problem.problem}", remedy=problem.remedy)
    return said


def _in_words(failure: BaseException, wanted: type | None) -> str:
    """What is wrong with a key of a scenario."""
    if isinstance(failure, UnknownNameError):
        return str(failure)
    if isinstance(failure, KeyError):
        return "it is missing"
    if isinstance(failure, cattrs.ForbiddenExtraKeysError):
        return f"no scenario has {', '.join(map(repr, sorted(failure.extra_fields)))}"
    return f"it should be {KINDS.get(wanted, 'something else')}"


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
