"""Arrays of samples in an npz file: X, y and groups."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.data.table_files import RawTable, refuse_infinite
from evobin.errors import EvobinError
from evobin.files import reading

FEATURES, LABELS, GROUPS = "X", "y", "groups"
"""The names of the arrays."""


def read_arrays(path: Path) -> RawTable:
    """Reads the arrays of an npz file, packed or not; nothing is unpickled.

    Returns:
        Columns of numbers, named by their places from 0, and those of X, y and groups as text; with
        the whole of X as `matrix`.

    Raises:
        EvobinError: if it cannot be read, has no array X, or arrays of other shapes or types; what
            else is wrong is in the table.
    """
    with reading(path):
        arrays = _load(path)
        if FEATURES not in arrays:
            found = ", ".join(arrays) or "nothing"
            raise EvobinError(
                f"must hold an array {FEATURES}, but it holds {found:.120}; save it by "
                "np.savez(path, X=X, y=y)."
            )
        matrix = arrays.pop(FEATURES)
        _check_shapes(matrix, arrays)
    names = [str(place) for place in range(matrix.shape[1])]
    columns: dict[str, NDArray[Any]] = {name: matrix[:, place] for place, name in enumerate(names)}
    columns |= {name: _texts(values) for name, values in arrays.items()}
    table = RawTable(path, [*names, *arrays], columns, np.arange(len(matrix)), "row", matrix=matrix)
    if matrix.dtype.kind == "f" and np.isinf(matrix).any():
        for name in names:
            refuse_infinite(table, name)
    return table


def _load(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays that are ours; the text of an EvobinError lacks its subject, here and below."""
    try:
        # Opened here: numpy leaves it open where it is damaged.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise EvobinError("is no npz file; save it by np.savez(path, X=X, y=y).")
            wanted = (FEATURES, LABELS, GROUPS)
            if FEATURES not in file:
                return {name: np.empty(0) for name in file.files}
            return {name: file[name] for name in wanted if name in file}
    except (ValueError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise EvobinError(
            f"is damaged or no npz file of plain arrays ({error!s:.120}); save it by "
            "np.savez(path, X=X, y=y)."
        ) from error


def _check_shapes(matrix: NDArray[Any], others: dict[str, NDArray[Any]]) -> None:
    if matrix.ndim != 2 or not matrix.size or matrix.dtype.kind not in "biuf":
        raise EvobinError(
            f"{FEATURES} must hold numbers, [samples, features], but it has dtype {matrix.dtype} "
            f"and shape {list(matrix.shape)}; save it so."
        )
    for name, values in others.items():
        if values.shape != (len(matrix),) or values.dtype.kind not in "biufU":
            raise EvobinError(
                f"{name} must hold {len(matrix)} numbers or texts, one a row of {FEATURES}, but it "
                f"has dtype {values.dtype} and shape {list(values.shape)}; save it so."
            )


def _texts(values: NDArray[Any]) -> NDArray[Any]:
    """Labels or groups as text, None where a number is missing."""
    texts = np.empty(len(values), object)
    texts[:] = [None if value != value else str(value) for value in values.tolist()]  # noqa: PLR0124
    return texts
