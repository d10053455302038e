"""Values in files of a folder, whose large arrays all processes on this machine map."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from evobin import files

LARGE = 2**20
"""Bytes from which an array has a file of its own, as with joblib."""


class SharedFiles:
    """Writes values to a folder, and each large array that they hold once, whoever holds it.

    `joblib.dump` would write an array once for every subset of a data set that shares it.

    Args:
        folder: where, which must be there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._arrays: dict[int, tuple[NDArray[Any], Path]] = {}  # held, so that no id is reused

    def write(self, values: Sequence[Any]) -> Path:
        """A file for `mapped`.

        Raises:
            EvobinError: if it cannot be written.
        """
        path = self._folder / f"shared-{uuid4().hex}"
        with files.writing(path), path.open("xb") as file:
            _Pickler(file, self._file_of).dump(values)
        return path

    def _file_of(self, array: NDArray[Any]) -> Path:
        if id(array) not in self._arrays:
            path = self._folder / f"array-{uuid4().hex}.npy"
            np.save(path, array, allow_pickle=False)
            self._arrays[id(array)] = array, path
        return self._arrays[id(array)][1]


class _Pickler(pickle.Pickler):
    def __init__(self, file: BinaryIO, file_of: Callable[[NDArray[Any]], Path]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._file_of = file_of

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.nbytes >= LARGE and not value.dtype.hasobject:
            return _mapped_array, (self._file_of(value),)
        return NotImplemented


@lru_cache(maxsize=8)
def mapped(path: Path) -> Sequence[Any]:
    """The values in a file; their large arrays are read-only memory maps, each made once."""
    with path.open("rb") as file:
        values: Sequence[Any] = pickle.load(file)  # of this run's own folder
    return values


@lru_cache(maxsize=64)
def _mapped_array(path: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
