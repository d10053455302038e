"""Columns of numbers and categories as signs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.checks import check_number
from evobin.core.samples import starts_of
from evobin.data.arrays import BLOCK, Matrix, check_matrix, matrix_of, unfit
from evobin.data.columns import Column, learn
from evobin.data.frames import Problems, in_order, names_of, plain_matrix, read
from evobin.errors import EvobinError, SettingError
from evobin.kernels import encoding
from evobin.lazy import is_frame, pd
from evobin.network.architecture import Architecture

MAX_BITS = 32


class Comparisons(NamedTuple):
    """What each sign says of a number of its column, as `TableEncoder.numbers` has it.

    Attributes:
        owners: [n_signs] int64, the column, ascending.
        kinds: [n_signs] uint8: the sign is +1 where the number is above the value (ABOVE, 0), equal
            to it (EQUAL, 1), or NaN (MISSING, 2), else -1. NaN is neither above nor equal to any.
        values: [n_signs] float64; 0 for MISSING.
    """

    owners: NDArray[np.int64]
    kinds: NDArray[np.uint8]
    values: NDArray[np.float64]

    @property
    def narrow(self) -> NDArray[np.float32]:
        """[n_signs] float32, the largest that are not above the values.

        A number in float32 is above one exactly where it is above the other; -inf stands for a
        value below all of float32. Places of categories stay what they are.
        """
        with np.errstate(over="ignore"):
            narrow = self.values.astype(np.float32)
        above = narrow.astype(np.float64) > self.values
        narrow[above] = np.nextafter(narrow[above], np.float32(-np.inf))
        return narrow


class TableEncoder:
    """Each column of a table becomes the signs of some comparisons.

    A column of numbers becomes the signs of its differences from thresholds: +1 where
    `x > threshold`, both in float64, else -1. So they rise from all -1 to all +1 with it, as the
    column of a thermometer, and no unit has to be known: a column that is scaled or bent by any
    rising function has the same code. Thresholds are quantiles of the training samples, each
    halfway between two values that occur there. A value that many samples share counts for no more
    than one of the `bits` + 1 steps, so that the others are spread over the rest; a column of at
    most `bits` + 1 values has a threshold between any two of them.

    A column of text, or of pandas' categories, has a sign for each of its different values, +1
    where it is that one. Of two values and none missing, only the second has one, for the first is
    its negative. A value that training did not have is none of them: all of its signs are -1.

    Where training has missing values (NaN, None) in a column, that has one more sign, +1 where its
    value is missing; all others are -1 there. In other columns they are refused. A column that
    does not vary has no sign, and what it holds later does not matter.

    Args:
        bits: thresholds a column at most, 1 to 32.
        categorical: columns of categories that are numbers, such as codes, by name or by place.

    Attributes:
        columns_: a `Column` each, what was learnt of it.

    Example:
        >>> encoder = TableEncoder(bits=2).fit([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0]])
        >>> [column.thresholds.tolist() for column in encoder.columns_]
        [[0.5, 1.5], []]
        >>> encoder.transform([[0.5, 5.0], [1.0, 9.0]])
        array([[-1, -1],
               [ 1, -1]], dtype=int8)
        >>> import pandas as pd
        >>> table = pd.DataFrame({"age": [3.0, 5.0, None], "pet": ["cat", "dog", "cow"]})
        >>> TableEncoder().fit(table).transform(table)
        array([[-1, -1,  1, -1, -1],
               [ 1, -1, -1, -1,  1],
               [-1,  1, -1,  1, -1]], dtype=int8)
    """

    def __init__(self, bits: int = 7, categorical: Sequence[str | int] = ()) -> None:
        self.bits = bits
        self.categorical = categorical
        self.columns_: tuple[Column, ...] = ()

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the columns; None where they have none."""
        names = tuple(column.name for column in self.columns_ if column.name is not None)
        return names or None

    @property
    def n_features(self) -> int:
        """Columns of the table; 0 before `fit`."""
        return len(self.columns_)

    @property
    def n_signs(self) -> int:
        """Signs of a sample: those of all columns."""
        return sum(column.n_signs for column in self.columns_)

    @property
    def starts(self) -> NDArray[np.int64]:
        """[n_features + 1] where the signs of each column start, and the end."""
        return starts_of([column.n_signs for column in self.columns_])

    @property
    def comparisons(self) -> Comparisons:
        """What each sign says; all that it takes to encode what `numbers` returns."""
        counts = [column.n_signs for column in self.columns_]
        return Comparisons(
            np.repeat(np.arange(self.n_features), counts),
            np.array([kind for column in self.columns_ for kind in column.kinds], np.uint8),
            np.array([value for column in self.columns_ for value in column.values], np.float64),
        )

    @property
    def constant(self) -> tuple[str | int, ...]:
        """The columns without a sign, by name, or by place where they have none."""
        return tuple(
            place if column.name is None else column.name
            for place, column in enumerate(self.columns_)
            if not column.n_signs
        )

    def check_fits(self, architecture: Architecture) -> None:
        """Raises ValueError unless its signs, of each frame, are what a network takes."""
        if not architecture.binary_inputs:
            raise ValueError(
                "an encoder needs a network with binary inputs, but this one has `binary_inputs` "
                "False; search one that has them."
            )
        if architecture.n_in != self.n_signs:
            raise ValueError(
                f"the encoder makes {self.n_signs} signs, but the network has {architecture.n_in} "
                "inputs; take the encoder that it was fitted with."
            )

    def fit(self, X: ArrayLike | pd.DataFrame, rows: NDArray[np.intp] | None = None) -> Self:
        """Learns what becomes of each column.

        Args:
            X: [samples, features] real numbers, NaN for missing ones; or a table of columns of
                numbers, text and categories. None of the numbers may be infinite. Not modified.
            rows: [any] samples to learn thresholds and categories from; all if None. Of the others,
                no more is learnt than which columns have missing values.

        Raises:
            ValueError: if X is not that, a column has too many categories, or none varies. A
                table's problems are all in one `TableError`.
            SettingError: if `bits` is out of range, or `categorical` names no columns of X.
        """
        check_number("bits", self.bits, 1, MAX_BITS)
        names = names_of(X) if is_frame(X) else None
        problems, columns = Problems(names, X), list[Column]()
        matrix, (n_samples, n_features) = _opened(X)
        as_text = _places(self.categorical, names, n_features)
        found: Iterator[Any] = _series(X) if matrix is None else _contiguous(matrix)
        for place, values in enumerate(found):
            with problems.of(place):
                cells = read(values)
                problems.check(place, cells)
                name = None if names is None else names[place]
                columns.append(learn(name, cells, self.bits, place in as_text, rows))
        problems.raise_if_any()
        if not any(column.n_signs for column in columns):
            raise ValueError(
                f"`X` must hold a feature that varies, but all of its {n_features} are constant "
                f"over {n_samples if rows is None else len(rows)} samples; add some."
            )
        self.columns_ = tuple(columns)
        return self

    def transform(self, X: ArrayLike | pd.DataFrame) -> NDArray[np.int8]:
        """The signs of samples.

        Args:
            X: as for `fit`; the columns of a table that had names are found by these, in any order.
                Not modified.

        Returns:
            [samples, n_signs] int8 of -1 and +1; the signs of a column lie side by side: in the
            order of its thresholds or categories, the one for missing values last.

        Raises:
            ValueError: if X is not that, a value is missing where none was in training, or there
                was no `fit`. A table's problems are all in one `TableError`.
        """
        return self._signs(self.numbers(X))

    def numbers(self, X: ArrayLike | pd.DataFrame) -> Matrix:
        """Samples as numbers alone, as exported files take them.

        Args:
            X: as for `transform`.

        Returns:
            [samples, n_features] real numbers, float64 if X has to be copied. That of a category is
            its place in `Column.categories`, from 0, or -1 for an unknown one. NaN stands for a
            missing value. A column that has no sign holds anything.

        Raises:
            ValueError: as for `transform`.
        """
        self._check_fitted()
        if not is_frame(X):
            return self._numbers_of_array(X)
        if self.feature_names is not None:
            X = in_order(X, self.feature_names)
        matrix, shape = _opened(X, self.n_features)
        if matrix is not None and self._is_fit(matrix):
            return matrix
        problems, numbers = Problems(self.feature_names, X), np.full(shape, np.nan, order="F")
        for place, (column, values) in enumerate(zip(self.columns_, _series(X), strict=True)):
            if not column.n_signs:
                continue
            with problems.of(place):
                cells = read(values, column.categories is not None)
                problems.check(place, cells, column.has_missing)
                numbers[:, place] = column.numbers(cells)
        problems.raise_if_any()
        return numbers

    def signs(self, numbers: NDArray[Any]) -> NDArray[np.int8]:
        """The signs of what `numbers` returned.

        Args:
            numbers: [samples, n_features], not infinite; NaN where a value is missing.

        Returns:
            As `transform`.

        Raises:
            ValueError: if they are not that, or there was no `fit`.
        """
        self._check_fitted()
        return self._signs(matrix_of("numbers", numbers, self.n_features, self._may_be_missing))

    def to_plain(self) -> dict[str, Any]:
        """The fitted encoder as JSON values, exact: JSON keeps every float64."""
        columns = [column.to_plain() for column in self.columns_]
        return {"kind": "table", "bits": self.bits, "columns": columns}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> TableEncoder:
        """The encoder that `to_plain` took apart.

        Raises:
            EvobinError: if it is not one.
        """
        if plain.get("kind") != "table":
            raise EvobinError(
                f"`kind` must be 'table', but it is {plain.get('kind')!r:.60}; update evobin if a "
                "later version wrote it."
            )
        bits: Any = plain.get("bits")
        columns = plain.get("columns")
        check_number("bits", bits, 1, MAX_BITS)
        if not isinstance(columns, list) or not columns:
            raise EvobinError("`columns` must be a list of some objects, but it is not.")
        encoder = cls(bits)
        for place, column in enumerate(columns):
            try:
                encoder.columns_ += (Column.from_plain(column, bits),)
            except (EvobinError, OverflowError) as error:
                raise EvobinError(f"`columns[{place}]` {error}.") from None
        names = [column.name for column in encoder.columns_]
        if names.count(None) not in (0, len(names)) or (
            names[0] is not None and len(set(names)) < len(names)
        ):
            raise EvobinError("`columns` must have different names, or none, but they do not.")
        return encoder

    @property
    def _may_be_missing(self) -> NDArray[np.bool_]:
        """[n_features] whether NaN is allowed: also where nothing depends on it."""
        return np.array([column.has_missing or not column.n_signs for column in self.columns_])

    def _check_fitted(self) -> None:
        if not self.columns_:
            raise ValueError("the encoder must be fitted before it transforms; call `fit`.")

    def _is_fit(self, matrix: Matrix) -> bool:
        """Whether numbers are as `numbers` returns them, with nothing to tell of."""
        if any(column.categories is not None for column in self.columns_):
            return False
        return matrix.dtype.kind != "f" or not any(
            unfit(matrix[block], self._may_be_missing).any() for block in _blocks(matrix)
        )

    def _numbers_of_array(self, X: ArrayLike) -> Matrix:
        matrix = matrix_of("X", X, self.n_features, self._may_be_missing)
        categories = [
            (place, column)
            for place, column in enumerate(self.columns_)
            if column.categories is not None and column.n_signs
        ]
        if not categories:
            return matrix
        numbers = np.array(matrix, np.float64)
        for place, column in categories:
            if not column.takes_numbers:
                name = place if column.name is None else repr(column.name)
                raise ValueError(
                    f"`X` must hold text in column {name}, as in training, but an array holds "
                    "numbers alone; pass a pandas DataFrame."
                )
            numbers[:, place] = column.numbers(numbers[:, place])
        return numbers

    def _signs(self, numbers: Matrix) -> NDArray[np.int8]:
        starts, (_, kinds, values) = self.starts, self.comparisons
        out = np.empty((len(numbers), self.n_signs), np.int8)
        for block in _blocks(numbers):
            rows = np.array(numbers[block], np.float64, order="C")
            encoding.compare(rows, starts, kinds, values, out[block])
        return out


def _opened(
    X: ArrayLike | pd.DataFrame, n_features: int | None = None
) -> tuple[Matrix | None, tuple[int, int]]:
    """The numbers of X, if it holds nothing else, and its shape.

    Args:
        X: an array or a table.
        n_features: columns that it must have; any number if None.

    Raises:
        ValueError: if it is neither, or has another shape or no row or column.
    """
    if is_frame(X):
        check_matrix("X", X, n_features)
        return plain_matrix(X), X.shape
    matrix = matrix_of("X", X, n_features, missing=True)
    return matrix, (len(matrix), matrix.shape[1])


def _places(
    categorical: Sequence[str | int], names: Sequence[str] | None, n_features: int
) -> set[int]:
    """The places of columns that are called by name or by place.

    Raises:
        SettingError: if there is no such column.
    """
    found = set()
    for one in categorical:
        if isinstance(one, str) and one in (names or ()):
            found.add(list(names or ()).index(one))
        elif not isinstance(one, str) and 0 <= one < n_features:
            found.add(int(one))
        else:
            raise SettingError(
                f"`categorical` must hold names or places of columns, but there is none {one!r}; "
                "correct it."
            )
    return found


def _series(X: Any) -> Iterator[pd.Series[Any]]:
    """The columns of a table."""
    for place in range(X.shape[1]):
        yield X.iloc[:, place]


def _contiguous(X: Matrix) -> Iterator[NDArray[Any]]:
    """Each column, contiguous, some of them copied at a time."""
    step = max(1, BLOCK // len(X))
    for first in range(0, X.shape[1], step):
        yield from np.ascontiguousarray(X[:, first : first + step].T)


def _blocks(X: Matrix) -> Iterator[slice]:
    """Some rows at a time."""
    step = max(1, BLOCK // X.shape[1])
    for first in range(0, len(X), step):
        yield slice(first, first + step)
