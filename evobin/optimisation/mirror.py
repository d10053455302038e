"""A problem turned upside down, so that its minimum is a maximum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.evaluation.base import AnyProblem, FlipState, Population, Scores, Solution, Structure


@dataclass(frozen=True, slots=True)
class Mirror:
    """The negative of a problem; all as in `Problem`."""

    problem: AnyProblem

    @property
    def n(self) -> int:
        """Length of a solution."""
        return self.problem.n

    @property
    def structure(self) -> Structure:
        """What belongs together in a solution."""
        return self.problem.structure

    def look(self, rng: np.random.Generator) -> Mirror:
        """The negative of a look at the problem."""
        return Mirror(self.problem.look(rng))

    def score(self, population: Population) -> Scores:
        """The negative scores."""
        return -self.problem.score(population)

    def draw(self, rng: np.random.Generator) -> Any:
        """A batch of the problem."""
        return self.problem.draw(rng)

    def start(self, solution: Solution, batch: Any) -> FlipState:
        """The negative of the problem's state."""
        return MirrorState(self.problem.start(solution, batch))


@dataclass(frozen=True, slots=True)
class MirrorState:
    """The negative of a flip state; all as in `FlipState`."""

    state: FlipState

    @property
    def score(self) -> float:
        """The negative score."""
        return -self.state.score

    @property
    def solution(self) -> Solution:
        """The present solution."""
        return self.state.solution

    def gains(self) -> NDArray[np.float64]:
        """The negative gains."""
        return -self.state.gains()

    def flip(self, index: int) -> None:
        """Flips one sign."""
        self.state.flip(index)

    def verify(self) -> None:
        """As the state does it."""
        self.state.verify()
