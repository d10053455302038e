"""Chances move a little toward the best samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.univariate import Univariate, share_positive
from evobin.checks import check_number
from evobin.core.problem import Population, Scores


class PBIL(Univariate):
    """Population-based incremental learning: chances move toward the best samples of each batch.

    Args:
        patience: as for `Algorithm`.
        samples: solutions a batch, at least 2.
        selected: of these, how many the chances move toward.
        rate: how far, in (0, 1].

    Source:
        Baluja (1994), Population-based incremental learning, CMU-CS-94-163. Here margins take the
        place of its mutation of the chances.
    """

    def __init__(
        self,
        *,
        patience: int | None = None,
        samples: int = 50,
        selected: int = 5,
        rate: float = 0.1,
    ) -> None:
        check_number("samples", samples, 2, 10_000_000)
        check_number("selected", selected, 1, samples)
        check_number("rate", rate, 1e-9, 1)
        super().__init__(samples, patience)
        self.selected, self.rate = selected, rate

    def _moved(self, population: Population, scores: Scores) -> NDArray[np.float64]:
        best = population[np.argsort(-scores, kind="stable")[: self.selected]]
        return (1.0 - self.rate) * self.chances + self.rate * share_positive(best)
