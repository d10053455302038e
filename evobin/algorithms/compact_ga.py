"""Chances move by a step wherever the better of two samples differs from the other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.univariate import Univariate
from evobin.checks import setting
from evobin.core.problem import Population, Scores


@dataclass(eq=False, kw_only=True)
class CompactGA(Univariate):
    """The compact genetic algorithm.

    Of two samples the better one wins; where they differ the chances move toward it by a step.

    Args:
        patience: as for `Algorithm`.
        size: of the population that is simulated; a step is 1 / size. None for 2 sqrt(n) ln(n).

    Source:
        Harik, Lobo, Goldberg (1999), The compact genetic algorithm, IEEE Transactions on
        Evolutionary Computation. Here with margins.
    """

    samples: int = field(default=2, init=False)
    size: int | None = setting(None, 2, 10**9)

    def begin(self) -> None:
        """As in `Algorithm`."""
        super().begin()
        n = self.n
        self._size = self.size or max(2, round(2.0 * np.sqrt(n) * np.log(n)))

    def _moved(self, population: Population, scores: Scores) -> NDArray[np.float64]:
        winner, loser = population[scores.argmax()], population[scores.argmin()]
        if scores.max() == scores.min():
            return self.chances
        moved: NDArray[np.float64] = self.chances + (winner - loser) / (2.0 * self._size)
        return moved
