"""One solution, mutated at rates with a heavy tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evobin.algorithms.base import Algorithm, best_place
from evobin.algorithms.operators import flipped
from evobin.checks import setting
from evobin.core.problem import Population


@dataclass(eq=False, kw_only=True)
class FastGA(Algorithm):
    """Keeps the better of a solution and its mutant, which differs in few signs or in many.

    The expected number of flips is drawn anew for each mutant from a power law on 1 to n / 2, so
    that no distance is unlikely. A mutant as good as its parent replaces it.

    Args:
        patience: as for `Algorithm`.
        beta: exponent of the power law, above 1.

    Source:
        Doerr, Le, Makhmara, Nguyen (2017), Fast genetic algorithms, GECCO: the (1+1) algorithm.
        Here a mutant without any flip gets one.
    """

    beta: float = setting(1.5, 1.0 + 1e-9, 100)

    def begin(self) -> None:
        """As in `Algorithm`; of several solutions to begin at, the best is the first parent."""
        law = np.cumsum(np.arange(1, max(self.n // 2, 1) + 1, dtype=np.float64) ** -self.beta)
        self._law = law / law[-1]  # cumulative
        self.parent = np.empty((0, self.n), np.int8)
        self.parent_score = -np.inf

    def ask(self) -> Population:
        """As in `Algorithm`."""
        return self._mutant(1) if len(self.parent) else self._first(1)

    def _mutant(self, least: int) -> Population:
        """A copy of the parent with so many flips at least."""
        expected = 1 + int(self._law.searchsorted(self.rng.random(), side="right"))
        count = max(least, int(self.rng.binomial(self.n, expected / self.n)))
        return flipped(self.parent, np.array([count]), self.rng)

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        scores = np.asarray(scores)
        place = best_place(scores)
        if scores[place] >= self.parent_score:
            self.parent, self.parent_score = population[place : place + 1], float(scores[place])
