"""One solution, mutated at rates with a heavy tail."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import Algorithm, Seed
from evobin.algorithms.operators import flipped, heavy_tail, heavy_tailed_count
from evobin.checks import check_number
from evobin.evaluation.base import Population, Scores


class FastGA(Algorithm):
    """Keeps the better of a solution and its mutant, which differs in few signs or in many.

    The expected number of flips is drawn anew for each mutant from a power law on 1 to n / 2, so
    that no distance is unlikely. A mutant as good as its parent replaces it.

    Args:
        n, seed, initial, patience: as for `Algorithm`; of several, the best is the first parent.
        beta: exponent of the power law, above 1.

    Source:
        Doerr, Le, Makhmara, Nguyen (2017), Fast genetic algorithms, GECCO: the (1+1) algorithm.
        Here a mutant without any flip gets one.
    """

    name = "fast-ga"
    kept = ("parent", "parent_score")

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

    def _propose(self) -> Population:
        if not len(self.parent):
            return self._first(1)
        count = max(1, heavy_tailed_count(self._law, self.n, self.rng))
        return flipped(self.parent, np.array([count]), self.rng)

    def _learn(self, population: Population, scores: Scores) -> None:
        place = int(scores.argmax())
        if scores[place] >= self.parent_score:
            self.parent, self.parent_score = population[place : place + 1], float(scores[place])
