"""A population, crossed over and mutated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from evobin.algorithms.base import LARGEST, Algorithm
from evobin.algorithms.operators import (
    flipped,
    points_crossover,
    uniform_crossover,
    units_crossover,
)
from evobin.checks import check_choice, check_number, setting
from evobin.core.problem import Population

Crossover = Literal["uniform", "points", "units"]
PARENTS = 2
"""Members that a tournament chooses a parent from."""


@dataclass(eq=False, kw_only=True)
class Genetic(Algorithm):
    """The genetic algorithm: tournaments choose parents, crossover and mutation make children.

    The best of parents and children live on, no solution twice.

    Args:
        patience: as for `Algorithm`; `initial` is in the first population.
        size: members, at least 2, and as many children a generation.
        crossover: "uniform", "points" (two of them), or "units", which needs to know those of
            `structure` and is uniform without.
        crossed: share of children of two parents, the others have one.
        rate: expected flips of a mutation; a child of one parent has one at least.

    Source:
        Holland (1975), Adaptation in natural and artificial systems; the crossovers name theirs.
    """

    size: int = setting(50, 2, 1_000_000)
    crossover: Crossover = "uniform"
    crossed: float = setting(0.8, 0.0, 1)
    rate: float = setting(1.0, 0.0, LARGEST)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("crossover", self.crossover, get_args(Crossover))

    def begin(self) -> None:
        """As in `Algorithm`."""
        check_number("rate", self.rate, 0.0, self.n)
        self.members = np.empty((0, self.n), np.int8)
        self.scores = np.empty(0)

    def ask(self) -> Population:
        """As in `Algorithm`."""
        if not len(self.members):
            return self._first(self.size)
        first, second = self._parents(), self._parents()
        crossed = self.rng.random(self.size) < self.crossed
        children = first.copy()
        children[crossed] = self._cross(first[crossed], second[crossed])
        lone = np.flatnonzero((children == first).all(axis=1))
        counts = self.rng.binomial(self.n, self.rate / self.n, self.size)
        counts[lone] = np.maximum(counts[lone], 1)
        return flipped(children, counts, self.rng)

    def _parents(self) -> Population:
        """A tournament's winner for each child."""
        entrants = self.rng.integers(0, len(self.members), (PARENTS, self.size))
        winners: Population = self.members[entrants.min(axis=0)]  # the best come first
        return winners

    def _cross(self, first: Population, second: Population) -> Population:
        if self.crossover == "points":
            return points_crossover(first, second, self.rng)
        if self.crossover == "units" and self.structure.units:
            return units_crossover(first, second, self.rng, self.structure.units)
        return uniform_crossover(first, second, self.rng)

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        scores = np.asarray(scores)
        members = np.concatenate([population, self.members])
        scores = np.concatenate([scores, self.scores])
        # children first: of equals the younger one lives on
        packed = np.packbits(members > 0, axis=1)
        first = {row.tobytes(): place for place, row in reversed([*enumerate(packed)])}
        distinct = np.sort([*first.values()])
        order = distinct[np.argsort(-scores[distinct], kind="stable")][: self.size]
        self.members, self.scores = members[order], scores[order]
