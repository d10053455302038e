"""Iterated local search: down to a local optimum, a kick, down again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import Seed
from evobin.algorithms.single_flips import AHEAD, SingleFlips, place_of
from evobin.checks import check_range
from evobin.core.problem import Course, Scores, WalkingState
from evobin.errors import SettingError

RULES = ("steepest", "first")


class Descent(SingleFlips):
    """Flips what helps until nothing does; then goes on from a kick of the better local optimum.

    "steepest" looks at all n neighbours and goes to the best, of equal ones the first from a random
    sign on; "first" looks at one after the other and goes where it helps. A local optimum as good
    as the one that was kicked takes its place; else the old one is kicked again.

    Args:
        n, seed, initial, patience: as for `SingleFlips`.
        rule: "steepest" or "first".
        kick: signs flipped at random; 0 for n / 50, at least 4.

    Raises:
        SettingError: if an argument is out of range.

    Source:
        Lourenço, Martin, Stützle (2003), Iterated local search, Handbook of Metaheuristics; its
        acceptance criterion "better", here "at least as good".

    Example:
        >>> search = Descent(n=20, seed=0)
        >>> while search.score < 20:
        ...     population = search.ask()
        ...     search.tell(population, population.sum(axis=1))
        >>> search.evaluations <= 1 + 20 * 20
        True
    """

    name = "descent"
    kept = (*SingleFlips.kept, "base", "base_level", "fails")

    def __init__(
        self,
        n: int,
        seed: Seed = 0,
        initial: NDArray[Any] | None = None,
        patience: int = 0,
        *,
        rule: str = "steepest",
        kick: int = 0,
    ) -> None:
        super().__init__(n, seed, initial, patience)
        check_range("kick", kick, 0, n)
        if rule not in RULES:
            raise SettingError(f"`rule` must be one of {RULES}, but it is {rule!r}.")
        self.steepest = rule == "steepest"
        self.kick = kick or min(max(n // 50, 4), n)
        self.width = n if self.steepest else 1
        self.base, self.base_level = self.present.copy(), -np.inf
        self.fails = 0  # batches in turn that did not help

    def _step(self, scores: Scores) -> None:
        if len(self.waiting):
            self._begin(scores)
            self.fails = 0
        else:
            self._descend(scores)
        self._next()

    def _descend(self, scores: Scores) -> None:
        row = int(scores.argmax())
        if scores[row] > self.level:
            self._move(int(self._places()[row]), scores[row])
            self.fails = 0
        else:
            self.fails += 1
        if self.steepest:
            self._ahead(1)
            self._use(1)
        else:
            self.first = (self.first + 1) % self.n

    def _next(self) -> None:
        """A kick where nothing helps; else the neighbours."""
        if self.fails * self.width >= self.n:
            if self.level >= self.base_level:
                self.base, self.base_level = self.present.copy(), self.level
            self._kick(self.base, self.kick)
        if self.steepest:
            self.first = int(place_of(self.words, self.n)[0])

    def _run(self, state: WalkingState, course: Course, room: int) -> int:
        words = self._ahead(self.kick + min(room // self.width + 1, AHEAD))[:, 0]
        course.levels[3] = self.base_level
        course.counters[:] = self.fails, self.first, self.kick
        draws = place_of(words, self.n)
        spent, used = state.descend(course, self.base, draws, room, steepest=self.steepest)
        self._use(used)
        self.fails, self.base_level = int(course.counters[0]), float(course.levels[3])
        if not self.steepest:
            self.first = int(course.counters[1])
        self.present, self.level = state.solution, float(course.levels[0])
        return spent
