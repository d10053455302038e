"""What the algorithms share that learn how likely each sign is +1, each on its own."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.algorithms.base import Algorithm
from evobin.algorithms.operators import sampled
from evobin.core.problem import Population, Scores


class Univariate(Algorithm):
    """Samples solutions, each sign with its own chance to be +1, and moves the chances.

    Chances stay in [1 / n, 1 - 1 / n], so that none is ever decided.

    Args:
        patience: as for `Algorithm`.
        samples: solutions a batch.

    Attributes:
        chances: [n] float64.
    """

    samples: int

    def begin(self) -> None:
        """As in `Algorithm`; the first batch has where to begin, and the chances lean to it."""
        self.begun = False
        self.chances = np.full(self.n, 0.5)
        if self.initial is not None:
            self.chances += 0.25 * self.initial.mean(axis=0)

    def ask(self) -> Population:
        """As in `Algorithm`."""
        population = sampled(self.chances, self.samples, self.rng)
        if not self.begun and self.initial is not None:
            return np.concatenate([self.initial, population])[
                : max(self.samples, len(self.initial))
            ]
        return population

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        scores = np.asarray(scores)
        self.begun = True
        margin = min(1.0 / self.n, 0.25)
        self.chances = np.clip(self._moved(population, scores), margin, 1.0 - margin)

    @abstractmethod
    def _moved(self, population: Population, scores: Scores) -> NDArray[np.float64]:
        """[n] float64, the chances after these scores."""


def share_positive(population: Population) -> NDArray[np.float64]:
    """[n] float64, the share of rows that are +1."""
    share: NDArray[np.float64] = 0.5 + 0.5 * population.mean(axis=0)
    return share
