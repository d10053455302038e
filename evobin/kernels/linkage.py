"""Kernels of linkage learning."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(nogil=True, cache=True)
def average_linkage(
    distances: NDArray[np.float64], pairs: NDArray[np.int64], heights: NDArray[np.float64]
) -> None:
    """Joins n things into one tree, by the average distance between their clusters.

    Follows nearest neighbours until two are each other's, and joins these (averages never bring
    others closer, so that the chain before them stands). O(n^2).

    Args:
        distances: [n, n] float64, symmetric; overwritten.
        pairs: [n - 1, 2] int64; overwritten: the two clusters that join to be cluster n + row.
        heights: [n - 1] float64; overwritten: how far they are from each other.
    """
    n = distances.shape[0]
    name = np.arange(n)  # of the cluster in each place; -1 where it went into another
    size = np.ones(n)
    chain = np.empty(n, np.int64)
    length = 0
    for row in range(n - 1):
        if length == 0:
            chain[0] = np.argmax(name >= 0)
            length = 1
        while True:
            last = chain[length - 1]
            before = chain[length - 2] if length > 1 else -1
            near = before
            for other in range(n):
                if other == last or name[other] < 0:
                    continue
                if near < 0 or distances[last, other] < distances[last, near]:
                    near = other
            if near == before:
                break
            chain[length] = near
            length += 1
        length -= 2
        pairs[row, 0], pairs[row, 1] = name[before], name[last]
        heights[row] = distances[last, before]
        both = size[last] + size[before]
        for other in range(n):
            if other not in (last, before) and name[other] >= 0:
                mean = (
                    size[last] * distances[last, other] + size[before] * distances[before, other]
                ) / both
                distances[last, other] = distances[other, last] = mean
        name[last], name[before], size[last] = n + row, -1, both
