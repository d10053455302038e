"""What tables and folders say of recordings: labels, speakers, and what they do not say."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

from evobin.audio.sources import SUFFIXES
from evobin.data.listings import (
    FILES,
    SPEAKERS,
    Columns,
    Entry,
    Listing,
    Row,
    find_column,
    known_column,
    read_listing,
    read_rows,
)
from evobin.data.matching import Names, speaker_of
from evobin.data.tables import check_group, label_of, show, unknown_label
from evobin.errors import EvobinError, several
from evobin.network.presets import VOICES

FOLDERS = ({"male": 0, "female": 1}, {"m": 0, "f": 1}, {"0": 0, "1": 1})
"""Folders whose names are labels, in lower case; the first pair that occurs is used."""


class Lack(NamedTuple):
    """What is not known of a recording.

    Attributes:
        reason: to be counted: "12 " and this.
        problem: the whole, for a user who wants it known.
    """

    reason: str
    problem: str


@dataclass(frozen=True, slots=True)
class Known:
    """What one source says of recordings, by their names.

    Attributes:
        path: of the table.
        labels: 0 or 1; empty if it says nothing of labels.
        groups: the fields of `columns`; empty if it says nothing of speakers.
        columns: "speaker" and further ones.
        lacking: of what it does not say enough.
    """

    path: Path
    labels: dict[str, int] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    columns: tuple[str, ...] = ("speaker",)
    lacking: dict[str, Lack] = field(default_factory=dict)


def known_folders(recordings: Mapping[str, Path], *, strict: bool) -> Known | None:
    """The labels that the folders' names give; None if none does.

    Raises:
        EvobinError: if a recording is in no such folder, or in two that differ, where others are,
            and it is `strict`.
    """
    for labels in FOLDERS:
        given = {
            name: {
                labels[part] for part in PurePosixPath(name.lower()).parts[:-1] if part in labels
            }
            for name in recordings
        }
        if any(given.values()):
            pair = " or ".join(labels)
            lacking = {
                name: Lack(
                    f"not in one folder named {pair}",
                    f"{recordings[name]}: must lie in a folder named {pair}, as others do, and not "
                    "in both; move it, give all labels with --labels, or leave such recordings "
                    "out with --only-labelled.",
                )
                for name, found in given.items()
                if len(found) != 1
            }
            if lacking and strict:
                problems = [why.problem for why in lacking.values()]
                raise several(f"{len(problems)} recordings have no label", problems)
            known = {name: found.pop() for name, found in given.items() if len(found) == 1}
            return Known(Path(), labels=known, lacking=lacking)
    return None


def known_groups(path: Path, names: Names, columns: Columns, problems: list[str]) -> Known:
    """The speakers by a table: the file, the speaker, and any further columns.

    The first line is a header if its first field neither ends as recordings do nor stands for one,
    or if it has a column that is named or known to hold files or speakers.

    Args:
        path: of the table.
        names: of the recordings.
        columns: which are named.
        problems: gets what is wrong with the table.
    """
    known = Known(path)
    try:
        rows, head, order = _group_rows(path, names, columns)
    except EvobinError as error:
        problems.append(str(error))
        return known
    found: dict[str, tuple[int, list[str]]] = {}
    for line, fields in rows:
        try:
            check_group(fields, len(head), order)
            file, *of_file = (fields[i] for i in order)
            name = _one_of(names, file)
            if name is not None:
                earlier, kept = found.setdefault(name, (line, of_file))
                if kept != of_file:
                    raise EvobinError(f"{show(file)} differs from line {earlier}; keep one.")
        except EvobinError as error:
            problems.append(f"{path}, line {line}: {error}")
    groups = {name: fields for name, (_, fields) in found.items()}
    lacking = _unnamed(path, names, groups)
    return Known(path, groups=groups, columns=tuple(head), lacking=lacking)


def _group_rows(
    path: Path, names: Names, columns: Columns
) -> tuple[list[Row], list[str], list[int]]:
    """Lines, names of the columns after that of files, and their order: file, speaker, others."""
    rows, header = read_rows(path)
    first = rows[0][1] if header is None else header
    places = [known_column(first, FILES), known_column(first, SPEAKERS)]
    is_header = columns.named or any(place is not None for place in places)
    if not (is_header or first[0].lower().endswith(SUFFIXES) or names.find(first[0])):
        is_header = True
    if not is_header:
        head = ["speaker", *(f"column {i}" for i in range(3, len(first) + 1))]
        return rows, head, list(range(len(first)))
    for i, (wanted, option) in enumerate(
        ((columns.file, "--file-column"), (columns.speaker, "--speaker-column"))
    ):
        named = find_column(path, first, wanted, option)
        places[i] = places[i] if named is None else named
    file = 0 if places[0] is None else places[0]
    speaker = int(file == 0) if places[1] is None else places[1]
    others = [i for i in range(len(first)) if i not in (file, speaker)]
    head = ["speaker", *(first[i] for i in others)]
    if "" in head or len(set(head)) < len(head):
        raise EvobinError(f"{path}, line 1: column names must be unique and not empty.")
    return rows if header is not None else rows[1:], head, [file, speaker, *others]


def known_labels(
    path: Path,
    names: Names,
    columns: Columns,
    who: Known | None,
    problems: list[str],
) -> Known:
    """The labels by a table, a line a recording or a line a speaker, and the speakers.

    Args:
        path: of the table.
        names: of the recordings.
        columns: which are named.
        who: who speaks, where that is known already.
        problems: gets what is wrong with the table.
    """
    known = Known(path)
    try:
        found = _read(path, names, columns, who)
    except EvobinError as error:
        problems.append(str(error))
        return known
    problems += found.problems
    for name, entry in found.entries.items():
        label = label_of(entry.label, words=VOICES.label_words)
        if label is None:
            why = f"with label {show(entry.label)}" if entry.label else "without a label"
            problem = unknown_label(entry.label, words=VOICES.label_words)
            known.lacking[name] = Lack(why, f"{entry.place}: {problem}")
        elif found.speakers and not found.speakers[name]:
            problem = f"{entry.place}: the speaker is empty; fill it in."
            known.lacking[name] = Lack("without a speaker", problem)
        else:
            known.labels[name] = label
            if found.speakers:
                known.groups[name] = [found.speakers[name]]
    known.lacking.update(_unnamed(path, names, found.entries, found.speakers))
    return known


class _Found(NamedTuple):
    """Which line is about each recording, who speaks in it, and what is wrong."""

    entries: dict[str, Entry]
    speakers: dict[str, str]
    problems: list[str]

    def weight(self) -> tuple[int, int]:
        """How much speaks for this reading of a table."""
        return len(self.entries), len(self.problems)


def _read(path: Path, names: Names, columns: Columns, who: Known | None) -> _Found:
    """A table of labels, by recordings or by speakers, as it fits better where it does not say."""
    listing = read_listing(path, columns, SUFFIXES, VOICES.label_words)
    of_files, of_speakers = _Found({}, {}, []), _Found({}, {}, [])
    if listing.by != "speaker":
        of_files = _by_file(listing, names)
    if listing.by != "file":
        of_speakers = _by_speaker(listing, names, who)
    found = max(of_files, of_speakers, key=_Found.weight)  # the first of equals
    if found.weight() == (0, 0):
        raise EvobinError(_names_none(listing, names))
    return found


def _by_file(listing: Listing, names: Names) -> _Found:
    found = _Found({}, {}, [])
    for entry in listing.entries:
        try:
            name = _one_of(names, entry.file)
            if name is not None:
                _same(found.entries.setdefault(name, entry), entry, entry.file)
                if listing.has_speakers:
                    found.speakers[name] = entry.speaker
        except EvobinError as error:
            found.problems.append(f"{entry.place}: {error}")
    return found


def _by_speaker(listing: Listing, names: Names, who: Known | None) -> _Found:
    found = _Found({}, {}, [])
    table: dict[str, Entry] = {}
    for entry in listing.entries:
        speaker = entry.speaker if listing.has_speakers else entry.file.strip()
        try:
            _same(table.setdefault(speaker, entry), entry, speaker)
        except EvobinError as error:
            found.problems.append(f"{entry.place}: {error}")
    for name, path in names.files.items():
        try:
            if who is None:
                speaker = speaker_of(name, table) or ""
            else:
                speaker = who.groups[name][0] if name in who.groups else ""
        except EvobinError as error:
            found.problems.append(f"{path}: {error}")
            continue
        if speaker:
            found.speakers[name] = speaker
            if speaker in table:
                found.entries[name] = table[speaker]
    return found


def _one_of(names: Names, called: str) -> str | None:
    """The recording of a name; None if there is none."""
    found = names.find(called) or names.find(called.strip().replace("\\", "/"))
    if len(found) > 1:
        one, other = sorted(found)[:2]
        raise EvobinError(
            f"{show(called)} may be {show(one)} or {show(other)}; write more of its path."
        )
    return found[0] if found else None


def _same(kept: Entry, entry: Entry, called: str) -> None:
    """Raises EvobinError if two lines about one thing differ."""
    labels = [label_of(one.label, words=VOICES.label_words) for one in (kept, entry)]
    if labels[0] != labels[1] or kept.speaker != entry.speaker:
        earlier = kept.place.rpartition(" ")[2]
        raise EvobinError(f"{show(called)} differs from line {earlier}; keep one.")


def _unnamed(
    path: Path,
    names: Names,
    named: Container[str],
    speakers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Lack]:
    """What a table lacks that names some of the recordings; `speakers` are for the messages."""
    lacking = {}
    for name, place in names.files.items():
        if name not in named:
            by = f", spoken by {show(speakers[name])}" if name in speakers else ""
            problem = (
                f"{path}: does not name {show(name)} ({place}){by}; add a line for it, or leave "
                "such recordings out with --only-labelled."
            )
            lacking[name] = Lack(f"not in {path.name}", problem)
    return lacking


def _names_none(listing: Listing, names: Names) -> str:
    entry = listing.entries[0]
    called = entry.speaker if listing.by == "speaker" else entry.file
    return (
        f"{entry.place}: names {show(called)}, but neither this line nor another names a recording "
        f"or its speaker; the first of {len(names.files)} is {show(next(iter(names.files)))}. Name "
        "the columns with --file-column or --speaker-column, or say who speaks with --groups."
    )
