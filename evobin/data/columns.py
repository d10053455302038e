"""What an encoder has learnt of a column: its thresholds, or its categories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.errors import EvobinError
from evobin.kernels.encoding import ABOVE, EQUAL, MISSING


class Unfit(Exception):  # noqa: N818  # becomes one of the problems of a table
    """A column is not what it must be; `row` is the first that shows it, if it is one of them."""

    def __init__(self, text: str, row: int | None = None) -> None:
        super().__init__(text)
        self.row = row


MAX_CATEGORIES = 255
"""Different values of a column of categories."""
_OWN, _FEW = 0.9, 10
"""A column is one of names, not of categories, where this share of more than so many rows has a
value of its own."""
_KEYS = "name", "thresholds", "categories", "has_missing"


class Coded(NamedTuple):
    """A column of text.

    Attributes:
        codes: [n] the place of each value in `texts`, -1 for a missing one.
        texts: each different value.
    """

    codes: NDArray[np.integer]
    texts: Sequence[str]


Cells = NDArray[Any] | Coded
"""A column as it was read: [n] real numbers, NaN for missing ones, or text."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What becomes of a column.

    Attributes:
        name: of the column; None where columns have no names.
        thresholds: float64, ascending; none for a column of categories.
        categories: the different values as text, ascending; None for a column of numbers.
        has_missing: whether missing values are known, and have a sign.
    """

    name: str | None = None
    thresholds: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    categories: tuple[str, ...] | None = None
    has_missing: bool = False

    @property
    def kinds(self) -> list[int]:
        """When each of its signs is +1: ABOVE, EQUAL or MISSING."""
        if self.categories is None:
            kinds = [ABOVE] * len(self.thresholds)
        else:
            kinds = [EQUAL] * len(self._equal_to)
        return kinds + [MISSING] * self.has_missing

    @property
    def values(self) -> list[float]:
        """What a number of the column is compared with for each sign; 0 for MISSING."""
        values = self.thresholds.tolist() if self.categories is None else self._equal_to
        return values + [0.0] * self.has_missing

    @property
    def _equal_to(self) -> list[float]:
        """The places of categories that have a sign: another one's negative would tell nothing."""
        n = len(self.categories or ())
        first = 1 if n == 1 or (n == 2 and not self.has_missing) else 0
        return [float(place) for place in range(first, n)]

    @property
    def n_signs(self) -> int:
        """Signs of the column."""
        return len(self.kinds)

    @property
    def takes_numbers(self) -> bool:
        """Whether a number may stand in it: in one of categories, if these are numbers."""
        return self.categories is None or all(map(_is_number, self.categories))

    def numbers(self, cells: Cells) -> NDArray[Any]:
        """[n] real numbers, NaN for missing ones.

        Those of categories are their places in `categories`, -1 for values that are none of them.

        Raises:
            Unfit: if cells are numbers, but categories are not.
        """
        if not isinstance(cells, Coded):
            if self.categories is None or np.isnan(cells).all():
                return cells
            if not self.takes_numbers:
                row = int(np.isnan(cells).argmin())
                raise Unfit(f"holds {cells[row]:g}, where training had text; correct it.", row)
            cells = coded(cells)
        known = {text: place for place, text in enumerate(self.categories or ())}
        # the last one is that of code -1
        found = np.array([*(known.get(text, -1) for text in cells.texts), np.nan])
        numbers: NDArray[np.float64] = found[cells.codes]
        return numbers

    def to_plain(self) -> dict[str, Any]:
        """JSON values, exact."""
        what: dict[str, Any] = {"thresholds": self.thresholds.tolist()}
        if self.categories is not None:
            what = {"categories": list(self.categories)}
        return {"name": self.name, **what, "has_missing": self.has_missing}

    @classmethod
    def from_plain(cls, plain: Any, bits: int) -> Column:
        """What `to_plain` took apart; EvobinError says what is wrong, without its subject."""
        if not isinstance(plain, Mapping) or not set(plain) <= set(_KEYS):
            raise EvobinError(f"must be an object of {', '.join(_KEYS)}, but it is {plain!r:.60}")
        name, missing = plain.get("name"), plain.get("has_missing")
        if not isinstance(name, str | None) or not isinstance(missing, bool):
            raise EvobinError(
                "must have a `name`, text or null, and `has_missing`, true or false, but they are "
                f"{name!r:.60} and {missing!r:.60}"
            )
        if ("categories" in plain) == ("thresholds" in plain):
            raise EvobinError("must have either `thresholds` or `categories`")
        if "thresholds" in plain:
            thresholds = _checked_thresholds(plain["thresholds"], bits)
            return cls(name, thresholds, has_missing=missing)
        categories = _checked_categories(plain["categories"])
        return cls(name, categories=categories, has_missing=missing)


def learn(
    name: str | None,
    cells: Cells,
    bits: int,
    as_text: bool = False,
    rows: NDArray[np.intp] | None = None,
) -> Column:
    """What becomes of a column.

    Args:
        name: of the column; None where columns have no names.
        cells: its cells; numbers are not infinite.
        bits: thresholds at most.
        as_text: whether it is of categories though it holds numbers.
        rows: those to learn from; all if None. Of the others, no more is learnt than whether some
            are missing.

    Raises:
        Unfit: if there are too many categories.
    """
    if as_text and not isinstance(cells, Coded):
        cells = coded(cells)
    if isinstance(cells, Coded):
        codes = cells.codes if rows is None else cells.codes[rows]
        missing = cells.codes < 0
        return Column(name, categories=_categories(codes, cells.texts), has_missing=_some(missing))
    values, counts = _counted(cells if rows is None else cells[rows])
    if values.dtype.kind == "f" and len(values) and np.isnan(values[-1]):
        values, counts = values[:-1], counts[:-1]
    missing = np.isnan(cells) if cells.dtype.kind == "f" else np.zeros(1, bool)
    return Column(name, _thresholds(values, counts, bits), has_missing=_some(missing))


def _counted(cells: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The different values, ascending, and how often each is there.

    Of bytes, a column of 60,000 takes 0.1 ms instead of the 3.6 ms that numpy needs to sort it.
    """
    if cells.dtype not in (np.dtype(np.uint8), np.dtype(bool)):
        return np.unique(cells, return_counts=True)
    counts = np.bincount(cells.view(np.uint8))
    values = np.flatnonzero(counts)
    return values, counts[values]


def _categories(codes: NDArray[np.integer], texts: Sequence[str]) -> tuple[str, ...]:
    """The different texts, ascending: numbers as numbers."""
    codes = codes[codes >= 0]
    found = {texts[code] for code in np.unique(codes)}
    if len(found) > MAX_CATEGORIES:
        raise Unfit(
            f"has {len(found):,} different values, more than {MAX_CATEGORIES}; leave it out, or "
            "make groups of them."
        )
    if len(codes) > _FEW and len(found) > _OWN * len(codes):
        raise Unfit(
            f"has {len(found)} different values in {len(codes)} rows, as names have; leave it out."
        )
    return tuple(sorted(found, key=float if all(map(_is_number, found)) else None))


def coded(numbers: NDArray[Any]) -> Coded:
    """[n] numbers, NaN for missing ones, as categories."""
    values, codes = np.unique(numbers, return_inverse=True)
    if values.dtype.kind == "f" and len(values) and np.isnan(values[-1]):
        codes = np.where(codes == len(values) - 1, -1, codes)
        values = values[:-1]
    return Coded(codes, [text_of(float(value)) for value in values])


def text_of(number: float) -> str:
    """A number as a category.

    Example:
        >>> text_of(3.0), text_of(0.5)
        ('3', '0.5')
    """
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)


def _is_number(text: str) -> bool:
    """Whether it is what `text_of` makes of a number."""
    try:
        number = float(text)
    except ValueError:
        return False
    return math.isfinite(number) and text_of(number) == text


def _some(missing: NDArray[np.bool_]) -> bool:
    """Whether some are missing, but not all, which would tell nothing."""
    return bool(missing.any() and not missing.all())


def _thresholds(values: NDArray[Any], counts: NDArray[np.intp], bits: int) -> NDArray[np.float64]:
    """[at most `bits`] float64: what splits samples of ascending values most evenly."""
    values = values.astype(np.float64)
    if len(values) > bits + 1:
        steps = bits + 1
        reached = np.cumsum(_capped(counts, steps))
        aims = reached[-1] * np.arange(1, steps)  # times `steps`: whole numbers, so ties are exact
        reached *= steps
        above = np.searchsorted(reached[:-1], aims).clip(1, len(values) - 2)
        nearest = above - (aims - reached[above - 1] <= reached[above] - aims)
        gaps = np.unique(nearest)
    else:
        gaps = np.arange(max(0, len(values) - 1))
    low, high = values[gaps], values[gaps + 1]
    middle = low + (high / 2 - low / 2)
    # where no float64 is between the two, the lower one splits them as well
    return np.unique(np.where((low <= middle) & (middle < high), middle, low))


def _capped(counts: NDArray[np.intp], steps: int) -> NDArray[np.int64]:
    """Counts of values, none of which is more than one of `steps` equal steps of their sum.

    All times the same whole number.
    """
    rest, capped = int(counts.sum()), 0
    for count in np.sort(counts)[::-1]:
        if count * (steps - capped) <= rest:
            break
        rest, capped = rest - int(count), capped + 1
    return np.minimum(counts * (steps - capped), rest)


def _checked_thresholds(row: Any, bits: int) -> NDArray[np.float64]:
    numbers = isinstance(row, list) and all(type(one) in (int, float) for one in row)
    array = np.array(row if numbers else [np.nan], np.float64)
    if len(array) > bits or not np.isfinite(array).all() or (np.diff(array) <= 0).any():
        raise EvobinError(
            f"`thresholds` must be at most {bits} finite, ascending numbers, but it is {row!r:.60}"
        )
    return array


def _checked_categories(row: Any) -> tuple[str, ...]:
    texts = isinstance(row, list) and all(isinstance(one, str) for one in row)
    if not texts or len(row) > MAX_CATEGORIES or len(set(row)) < len(row):
        raise EvobinError(
            f"`categories` must be at most {MAX_CATEGORIES} different texts, but it is {row!r:.60}"
        )
    return tuple(row)
