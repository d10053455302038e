"""What the algorithms share that keep one solution and mutate it by a heavy-tailed rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evobin.algorithms.base import Algorithm, best_place, setting
from evobin.algorithms.operators import flipped, heavy_tail, heavy_tailed_count
from evobin.core.problem import Population


@dataclass(eq=False, kw_only=True)
class HeavyTailed(Algorithm):
    """One parent, which gives way to a child that is not worse.

    Args:
        patience: as for `Algorithm`.
        beta: exponent of the power law of mutation rates, above 1.
    """

    beta: float = setting(1.5, 1.0 + 1e-9, 100)

    def begin(self) -> None:
        """As in `Algorithm`; of several solutions to begin at, the best is the first parent."""
        self._law = heavy_tail(self.n, self.beta)
        self.parent = np.empty((0, self.n), np.int8)
        self.parent_score = -np.inf

    def _mutant(self, least: int) -> Population:
        """A copy of the parent with so many flips at least."""
        count = max(least, heavy_tailed_count(self._law, self.n, self.rng))
        return flipped(self.parent, np.array([count]), self.rng)

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        scores = np.asarray(scores)
        place = best_place(scores)
        if scores[place] >= self.parent_score:
            self.parent, self.parent_score = population[place : place + 1], float(scores[place])
