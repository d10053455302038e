"""Labels and groups of samples from tsv files, with all problems of several files at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from evobin.errors import LISTED, EvobinError, several
from evobin.files import Table, read_table

_SHOWN = 60  # characters of a field in a message


def read_labels(
    path: Path, places: Mapping[str, str], problems: list[str], endings: tuple[str, ...]
) -> list[int] | None:
    r"""Reads the labels of files, one a line: `<file name>\t<label>`, label 0 or 1.

    Args:
        path: the tsv file; it must name every file, and may name others.
        places: where each file was found, by its `normal_name`; for messages.
        problems: empty; afterwards what is wrong, a text each.
        endings: of the names of such files, in lower case.

    Returns:
        One label a file in the order of `places`; None if there are problems.
    """
    rows = _read(path, problems)
    if not rows:
        return None
    if is_label_header(rows[0][1], endings):
        rows = rows[1:]
    found = _match(path, rows, places, problems, parse_label)
    return None if found is None else [int(label) for (label,) in found]


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
    found = _match(path, rows, places, problems, lambda fields: _check_group(fields, len(columns)))
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


def parse_label(fields: list[str], n_classes: int = 2) -> int:
    """The label of a line, file name and label, 0 to n_classes - 1; EvobinError if it has none."""
    every = "0 or 1" if n_classes == 2 else f"0 to {n_classes - 1}"
    if len(fields) == 1:
        raise EvobinError(f"{show(fields[0])} has no label; add a tab and {every}.")
    if len(fields) > 2:
        raise EvobinError(f"expected a file name and a label, found {len(fields)} fields.")
    if fields[1] not in map(str, range(n_classes)):
        raise EvobinError(f"expected label {every}, found {show(fields[1])}.")
    return int(fields[1])


def _check_group(fields: list[str], n_columns: int) -> None:
    if len(fields) != 1 + n_columns:
        raise EvobinError(
            f"expected {1 + n_columns} fields (name, speaker, ...), found {len(fields)}."
        )
    if not (fields[0] and fields[1]):
        raise EvobinError("the file name or the speaker is empty; fill it in or delete the line.")


def is_label_header(fields: list[str], endings: tuple[str, ...]) -> bool:
    """Whether a first line names no file: its label is no number, its name has no such ending."""
    unnamed = len(fields) > 1 and not fields[0].lower().endswith(endings)
    return unnamed and bool(np.isnan(pd.to_numeric(fields[1], errors="coerce")))


def normal_name(name: str) -> str:
    """One spelling for `a.npy` and `./a.npy`."""
    return str(PurePosixPath(name))


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
