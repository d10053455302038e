"""One solution and many mutants, at two rates, of which the better one is gone on with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evobin.algorithms.base import Algorithm
from evobin.algorithms.operators import flipped
from evobin.checks import setting
from evobin.core.problem import Population


@dataclass(eq=False, kw_only=True)
class TwoRate(Algorithm):
    """The (1+lambda) algorithm whose mutation rate adjusts itself.

    Half of the mutants flip each sign with probability r / 2n, the others with 2r / n. The best
    replaces the parent where it is as good; r becomes the rate that it came from, or either one by
    a coin, each half of the time, and stays in [2, n / 4].

    Args:
        patience: as for `Algorithm`.
        mutants: lambda, of each parent, at least 2.

    Source:
        Doerr, Giessen, Witt, Yang (2019), The (1+lambda) evolutionary algorithm with self-adjusting
        mutation rate, Algorithmica. Here a mutant without any flip gets one.
    """

    mutants: int = setting(10, 2, 1_000_000)

    def begin(self) -> None:
        """As in `Algorithm`; of several solutions to begin at, the best is the first parent."""
        self.rate = 2.0
        self.parent = np.empty((0, self.n), np.int8)
        self.parent_score = -np.inf

    def ask(self) -> Population:
        """As in `Algorithm`."""
        if not len(self.parent):
            return self._first(1)
        rates = np.full(self.mutants, min(2.0 * self.rate / self.n, 1.0))
        rates[: self.mutants // 2] /= 4.0
        counts = np.maximum(1, self.rng.binomial(self.n, rates))
        return flipped(self.parent, counts, self.rng)

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        scores = np.asarray(scores)
        begun = len(self.parent) > 0
        # among equals a random one, or the lower rate would win every tie
        place = int(self.rng.choice(np.flatnonzero(scores == scores.max())))
        if scores[place] >= self.parent_score:
            self.parent, self.parent_score = population[place : place + 1], float(scores[place])
        if begun:
            faster = place >= self.mutants // 2
            if self.rng.random() < 0.5:
                faster = bool(self.rng.random() < 0.5)
            rate = self.rate * (2.0 if faster else 0.5)
            self.rate = max(2.0, min(rate, self.n / 4.0))
