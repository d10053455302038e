"""Operators that algorithms share: random solutions, mutation, crossover."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evobin.evaluation.base import Population
from evobin.kernels.mutation import flip_distinct

Counts = NDArray[np.int64]
"""[k] int64, how many signs to flip in each row."""


def random_signs(k: int, n: int, rng: np.random.Generator) -> Population:
    """[k, n] int8, every sign a fair coin."""
    signs: Population = 2 * rng.integers(0, 2, (k, n), np.int8) - 1
    return signs


def flipped(parents: Population, counts: Counts, rng: np.random.Generator) -> Population:
    """Copies with exactly that many signs flipped in each, at random distinct places.

    Args:
        parents: [k, n] int8, or [1, n] for k children of one; not modified.
        counts: [k] int64, from 0 to n.
        rng: source of all randomness; advanced.

    Example:
        >>> parent = np.ones((1, 9), np.int8)
        >>> flipped(parent, np.array([0, 4, 9]), np.random.default_rng(0)).sum(axis=1)
        array([ 9,  1, -9])
    """
    children = np.empty((len(counts), parents.shape[1]), np.int8)
    children[:] = parents
    flip_distinct(children, counts, rng.random(int(counts.sum())))
    return children
