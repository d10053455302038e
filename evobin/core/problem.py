"""Contracts of problems: score solutions, follow one flip by flip, draw fresh samples.

No contract here knows an algorithm, and every algorithm runs on all that gives it what it needs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evobin.core.clauses import Clauses
from evobin.core.evidence import Outcomes

Solution = NDArray[np.int8]
"""[n] int8 of -1 and +1."""
Population = NDArray[np.int8]
"""[size, n] int8, a solution a row."""
Scores = NDArray[np.float64]
"""[size] float64, higher is better."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What belongs together in a solution, where that is known.

    Attributes:
        layers: parts of the solution by name, to report by.
        units: by layer, the places of each hidden unit: its fan-in and its fan-out.
        clauses: what a solution is to satisfy; None where the problem has none.
    """

    layers: Mapping[str, slice] = field(default_factory=dict)
    units: Sequence[Sequence[NDArray[np.intp]]] = ()
    clauses: Clauses | None = None


class Problem(ABC):
    """Something to maximise over {-1, +1}^n.

    Attributes:
        n: length of a solution.
        mirrored: whether a solution and its negative are the same one, as the sides of a cut.
    """

    n: int
    mirrored: bool = False

    @property
    def structure(self) -> Structure:
        """What belongs together in a solution; by default nothing is known."""
        return Structure()

    @abstractmethod
    def score(self, population: Population) -> Scores:
        """Scores solutions by full evaluation.

        Args:
            population: [size, n] int8; not modified.

        Returns:
            [size] float64, higher is better.
        """


class FlipState(ABC):
    """A solution of an `IncrementalProblem`, its score kept while signs are flipped one by one."""

    @property
    @abstractmethod
    def score(self) -> float:
        """What the problem's `score` gives the present solution."""

    @property
    @abstractmethod
    def solution(self) -> Solution:
        """[n] int8, the present solution; a copy."""

    @abstractmethod
    def flip(self, index: int) -> None:
        """Flips one sign; flipping it again restores every number.

        Raises:
            IndexError: if there is no such sign.
        """

    def scores(self, indices: Iterable[int]) -> Scores:
        """The exact score after each of several single flips, none of which stays made.

        By default each is made and taken back; a problem that can look at many flips at once
        overrides this.

        Args:
            indices: [m] signs, from 0.

        Returns:
            [m] float64: what `score` would be.
        """
        found = []
        for index in indices:
            self.flip(index)
            found.append(self.score)
            self.flip(index)
        return np.array(found, np.float64)

    def effects(self, indices: Iterable[int]) -> Scores:
        """[m] float64, the exact change of score for each of several single flips; see `scores`."""
        return self.scores(indices) - self.score

    def gains(self) -> NDArray[np.float64]:
        """[n] float64, the change of score for each single flip; predicted where not `exact`."""
        return self.effects(range(len(self.solution)))

    def exact(self) -> NDArray[np.bool_]:
        """[n] bool, which of the gains are exact; by default all are."""
        return np.ones(len(self.solution), bool)


class IncrementalProblem(Problem):
    """A problem that follows a solution flip by flip, much cheaper than it scores one."""

    @abstractmethod
    def start(self, solution: Solution) -> FlipState:
        """Prepares a solution for flips.

        Args:
            solution: [n] int8; copied.

        Returns:
            A state whose `score` is the one that `score` gives.
        """


class SampledProblem(Problem):
    """A problem that is searched on fresh samples, and scored on what selection looks at.

    A score of the samples that a search has seen rewards what fits them by chance. So a search
    draws new ones again and again, each a problem of its own, and `score` is of others.
    """

    @abstractmethod
    def sample(self, rng: np.random.Generator) -> IncrementalProblem:
        """Draws fresh samples to search on.

        Args:
            rng: source of all randomness; advanced.
        """

    def whole(self) -> IncrementalProblem | None:
        """All samples to search on, where these are the same each time; None where they are not.

        Then `seen` and `unseen` are known.
        """
        return None

    def seen(self, solution: Solution) -> Outcomes | None:
        """What a solution makes of all samples to search on; None if nothing is known of these."""
        return None

    def unseen(self, solution: Solution) -> Outcomes | None:
        """The same of samples that no search sees."""
        return None

    def subsample(self, rng: np.random.Generator) -> Problem:
        """The same problem, its `score` looking at a random part of what it may look at.

        One whose score has no noise returns itself, as here.

        Args:
            rng: source of all randomness; advanced.
        """
        return self


def verify(problem: Problem, state: FlipState) -> None:
    """Recomputes the score of a flip state from scratch.

    Raises:
        RuntimeError: if it differs from the incremental one; names both.
    """
    full = float(problem.score(state.solution[None])[0])
    if full != state.score:
        raise RuntimeError(
            f"the incremental score is {state.score}, but from scratch it is {full}."
        )
