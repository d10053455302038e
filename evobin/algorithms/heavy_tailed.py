"""What the algorithms share that keep one solution and mutate it by a heavy-tailed rate."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import Algorithm, Seed, best_place
from evobin.algorithms.operators import flipped, heavy_tail, heavy_tailed_count
from evobin.checks import check_number
from evobin.core.problem import Population, Scores


class HeavyTailed(Algorithm):
    """One parent, which gives way to a child that is not worse.

    Args:
        n, seed, initial, patience: as for `Algorithm`; of several, the best is the first parent.
        beta: exponent of the power law of mutation rates, above 1.
    """

    kept: ClassVar[tuple[str, ...]] = ("parent", "parent_score")

    def __init__(
        self,
        n: int,
        seed: Seed = 0,
        initial: NDArray[Any] | None = None,
        patience: int = 0,
        *,
        beta: float = 1.5,
    ) -> None:
        super().__init__(n, seed, initial, patience)
        check_number("beta", beta, 1.0 + 1e-9, 100)
        self._law = heavy_tail(n, beta)
        self.parent = np.empty((0, n), np.int8)
        self.parent_score = -np.inf

    def _mutant(self, least: int) -> Population:
        """A copy of the parent with so many flips at least."""
        count = max(least, heavy_tailed_count(self._law, self.n, self.rng))
        return flipped(self.parent, np.array([count]), self.rng)

    def _learn(self, population: Population, scores: Scores) -> None:
        place = best_place(scores)
        if scores[place] >= self.parent_score:
            self.parent, self.parent_score = population[place : place + 1], float(scores[place])
