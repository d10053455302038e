"""Labels and groups of samples from tsv files, with all problems of several files at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path, PurePosixPath

import numpy as np

from evobin.errors import LISTED, EvobinError, several
from evobin.files import Table, read_table
from evobin.lazy import pd

Words = Sequence[Sequence[str]]
"""For each label what it may be called, in lower case."""
_SHOWN = 60  # characters of a field in a message


def read_groups(
    path: Path, places: Mapping[str, str], problems: list[str], endings: tuple[str, ...]
) -> pd.DataFrame | None:
    r"""Reads the speakers, one file a line: `<file name>\t<speaker>` and any further columns.

    The first line is a header if its first field neither has one of the `endings` nor is among
    the `places`. The arguments are those of `read_labels`.

    Returns:
        One row a file in the order of `places`, all str: the column "speaker", then the others
        by their names in the header or as "column 3" and so on; None if there are problems.
    """
    rows = _read(path, problems)
    if not rows:
        return None
    first = rows[0][1]
    columns = ["speaker", *(f"column {i}" for i in range(3, len(first) + 1))]
    if not first[0].lower().endswith(endings) and normal_name(first[0]) not in places:
        columns[1:] = first[2:]
        rows = rows[1:]
        if "" in columns or len(set(columns)) < len(columns):
            problems.append(f"{path}, line 1: column names must be unique and not empty.")
    found = _match(path, rows, places, problems, lambda fields: check_group(fields, len(columns)))
    return None if found is None else pd.DataFrame(found, columns=columns, dtype=str)


def _read(path: Path, problems: list[str]) -> Table:
    """The lines; none, and one more problem, if it cannot be read."""
    try:
        return read_table(path)
    except EvobinError as error:
        problems.append(str(error))
        return []


def _match(
    path: Path,
    rows: Table,
    places: Mapping[str, str],
    problems: list[str],
    check: Callable[[list[str]], object],
) -> list[list[str]] | None:
    """The fields after the name of every file in the order of `places`."""
    found: dict[str, tuple[int, list[str]]] = {}
    for line, fields in rows:
        try:
            name = fields[0]
            earlier, kept = found.setdefault(normal_name(name), (line, fields))
            check(fields)
            if kept[1:] != fields[1:]:
                raise EvobinError(f"{show(name)} differs from line {earlier}; keep one.")
        except EvobinError as error:
            problems.append(f"{path}, line {line}: {error}")
    problems += [
        f"{path}: does not name {show(name)} ({place}); add a line for it."
        for name, place in places.items()
        if name not in found
    ]
    return None if problems else [found[name][1][1:] for name in places]


def parse_label(fields: list[str], n_classes: int = 2, words: Words = ()) -> int:
    """The label of a line, file name and label; EvobinError if it has none.

    Args:
        fields: of the line.
        n_classes: labels are 0 to n_classes - 1.
        words: what each may be called instead, in lower case; none if empty.
    """
    if len(fields) == 1:
        every = _every(n_classes)
        raise EvobinError(f"{show(fields[0])} has no label; add a tab and {every}.")
    if len(fields) > 2:
        raise EvobinError(f"expected a file name and a label, found {len(fields)} fields.")
    label = label_of(fields[1], n_classes, words)
    if label is None:
        raise EvobinError(unknown_label(fields[1], n_classes, words))
    return label


def label_of(text: str, n_classes: int = 2, words: Words = ()) -> int | None:
    """The label that a field gives, by its number or by a word; None if it is neither.

    Example:
        >>> label_of("1"), label_of("F", words=(("male", "m"), ("female", "f"))), label_of("F")
        (1, 1, None)
    """
    for label, known in enumerate(words):
        if text.strip().lower() in known:
            return label
    return int(text) if text in map(str, range(n_classes)) else None


def unknown_label(text: str, n_classes: int = 2, words: Words = ()) -> str:
    """What is wrong with such a field, and what it may be."""
    more = ""
    if words:
        numbers = " and ".join(f"{label} is {known[0]}" for label, known in enumerate(words))
        more = f"; {numbers}, as a number or a word"
    return f"expected label {_every(n_classes)}, found {show(text)}{more}."


def _every(n_classes: int) -> str:
    return "0 or 1" if n_classes == 2 else f"0 to {n_classes - 1}"


def check_group(fields: list[str], n_columns: int, order: Sequence[int] = (0, 1)) -> None:
    """Raises EvobinError unless a line has file name and speaker, the first in `order`, and all."""
    if len(fields) != 1 + n_columns:
        raise EvobinError(
            f"expected {1 + n_columns} fields (name, speaker, ...), found {len(fields)}."
        )
    if not (fields[order[0]] and fields[order[1]]):
        raise EvobinError("the file name or the speaker is empty; fill it in or delete the line.")


def is_label_header(fields: list[str], endings: tuple[str, ...], words: Words = ()) -> bool:
    """Whether a first line names no file: its label is none, its name has no such ending."""
    unnamed = len(fields) > 1 and not fields[0].lower().endswith(endings)
    return (
        unnamed
        and label_of(fields[1], words=words) is None
        and bool(np.isnan(pd.to_numeric(fields[1], errors="coerce")))
    )


def normal_name(name: str) -> str:
    """One spelling for `a.npy` and `./a.npy`."""
    return str(PurePosixPath(name)) if "/" in name or name in ("", ".") else name


def show(text: str) -> str:
    """A field as a message shows it: short, and on one line whatever it holds."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def raise_if_any(problems: Mapping[Path, list[str]]) -> None:
    """Raises one EvobinError for the problems of several files, if there are any."""
    texts = list(chain.from_iterable(problems.values()))
    if texts:
        where = " and ".join(str(path) for path, found in problems.items() if found)
        first = f", the first {LISTED} are" if len(texts) > LISTED else ""
        raise several(f"{where}: {len(texts)} problems{first}", texts)
