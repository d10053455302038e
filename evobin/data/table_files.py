"""Tables as people keep them: csv and tsv files with a header, and parquet files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.data.cells import ColumnReader, Kind, no_number
from evobin.data.tables import show
from evobin.errors import LISTED, EvobinError, several
from evobin.extras import need
from evobin.files import reading
from evobin.lazy import pd

TABLES = (".csv", ".parquet", ".npz")
"""How the name of a file ends that can only be a table."""
KindsOf = Callable[[Sequence[str]], Sequence[Kind]]
"""What the columns of these names hold."""
_ROWS = 512  # that are taken together: a third quicker than 4,096, which fall out of the cache
_SEPARATORS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*"')


WHOLE = -1
"""The line of a problem that is not one of a row."""


class Problem(NamedTuple):
    """What is wrong at a place of a table; the places are for the order."""

    line: int
    column: int
    text: str


@dataclass(slots=True, eq=False)
class RawTable:
    """The columns of a table, and all that is wrong with them.

    Attributes:
        path: the file.
        names: of all columns, in order.
        columns: the columns that were asked for, by name: [rows] float64, NaN where missing; or
            objects: str, None where missing.
        lines: [rows] the line of each row in the file, from 1; of a parquet file its place, from 0.
        word: what such a number is: "line" or "row".
        problems: in any order. A row with another number of cells than the header is not among the
            rows, only among the problems.
        matrix: of an npz file, the columns of numbers in one array.
    """

    path: Path
    names: list[str]
    columns: dict[str, NDArray[Any]]
    lines: NDArray[np.int64]
    word: str = "line"
    problems: list[Problem] = field(default_factory=list)
    matrix: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.lines)

    def wrong(self, text: str, name: str | None = None, row: int | None = None) -> None:
        """One more problem: of a cell, a row, a column or the whole table."""
        line = WHOLE if row is None else int(self.lines[row])
        column = -1 if name is None else self.names.index(name)
        where = "" if row is None else f", {self.word} {line}"
        where += "" if name is None else f", column {show(name)}"
        self.problems.append(Problem(line, column, f"{self.path}{where}: {text}."))

    def raise_if_wrong(self) -> None:
        """Raises one EvobinError for all problems, if there are any, by row and column."""
        raise_if_any([self])

    @property
    def sorted_problems(self) -> list[Problem]:
        """The problems of the whole table, then those of its rows and columns in order."""
        return sorted(self.problems, key=lambda problem: problem[:2])

    @property
    def is_whole(self) -> bool:
        """Whether at most single rows have problems."""
        return all(problem.line != WHOLE for problem in self.problems)

    @property
    def bad(self) -> NDArray[np.bool_]:
        """[rows] whether there is a problem in the row."""
        return np.isin(self.lines, [problem.line for problem in self.problems])


def raise_if_any(tables: Iterable[RawTable]) -> None:
    """Raises one EvobinError for the problems of several tables, if there are any."""
    found = [table for table in tables if table.problems]
    if found:
        texts = [problem.text for table in found for problem in table.sorted_problems]
        first = f", the first {LISTED} are" if len(texts) > LISTED else ""
        where = " and ".join(str(table.path) for table in found)
        raise several(f"{where}: {len(texts)} problems{first}", texts)


def read_columns(path: Path, kinds_of: KindsOf) -> RawTable:
    """Reads columns of a table: of a parquet file, or of text with a header.

    Text is UTF-8; its separator is a tab where the name ends in .tsv, else the one of comma,
    semicolon, tab and | that the header has most of.

    Args:
        path: the file.
        kinds_of: gets the names of the columns, and says what they hold.

    Raises:
        EvobinError: if it cannot be read, or is empty; what else is wrong is in the table.
    """
    with reading(path):
        if path.suffix.lower() == ".parquet":
            return _read_parquet(path, kinds_of)
        raw = path.read_bytes()
        if b"\0" in raw:
            raise EvobinError("holds NUL bytes; save it as UTF-8 text.")
        return _TextReader(path, raw).read(kinds_of)


class _TextReader:
    """Reads the bytes of a csv or tsv file."""

    def __init__(self, path: Path, raw: bytes) -> None:
        self._path = path
        self._problems = [] if _is_text(raw) else list(_undecoded(path, raw))
        self._undecoded = {problem.line for problem in self._problems}
        # Decoded as it is read: a StringIO of it would take four bytes a character.
        text = io.TextIOWrapper(io.BytesIO(raw), "utf-8-sig", errors="replace", newline="")
        self._rows = self._numbered(csv.reader(text, delimiter=_separator(path, raw), strict=True))

    def read(self, kinds_of: KindsOf) -> RawTable:
        names = [name.strip() for name in next(self._rows, (0, []))[1]]
        table = RawTable(self._path, names, {}, np.empty(0, np.int64), problems=self._problems)
        if not names:
            table.raise_if_wrong()
            raise EvobinError("is empty; give it a header and rows.")
        lines: list[int] = []
        self._check_names(names)
        kinds = kinds_of(names)
        readers = {place: ColumnReader(kind) for place, kind in enumerate(kinds) if kind != "skip"}
        for some in self._chunks(len(names)):
            lines += [line for line, _ in some]
            columns = list(zip(*(cells for _, cells in some), strict=True))
            for place, reader in readers.items():
                reader.add(columns[place])
        table.lines = np.array(lines, np.int64)
        if not lines and not self._problems:
            raise EvobinError("holds no rows; give it one a sample, below the header.")
        for place, reader in readers.items():
            table.columns[names[place]] = reader.array()
            if reader.kind != "text":
                self._add_words(table, names[place], reader, guessed=kinds[place] == "guess")
        return table

    def _add_words(
        self, table: RawTable, name: str, reader: ColumnReader, *, guessed: bool
    ) -> None:
        """The cells of a column of numbers that are none, and those that are infinite."""
        words = [
            (row, word) for row, word in reader.words if table.lines[row] not in self._undecoded
        ]
        if words and not guessed and not np.isfinite(table.columns[name]).any():
            row, word = words[0]
            table.wrong(
                f"must hold numbers, as in training, but it holds {show(word)} in line "
                f"{table.lines[row]}; correct it",
                name,
            )
            return
        more = f", or name the column with --categorical {quote(name)}" if guessed else ""
        for row, word in words:
            table.wrong(no_number(word) + more, name, row)
        refuse_infinite(table, name)

    def _numbered(self, rows: Any) -> Iterator[tuple[int, list[str]]]:
        """The rows that are not blank, each with the line that it begins in."""
        while True:
            line = rows.line_num + 1
            try:
                cells = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                text = f"{self._path}, line {line}: is no row ({error}); check its quotes."
                self._problems.append(Problem(line, -1, text))
                return
            if cells:
                yield line, cells

    def _chunks(self, width: int) -> Iterator[list[tuple[int, list[str]]]]:
        """Rows of the right number of cells, some at a time."""
        some: list[tuple[int, list[str]]] = []
        for line, cells in self._rows:
            if len(cells) != width:
                text = (
                    f"{self._path}, line {line}: has {len(cells)} cells, but the header has "
                    f"{width}; correct it."
                )
                self._problems.append(Problem(line, -1, text))
                continue
            some.append((line, cells))
            if len(some) == _ROWS:
                yield some
                some = []
        if some:
            yield some

    def _check_names(self, names: Sequence[str]) -> None:
        seen: dict[str, int] = {}
        for place, name in enumerate(names):
            first = seen.setdefault(name, place)
            text = ""
            if not name:
                text = f"column {place + 1} has no name; name it, or save without an index"
            elif first != place:
                text = (
                    f"columns {first + 1} and {place + 1} are both named {show(name)}; rename one"
                )
            if text:
                self._problems.append(Problem(WHOLE, place, f"{self._path}, line 1: {text}."))


def refuse_infinite(table: RawTable, name: str) -> None:
    """A problem for each infinite number of a column."""
    for row in np.flatnonzero(np.isinf(table.columns[name])).tolist():
        table.wrong(
            f"must be finite, but it is {table.columns[name][row]}; correct it, or leave it empty",
            name,
            row,
        )


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _undecoded(path: Path, raw: bytes) -> Iterator[Problem]:
    """A problem for each line that is no UTF-8."""
    for line, text in enumerate(raw.split(b"\n"), 1):
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            yield Problem(line, -1, f"{path}, line {line}: is not UTF-8 text; save it as UTF-8.")


def _separator(path: Path, raw: bytes) -> str:
    if path.suffix.lower() in (".tsv", ".tab"):
        return "\t"
    header = raw.lstrip(b"\r\n").partition(b"\n")[0].decode("utf-8", errors="replace")
    return max(_SEPARATORS, key=_QUOTED.sub("", header).count)


def _read_parquet(path: Path, kinds_of: KindsOf) -> RawTable:
    parquet: Any = need("pyarrow.parquet", "parquet", str(path))
    try:
        file = parquet.ParquetFile(path)
        names = [str(name) for name in file.schema_arrow.names]
        kinds = dict(zip(names, kinds_of(names), strict=True))
        wanted = [name for name in names if kinds[name] != "skip"]
        frame = file.read(columns=wanted).to_pandas(ignore_metadata=True)
    except (ValueError, TypeError, KeyError) as error:  # those of pyarrow are among them
        reason = str(error).partition("\n")[0]
        raise EvobinError(
            f"is damaged or no parquet file ({reason:.120}); copy it again."
        ) from error
    if not len(frame):
        raise EvobinError("holds no rows; give it one a sample.")
    table = RawTable(path, names, {}, np.arange(len(frame)), "row")
    for name in wanted:
        _add_column(table, name, frame[name], kinds[name])
    return table


def _add_column(table: RawTable, name: str, values: pd.Series[Any], kind: Kind) -> None:
    """A column of a data frame: numbers and truth values as numbers, all else that is text."""
    dtype = values.dtype
    is_number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)
    present = values[values.notna()]
    is_text = not is_number and all(type(value) is str for value in present)
    table.columns[name] = np.full(len(values), np.nan)
    if not is_number and not is_text:
        table.wrong(
            f"must hold numbers or text, but it holds {dtype}; convert it, or leave it out with "
            f"--drop {quote(name)}",
            name,
        )
    elif kind == "number" and is_text and len(present):
        table.wrong(
            f"must hold numbers, as in training, but it holds {show(str(present.iloc[0]))}; "
            "correct it",
            name,
        )
    elif is_number and kind != "text":
        table.columns[name] = values.to_numpy(np.float64, na_value=np.nan)
        refuse_infinite(table, name)
    else:
        texts = np.full(len(values), None, object)
        texts[values.notna().to_numpy()] = [str(value) for value in present]
        table.columns[name] = texts
