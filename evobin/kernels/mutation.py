"""Kernels of mutation."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(nogil=True, cache=True)
def flip_distinct(
    rows: NDArray[np.int8], counts: NDArray[np.int64], uniforms: NDArray[np.float64]
) -> None:
    """Flips that many distinct places of each row, every choice of them equally likely.

    The first places of a shuffle (Fisher and Yates) that stops there; what is shuffled stays a
    permutation of all places, so that the next row goes on with it. O(n + sum of counts).

    Args:
        rows: [k, n] int8; overwritten.
        counts: [k] int64, from 0 to n.
        uniforms: [sum of counts] float64 in [0, 1).
    """
    n = rows.shape[1]
    places = np.arange(n)
    used = 0
    for i in range(rows.shape[0]):
        for j in range(counts[i]):
            other = j + int(uniforms[used] * (n - j))
            used += 1
            place = places[other]
            places[other] = places[j]
            places[j] = place
            rows[i, place] = -rows[i, place]
