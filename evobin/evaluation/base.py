"""The two faces of a problem: score solutions in bulk, and one solution flip by flip.

This is all that the flip search knows of a problem, networks or others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Structure:
    """What belongs together in a solution, where that is known.

    Attributes:
        layers: parts of the solution by name, to report by.
        units: by layer, the places of each hidden unit: its fan-in and its fan-out.
    """

    layers: Mapping[str, slice] = field(default_factory=dict)
    units: Sequence[Sequence[NDArray[np.intp]]] = ()


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

    @property
    def structure(self) -> Structure:
        """What belongs together in a solution; an empty one where nothing is known."""

    def look(self, rng: np.random.Generator) -> Problem[Batch]:
        """The same problem, its `score` looking at a random part of what it may look at.

        One whose score has no noise returns itself.
        """

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
