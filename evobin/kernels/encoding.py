"""Kernels of encoders: numbers to signs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

ABOVE, EQUAL, MISSING = 0, 1, 2
"""When a sign is +1: the number is above a value, is equal to it, or is NaN."""


@njit(nogil=True, cache=True)
def compare(
    numbers: NDArray[np.float64],
    starts: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    values: NDArray[np.float64],
    out: NDArray[Any],
) -> None:
    """Signs of numbers compared with values; one for each comparison.

    For starts[j] <= k < starts[j + 1], out[i, k] = +1 where numbers[i, j] is above values[k], equal
    to it, or NaN, as kinds[k] says; else -1. So all signs of a NaN are -1 but those of MISSING.

    Args:
        numbers: [n, columns] float64, C order.
        starts: [columns + 1], where each column's signs start, and the end.
        kinds: [starts[-1]] ABOVE, EQUAL or MISSING; those of a column ascend.
        values: [starts[-1]] float64.
        out: [n, starts[-1]] of any type that holds -1 and +1, overwritten.
    """
    is_above = kinds == ABOVE
    rest = starts[1:].copy()  # where signs of other kinds begin
    for j in range(len(rest)):
        while rest[j] > starts[j] and not is_above[rest[j] - 1]:
            rest[j] -= 1
    for i in range(len(numbers)):
        for j in range(len(rest)):
            number = numbers[i, j]
            for k in range(starts[j], rest[j]):
                out[i, k] = 2 * (number > values[k]) - 1
            for k in range(rest[j], starts[j + 1]):
                is_plus = number == values[k] if kinds[k] == EQUAL else np.isnan(number)
                out[i, k] = 2 * is_plus - 1
