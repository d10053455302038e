"""Tables and arrays as labelled samples: which column is what, and which class a row is of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.config.data import ARRAYS
from evobin.core.samples import Dataset, Samples
from evobin.data.array_files import GROUPS, LABELS, read_arrays
from evobin.data.cells import Kind, number_of
from evobin.data.columns import Column
from evobin.data.encoder import TableEncoder
from evobin.data.table_files import WHOLE, Problem, RawTable, read_columns
from evobin.data.tables import show
from evobin.errors import EvobinError
from evobin.lazy import pd
from evobin.network.architecture import MAX_CLASSES

_SHOWN = 12  # columns that a message lists


class Known(NamedTuple):
    """What the features and labels of a table must be, by a model or by another table.

    Attributes:
        names: of the columns; None if they count by their places.
        kinds: of each column.
        classes: [n_classes] what a label may be; None if any label will do.
        may_miss: of each column, whether values may be missing.
        columns: of an encoder that was fitted; None without.
        is_model: whether that is known by a model.
    """

    names: tuple[str, ...] | None
    kinds: tuple[Kind, ...]
    classes: NDArray[Any] | None
    may_miss: tuple[bool, ...]
    columns: tuple[Column, ...] | None = None
    is_model: bool = True

    @classmethod
    def of(
        cls,
        names: tuple[str, ...] | None,
        encoder: TableEncoder | None,
        n_features: int,
        classes: NDArray[Any] | None,
    ) -> Known:
        """What a model takes; without an encoder all features are numbers."""
        if encoder is None:
            return cls(names, _numbers(n_features), classes, (False,) * n_features)
        columns = encoder.columns_
        may_miss = tuple(column.has_missing or not column.n_signs for column in columns)
        return cls(names, tuple(map(_kind_of, columns)), classes, may_miss, columns)


def _kind_of(column: Column) -> Kind:
    return "number" if column.categories is None else "text"


def _numbers(n: int) -> tuple[Kind, ...]:
    kinds: list[Kind] = ["number"] * n
    return tuple(kinds)


class Roles(NamedTuple):
    """What the columns of a table are for.

    Attributes:
        label: the column of classes; None if nobody asks for them.
        group: the column of what belongs together.
        usual_group: such a column, if it is there and no other is named.
        drop: columns that are left out, and must be there.
        ignored: columns that are left out, if they are there.
        categorical: columns of categories that may look like numbers.
        row: a column that names the rows; without one, their lines do.
    """

    label: str | None = None
    group: str | None = None
    usual_group: str | None = None
    drop: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    row: str | None = None

    @property
    def asked_for(self) -> tuple[str, ...]:
        """The columns that must be there."""
        single = tuple(name for name in (self.label, self.group, self.row) if name is not None)
        return (*single, *self.drop, *self.categorical)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledTable:
    """The rows of a table.

    Attributes:
        raw: the columns as they were read, with all that is wrong with them.
        features: what an encoder takes, an array or a data frame.
        labels: [rows] text, None where missing; None if nobody asks for them.
        groups: [rows] text, None where missing; None if they are not known.
        rows: [rows] a name for each.
        columns: of the features, as `raw` has them.
    """

    raw: RawTable
    features: Any
    labels: NDArray[Any] | None
    groups: NDArray[Any] | None
    rows: tuple[str, ...]
    columns: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def all_rows(self) -> NDArray[np.intp]:
        """The place of each row."""
        return np.arange(len(self))

    @property
    def names(self) -> tuple[str, ...] | None:
        """Of the features; None if they have none."""
        return None if isinstance(self.features, np.ndarray) else tuple(self.features.columns)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Of the features."""
        if isinstance(self.features, np.ndarray):
            return _numbers(self.features.shape[1])
        kinds: list[Kind] = ["number" if d.kind == "f" else "text" for d in self.features.dtypes]
        return tuple(kinds)

    def some(self, rows: NDArray[np.intp]) -> Any:
        """The features of some rows, by their places."""
        is_array = isinstance(self.features, np.ndarray)
        return self.features[rows] if is_array else self.features.iloc[rows]

    def digest(self) -> str:
        """SHA-256 of all that a run can see of the table, in hexadecimal."""
        seen = hashlib.sha256("\0".join(self.raw.names).encode())
        texts = [self.labels, self.groups, self.raw.lines.astype(str)]
        if isinstance(self.features, np.ndarray):
            seen.update(np.ascontiguousarray(self.features).data)
        else:
            for name in self.features:
                column = self.features[name].to_numpy()
                if column.dtype.kind == "f":
                    seen.update(np.ascontiguousarray(column).data)
                else:
                    texts.append(column)
        for column in texts:
            if column is not None:
                seen.update("\0".join("\1" if x is None else x for x in column.tolist()).encode())
        return seen.hexdigest()

    def dataset(
        self, rows: NDArray[np.intp], signs: NDArray[Any], labels: NDArray[np.int8]
    ) -> Dataset:
        """Rows as samples of one frame.

        Args:
            rows: [m] which.
            signs: [m, inputs] what a network sees of these.
            labels: [m] the places of their labels in the classes.
        """
        names = tuple(self.rows[row] for row in rows.tolist())
        groups = None if self.groups is None else pd.DataFrame({"speaker": self.groups[rows]})
        return Dataset(names, Samples.of_rows(signs), labels, groups)


def read_labelled(path: Path, roles: Roles, known: Known | None = None) -> LabelledTable:
    """Reads a table or an npz file of arrays; its problems are in `raw`, none is raised.

    Args:
        path: the file.
        roles: which column is what.
        known: what its features must be; None if they are to be found out.

    Raises:
        EvobinError: if it cannot be read at all.
    """
    if path.suffix.lower() == ARRAYS:
        return _of_arrays(read_arrays(path), roles, known)
    columns = _Columns(path, roles, known)
    raw = read_columns(path, columns.kinds_of)
    raw.problems += columns.problems
    given = {name: raw.columns[name] for name in columns.features if name in raw.columns}
    features = pd.DataFrame(given, copy=False)
    rows = tuple(f"{raw.word} {line}" for line in raw.lines.tolist())
    if roles.row is not None and roles.row in raw.columns:
        rows = tuple("" if text is None else text for text in raw.columns[roles.row])
    label, group = roles.label, columns.group
    labels = None if label is None else raw.columns.get(label)
    groups = None if group is None else raw.columns.get(group)
    table = LabelledTable(raw, features, labels, groups, rows, tuple(given))
    _check(table, label, group, known)
    return table


def _of_arrays(raw: RawTable, roles: Roles, known: Known | None) -> LabelledTable:
    """The arrays of an npz file, already read; labels only where they are asked for."""
    matrix = raw.matrix
    if matrix is None:
        raise RuntimeError("an npz file was read without its matrix.")
    label = None if roles.label is None else LABELS
    if label is not None and label not in raw.columns:
        raw.wrong(f"has no array {LABELS}; add one, with a label for each row of X")
    if known is not None and matrix.shape[1] != len(known.kinds):
        raw.wrong(f"X has {matrix.shape[1]} columns, but it must have {len(known.kinds)}")
        known = None
    if known is not None and "text" in known.kinds:
        raw.wrong("holds numbers only, but the model takes words too; name a csv or parquet file")
        known = None
    rows = tuple(f"row {row}" for row in range(len(raw)))
    labels = None if label is None else raw.columns.get(label)
    group, columns = (
        (GROUPS if GROUPS in raw.columns else None),
        tuple(raw.names[: matrix.shape[1]]),
    )
    table = LabelledTable(raw, matrix, labels, raw.columns.get(GROUPS), rows, columns)
    _check(table, label, group, known)
    return table


class _Columns:
    """Finds out what each column of a table is for, by its name."""

    def __init__(self, path: Path, roles: Roles, known: Known | None) -> None:
        self._path, self._roles, self._known = path, roles, known
        self.group = roles.group
        self.features: tuple[str, ...] = ()
        self.problems: list[Problem] = []

    def kinds_of(self, names: Sequence[str]) -> list[Kind]:
        """What each column holds; notes what columns are missing or too many."""
        roles = self._roles
        for name in dict.fromkeys(roles.asked_for):
            if name not in names:
                self._wrong(missing_column(name, names))
        if self.group is None and roles.usual_group in names:
            self.group = roles.usual_group
        kinds: dict[str, Kind] = dict.fromkeys(names, "skip")
        texts = (roles.label, self.group, roles.row)
        others = {*texts, *roles.drop, *roles.ignored}
        self.features = tuple(name for name in names if name not in others)
        kinds |= {name: "text" for name in texts if name in kinds}
        kinds |= self._kinds_of_features(names)
        return [kinds[name] for name in names]

    def _kinds_of_features(self, names: Sequence[str]) -> dict[str, Kind]:
        known, given = self._known, self.features
        if known is None:
            if not given:
                self._wrong("has no column of features; leave some in")
            categories = self._roles.categorical
            return {name: "text" if name in categories else "guess" for name in given}
        if known.names is None:
            if len(given) != len(known.kinds):
                self._wrong(
                    f"has {len(given)} columns of features, but the model takes "
                    f"{len(known.kinds)}, without names; leave others out with --drop"
                )
                return {}
            return dict(zip(given, known.kinds, strict=True))
        for name in known.names:
            if name not in names:
                self._wrong(f"{missing_column(name, names)} It is one of the features")
        for name in given:
            if name not in known.names:
                self._wrong(
                    f"column {show(name)} is no known feature; "
                    + (f"leave it out with --drop {quote(name)}" if known.is_model else "delete it")
                )
        self.features = known.names
        found = dict(zip(known.names, known.kinds, strict=True))
        return {name: kind for name, kind in found.items() if name in names}

    def _wrong(self, text: str) -> None:
        end = "" if text.endswith(("?", ".")) else "."
        self.problems.append(Problem(WHOLE, -1, f"{self._path}: {text}{end}"))


def missing_column(name: str, names: Sequence[str]) -> str:
    """What is wrong where a column of that name is not among those that there are.

    Example:
        >>> missing_column("speces", ["id", "species"])
        "there is no column 'speces'; did you mean 'species'?"
    """
    if close := get_close_matches(name, names, 1):
        return f"there is no column {show(name)}; did you mean {show(close[0])}?"
    return f"there is no column {show(name)}; {listed(names)}."


def listed(names: Sequence[str]) -> str:
    """The columns that there are, as far as a message can say.

    Example:
        >>> listed(["id", "species"])
        'columns are id, species'
    """
    return f"columns are {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"


def _check(table: LabelledTable, label: str | None, group: str | None, known: Known | None) -> None:
    """Notes cells that are missing or unknown where that may not be."""
    raw = table.raw
    if table.labels is not None and label is not None:
        classes = None if known is None else known.classes
        places = None if classes is None else places_in(table.labels, classes)
        for row, text in enumerate(table.labels.tolist()):
            if text is None:
                raw.wrong("has no label; fill it in, or delete the row", label, row)
            elif places is not None and classes is not None and places[row] < 0:
                some = ", ".join(map(str, classes[:_SHOWN].tolist()))
                raw.wrong(f"is {show(text)}, but classes are {some}; correct it", label, row)
    if table.groups is not None and group is not None:
        for row in np.flatnonzero(table.groups == None).tolist():  # noqa: E711  # of each
            raw.wrong("names no group; fill it in, or delete the row", group, row)
    if known is not None and raw.is_whole:
        _check_features(table, known)


def _check_features(table: LabelledTable, known: Known) -> None:
    """Notes what an encoder or a network without one would refuse."""
    raw, bad = table.raw, table.raw.bad
    for place, name in enumerate(table.columns):
        column = raw.columns[name]
        missing = pd.isna(column)
        if not known.may_miss[place]:
            for row in np.flatnonzero(missing & ~bad).tolist():
                raw.wrong("is missing, as it never was in training; fill it in", name, row)
        if known.columns is None or (categories := known.columns[place].categories) is None:
            continue
        present = set(column[~missing].tolist())
        is_other = present.isdisjoint(categories)
        if present and is_other and all(number_of(text) is not None for text in present):
            raw.wrong(
                f"must hold words as {show(str(categories[0]))}, as in training, but it holds "
                f"{show(min(present))}; correct it",
                name,
            )


def classes_of(table: LabelledTable) -> NDArray[Any]:
    """The classes of labels, ascending: int64 if all are whole numbers, else text.

    Raises:
        EvobinError: if there are fewer than two, or too many.
    """
    labels = set() if table.labels is None else {text for text in table.labels if text is not None}
    numbers = [number_of(text) for text in labels]
    whole = [int(x) for x in numbers if x is not None and np.isfinite(x) and x == int(x)]
    classes = np.array(sorted(set(whole) if len(whole) == len(labels) else labels))
    if not 2 <= len(classes) <= MAX_CLASSES:
        only = f", {classes.tolist()[0]!r}" if len(classes) == 1 else ""
        raise EvobinError(
            f"{table.raw.path}: the labels must be of 2 to {MAX_CLASSES} classes, but they are of "
            f"{len(classes):,}{only}; name another column with --label."
        )
    return classes


def places_in(labels: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int8]:
    """[rows] int8, the place of each label in the classes; -1 where it is none of them.

    Args:
        labels: [rows] text or None.
        classes: numbers or text.
    """
    is_number = classes.dtype.kind in "iuf"
    known: dict[Any, int] = {
        float(name) if is_number else str(name): place
        for place, name in enumerate(classes.tolist())
    }
    keys = {
        text: known.get(number_of(text) if is_number else text, -1)
        for text in set(labels.tolist())
        if text is not None
    }
    return np.array([keys.get(text, -1) for text in labels.tolist()], np.int8)
