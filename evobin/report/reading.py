"""A run folder, read back: what is there is checked, since a person may have edited it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd

from evobin.core.scores import margins
from evobin.errors import EvobinError
from evobin.files import reading
from evobin.network.architecture import Architecture
from evobin.network.binary import BinaryNetwork
from evobin.network.presets import SPEAKER_SEX, Preset, preset_of
from evobin.report.text import PARTS
from evobin.results.plain import Json
from evobin.runs import RESULT, SUMMARY

LARGEST = 2.0**53


class Limits(NamedTuple):
    """What a column may hold: the least, the most, and whether whole numbers only."""

    low: float
    high: float
    is_whole: bool = True


SHARE, COUNT = Limits(0, 1, is_whole=False), Limits(0, LARGEST)
HISTORY = {"step": Limits(1, LARGEST), "island": COUNT}
HISTORY |= {"elapsed": Limits(0, LARGEST, is_whole=False)}
ACCURACIES = ("selection_accuracy", "best_accuracy")
"""Shares that only steps have that look at samples held out."""
LOGIT = Limits(-LARGEST, LARGEST)
CHANNELS = {"channel": COUNT, "positions": COUNT, "rate": SHARE}
Found = TypeVar("Found")


class Figures(NamedTuple):
    """The final figures of a part, as `Evaluation.summary` has them: confusion a row a label."""

    accuracy: float
    low: float
    high: float
    right: int
    clips: int
    speakers: int | None
    margin: float
    use: str
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a run folder holds; None where a file is not there (yet).

    Attributes:
        path: the folder, as the user named it.
        config: config.json.
        architecture: the network's shape, from there.
        classes: what a person calls each label, from there too.
        history: history.csv, numbers but for `stage` and `move`.
        samples: clips.csv; columns that come from the groups file are text. Of more than two
            classes with the `margin` of each sample.
        channels: channels.csv.
        note: how the samples were split; empty while the run is not finished.
        figures: the final figures by part; none while the run is not finished.
        before: the validation figures of the file that was polished; None for a search.
        network: the network of the result file.
    """

    path: Path
    config: Mapping[str, Json]
    architecture: Architecture
    classes: tuple[str, ...]
    history: pd.DataFrame | None
    samples: pd.DataFrame | None
    channels: pd.DataFrame | None
    note: str
    figures: dict[str, Figures]
    before: Figures | None
    network: BinaryNetwork | None

    @property
    def preset(self) -> Preset:
        """What is special about the network, the words among it."""
        return preset_of(self.architecture)

    def named(self, samples: pd.DataFrame) -> pd.DataFrame:
        """Samples, or what was counted of them, with labels and predictions as a person calls them.

        Labels that have no names stay numbers.
        """
        if self.classes == _numbers_of(self.architecture):
            return samples
        columns = [name for name in ("label", "answer") if name in samples]
        return samples.assign(
            **{name: samples[name].map(dict(enumerate(self.classes)).get) for name in columns}
        )


def _numbers_of(architecture: Architecture) -> tuple[str, ...]:
    """What labels are called that have no names."""
    return tuple(map(str, range(architecture.n_classes)))


def read_run(path: Path) -> Run:
    """Reads a run folder, of a run that is finished or not.

    Raises:
        EvobinError: if it is no run folder, or a file in it is not as evobin writes it.
    """
    if not path.is_dir():
        raise EvobinError(f"{path}: is no folder; name a run folder.")
    found = _read(path / "config.json", _config)
    if found is None:
        raise EvobinError(f"{path}: holds no run; name a folder that has a config.json.")
    config, architecture = found
    if config.get("command") == "solve":
        raise EvobinError(
            f"{path}: is a run of `solve`, and a report is about networks; {path / SUMMARY} has "
            "its figures."
        )
    summary = _read(path / SUMMARY, partial(_summary, architecture=architecture))
    note, figures, before = summary or ("", {}, None)
    samples = _read(path / "clips.csv", partial(_samples, architecture=architecture))
    if samples is not None:
        _check_agreement(path, samples, figures, preset_of(architecture))
    result = path / RESULT
    return Run(
        path=path,
        config=config,
        architecture=architecture,
        classes=_classes(path, config, architecture),
        history=_read(path / "history.csv", _history),
        samples=samples,
        channels=_read(path / "channels.csv", partial(_channels, architecture=architecture)),
        note=note,
        figures=figures,
        before=before,
        network=BinaryNetwork.load(result, architecture) if result.exists() else None,
    )


def _read(path: Path, parse: Callable[[bytes], Found]) -> Found | None:
    """What is in a file, or None where there is none; errors name the file."""
    if not path.exists():
        return None
    with reading(path):
        try:
            return parse(path.read_bytes())
        except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
            why = str(error).strip().partition("\n")[0]
            raise EvobinError(f"is not as evobin writes it ({why}); restore it.") from error


def _object(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, but found {value!r:.60}")
    return value


def _number(plain: Mapping[str, Json], name: str) -> float:
    value = plain[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number, but it is {value!r:.60}")
    return value


def _config(raw: bytes) -> tuple[Mapping[str, Json], Architecture]:
    """The settings, and the architecture among them; runs of old had the built-in one."""
    config = _object(json.loads(raw))
    kept = config.get("architecture")
    return config, SPEAKER_SEX if kept is None else Architecture.from_plain(_object(kept))


def _classes(path: Path, config: Mapping[str, Json], architecture: Architecture) -> tuple[str, ...]:
    """The names of the labels; runs of files have none."""
    found = config.get("classes")
    if found is None:
        return _numbers_of(architecture)
    if not isinstance(found, list) or len(found) != architecture.n_classes:
        raise EvobinError(
            f"{path / 'config.json'}: is not as evobin writes it (classes must be a list of "
            f"{architecture.n_classes}); restore it."
        )
    return tuple(map(str, found))


def _summary(
    raw: bytes, architecture: Architecture
) -> tuple[str, dict[str, Figures], Figures | None]:
    found = _object(json.loads(raw))
    parts = _object(found["parts"])
    figures = {name: _figures(name, _object(part), architecture) for name, part in parts.items()}
    _check_parts(figures)
    before = None
    if "before" in found:
        before = _figures("before", _object(found["before"]), architecture)
    return str(found["note"]), figures, before


def _figures(name: str, plain: Mapping[str, Json], architecture: Architecture) -> Figures:
    n_classes, samples = architecture.n_classes, preset_of(architecture).samples
    n, right = int(_number(plain, "clips")), int(_number(plain, "right"))
    accuracy = float(_number(plain, "accuracy"))
    low, high = np.array(plain["interval"], float).tolist()
    confusion = np.array(plain["confusion"])
    if not (0 <= right <= n and n > 0 and accuracy == right / n):
        raise ValueError(f"{name}: accuracy is {accuracy}, but {right} of {n} {samples} are right")
    if confusion.dtype.kind != "i" or confusion.shape != (n_classes, n_classes):
        raise ValueError(f"{name}: confusion is no table of {n_classes} by {n_classes} counts")
    if confusion.min() < 0 or (confusion.sum(), confusion.trace()) != (n, right):
        raise ValueError(f"{name}: confusion is not that of {right} of {n} {samples}")
    if not 0 <= low <= accuracy <= high <= 1:
        raise ValueError(f"{name}: interval is not that of {right} of {n} {samples}")
    n_groups = int(_number(plain, "speakers")) if "speakers" in plain else None
    margin, use = float(_number(plain, "margin")), str(plain["use"])
    return Figures(accuracy, low, high, right, n, n_groups, margin, use, confusion.tolist())


def _table(raw: bytes, texts: Sequence[str], numbers: Mapping[str, Limits]) -> pd.DataFrame:
    """A csv file with these columns, those of `numbers` within their limits, all others text."""
    table = pd.read_csv(
        io.BytesIO(raw), dtype=str, keep_default_na=False
    )  # a sample may be called NA
    for name in (*texts, *numbers):
        if name not in table:
            raise ValueError(f"it has no column {name}")
    if table.empty:
        raise ValueError("it holds no rows")
    for name, limits in numbers.items():
        found = pd.to_numeric(table[name], errors="coerce")
        right = found.between(limits.low, limits.high)
        right &= (found % 1 == 0) | (not limits.is_whole)
        if not right.all():
            row = int(right.to_numpy().argmin())
            kind = "a whole number " if limits.is_whole else ""
            raise ValueError(
                f"line {row + 2}: {name} must be {kind}from {limits.low:g} to {limits.high:g}, "
                f"but it is {table[name][row]!r:.60}"
            )
        table[name] = found.astype("int64" if limits.is_whole else "float64")
    if "part" in texts:
        needed = ("train",) if "layer" in texts else ("train", "valid")
        _check_parts(sorted(set(table["part"])), needed)
    return table


def _check_parts(names: Collection[str], needed: Sequence[str] = ("train", "valid")) -> None:
    if not set(needed) <= set(names) <= PARTS.keys():
        raise ValueError(f"the parts are {', '.join(names):.60}")


def _samples(raw: bytes, architecture: Architecture) -> pd.DataFrame:
    label, names = Limits(0, architecture.n_classes - 1), list(architecture.logit_names)
    limits = {"label": label, "answer": label} | dict.fromkeys(names, LOGIT)
    table = _table(raw, ("file", "part"), limits)
    if len(names) == 1:
        return table
    gaps = margins(table[names].to_numpy(), table["label"].to_numpy())
    return table.rename(columns={"margin": "margin (groups)"}).assign(margin=gaps)


def _channels(raw: bytes, architecture: Architecture) -> pd.DataFrame:
    limits = {"label": Limits(0, architecture.n_classes - 1)} | CHANNELS
    return _table(raw, ("layer", "part"), limits)


def _history(raw: bytes) -> pd.DataFrame:
    """Of the columns that only some stages have, what is no number is missing."""
    table = _table(raw, ("stage",), HISTORY)
    for name in table.columns.difference([*HISTORY, "stage", "move", "fold"]):
        found = pd.to_numeric(table[name], errors="coerce")
        table[name] = found.where(found.abs() <= (1 if name in ACCURACIES else LARGEST))
    return table.assign(**{name: np.nan for name in ACCURACIES if name not in table})


def _check_agreement(
    path: Path, samples: pd.DataFrame, figures: Mapping[str, Figures], preset: Preset
) -> None:
    """Refuses samples and figures of which one was edited."""
    for name, part in figures.items():
        rows = samples[samples["part"] == name]
        right = int((rows["answer"] == rows["label"]).sum())
        if (right, len(rows)) != (part.right, part.clips):
            raise EvobinError(
                f"{path / 'clips.csv'}: has {right} of {len(rows)} {PARTS[name]} {preset.samples} "
                f"right, but {SUMMARY} says {part.right} of {part.clips}; restore the one that was "
                "edited."
            )
