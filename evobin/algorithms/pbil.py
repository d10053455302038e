"""Chances move a little toward the best samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.univariate import Univariate, share_positive
from evobin.checks import check_range, setting
from evobin.core.problem import Population, Scores


@dataclass(eq=False, kw_only=True)
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

    samples: int = setting(50, 2, 10_000_000)
    selected: int = setting(5, 1, 10_000_000)
    rate: float = setting(0.1, 1e-9, 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("selected", self.selected, 1, self.samples)

    def _moved(self, population: Population, scores: Scores) -> NDArray[np.float64]:
        best = population[np.argsort(-scores, kind="stable")[: self.selected]]
        return (1.0 - self.rate) * self.chances + self.rate * share_positive(best)
