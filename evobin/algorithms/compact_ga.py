"""Chances move by a step wherever the better of two samples differs from the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import Seed
from evobin.algorithms.univariate import Univariate
from evobin.checks import check_number
from evobin.core.problem import Population, Scores


class CompactGA(Univariate):
    """The compact genetic algorithm.

    Of two samples the better one wins; where they differ the chances move toward it by a step.

    Args:
        n, seed, initial, patience: as for `Algorithm`.
        size: of the population that is simulated; a step is 1 / size. 0 for 2 sqrt(n) ln(n).

    Source:
        Harik, Lobo, Goldberg (1999), The compact genetic algorithm, IEEE Transactions on
        Evolutionary Computation. Here with margins.
    """

    name = "compact-ga"

    def __init__(
        self,
        n: int,
        seed: Seed = 0,
        initial: NDArray[Any] | None = None,
        patience: int = 0,
        *,
        size: int = 0,
    ) -> None:
        check_number("size", size, 0, 10**9)
        super().__init__(n, seed, initial, patience, 2)
        self.size = size or max(2, round(2.0 * np.sqrt(n) * np.log(n)))

    def _moved(self, population: Population, scores: Scores) -> NDArray[np.float64]:
        winner, loser = population[scores.argmax()], population[scores.argmin()]
        if scores.max() == scores.min():
            return self.chances
        moved: NDArray[np.float64] = self.chances + (winner - loser) / (2.0 * self.size)
        return moved
