"""Numbers whose sums are never rounded, whatever their order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DIGITS = 49
"""Binary digits of the sum of all magnitudes: float64 has 53, so eight times that has room."""
INT16, INT32 = 2**15 - 1, 2**31 - 1


def as_numbers(name: str, values: Any) -> Floats:
    """A float64 copy.

    Raises:
        ValueError: if a value is no finite real number, or an array is ragged.

    Example:
        >>> as_numbers("fields", [1, np.inf])
        Traceback (most recent call last):
        ...
        ValueError: `fields` must hold finite numbers, but it holds inf at index 1.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must hold numbers, but it holds {array.dtype}.")
    numbers = array.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        place = ", ".join(map(str, np.unravel_index(wrong[0], numbers.shape)))
        value = numbers.ravel()[wrong[0]]
        raise ValueError(
            f"`{name}` must hold finite numbers, but it holds {value} at index {place}."
        )
    return numbers


def exact(name: str, *arrays: Floats, times: float = 1.0) -> list[Floats]:
    """Rounds numbers so that any sum of them, taken up to eight times each, is exact.

    They become multiples of the power of two that is 2^-49 of the sum of all magnitudes or less;
    whole numbers that add up to less than 2^49 stay as they are.

    Args:
        name: what the caller calls the numbers.
        arrays: float64, finite; not modified.
        times: how often each number counts in the sum.

    Raises:
        ValueError: if the magnitudes add up to more than 1e300.

    Example:
        >>> exact("terms", np.array([3.0, -1.0]))[0].tolist()
        [3.0, -1.0]
        >>> a, b, c = exact("terms", np.array([0.1, 0.2, 0.3]))[0]
        >>> (a + b) + c == a + (b + c)
        np.True_
    """
    with np.errstate(over="ignore"):
        total = times * sum(float(np.abs(array).sum()) for array in arrays)
    unit = unit_of(name, total)
    return [np.rint(array / unit) * unit for array in arrays]


def unit_of(name: str, total: float) -> float:
    """The power of two of which `exact` makes multiples, for magnitudes that add up to `total`.

    Raises:
        ValueError: if that is more than 1e300.
    """
    if total > 1e300:
        raise ValueError(f"`{name}` must add up to 1e300 at most; divide all by the same number.")
    return float(2.0 ** max(np.frexp(total)[1] - DIGITS, -1000))


def sums(places: NDArray[np.integer], terms: NDArray[Any], n: int) -> Floats:
    """[n] float64: the sum of all terms of each place.

    Example:
        >>> sums(np.array([0, 2, 0]), np.array([1, 2, 3]), 3)
        array([4., 0., 2.])
    """
    return np.bincount(places, terms, n).astype(np.float64)


def smallest_dtypes(gains: Floats, terms: Floats) -> tuple[type[np.generic], type[np.generic]]:
    """The kinds of numbers that hold gains and the terms they are made of, exact and quick.

    Args:
        gains: a bound on the magnitude of each gain.
        terms: what is added to gains.

    Returns:
        int32 for gains and int16 or int32 for terms where all are whole and fit; float64 else.

    Example:
        >>> [kind.__name__ for kind in smallest_dtypes(np.array([70_000.0]), np.array([-8.0, 3.0]))]
        ['int32', 'int16']
    """
    largest = float(np.abs(terms).max(initial=0.0))
    whole = bool((gains == np.rint(gains)).all() and (terms == np.rint(terms)).all())
    if not whole or max(float(gains.max(initial=0.0)), largest) > INT32:
        return np.float64, np.float64
    return np.int32, np.int16 if largest <= INT16 else np.int32
