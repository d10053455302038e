"""The two faces of a problem: score solutions in bulk, and one solution flip by flip.

This is all that the flip search knows of a problem, networks or others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Solution = NDArray[np.int8]
"""[n] int8 of -1 and +1."""
Population = NDArray[np.int8]
"""[size, n] int8, a solution a row."""
Scores = NDArray[np.float64]
"""[size] float64, higher is better."""

ODDS = -np.log((np.arange(4096, dtype=np.float64) + 0.5) / 4096).astype(np.float32)
"""[4096] float32, falling: minus the log of as many probabilities, for acceptance by chance."""

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


@dataclass(slots=True, eq=False)
class Course:
    """What a walking state and the algorithm whose walk it is tell each other.

    Attributes:
        best: [n] int8, overwritten with each new best.
        levels: [4] float64, updated: scores of the present solution and of the best; a score that
            is enough; and one that the walk itself keeps.
        counters: [3] int64, updated: what the walk itself counts.
        improvements: evaluations of this call at each new best, and its score; added to.
    """

    best: Solution
    levels: NDArray[np.float64]
    counters: NDArray[np.int64]
    improvements: list[tuple[int, float]] = field(default_factory=list)


@runtime_checkable
class WalkingState(FlipState, Protocol):
    """A flip state that makes many flips a call: its gains are exact, and looking at one is cheap.

    Each walk stops at the latest when `room` evaluations are spent, a gain looked at being one,
    when its random numbers are, or behind the step that reaches the target.
    """

    def metropolis(
        self,
        course: Course,
        draws: NDArray[np.uint16],
        temperatures: NDArray[np.float64],
        first: int,
        room: int,
    ) -> int:
        """Sweeps that accept by chance; see `evobin.algorithms.Annealing`.

        Args:
            course: what is known and found.
            draws: [sweeps, n] uint16, random places in `ODDS`.
            temperatures: [sweeps] float64.
            first: sign to begin with.
            room: evaluations to spend at most.

        Returns:
            Evaluations spent.
        """

    def tabu(
        self, course: Course, left: NDArray[np.int32], draws: NDArray[np.int64], room: int
    ) -> tuple[int, int]:
        """Best flips that are not barred; see `evobin.algorithms.Tabu`.

        Args:
            course: counters are steps since the best of the round, patience, and places to kick.
            left: [n] int32, updated: steps for which each sign is barred.
            draws: [2, words] int64: random places, and steps to bar a sign for.
            room: evaluations to spend at most.

        Returns:
            Evaluations spent, and words used.
        """

    def descend(
        self, course: Course, base: Solution, draws: NDArray[np.int64], room: int, *, steepest: bool
    ) -> tuple[int, int]:
        """Flips that help, and kicks where none does; see `evobin.algorithms.Descent`.

        Args:
            course: counters are flips in turn that did not help, the next sign, places to kick.
            base: [n] int8, updated: the optimum that is kicked.
            draws: [words] int64, random places.
            room: evaluations to spend at most.
            steepest: whether the best flip is made, not the first that helps.

        Returns:
            Evaluations spent, and words used.
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
