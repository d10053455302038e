"""Operators that algorithms share: random solutions, mutation, crossover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Population, Solution
from evobin.kernels.mutation import flip_distinct

Parents = TypeVar("Parents", bound=NDArray[Any])
"""[k, n] of any real type, solutions or latents."""
Units = Sequence[Sequence[NDArray[np.intp]]]
"""By layer, the places that belong to each unit."""
AT_ONCE = 1 << 20
"""Random numbers that are drawn at once; a whole batch of large n would fill the memory."""


def random_signs(k: int, n: int, rng: np.random.Generator) -> Population:
    """[k, n] int8, every sign a fair coin."""
    signs: Population = 2 * rng.integers(0, 2, (k, n), np.int8) - 1
    return signs


def flipped(parents: Population, counts: NDArray[np.int64], rng: np.random.Generator) -> Population:
    """Copies with exactly that many signs flipped in each, at random distinct places.

    Args:
        parents: [k, n] int8, or [1, n] for k children of one; not modified.
        counts: [k] int64, signs to flip in each, from 0 to n.
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


def sampled(chances: NDArray[np.float64], k: int, rng: np.random.Generator) -> Population:
    """[k, n] int8, each sign +1 with its own chance, [n]."""
    n = len(chances)
    signs = np.empty((k, n), np.int8)
    rows = max(1, AT_ONCE // n)
    for some in (signs[first : first + rows] for first in range(0, k, rows)):
        some[:] = rng.random(some.shape) < chances
    signs *= 2
    signs -= 1
    return signs


def uniform_crossover(
    first: Population, second: Population, rng: np.random.Generator
) -> Population:
    """Each sign of a child from either parent; [k, n] each.

    Source:
        Syswerda (1989), Uniform crossover in genetic algorithms.
    """
    child: Population = np.where(rng.integers(0, 2, first.shape, np.int8), first, second)
    return child


def points_crossover(
    first: Population, second: Population, rng: np.random.Generator, points: int = 2
) -> Population:
    """The parents, [k, n] each, take turns after `points` random places of each child.

    Source:
        De Jong and Spears (1992), A formal analysis of the role of multi-point crossover.
    """
    k, n = first.shape
    turns = np.zeros((k, n + 1), np.int64)
    np.add.at(turns, (np.arange(k)[:, None], rng.integers(0, n + 1, (k, points))), 1)
    child: Population = np.where(turns.cumsum(axis=1)[:, :n] % 2, second, first)
    return child


def units_crossover(
    first: Parents, second: Parents, rng: np.random.Generator, units: Units
) -> Parents:
    """The first parents, [k, n], with half the units of one layer of the second ones.

    A unit comes with all its places: of a hidden one, its fan-in and its fan-out.
    """
    children = first.copy()
    for child, other in zip(children, second, strict=True):
        layer = units[int(rng.integers(len(units)))]
        for unit, taken in zip(layer, rng.random(len(layer)) < 0.5, strict=True):
            if taken:
                child[unit] = other[unit]
    return children


def has(members: Population, solution: Solution, *, mirrored: bool) -> bool:
    """Whether a solution is a member, or its opposite is where that is the same."""
    found = (members == solution).all(axis=1).any()
    return bool(found or (mirrored and (members == -solution).all(axis=1).any()))
