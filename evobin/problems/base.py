"""What all white boxes share: a state that keeps the gains of all flips, and walks by them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.checks import check_shape, check_signs
from evobin.core.problem import ODDS, Course, Population, Scores, Solution, Structure
from evobin.kernels import walks

Box = tuple[NDArray[Any], ...]
"""Gains, signs, and what the kernels need to mend the gains; see `kernels.walks`."""

LOG = 4096
"""New bests that one call of a kernel can tell of."""


class WhiteBox(ABC):
    """A problem that knows the exact gain of every single flip.

    All numbers are whole, or are rounded once, when the problem is made, to multiples of one power
    of two so small that rounding costs less than adding up in floating point would, and so large
    that no sum is ever rounded: nothing drifts, however many flips are made.
    """

    n: int

    @property
    def structure(self) -> Structure:
        """Nothing is known to belong together."""
        return Structure()

    def look(self, rng: np.random.Generator) -> WhiteBox:
        """Itself: its score has no noise."""
        return self

    def draw(self, rng: np.random.Generator) -> None:  # noqa: B027  # nothing to do
        """No batch: there is only one."""

    @abstractmethod
    def score(self, population: Population) -> Scores:
        """[k] float64, exact, higher is better; `population` is [k, n] int8, not modified.

        Raises:
            ValueError: if `population` has another shape or other values than -1 and +1.
        """

    @abstractmethod
    def _box(self, signs: Solution) -> Box:
        """What the kernels need, for signs that are theirs from now on."""

    def start(self, solution: Solution, batch: None = None) -> BoxState:
        """Prepares a solution for flips; it is copied.

        Raises:
            ValueError: if `solution` is not [n] of -1 and +1.
        """
        check_shape("solution", solution, (self.n,))
        check_signs("solution", solution)
        return BoxState(self, solution)

    def _check(self, population: Population) -> Population:
        check_shape("population", population, (None, self.n))
        check_signs("population", population)
        return population


class BoxState:
    """One solution of a white box, the gains of all flips kept; it is a `WalkingState`."""

    def __init__(self, problem: WhiteBox, solution: Solution) -> None:
        self._problem = problem
        self._box = problem._box(solution.astype(np.int8))
        self._gains, self._signs = self._box[:2]
        self._score = float(problem.score(solution[None])[0])
        self._log = np.empty(LOG, np.int64), np.empty(LOG)

    @property
    def score(self) -> float:
        """Score of the present solution, exact."""
        return self._score

    @property
    def solution(self) -> Solution:
        """[n] int8, the present solution; a copy."""
        return self._signs.copy()

    def gains(self) -> NDArray[np.float64]:
        """[n] float64, the exact change of score for each single flip."""
        return self._gains.astype(np.float64)

    def flip(self, index: int) -> None:
        """Flips one sign; flipping it again restores every number.

        Raises:
            IndexError: if there is no such sign.
        """
        if not 0 <= index < self._problem.n:
            raise IndexError(f"`index` must be from 0 to {self._problem.n - 1}, but it is {index}.")
        self._score += float(self._gains[index])
        walks.flip(self._box, index)

    def verify(self) -> None:
        """Recomputes the score and all gains from scratch.

        Raises:
            RuntimeError: if one differs from the incremental one; names both.
        """
        rebuilt = BoxState(self._problem, self._signs)
        if rebuilt.score != self._score:
            raise RuntimeError(
                f"the score is {self._score}, but from scratch it is {rebuilt.score}."
            )
        wrong = np.flatnonzero(rebuilt._gains != self._gains)
        if len(wrong):
            i = wrong[0]
            raise RuntimeError(
                f"the gain of flip {i} is {self._gains[i]}, but from scratch it is "
                f"{rebuilt._gains[i]}."
            )

    def metropolis(
        self,
        course: Course,
        draws: NDArray[np.uint16],
        temperatures: NDArray[np.float64],
        first: int,
        room: int,
    ) -> int:
        """As in `WalkingState`."""
        spent, logged = walks.metropolis(
            self._box, *self._begun(course), draws, temperatures, ODDS, first, room
        )
        self._ended(course, logged)
        return int(spent)

    def tabu(
        self, course: Course, left: NDArray[np.int32], draws: NDArray[np.int64], room: int
    ) -> tuple[int, int]:
        """As in `WalkingState`."""
        whole = self._gains.dtype.kind == "i"
        lowest = self._gains.dtype.type(np.iinfo(np.int32).min if whole else -np.inf)
        spent, used, logged = walks.tabu(
            self._box, *self._begun(course), left, course.counters, draws, lowest, room
        )
        self._ended(course, logged)
        return int(spent), int(used)

    def descend(
        self, course: Course, base: Solution, draws: NDArray[np.int64], room: int, *, steepest: bool
    ) -> tuple[int, int]:
        """As in `WalkingState`."""
        walk = walks.steepest if steepest else walks.first_improvement
        spent, used, logged = walk(
            self._box, *self._begun(course), base, course.counters, draws, room
        )
        self._ended(course, logged)
        return int(spent), int(used)

    def _begun(self, course: Course) -> tuple[Solution, NDArray[np.float64], walks.Log]:
        course.levels[0] = self._score
        return course.best, course.levels, self._log

    def _ended(self, course: Course, logged: int) -> None:
        self._score = float(course.levels[0])
        at, scores = (column[:logged].tolist() for column in self._log)
        course.improvements += zip(at, scores, strict=True)
