"""Columns of pandas tables: which hold numbers, which text, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.data.arrays import Matrix, unfit
from evobin.data.columns import Cells, Coded, Unfit, text_of
from evobin.errors import LISTED, TableError, several
from evobin.lazy import is_frame, pd

_NUMBERS = {"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"}
_MIXED = {"mixed", "mixed-integer"}
_SHOWN = 60  # characters of a value in a message


class Problems:
    """What is wrong with the columns and cells of a table.

    Args:
        names: of its columns; None where they have none.
        table: its rows are called by the labels of a DataFrame's index, after the index's name; of
            an array they are numbered from 0.
    """

    def __init__(self, names: Sequence[str] | None, table: object) -> None:
        self._names = names
        self._index = table.index if is_frame(table) else None
        self._found: list[tuple[int, int, str]] = []
        self._count = 0

    @contextmanager
    def of(self, place: int) -> Iterator[None]:
        """Notes what is raised as `Unfit` of a column."""
        try:
            yield
        except Unfit as error:
            self._add(place, str(error), error.row)

    def check(self, place: int, cells: Cells, may_be_missing: bool = True) -> None:
        """Notes the cells of a column that are infinite, or missing where they may not be."""
        if isinstance(cells, Coded):
            wrong = cells.codes < 0 if not may_be_missing else np.zeros(1, bool)
        elif cells.dtype.kind == "f":
            wrong = unfit(cells, may_be_missing)
        else:
            return
        rows = np.flatnonzero(wrong)
        for row in rows[:LISTED].tolist():
            if isinstance(cells, Coded) or np.isnan(cells[row]):
                text = "is missing, but none was in training; fill it in"
            else:
                text = f"holds {cells[row]}, but numbers must be finite; correct it"
            self._add(place, f"{text}, or leave the row out.", row)
        self._count += max(0, len(rows) - LISTED)

    def _add(self, place: int, text: str, row: int | None) -> None:
        self._count += 1
        column = f"column {place if self._names is None else repr(self._names[place])}"
        where = column if row is None else f"{self._row(row)}, {column}"
        self._found.append((-1 if row is None else row, place, f"{where}: {text}"))

    def raise_if_any(self) -> None:
        """Raises TableError for all of them, by row and column, if there are any."""
        if not self._found:
            return
        texts = [text for _, _, text in sorted(self._found)]
        first = f", the first {LISTED} are" if self._count > LISTED else ""
        raise TableError(several(f"the table has {self._count:,} problems{first}", texts))

    def _row(self, row: int) -> str:
        if self._index is None:
            return f"row {row}"
        word = "row" if self._index.name is None else str(self._index.name)
        return f"{word} {self._index[row]}"


def in_order(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The columns of a table in the order of `names`, which must be all that it has.

    Raises:
        TableError: if a name is missing, unknown or there twice; names the first ten.
    """
    found = [str(name) for name in frame.columns]
    if found == list(names):
        return frame
    known, places = set(names), {name: place for place, name in enumerate(found)}
    problems = [
        f"`X` must have a column {name!r}, but it has none; add it."
        for name in names
        if name not in places
    ]
    problems += [
        f"`X` has a column {name!r} that the model does not know; drop it."
        for name in found
        if name not in known
    ]
    problems += _twice(found)
    if problems:
        raise TableError(several("the columns have problems", problems))
    return frame.iloc[:, [places[name] for name in names]]


def names_of(frame: pd.DataFrame) -> tuple[str, ...] | None:
    """The names of a table's columns; None unless all are text.

    Raises:
        TableError: if two have the same name.
    """
    names: list[Hashable] = list(frame.columns)
    if not names or not all(isinstance(name, str) for name in names):
        return None
    found = tuple(map(str, names))
    if problems := _twice(found):
        raise TableError(several("the columns have problems", problems))
    return found


def _twice(names: Sequence[str]) -> list[str]:
    return [
        f"`X` has {count} columns {name!r}; rename or drop one."
        for name, count in Counter(names).items()
        if count > 1
    ]


def plain_matrix(frame: pd.DataFrame) -> Matrix | None:
    """A table of nothing but numbers as an array, not copied if it need not be; else None."""
    dtypes = list(frame.dtypes)  # not all can be hashed
    if not all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in dtypes):
        return None
    return frame.to_numpy(np.result_type(*set(dtypes)))


def read(values: pd.Series[Any] | NDArray[Any], as_text: bool | None = None) -> Cells:
    """The cells of a column.

    Args:
        values: the column; numbers in an array are what they are.
        as_text: whether it has to hold categories or numbers; None for what it looks like.

    Raises:
        Unfit: if it holds anything else, or both.
    """
    if isinstance(values, np.ndarray):
        return values
    values = values.reset_index(drop=True)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _of_categories(values, as_text)
    is_text = _is_text(values, as_text)
    if not is_text:
        return _numbers(values)
    if as_text is False:
        row = int(values.notna().to_numpy().argmax())
        raise Unfit(f"holds {_show(values[row])}, where training had numbers; correct it.", row)
    codes, texts = pd.factorize(values)
    return Coded(codes, [str(text) for text in texts])


def _is_text(values: pd.Series[Any], as_text: bool | None) -> bool:
    """Whether a column holds text, and nothing else, or else numbers and nothing else."""
    dtype = values.dtype
    if isinstance(dtype, pd.StringDtype):
        return not values.isna().all()
    if pd.api.types.is_complex_dtype(dtype):
        raise Unfit(f"holds {dtype} numbers; make real ones of them.")
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        return False
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind == "string" or kind in _NUMBERS:
        return kind == "string"
    if kind not in _MIXED:
        raise Unfit(f"holds {kind}, neither numbers nor text; make numbers of it, or leave it out.")
    return _is_text_of_some(values, as_text)


def _is_text_of_some(values: pd.Series[Any], as_text: bool | None) -> bool:
    """The same for objects of several types: False for numbers of several types."""
    first_text = None
    for row, value in values[values.notna()].items():
        if isinstance(value, str):
            first_text = row if first_text is None else first_text
        elif not isinstance(value, Real | np.bool_):
            advice = "correct it, or leave the column out"
            raise Unfit(
                f"holds {_show(value)}, neither a number nor text; {advice}.", int(str(row))
            )
    if first_text is None:
        return False
    row = int(str(first_text))
    if as_text is False:
        raise Unfit(f"holds {_show(values[row])}, where training had numbers; correct it.", row)
    advice = "correct it, or make text of the whole column"
    raise Unfit(f"holds {_show(values[row])} among numbers; {advice}.", row)


def _of_categories(values: pd.Series[Any], as_text: bool | None) -> Cells:
    """A column of pandas' own type of categories, which may be numbers."""
    if as_text is False:
        return read(values.astype(object), as_text)
    categories = values.cat.categories
    for category in categories:
        if not isinstance(category, str | Real | np.bool_):
            kind = type(category).__name__
            raise Unfit(f"has a category of type {kind}; make text or numbers of them.")
    texts = [one if isinstance(one, str) else text_of(float(one)) for one in categories]
    return Coded(values.cat.codes.to_numpy(np.intp), texts)


def _numbers(values: pd.Series[Any]) -> NDArray[np.float64]:
    """[n] float64, NaN for missing ones."""
    if values.dtype != object:
        return values.to_numpy(np.float64, na_value=np.nan)
    out, is_there = np.full(len(values), np.nan), values.notna().to_numpy()
    try:
        out[is_there] = values.to_numpy()[is_there].astype(np.float64)
    except OverflowError:
        raise Unfit("holds a whole number beyond all of float64; correct it.") from None
    return out


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
