"""Clause weighting: a local search for clauses that makes those heavier that stay broken."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evobin.algorithms.base import Walker
from evobin.algorithms.operators import random_signs
from evobin.checks import setting
from evobin.core.clauses import Clauses
from evobin.core.problem import IncrementalProblem, Population, Solution
from evobin.core.state import State
from evobin.errors import SettingError
from evobin.kernels import clauses as kernels

Ints = NDArray[np.int64]

LOG = 1024
"""New bests that one call of the compiled search can report."""
SCALE = 1024
"""Dynamic weight that a soft clause of mean weight has, and gets; others in proportion."""
SMOOTH = (0.01, 0.1, 0.0)
"""Chances of the rounds, in turn, that weights are lowered in a local optimum; none is best
everywhere."""
FIRST, MOST = 64, 2**16
"""Flips between two looks at the clock, first and later."""


@dataclass(eq=False, kw_only=True)
class ClauseWeighting(Walker):
    """Flips the sign that lowers the weight of broken clauses most, by weights of its own.

    Each clause has a dynamic weight beside its own. Where no flip lowers the dynamic weight of what
    is broken, that of each broken hard clause is raised; where no hard clause is broken, that of
    each broken soft one, in proportion to its own weight. Then a sign of a random one of these is
    flipped. Now and then, the weights of satisfied clauses are lowered instead. The best solution
    by true costs, hard clauses first, is kept; costs are whole numbers, and exact however large
    weights are.

    It begins by unit propagation. Rounds begin with fresh weights, in turn at the best solution and
    by unit propagation; they differ in how often weights are lowered, and are twice as long after
    every three. It needs to know the clauses, as of a `MaxSat`. An evaluation is a flip: the
    solution after it.

    Args:
        samples: signs that are looked at for a flip, of those that lower the weight.
        hard_step: what is added to a hard clause, as a multiple of what a soft one of mean weight
            gets.
        limit: the highest dynamic weight of a soft clause, as a multiple of what it gets.
        flips: of the first three rounds, each; 20 n at least.
        patience: evaluations without a new best after which it stops; None = never.

    Source:
        Lei, Cai (2018), Solving (weighted) partial MaxSAT by dynamic local search for SAT, IJCAI
        (SATLike): dynamic weights, sampling, smoothing, unit propagation. Chu, Cai, Luo (2023),
        NuWLS: improving local search for (weighted) partial MaxSAT by new weighting techniques,
        AAAI: soft weights in proportion, raised only where no hard clause is broken. The rounds are
        our own.

    Example:
        >>> import evobin
        >>> problem = evobin.MaxSat(3, [[1, 2], [-1, 3], [-2], [-3]], [np.inf, np.inf, 2, 3])
        >>> found = evobin.maximize(problem, algorithm="clause-weighting", max_evaluations=100)
        >>> problem.cost(found.solution)
        Cost(hard=0, soft=2)
    """

    needs: ClassVar[str] = "clauses"
    transient: ClassVar[tuple[str, ...]] = (*Walker.transient, "_clauses", "_lists", "_search")

    samples: int = setting(50, 1, 10**6)
    hard_step: float = setting(1.0, 1e-3, 1e6)
    limit: int = setting(100, 1, 10**6)
    flips: int = setting(20_000, 1, 10**12)

    def begin(self) -> None:
        """As in `Algorithm`; a SettingError where no clauses are known."""
        clauses = self.structure.clauses
        if clauses is None:
            raise SettingError(
                f"`{self.name}` must have clauses, but this problem has none; choose another "
                "algorithm, or make a MaxSat."
            )
        self._clauses, self._lists = clauses, self._lists_of(clauses)
        words: NDArray[Any] = self.rng.integers(1, 2**63, 1)
        self.random = words.astype(np.uint64)
        self.low = np.array([2**62, 2**62, -1, -1], np.int64)  # the best cost; one that is enough
        self.round = self.flipped = 0  # and flips in this round
        self.better = False  # whether what is asked now is the best
        self._search: kernels.Search | None = None
        given = self.initial
        self.waiting: Population = self._propagated() if given is None else given.copy()

    def _lists_of(self, clauses: Clauses) -> kernels.Lists:
        """What the compiled search needs; arrays are read-only, as numba compiles for them."""
        soft = ~clauses.hard & (clauses.weights > 0)
        mean = float(clauses.weights[soft].mean(dtype=np.float64)) if soft.any() else 1.0
        steps = np.maximum(np.rint(clauses.weights / mean * SCALE), 1).astype(np.int64)
        steps[clauses.hard] = max(1, round(SCALE * self.hard_step))
        steps[~clauses.hard & ~soft] = 0
        limits = np.where(clauses.hard, 2**40, steps * self.limit)
        arrays: list[NDArray[Any]] = [
            clauses.starts, clauses.owners, clauses.wants, clauses.ends, clauses.members,
            clauses.signs, clauses.weights, clauses.hard, steps, limits,
        ]  # fmt: skip
        views = [array.view() for array in arrays]
        for view in views:
            view.setflags(write=False)
        return kernels.Lists(*views)

    def _propagated(self) -> Population:
        """[1, n], where a round begins: unit propagation, random signs where nothing follows."""
        prior = random_signs(1, self.n, self.rng)[0]
        order = self.rng.permutation(self.n).astype(np.int32)
        return kernels.decimate(self._lists, prior, order, self.random, self.samples)[None]

    def _search_from(self, solution: Solution) -> kernels.Search:
        """A search from a solution, with fresh weights."""
        n, m = self.n, len(self._lists.hard)

        def wide(size: int) -> Ints:
            return np.zeros(size, np.int64)

        def short(size: int, value: int = 0) -> NDArray[np.int32]:
            return np.full(size, value, np.int32)

        search = kernels.Search(
            solution.copy(), short(m), wide(m), self._lists.steps.copy(), wide(n), wide(n),
            short(n), short(n, -1), short(m), short(m, -1), short(m), short(m, -1), wide(6),
            self.random,
        )  # fmt: skip
        kernels.begin_clauses(self._lists, search)
        return search

    @property
    def _length(self) -> int:
        """Flips of the present round."""
        return max(self.flips, 20 * self.n) << min(self.round // len(SMOOTH), 30)

    @property
    def _begins(self) -> bool:
        """Whether a round begins."""
        return self._search is None or self.flipped >= self._length

    def ask(self) -> Population:
        """As in `Algorithm`: where a round begins, then one solution after the other."""
        if self._begins and self._search is not None:
            assert self.best is not None
            self.round, self.flipped, self._search = self.round + 1, 0, None
            self.waiting = self._propagated() if self.round % 2 else self.best[None].copy()
        if self._search is None:
            return self.waiting.copy()
        logged = self._go(self._search, self._search.signs.copy(), 1)[1]
        self.better = logged > 0
        return self._search.signs[None].copy()

    def tell(self, population: Population, scores: ArrayLike) -> None:
        """As in `Algorithm`."""
        place = -1
        if self._search is None:
            costs = [self._clauses.cost(row) for row in population]
            place = min(range(len(costs)), key=costs.__getitem__)
            self._search = self._search_from(population[place])
            cost = self._search.sizes[[1, 3]]
            self.better = cost.tolist() < self.low[:2].tolist()
            if self.better:
                self.low[:2] = cost
        if self.better:
            self.best = population[place].copy()
            at = self.evaluations - len(population) + place % len(population) + 1
            if at != self.found:  # a lower cost that no float64 tells from the one before
                self.found = at
                self.improvements.append((at, self.score))

    def _go(self, search: kernels.Search, best: Solution, room: int) -> tuple[int, int, Ints]:
        """Flips; returns how many, and how many new bests there are in the log that it returns."""
        log, journal = np.empty((LOG, 3), np.int64), np.empty(self.n, np.int32)
        chance = round(SMOOTH[self.round % len(SMOOTH)] * 2**20)
        done, logged = kernels.weigh_clauses(
            self._lists, search, best, journal, log, self.low, room, self.samples, chance
        )
        self.flipped += int(done)
        return int(done), int(logged), log

    def walk(
        self,
        problem: IncrementalProblem,
        evaluations: int,
        target: float = np.inf,
        *,
        pause: float = np.inf,
        deadline: float = np.inf,
    ) -> None:
        """As in `Walker`; what it does follows from the clauses alone."""
        if not evaluations:
            self._compile()
        end, stretch = self.evaluations + evaluations, FIRST
        self.low[2:] = self._enough(target)
        while self.evaluations < end:
            if self._search is None or self._begins or self._asked is not None:
                asked = self.ask()[: end - self.evaluations]
                self.tell(asked, problem.score(asked))
            else:
                room = min(end - self.evaluations, self._length - self.flipped, stretch)
                if self.patience is not None:
                    room = min(room, self.found + self.patience - self.evaluations)
                self._walk(self._search, room)
                stretch = min(2 * stretch, MOST)
            if self.score >= target or self.stop() or time.monotonic() >= min(pause, deadline):
                break
        self.low[2:] = -1

    def _compile(self) -> None:
        """Runs what a walk needs with no room, which changes nothing."""
        search = self._search or self._search_from(self.waiting[0])
        self._go(search, search.signs.copy(), 0)

    def _walk(self, search: kernels.Search, room: int) -> None:
        assert self.best is not None  # the first solution was scored
        best = self.best.copy()
        done, logged, log = self._go(search, best, room)
        hard, soft = self._clauses.never
        for at, more, weight in log[:logged].tolist():
            score = self._clauses.score(hard + more, soft + weight)
            self.score, self.found = score, self.evaluations + at
            self.improvements.append((self.found, score))
        if logged:
            self.best = best
        self.evaluations += done

    def _enough(self, target: float) -> tuple[int, int]:
        """The highest cost whose score reaches a target, without what is always broken."""
        clauses = self._clauses
        if not math.isfinite(target):
            return -1, -1
        left = clauses.base - math.ceil(Fraction(target) / Fraction(clauses.unit))
        hard, soft = divmod(left, clauses.heavy)
        hard, soft = hard - clauses.never[0], min(soft, clauses.total) - clauses.never[1]
        return max(min(hard, 2**62), -1), soft

    def stop(self) -> dict[str, Any]:
        """As in `Algorithm`, between two batches; also where all clauses are satisfied that can."""
        if self._search is None or len(self._told):
            return {}
        if not self.low[:2].any():
            return {"optimum": self.score}
        return {} if self.patience is None else super().stop()

    def state(self) -> State:
        """As in `Algorithm`."""
        search = None if self._search is None else [array.copy() for array in self._search]
        return super().state() | {"search": search}

    def load(self, state: State) -> None:
        """As in `Algorithm`."""
        kept = dict(state)
        search = kept.pop("search")
        super().load(kept)
        self._search = None
        if search is not None:
            self._search = kernels.Search(*(array.copy() for array in search))
            self.random = self._search.random
