"""Recordings that the user names: their own names, labels and speakers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from evobin.audio.recordings import clip_name
from evobin.audio.sources import SUFFIXES
from evobin.data.tables import raise_if_any, read_groups, read_labels, show
from evobin.errors import EvobinError, several
from evobin.files import check_is_file

FOLDERS = ({"male": 0, "female": 1}, {"0": 0, "1": 1})
"""Folders whose names are labels, in lower case; the first pair that occurs is used."""


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Recordings and what is known of them, in one order.

    Attributes:
        recordings: file by name; a name is the path below the folder that was named.
        labels: 0 or 1 for each; None if none are known.
        groups: a row a recording, "speaker" and further columns; None if they are not known.
    """

    recordings: Mapping[str, Path]
    labels: list[int] | None
    groups: pd.DataFrame | None


def survey(audio: Sequence[Path], labels: Path | None, groups: Path | None) -> Corpus:
    """Finds the recordings in files and folders, and what is known of each.

    Folders are searched with all below them; hidden files, and those that do not end as recordings
    do, are left out. Without a tsv file of labels, the folders' names are the labels.

    Raises:
        EvobinError: if one is missing or nothing is known of it while it is of others, if two
            would get one name or are one file, or if there are none.
    """
    recordings = find_recordings(audio)
    places = {name: str(path) for name, path in recordings.items()}
    problems: dict[Path, list[str]] = {}
    known = table = None
    if labels is not None:
        known = read_labels(labels, places, problems.setdefault(labels, []), SUFFIXES)
    if groups is not None:
        table = read_groups(groups, places, problems.setdefault(groups, []), SUFFIXES)
    raise_if_any(problems)
    return Corpus(recordings, labels_of_folders(recordings) if labels is None else known, table)


def find_recordings(audio: Sequence[Path]) -> dict[str, Path]:
    """All recordings by name, in the order of the names below each folder; raises as `survey`."""
    recordings: dict[str, Path] = {}
    taken: dict[str, Path] = {}
    problems: list[str] = []
    for named in audio:
        try:
            for name, path in _below(named, leads=len(audio) > 1):
                try:
                    _check_name(name, path, taken)
                except EvobinError as error:
                    problems.append(str(error))
                recordings[name] = path
        except EvobinError as error:
            problems.append(f"{named}: {error}")
    if problems:
        raise several(f"{len(problems)} problems with recordings", problems)
    return recordings


def labels_of_folders(recordings: Mapping[str, Path]) -> list[int] | None:
    """The labels that the folders' names give; None if none does.

    Raises:
        EvobinError: if a recording is in no such folder, or in two that differ, where others are.
    """
    for labels in FOLDERS:
        given = [
            {labels[part] for part in PurePosixPath(name.lower()).parts[:-1] if part in labels}
            for name in recordings
        ]
        if any(given):
            problems = [
                f"{path}: must lie in a folder named {' or '.join(labels)}, as others do, and not "
                "in both; move it, or give all labels with --labels."
                for path, found in zip(recordings.values(), given, strict=True)
                if len(found) != 1
            ]
            if problems:
                raise several(f"{len(problems)} recordings have no label", problems)
            return [label for (label,) in given]
    return None


def _below(named: Path, *, leads: bool) -> Iterator[tuple[str, Path]]:
    """Names and files; a folder's own name leads theirs if there are several folders."""
    try:
        if not named.is_dir():
            check_is_file(named)
            yield named.name, named
            return
        own = named.resolve().name if named.name in ("", "..") else named.name
        base = own if leads else ""
        empty = True
        for path in _walk(named):
            empty = False
            yield str(PurePosixPath(base, path.relative_to(named).as_posix())), path
    except OSError as error:
        where = "" if error.filename is None else f" at {error.filename}"
        raise EvobinError(f"cannot be read{where} ({error.strerror}); check it.") from error
    if empty:
        raise EvobinError(f"holds no recordings; they end with {', '.join(SUFFIXES)}.")


def _walk(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise error

    for root, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(root, name)


def _check_name(name: str, path: Path, taken: dict[str, Path]) -> None:
    """Raises EvobinError if it will not do; `taken` gets its real path and its feature file."""
    utf8 = name.encode(errors="ignore").decode()  # other bytes reach Python as lone surrogates
    if "\t" in name or "\n" in name or utf8 != name:
        raise EvobinError(
            f"{show(str(path))}: has a tab, a line break or no UTF-8 in its name; rename it."
        )
    other = taken.setdefault(os.path.realpath(path), path)
    if other is not path:
        raise EvobinError(f"{path}: is named twice, also as {other}; leave out one.")
    other = taken.setdefault(clip_name(name), path)
    if other is not path:
        raise EvobinError(
            f"{path}: would be {clip_name(name)}, and so would {other}; rename or leave out one."
        )
