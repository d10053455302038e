"""Tables that come with corpora of speech: which label and which speaker a recording has.

Tab, comma, `|` or spaces between fields, with or without a header, a line a recording or a line a
speaker: VCTK, LibriSpeech, Common Voice and Kaldi each have a form of their own.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evobin.data.tables import Words, label_of, show
from evobin.errors import EvobinError
from evobin.files import read_lines

FILES = ("file", "path", "filename", "file_name", "filepath", "audio", "wav", "utterance", "utt")
SPEAKERS = ("speaker", "speaker_id", "spk", "spk_id", "client_id", "reader", "reader_id")
LABELS = ("label", "gender", "sex")
"""What columns are called that are found without being named; in lower case."""

Row = tuple[int, list[str]]
_SHOWN = 12  # columns that a message lists


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table that hold what counts, by name; None for those that are to be found.

    Attributes:
        file: of the audio files.
        label: of the labels.
        speaker: of the speakers.
    """

    file: str | None = None
    label: str | None = None
    speaker: str | None = None

    @property
    def named(self) -> bool:
        """Whether any is named, so that there must be a header."""
        return any((self.file, self.label, self.speaker))


ANY = Columns()
"""None of them is named."""


class Entry(NamedTuple):
    """What a line says.

    Attributes:
        place: file and line.
        file: of the recording; "" if the table has no such column.
        speaker: who speaks; "" if the table has no such column.
        label: as it is written.
    """

    place: str
    file: str
    speaker: str
    label: str


class Listing(NamedTuple):
    """A table of labels.

    Attributes:
        path: of the table.
        entries: a line each, at least one.
        by: what a line is about. "either" where only the corpus can tell, since no column says.
        has_speakers: whether there is a column of speakers beside that of files.
    """

    path: Path
    entries: list[Entry]
    by: str
    has_speakers: bool


def read_listing(
    path: Path, columns: Columns, endings: tuple[str, ...], words: Words = ()
) -> Listing:
    """Reads a table of labels.

    Args:
        path: the table.
        columns: which are named; the others are found by their names in the header. Of two columns
            without a header the first says what a line is about and the second is the label.
        endings: of recordings, in lower case; a first line that begins with such a name is no
            header.
        words: what labels may be called.

    Raises:
        EvobinError: if the table cannot be read, or its columns are not found.
    """
    rows, header = read_rows(path)
    if header is None and _has_header(rows[0][1], columns, endings, words):
        (_, header), *rows = rows
    if not rows:
        raise EvobinError(f"{path}: holds nothing but a header; add a line for each recording.")
    line, first = rows[0]
    if header is None and len(first) != 2:
        raise EvobinError(
            f"{path}, line {line}: has {len(first)} fields, and there is no header that says which "
            "is the label; add one, and name the column with --label-column."
        )
    places = _Places(0, None, 1, "either") if header is None else _find_all(path, header, columns)
    entries = [_entry(f"{path}, line {line}", fields, places) for line, fields in rows]
    if header is not None and [name.lower() for name in header[:2]] == ["id", "age"]:
        entries = [_with_letter(entry) for entry in entries]
    return Listing(path, entries, places.by, places.speaker is not None)


def read_rows(path: Path) -> tuple[list[Row], list[str] | None]:
    """The lines of a table, split into fields, without blank lines and comments.

    Where there is no tab, lines at the top that begin with `;` are comments, and one of these may
    be the header, as in LibriSpeech.

    Returns:
        Lines by number, at least one, and the header if it stands in a comment.

    Raises:
        EvobinError: if the table cannot be read or holds no line.
    """
    numbered = [(n, line) for n, line in enumerate(read_lines(path), 1) if line.strip()]
    comments: list[str] = []
    if "\t" not in numbered[0][1]:
        while numbered and numbered[0][1].startswith(";"):
            comments.append(numbered.pop(0)[1].lstrip("; "))
    if not numbered:
        raise EvobinError(f"{path}: holds nothing but comments; name another table.")
    delimiter = _delimiter(numbered[0][1], path)
    header = None
    for comment in comments:
        fields = _split(comment, delimiter)
        if {name.lower() for name in fields} & set(LABELS) and len(fields) > 1:
            header = fields
    return [(n, _split(line, delimiter)) for n, line in numbered], header


def find_column(path: Path, header: Sequence[str], wanted: str | None, option: str) -> int | None:
    """The place of a column that the user named; None if none is named or found.

    Raises:
        EvobinError: if there is no such column, or there are two.
    """
    if wanted is None:
        return None
    for names, name in ((list(header), wanted), ([h.lower() for h in header], wanted.lower())):
        if names.count(name) == 1:
            return names.index(name)
    raise EvobinError(
        f"{path}: must have one column {show(wanted)}, as {option} says, but its columns are "
        f"{_list(header)}."
    )


def known_column(header: Sequence[str], known: Sequence[str]) -> int | None:
    """The place of the one column that has a known name; None if there is none or several."""
    places = [i for i, name in enumerate(header) if name.strip().lower() in known]
    return places[0] if len(places) == 1 else None


class _Places(NamedTuple):
    """Columns by place, and what a line is about, as `Listing` has it."""

    file: int | None
    speaker: int | None
    label: int
    by: str


def _find_all(path: Path, header: Sequence[str], columns: Columns) -> _Places:
    header = [name.strip() for name in header]
    file = find_column(path, header, columns.file, "--file-column")
    speaker = find_column(path, header, columns.speaker, "--speaker-column")
    label = find_column(path, header, columns.label, "--label-column")
    file = known_column(header, FILES) if file is None else file
    speaker = known_column(header, SPEAKERS) if speaker is None else speaker
    label = known_column(header, LABELS) if label is None else label
    if label is None and len(header) == 2:
        label = 1
    if label is None:
        raise EvobinError(
            f"{path}: which column holds the labels is not clear from its header, {_list(header)}; "
            "name it with --label-column."
        )
    if file is not None:
        return _Places(file, speaker, label, "file")
    if 0 not in (speaker, label):  # the first may name files though it does not say so
        return _Places(0, speaker, label, "either")
    if speaker is None:
        raise EvobinError(
            f"{path}: which column names files or speakers is not clear from its header, "
            f"{_list(header)}; name it with --file-column or --speaker-column."
        )
    return _Places(None, speaker, label, "speaker")


def _list(header: Sequence[str]) -> str:
    return ", ".join(map(show, header[:_SHOWN])) + (", ..." if len(header) > _SHOWN else "")


def _entry(place: str, fields: list[str], places: _Places) -> Entry:
    needed = 1 + max(i for i in places[:3] if i is not None)
    if len(fields) < needed:
        raise EvobinError(
            f"{place}: has {len(fields)} fields, but the label and what it is of stand in the "
            f"first {needed}; fill them in or delete the line."
        )
    file, speaker = ("" if i is None else fields[i] for i in places[:2])
    return Entry(place, file, speaker.strip(), fields[places.label].strip())


def _with_letter(entry: Entry) -> Entry:
    """VCTK's folder of speaker 225 is p225, and in its first edition the table has the number."""
    return entry._replace(file=f"p{entry.file}") if entry.file.isdecimal() else entry


def _has_header(first: list[str], columns: Columns, endings: tuple[str, ...], words: Words) -> bool:
    if columns.named:
        return True
    if first[0].lower().endswith(endings):
        return False
    names = {name.strip().lower() for name in first}
    if names & {*LABELS, *FILES, *SPEAKERS}:
        return True
    return len(first) == 2 and label_of(first[1].strip(), words=words) is None


def _delimiter(line: str, path: Path) -> str | None:
    """What stands between fields: None for spaces."""
    if path.suffix.lower() == ".csv":
        return max("\t,;|", key=line.count)
    return next((sign for sign in "\t|," if sign in line), None)


def _split(line: str, delimiter: str | None) -> list[str]:
    if delimiter in (",", ";"):
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
    fields = line.split(delimiter)
    return fields if delimiter == "\t" else [field.strip() for field in fields]
