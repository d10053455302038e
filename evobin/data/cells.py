"""The cells of a column in a text file: numbers, categories, or missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from evobin.data.tables import show

Kind = Literal["guess", "number", "text", "skip"]
"""What a column holds: to be found out, numbers, text, or what nobody asks for."""
MISSING = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "None", "?"))
"""What stands in a cell that has no value."""
_AS_NAN = dict.fromkeys(MISSING, "nan")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


class ColumnReader:
    """Takes the cells of a column, some rows at a time, and makes an array of them.

    A column that has to be guessed is one of numbers if most cells that are there are numbers, in
    the first rows that have any; else it is one of text.

    Args:
        kind: what it holds, but no column to skip.

    Attributes:
        kind: what it holds; guessed with the first cells that are not missing.
        words: of a column of numbers: the row, from 0, and the text of each cell that is none.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.words: list[tuple[int, str]] = []
        self._parts: list[NDArray[Any]] = []
        self._rows = 0
        self._known: dict[str, str | None] = {}

    def add(self, cells: Sequence[str]) -> None:
        """Takes the next rows."""
        if self.kind == "text":
            self._parts.append(self._texts(cells))
        else:
            self._add_numbers(cells)
        self._rows += len(cells)

    def array(self) -> NDArray[Any]:
        """[rows] float64, NaN where missing; or of text, objects: str, None where missing."""
        dtype = object if self.kind == "text" else np.float64
        return np.concatenate([np.empty(0, dtype), *self._parts])

    def _add_numbers(self, cells: Sequence[str]) -> None:
        numbers, words = numbers_of(cells)
        n_numbers = int(np.count_nonzero(~np.isnan(numbers)))
        if self.kind == "guess" and (words or n_numbers):
            self.kind = "text" if len(words) > n_numbers else "number"
        if self.kind == "text":
            missing = [np.full(len(part), None, object) for part in self._parts]
            self._parts = [*missing, self._texts(cells)]
            return
        self.words += [(self._rows + row, cells[row].strip()) for row in words]
        self._parts.append(numbers)

    def _texts(self, cells: Sequence[str]) -> NDArray[Any]:
        """The cells without the spaces around them; one object for equal ones."""
        known = self._known
        for cell in set(cells).difference(known):
            text = cell.strip()
            known[cell] = None if text in MISSING else text
        texts = np.empty(len(cells), object)
        texts[:] = [known[cell] for cell in cells]
        return texts


def numbers_of(cells: Sequence[str]) -> tuple[NDArray[np.float64], list[int]]:
    """The numbers in cells, exact, NaN where there is none; and the places of those with words."""
    if "_" not in "".join(cells):  # Python takes 1_000 for a number
        for given in (cells, (_AS_NAN.get(cell, cell) for cell in cells)):
            try:
                return np.array(list(map(float, given))), []
            except ValueError:
                pass
    numbers, words = np.full(len(cells), np.nan), []
    for place, cell in enumerate(cells):
        number = number_of(cell)
        if number is not None:
            numbers[place] = number
        elif cell.strip() not in MISSING:
            words.append(place)
    return numbers, words


def number_of(cell: str) -> float | None:
    """The number in a cell, NaN among them; None if there is none.

    Example:
        >>> number_of(" 1.5"), number_of("1_000"), number_of("many")
        (1.5, None, None)
    """
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def no_number(cell: str) -> str:
    """What is wrong with a word in a column of numbers.

    Example:
        >>> no_number("5,1")
        "expected a number, found '5,1'; write decimals with a point"
    """
    advice = "write decimals with a point" if _DECIMAL_COMMA.fullmatch(cell) else "correct it"
    return f"expected a number, found {show(cell)}; {advice}"
