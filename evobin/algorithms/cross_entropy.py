"""Chances follow the elite of the samples, smoothed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.univariate import Univariate, share_positive
from evobin.checks import setting
from evobin.core.problem import Population, Scores


@dataclass(eq=False, kw_only=True)
class CrossEntropy(Univariate):
    """The cross-entropy method.

    Chances move to the shares of +1 in the elite, all samples as good as its quantile, smoothed.

    Args:
        patience: as for `Algorithm`.
        samples: solutions a batch, at least 2.
        elite: share of them that the quantile leaves above itself, in (0, 1].
        smoothing: weight of the new shares, in (0, 1].

    Source:
        Rubinstein (1999), The cross-entropy method for combinatorial and continuous optimization.
    """

    samples: int = setting(200, 2, 10_000_000)
    elite: float = setting(0.1, 1e-9, 1)
    smoothing: float = setting(0.7, 1e-9, 1)

    def _moved(self, population: Population, scores: Scores) -> NDArray[np.float64]:
        place = max(1, round(self.elite * len(scores)))
        enough = np.sort(scores)[-place]
        new = share_positive(population[scores >= enough])
        return (1.0 - self.smoothing) * self.chances + self.smoothing * new
