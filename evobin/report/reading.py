"""A run folder, read back: what is there is checked, since a person may have edited it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from evobin.errors import EvobinError
from evobin.files import check_is_file
from evobin.network import BinaryNetwork
from evobin.runs import RESULT, SUMMARY
from evobin.scores import Interval, wilson_interval

PARTS = {"train": "training", "valid": "validation", "test": "test"}
"""The names of the parts, as a person reads them."""
LARGEST = 2.0**53


class Limits(NamedTuple):
    """What a column may hold: the least, the most, and whether whole numbers only."""

    low: float
    high: float
    is_whole: bool = True


LABEL, SHARE, COUNT = Limits(0, 1), Limits(0, 1, is_whole=False), Limits(0, LARGEST)
HISTORY = {"step": Limits(1, LARGEST), "island": COUNT, "valid_accuracy": SHARE}
HISTORY |= {"elapsed": Limits(0, LARGEST, is_whole=False), "best_accuracy": SHARE}
CLIPS = {"label": LABEL, "answer": LABEL, "logit": Limits(-LARGEST, LARGEST)}
CHANNELS = {"label": LABEL, "channel": COUNT, "positions": COUNT, "rate": SHARE}
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Figures:
    """The final figures of one part.

    Attributes:
        clips: clips of the part.
        right: those that were answered right.
        accuracy: their share.
        interval: its Wilson 95% interval.
        margin: mean logit in the direction of the label.
        speakers: different speakers; None if they are not known.
        confusion: clips by label and answer, two rows of two.
        use: what the part was used for.
    """

    clips: int
    right: int
    accuracy: float
    interval: Interval
    margin: float
    speakers: int | None
    confusion: tuple[tuple[int, int], tuple[int, int]]
    use: str


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a run folder holds; None where a file is not there (yet).

    Attributes:
        path: the folder, as the user named it.
        config: config.json.
        history: history.csv, numbers but for `stage` and `move`.
        clips: clips.csv; columns that come from the groups file are text.
        channels: channels.csv.
        note: how the clips were parted; empty while the run is not finished.
        figures: the final figures by part; none while the run is not finished.
        before: the validation figures of the file that was polished; None for a search.
        network: the network of the result file.
    """

    path: Path
    config: dict[str, Any]
    history: pd.DataFrame | None
    clips: pd.DataFrame | None
    channels: pd.DataFrame | None
    note: str
    figures: dict[str, Figures]
    before: Figures | None
    network: BinaryNetwork | None


def read_run(path: Path) -> Run:
    """Reads a run folder, of a run that is finished or not.

    Raises:
        EvobinError: if it is no run folder, or a file in it is not as evobin writes it.
    """
    if not path.is_dir():
        raise EvobinError(f"{path}: is no folder; name a run folder.")
    config = _read(path / "config.json", _json)
    if config is None:
        raise EvobinError(f"{path}: holds no run; name a folder that has a config.json.")
    note, figures, before = _read(path / SUMMARY, _summary) or ("", {}, None)
    clips = _read(path / "clips.csv", _clips)
    if clips is not None:
        _check_agreement(path, clips, figures)
    return Run(
        path=path,
        config=config,
        history=_read(path / "history.csv", _history),
        clips=clips,
        channels=_read(path / "channels.csv", _channels),
        note=note,
        figures=figures,
        before=before,
        network=BinaryNetwork.load(path / RESULT) if (path / RESULT).exists() else None,
    )


def _read(path: Path, parse: Callable[[bytes], Found]) -> Found | None:
    """What is in a file, or None where there is none; errors name the file."""
    if not path.exists():
        return None
    try:
        check_is_file(path)
        return parse(path.read_bytes())
    except OSError as error:
        raise EvobinError(f"{path}: cannot be read ({error.strerror}); check it.") from error
    except EvobinError as error:
        raise EvobinError(f"{path}: {error}") from error
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        told = str(error).strip().partition("\n")[0]
        raise EvobinError(f"{path}: is not as evobin writes it ({told}); restore it.") from error


def _json(raw: bytes) -> dict[str, Any]:
    found = json.loads(raw)
    if not isinstance(found, dict):
        raise TypeError("expected an object")
    return found


def _summary(raw: bytes) -> tuple[str, dict[str, Figures], Figures | None]:
    found = _json(raw)
    figures = {name: _figures(name, found["parts"][name]) for name in found["parts"]}
    if "valid" not in figures or not figures.keys() <= PARTS.keys():
        raise ValueError(f"the parts are {', '.join(figures)}")
    before = _figures("before", found["before"]) if "before" in found else None
    return str(found["note"]), figures, before


def _figures(name: str, plain: Mapping[str, Any]) -> Figures:
    n, right, accuracy = int(plain["clips"]), int(plain["right"]), float(plain["accuracy"])
    (low, high), confusion = plain["interval"], plain["confusion"]
    ((a, b), (c, d)) = ((int(one), int(other)) for one, other in confusion)
    if not (0 <= right <= n and n > 0 and accuracy == right / n):
        raise ValueError(f"{name}: accuracy is {accuracy}, but {right} of {n} clips are right")
    if min(a, b, c, d) < 0 or (a + b + c + d, a + d) != (n, right):
        raise ValueError(f"{name}: confusion is {confusion}, but {right} of {n} clips are right")
    if not np.allclose((low, high), wilson_interval(right, n), rtol=0, atol=1e-9):
        raise ValueError(f"{name}: interval is not that of {right} of {n} clips")
    speakers = int(plain["speakers"]) if "speakers" in plain else None
    margin, use = float(plain["margin"]), str(plain["use"])
    return Figures(n, right, accuracy, Interval(low, high), margin, speakers, ((a, b), (c, d)), use)


def _table(raw: bytes, texts: Sequence[str], numbers: Mapping[str, Limits]) -> pd.DataFrame:
    """A csv file with these columns, those of `numbers` within their limits, all others text."""
    table = pd.read_csv(
        io.BytesIO(raw), dtype=str, keep_default_na=False
    )  # a clip may be called NA
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
    return table


def _clips(raw: bytes) -> pd.DataFrame:
    table = _table(raw, ("file", "part"), CLIPS)
    _check_parts(table)
    return table


def _channels(raw: bytes) -> pd.DataFrame:
    table = _table(raw, ("layer", "part"), CHANNELS)
    _check_parts(table)
    return table


def _check_parts(table: pd.DataFrame) -> None:
    found = set(table["part"])
    if "valid" not in found or not found <= PARTS.keys():
        raise ValueError(f"the parts are {', '.join(sorted(found)):.60}")


def _history(raw: bytes) -> pd.DataFrame:
    """Of the columns that only some stages have, what is no number is missing."""
    table = _table(raw, ("stage",), HISTORY)
    for name in table.columns.difference([*HISTORY, "stage", "move"]):
        found = pd.to_numeric(table[name], errors="coerce")
        table[name] = found.where(found.abs() <= LARGEST)
    return table


def _check_agreement(path: Path, clips: pd.DataFrame, figures: Mapping[str, Figures]) -> None:
    """Refuses clips and figures of which one was edited."""
    for name, part in figures.items():
        rows = clips[clips["part"] == name]
        right = int((rows["answer"] == rows["label"]).sum())
        if (right, len(rows)) != (part.right, part.clips):
            raise EvobinError(
                f"{path / 'clips.csv'}: has {right} of {len(rows)} {PARTS[name]} clips right, but "
                f"{SUMMARY} says {part.right} of {part.clips}; restore the one that was edited."
            )
