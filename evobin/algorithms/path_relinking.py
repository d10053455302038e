"""Paths between good local optima, and climbs from the best point on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.algorithms.base import LARGEST, Algorithm
from evobin.checks import setting
from evobin.core.problem import Population, Solution

SHORTEST = 3
"""Signs that two solutions must differ in, for a path to have a point that is next to neither."""


@dataclass(eq=False, kw_only=True)
class PathRelinking(Algorithm):
    """Walks from one good local optimum towards another, and climbs from the best point between.

    Climbs from anywhere, by single flips, fill an elite of distinct local optima. From then on a
    random member is changed into another one sign by sign: at each step some of the signs in which
    they still differ are tried, and the best flip is made, whether it helps or not. The best point
    of the path is climbed from, and what that leads to takes the place of the worst member if it is
    better. Where two members are too close for a path, a new climb begins anywhere.

    Args:
        patience: as for `Algorithm`.
        size: members of the elite, at least 2.
        width: signs tried a step of a path; None for all in which the two differ.

    Source:
        Glover, Laguna, Marti (2000), Fundamentals of scatter search and path relinking, Control and
        Cybernetics 29. Theirs tries all signs; some cost less, and lead along another path each
        time.
    """

    size: int = setting(10, 2, 1_000_000)
    width: int | None = setting(10, 1, LARGEST, optional=True)

    def begin(self) -> None:
        """As in `Algorithm`; the first climbs begin where a search begins."""
        n = self.n
        self.phase = "start"
        self.current = self.goal = self.top = np.ones(n, np.int8)
        self.value = self.top_value = -np.inf
        self.order, self.failed, self.climbs = np.arange(n), 0, 0
        self.members, self.scores = np.empty((0, n), np.int8), np.empty(0)

    def ask(self) -> Population:
        """As in `Algorithm`."""
        if self.phase == "start":
            self.climbs += 1
            return self._start(self.climbs - 1)
        if self.phase == "climb":
            places = self.order[self.failed : self.failed + 1]
        else:
            places = self.rng.permutation(self._ahead())[: self.width]
        children = np.tile(self.current, (len(places), 1))
        children[np.arange(len(places)), places] *= -1
        return children

    def _ahead(self) -> NDArray[np.intp]:
        """Places in which the present point still differs from the end of its path."""
        return np.flatnonzero(self.current != self.goal)

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        scores = np.asarray(scores)
        place = int(scores.argmax())
        reached, score = population[place], float(scores[place])
        if self.phase == "start":
            self._climb(reached, score)
        elif self.phase == "climb":
            self._climb_on(reached, score)
        else:
            self.current = reached
            if score > self.top_value:
                self.top, self.top_value = reached, score
            if len(self._ahead()) < 2:  # the next step would be the end
                self._climb(self.top, self.top_value)

    def _climb(self, start: Solution, score: float) -> None:
        self.phase, self.current, self.value = "climb", start, score
        self.order, self.failed = self.rng.permutation(self.n), 0

    def _climb_on(self, neighbour: Solution, score: float) -> None:
        """Goes where that helps; the sign that was tried comes last of all from then on."""
        if score > self.value:
            self.current, self.value = neighbour, score
            self.order, self.failed = np.roll(self.order, -self.failed - 1), 0
        else:
            self.failed += 1
        if self.failed == self.n:
            self._join()
            self._set_out()

    def _join(self) -> None:
        """Takes a local optimum into the elite, if it is new and good enough."""
        if (self.members == self.current).all(axis=1).any():
            return
        if len(self.members) < self.size:
            self.members = np.concatenate([self.members, self.current[None]])
            self.scores = np.append(self.scores, self.value)
            return
        worst = int(self.scores.argmin())
        if self.value > self.scores[worst]:
            self.members, self.scores = self.members.copy(), self.scores.copy()
            self.members[worst], self.scores[worst] = self.current, self.value

    def _set_out(self) -> None:
        """Chooses the ends of a path; too close to each other, or too few, there is none."""
        self.phase = "start"
        if len(self.members) == self.size:
            a, b = self.rng.choice(self.size, 2, replace=False)
            if (self.members[a] != self.members[b]).sum() >= SHORTEST:
                self.phase, self.top_value = "path", -np.inf
                self.current, self.goal = self.members[a], self.members[b]
