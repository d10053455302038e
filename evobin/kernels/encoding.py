"""Kernels of encoders: real features to signs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(nogil=True, cache=True)
def thermometer(
    values: NDArray[np.float64],
    starts: NDArray[np.int64],
    thresholds: NDArray[np.float64],
    out: NDArray[Any],
) -> None:
    """Signs of features less their thresholds; 0 counts as not positive.

    out[i, k] = +1 where values[i, j] > thresholds[k], else -1, for starts[j] <= k < starts[j + 1].
    A comparison for each sign.

    Args:
        values: [n, features] float64, C order.
        starts: [features + 1], where each feature's thresholds start, and the end.
        thresholds: [starts[-1]] float64.
        out: [n, starts[-1]] of any type that holds -1 and +1, overwritten.
    """
    for i in range(len(values)):
        for j in range(len(starts) - 1):
            value = values[i, j]
            for k in range(starts[j], starts[j + 1]):
                out[i, k] = 2 * (value > thresholds[k]) - 1
