"""Checks of arrays that a user passes: features, labels and groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.checks import check_shape

Matrix = NDArray[Any]
"""[samples, features] of real numbers."""
BLOCK = 1 << 22
"""Numbers that are looked at together, so that a check of a large array needs little memory."""


def matrix_of(
    name: str,
    values: ArrayLike,
    n_features: int | None = None,
    missing: NDArray[np.bool_] | bool = False,
) -> Matrix:
    """A matrix of finite real numbers, as it lies in memory; not copied where it is an array.

    Args:
        name: of the argument.
        values: [samples, features], at least one of each; an array, a table or nested lists.
        n_features: columns that it must have; any number if None.
        missing: [features] which of them may hold NaN, which stands for a missing value; True for
            all of them.

    Raises:
        ValueError: if it has another shape, no row or column, other values than real numbers, or
            one that is not finite; names the first such row and column, from 0.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        array = _as_numbers(name, array)
    check_matrix(name, array, n_features)
    if array.dtype.kind == "f":
        _check_finite(name, array, missing)
    return array


def check_matrix(name: str, table: Any, n_features: int | None = None) -> None:
    """Raises ValueError unless an array or a table has two axes, rows, and columns, so many."""
    check_shape(name, table, (None, n_features))
    for axis, what in enumerate(("sample", "feature")):
        if table.shape[axis] == 0:
            raise ValueError(
                f"`{name}` must hold at least one {what}, but it has shape {list(table.shape)}."
            )


def _as_numbers(name: str, array: NDArray[Any]) -> Matrix:
    """Objects that are all real numbers, as a table with columns of several types holds them."""
    advice = "encode categories as numbers first."
    if array.dtype.kind == "O":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"`{name}` must hold real numbers, but it does not ({error}); {advice}"
            ) from None
    raise ValueError(f"`{name}` must hold real numbers, but it has dtype {array.dtype}; {advice}")


def unfit(block: Matrix, missing: NDArray[np.bool_] | bool) -> NDArray[np.bool_]:
    """Where a block of floats holds an infinity, or NaN that may not be there."""
    if missing is True:
        return np.isinf(block)
    wrong: NDArray[np.bool_] = ~np.isfinite(block)
    if wrong.any():
        wrong &= ~(np.isnan(block) & missing)
    return wrong


def _check_finite(name: str, array: Matrix, missing: NDArray[np.bool_] | bool) -> None:
    step = max(1, BLOCK // array.shape[1])
    for first in range(0, len(array), step):
        wrong = unfit(array[first : first + step], missing)
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            value = array[first + row, column]
            raise ValueError(
                f"`{name}` must hold only finite numbers, but it holds "
                f"{'NaN' if np.isnan(value) else value} in row {first + row}, column {column}, "
                "from 0; fill it in, or leave the row out."
            )
