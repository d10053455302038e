"""Tabu search: always the best neighbour, but no sign back for a while."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.algorithms.base import Seed
from evobin.algorithms.single_flips import AHEAD, SingleFlips, Words, place_of
from evobin.checks import check_range
from evobin.core.problem import Course, Scores, WalkingState


class Tabu(SingleFlips):
    """Goes to the best neighbour, better or worse; a sign that was flipped is barred for a while.

    How long is drawn afresh for each flip. A neighbour better than all before is never barred. Of
    equally good ones it takes the first from a random sign on. After some steps without a new best
    of this round, a round begins at the best of all with random signs flipped.

    All n neighbours are asked for at a time.

    Args:
        n, seed, initial, patience: as for `SingleFlips`.
        tenure: steps for which a sign is barred at least; 0 for n / 4, 20 at most.
        spread: how many more it may be.
        steps: steps without a new best before a new round; 0 for n / 5, at least 100.
        kick: random signs flipped for a new round at most, how many is drawn each time; 0 for
            n / 2, at least 10.

    Raises:
        SettingError: if an argument is out of range.

    Source:
        Palubeckis (2004), Multistart tabu search strategies for the unconstrained binary quadratic
        optimization problem, Annals of Operations Research 131, as in dwave-samplers' TabuSampler:
        tenure, aspiration, rounds. There, tenure is fixed, and a new round begins at a solution
        built from the matrix; here at random, as nothing but scores need be known. The random
        tenure is that of Glover, Lü, Hao (2010), Diversification-driven tabu search for
        unconstrained binary quadratic problems, 4OR 8.

    Example:
        >>> search = Tabu(n=20, seed=0)
        >>> while search.score < 20:
        ...     population = search.ask()
        ...     search.tell(population, population.sum(axis=1))
        >>> search.best.sum()
        np.int64(20)
    """

    name = "tabu"
    kept = (*SingleFlips.kept, "left", "idle", "peak", "round_level")

    def __init__(
        self,
        n: int,
        seed: Seed = 0,
        initial: NDArray[Any] | None = None,
        patience: int = 0,
        *,
        tenure: int = 0,
        spread: int = 10,
        steps: int = 0,
        kick: int = 0,
    ) -> None:
        super().__init__(n, seed, initial, patience)
        check_range("tenure", tenure, 0, n - 1)
        check_range("spread", spread, 0, 10**6)
        check_range("steps", steps, 0, 10**9)
        check_range("kick", kick, 0, n)
        self.tenure = tenure or min(20, n // 4)
        self.spread = min(spread, n - 1 - self.tenure)
        self.steps = steps or max(n // 5, 100)
        self.kick = kick or min(max(n // 2, 10), n)
        self.left = np.zeros(n, np.int32)
        self.idle, self.peak, self.round_level = 0, -np.inf, -np.inf

    def _step(self, scores: Scores) -> None:
        top = float(scores.max())
        if len(self.waiting):
            self._begin(scores)
            self.left = np.zeros(self.n, np.int32)
            self.idle, self.round_level = 0, self.level
        else:
            self._choose(scores, aspired=top > self.peak)
            self.idle += 1
            if self.level > self.round_level:
                self.idle, self.round_level = 0, self.level
        self.peak = max(self.peak, top)
        self._next()

    def _choose(self, scores: Scores, *, aspired: bool) -> None:
        """A step to one of the neighbours that were scored."""
        places = self._places()
        free = np.flatnonzero((self.left[places] <= 0) | aspired)
        self.left = np.maximum(self.left - 1, 0)
        if len(free):
            row = free[scores[free].argmax()]
            self._move(int(places[row]), scores[row])
            self.left[places[row]] = self._bar(self.words)[0]
        self._ahead(1)
        self._use(1)

    def _next(self) -> None:
        """A new round where it is time; else the neighbours, in the order of the random word."""
        if self.idle >= self.steps and self.best is not None:
            self._kick(self.best, self.kick, fewer=True)
        self.first = int(place_of(self.words, self.n)[0])

    def _bar(self, words: Words) -> NDArray[np.int64]:
        """Steps to bar a sign for, from the lower half of each word."""
        low = words & np.uint64(2**32 - 1)
        return self.tenure + (low * np.uint64(self.spread + 1) >> np.uint64(32)).astype(np.int64)

    def _run(self, state: WalkingState, course: Course, room: int) -> int:
        words = self._ahead(self.kick + min(room // self.n + 1, AHEAD))[:, 0]
        draws = np.stack([place_of(words, self.n), self._bar(words)])
        course.levels[3] = self.round_level
        course.counters[:] = self.idle, self.steps, self.kick
        spent, used = state.tabu(course, self.left, draws, room)
        self._use(used)
        self.idle, self.round_level = int(course.counters[0]), float(course.levels[3])
        self.peak = float(course.levels[1])
        self.present, self.level = state.solution, float(course.levels[0])
        return spent
