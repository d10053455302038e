"""The two faces of a problem: score solutions in bulk, and one solution flip by flip.

This is all that the flip search knows of a problem, networks or others.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Solution = NDArray[np.int8]
"""[n] int8 of -1 and +1."""
Population = NDArray[np.int8]
"""[size, n] int8, a solution a row."""
Scores = NDArray[np.float64]
"""[size] float64, higher is better."""

Batch = TypeVar("Batch")


class FlipState(Protocol):
    """One solution on one batch, kept exact while its signs are flipped one by one."""

    @property
    def score(self) -> float:
        """Score of the present solution on the batch, exact."""

    @property
    def solution(self) -> Solution:
        """[n] int8, the present solution; a copy."""

    def gains(self) -> NDArray[np.float64]:
        """[n] float64, the predicted change of score for each single flip."""

    def flip(self, index: int) -> None:
        """Flips one sign; flipping it again restores every number."""

    def verify(self) -> None:
        """Recomputes the score from scratch.

        Raises:
            RuntimeError: if it differs from the incremental one; names both.
        """


class Problem(Protocol[Batch]):
    """Something to maximise over {-1, +1}^n."""

    @property
    def n(self) -> int:
        """Length of a solution."""

    def score(self, population: Population) -> Scores:
        """Scores solutions by full, exact evaluation, on what selection may look at.

        Args:
            population: [size, n] int8; not modified.
        """

    def draw(self, rng: np.random.Generator) -> Batch:
        """Draws a fresh batch to search on; a problem without noise returns always the same."""

    def start(self, solution: Solution, batch: Batch) -> FlipState:
        """Prepares a solution for flips on a batch.

        Args:
            solution: [n] int8; copied.
            batch: from `draw`.
        """


AnyProblem = Problem[Any]
