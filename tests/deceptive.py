"""Functions whose single steps mislead: the best solution is all +1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Function = Callable[[Any], float]


def hiff(x: Any) -> float:
    """Hierarchical if-and-only-if (Watson, Hornby, Pollack, 1998): a power of two of signs.

    Blocks of 1, 2, 4, ... signs count as many as they have where all are the same.
    """
    values, same = np.asarray(x) > 0, np.ones(len(x), bool)
    total, size = len(values), 1
    while len(values) > 1:
        same = same[::2] & same[1::2] & (values[::2] == values[1::2])
        values, size = values[::2], 2 * size
        total += size * int(same.sum())
    return float(total)


def trap(k: int) -> Function:
    """Blocks of k signs: k where all are +1, else more for each -1 (Deb, Goldberg, 1992)."""

    def value(x: Any) -> float:
        ones = (np.asarray(x) > 0).reshape(-1, k).sum(axis=1)
        return float(np.where(ones == k, k, k - 1 - ones).sum())

    return value
