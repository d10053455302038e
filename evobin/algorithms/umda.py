"""Chances are those of the better half."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.univariate import Univariate, share_positive
from evobin.checks import setting
from evobin.core.problem import Population, Scores


@dataclass(eq=False, kw_only=True)
class UMDA(Univariate):
    """The univariate marginal distribution algorithm.

    The next chances are the shares of +1 among the best of the samples.

    Args:
        patience: as for `Algorithm`.
        samples: solutions a batch, at least 2.
        best_share: share of them that is selected, in (0, 1].

    Source:
        Mühlenbein and Paaß (1996), From recombination of genes to the estimation of distributions
        I, PPSN.
    """

    samples: int = setting(100, 2, 10_000_000)
    best_share: float = setting(0.3, 1e-9, 1)

    def _moved(self, population: Population, scores: Scores) -> NDArray[np.float64]:
        selected = max(1, round(self.best_share * len(scores)))
        return share_positive(population[np.argsort(-scores, kind="stable")[:selected]])
