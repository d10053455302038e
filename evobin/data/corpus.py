"""Recordings that the user names: their own names, labels and speakers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from evobin.audio.recordings import clip_name
from evobin.audio.sources import FOREIGN, SUFFIXES, has_ffmpeg
from evobin.data.knowledge import Known, known_folders, known_groups, known_labels
from evobin.data.listings import ANY, Columns
from evobin.data.matching import Names
from evobin.data.tables import raise_if_any, show
from evobin.errors import EvobinError, several
from evobin.files import check_is_file, files_below
from evobin.lazy import pd
from evobin.network.presets import VOICES

_KINDS = 6  # endings that a note counts one by one


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Recordings and what is known of them, in one order.

    Attributes:
        recordings: file by name; a name is the path below the folder that was named.
        labels: 0 or 1 for each; None if none are known.
        groups: a row a recording, "speaker" and further columns; None if they are not known.
        notes: what is left out; sentences for the user.
    """

    recordings: Mapping[str, Path]
    labels: list[int] | None
    groups: pd.DataFrame | None
    notes: tuple[str, ...] = ()

    @property
    def label_note(self) -> str | None:
        """What the labels mean, and how many recordings have each; None if they are not known."""
        if self.labels is None:
            return None
        counts = (
            f"{label} is {words[0]}: {self.labels.count(label)} of {len(self.labels)} recordings"
            for label, words in reversed(list(enumerate(VOICES.label_words)))
        )
        return f"Label {'; label '.join(counts)}."

    def subset(self, rows: Sequence[int], note: str) -> Corpus:
        """Some of the recordings, ascending, with one more note."""
        every = list(self.recordings.items())
        return Corpus(
            dict(every[row] for row in rows),
            None if self.labels is None else [self.labels[row] for row in rows],
            None if self.groups is None else self.groups.iloc[list(rows)],
            (*self.notes, note),
        )


@dataclass(slots=True)
class Aside:
    """Files in folders that are not taken.

    Attributes:
        others: those that do not end as recordings do.
        foreign: those that need ffmpeg, where there is none.
    """

    others: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def takes(self, path: Path) -> bool:
        """Whether a file in a folder is taken; remembers it if it is not."""
        name = path.name.lower()
        if name.endswith(SUFFIXES):
            return True
        if name.endswith(FOREIGN):
            if has_ffmpeg():
                return True
            self.foreign.append(path.name)
        else:
            self.others.append(path.name)
        return False

    def notes(self) -> list[str]:
        """A sentence for each kind that there is."""
        told = []
        if self.foreign:
            told.append(
                f"Left out: {_files(self.foreign)} for which ffmpeg is needed, which is not "
                f"installed: {_endings(self.foreign)}."
            )
        if self.others:
            told.append(
                f"Left out: {_files(self.others)} by their endings: {_endings(self.others)}."
            )
        return told


def survey(
    audio: Sequence[Path],
    labels: Path | None,
    groups: Path | None,
    columns: Columns = ANY,
    *,
    only_labelled: bool = False,
) -> Corpus:
    """Finds the recordings in files and folders, and what is known of each.

    Folders are searched with all below them; hidden files, and those that do not end as recordings
    do, are left out. Without a table of labels, the folders' names are the labels. A table of
    labels by speaker, or with a column of speakers, says who speaks too.

    Args:
        audio: files and folders.
        labels: a table of labels, as `listings.read_listing` reads it.
        groups: a table of speakers and further columns.
        columns: of the tables.
        only_labelled: leave out what is not in the tables, or has a label other than male and
            female.

    Raises:
        EvobinError: if one is missing or nothing is known of it while it is of others, if two
            would get one name or are one file, or if there are none.
    """
    aside = Aside()
    recordings = find_recordings(audio, aside)
    names = Names(recordings)
    problems: dict[Path, list[str]] = {path: [] for path in (labels, groups) if path is not None}
    known: list[Known] = []
    who = None
    if groups is not None:
        who = known_groups(groups, names, columns, problems[groups])
        known.append(who)
    if labels is not None:
        known.append(known_labels(labels, names, columns, who, problems[labels]))
    elif (of_folders := known_folders(recordings, strict=not only_labelled)) is not None:
        known.append(of_folders)
    if not only_labelled:
        for one in known:
            if not problems.setdefault(one.path, []):  # else much of it may be lacking only by them
                problems[one.path] += dict.fromkeys(why.problem for why in one.lacking.values())
    raise_if_any(problems)
    if only_labelled and not known:
        raise EvobinError(
            "--only-labelled needs labels: name a table with --labels, or folders male and female."
        )
    lacking = {name: why for one in reversed(known) for name, why in one.lacking.items()}
    kept = {name: path for name, path in recordings.items() if name not in lacking}
    notes = aside.notes()
    if lacking:
        counts = Counter(why.reason for why in lacking.values()).most_common(_KINDS)
        notes.append(
            f"Left out: {len(lacking)} of {len(recordings)} recordings: "
            f"{', '.join(f'{count} {reason}' for reason, count in counts)}."
        )
    return _corpus(kept, known, notes)


def _corpus(kept: dict[str, Path], known: list[Known], notes: list[str]) -> Corpus:
    """What is known of the recordings that are kept."""
    if not kept:
        raise EvobinError(f"no recording is left. {' '.join(notes)}")
    labels = next((one.labels for one in known if one.labels), None)
    groups = next((one.groups for one in known if one.groups), None)
    table = None
    if groups is not None:
        columns = next(one.columns for one in known if one.groups)
        table = pd.DataFrame([groups[name] for name in kept], columns=list(columns), dtype=str)
    of_each = None if labels is None else [labels[name] for name in kept]
    return Corpus(kept, of_each, table, tuple(notes))


def find_recordings(audio: Sequence[Path], aside: Aside | None = None) -> dict[str, Path]:
    """All recordings by name, in the order of the names below each folder; raises as `survey`."""
    recordings: dict[str, Path] = {}
    taken: dict[str, Path] = {}
    problems: list[str] = []
    aside = Aside() if aside is None else aside
    for named in audio:
        try:
            for name, path in _below(named, aside, leads=len(audio) > 1):
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


def _below(named: Path, aside: Aside, *, leads: bool) -> Iterator[tuple[str, Path]]:
    """Names and files; a folder's own name leads theirs if there are several folders."""
    try:
        if not named.is_dir():
            check_is_file(named)
            yield named.name, named
            return
        own = named.resolve().name if named.name in ("", "..") else named.name
        base = own if leads else ""
        empty = True
        for path in files_below(named):
            if aside.takes(path):
                empty = False
                yield str(PurePosixPath(base, path.relative_to(named).as_posix())), path
    except OSError as error:
        where = "" if error.filename is None else f" at {error.filename}"
        raise EvobinError(f"cannot be read{where} ({error.strerror}); check it.") from error
    if empty:
        told = " ".join(["", *aside.notes()])
        raise EvobinError(f"holds no recordings; they end with {', '.join(SUFFIXES)}.{told}")


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


def _files(names: Sequence[str]) -> str:
    return "1 file" if len(names) == 1 else f"{len(names)} files"


def _endings(names: Sequence[str]) -> str:
    """How many have each ending, and the first of each."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(Path(name).suffix.lower() or "no ending", []).append(name)
    most = sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))
    told = [f"{len(found)} {ending} ({show(found[0])})" for ending, found in most[:_KINDS]]
    return ", ".join(told) + (", ..." if len(most) > _KINDS else "")
