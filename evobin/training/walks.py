"""Direct search: walks by exact flips on all training samples, as far as unseen ones gain."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from evobin.algorithms import Annealing, Descent, Walker
from evobin.config import FlipConfig
from evobin.core.evidence import Difference, Outcomes
from evobin.core.problem import IncrementalProblem, SampledProblem, Solution, Structure
from evobin.core.stage import Row
from evobin.core.state import State
from evobin.results.search import SearchResult
from evobin.training.flip_search import FlipStage

SWEEPS_A_ROUND = 10
"""Offers of each sign between two looks at samples that the search does not see."""
SAMPLES_A_ROUND = 5e8
"""Samples that all offers of a round may look at, a few seconds: else a round has fewer sweeps."""
KICK = 4
"""Signs that a kick flips: a descent from it takes a sweep or two."""
FEWEST = 3
"""Rounds without a gain on unseen samples after which a search may end."""


class WalkSearch(FlipStage):
    """Walks on all samples to search on, which are the same each time, as a stage.

    From a trained start islands go by descents to local optima and kicks, from random signs by
    annealing. After every `SWEEPS_A_ROUND` sweeps, each one's best is tried on samples that no
    search sees, and the search ends where these have stopped to gain for as long as they have
    gained: the best by its own samples fits these better and better. What is handed out is worth
    most on the unseen samples, by the objective of the search, and does not have fewer of them
    right than the start beyond the standard error of the paired difference.

    Args:
        problem: what to maximise; one that is `whole`.
        start: [n] int8; not modified.
        config: sweeps and islands.
        seed: decides every random number.
        is_trained: whether `start` is better than random signs.

    Raises:
        SettingError: if a setting is out of range.

    Source:
        Prechelt (1998), Early stopping - but when?, for ends by unseen samples.
    """

    def __init__(
        self,
        problem: SampledProblem,
        start: Solution,
        config: FlipConfig,
        seed: int,
        *,
        is_trained: bool = True,
    ) -> None:
        super().__init__(problem, start, config)
        self._is_trained = is_trained
        self._offers = offers_of(problem.n, self._n_seen)
        self.total = -(-config.sweeps * problem.n // self._offers)
        self._peak, self._gained = self._before.value, 0  # at which step
        self._walkers = [self._walker(start, (seed, place)) for place in range(config.islands)]

    def _begin_at(self, start: Solution) -> None:
        super()._begin_at(start)
        before = self._problem.unseen(start)
        assert before is not None  # as it is whole
        self._before = before

    def _walker(self, start: Solution, seed: tuple[int, int]) -> Walker:
        n = self._problem.n
        if self._is_trained:
            return Descent(rule="first", kick=min(KICK, n)).start(n, seed, start)
        return Annealing(sweeps=max(1, self._config.sweeps)).start(n, seed)

    def over(self) -> dict[str, Any]:
        """As in `Stage`: also where unseen samples stop to gain; an anneal is not cut."""
        stale = self.done - self._gained
        if self._is_trained and not self._enough and stale >= max(FEWEST, self._gained):
            return {"unseen": stale}
        return super().over()

    @property
    def function(self) -> Callable[..., Walker]:
        """As in `RoundStage`."""
        return walk_on

    def tasks(self) -> list[tuple[Any, ...]]:
        """A round of every island, a task an island."""
        return [(self._problem, walker, self._offers) for walker in self._walkers]

    @property
    def newest(self) -> Solution:
        """As in `FlipStage`."""
        leader = max(self._walkers, key=lambda walker: walker.score)
        return self._start if leader.best is None else leader.best

    @property
    def sweeps_a_step(self) -> float:
        """How often a step offers each flip."""
        return self._offers / self._problem.n

    def take(self, results: list[Walker]) -> list[Row]:
        """As in `RoundStage`."""
        problem, offers, done = self._problem, self._offers, self.done + 1
        rows: list[Row] = []
        found: list[tuple[Solution, float, Outcomes]] = []
        for walker, old in zip(results, self._walkers, strict=True):
            assert walker.best is not None  # it has walked
            after = problem.unseen(walker.best)
            assert after is not None  # as in `__init__`
            score = float(problem.score(walker.best[None])[0])
            known = self._start if old.best is None else old.best
            counts = _changes(problem.structure, known, walker.best, offers / problem.n)
            row: Row = {"evaluations": 1, "train_score": walker.score, "score": score}
            gain = after.worth_more(self._before)
            row |= {"unseen_score": after.value, "unseen_gain": gain.mean}
            rows.append(row | {"unseen_error": gain.error} | counts)
            found.append((walker.best, score, after))
        self.done, self._walkers = done, results
        if not self._is_trained:  # an anneal cools down: its newest counts, not the luckiest
            self._peak = self._before.value
        for best, score, after in found:
            if after.value > self._peak and self._may_replace(after):
                self._peak, self._gained = after.value, done
                self.best, self.score = best, score
        return rows

    def _may_replace(self, after: Outcomes) -> bool:
        return not self._is_trained or not after.more_right(self._before).is_worse

    def state(self) -> State:
        """As in `Stage`."""
        walkers = [walker.state() for walker in self._walkers]
        return super().state() | {"walkers": walkers, "peak": self._peak, "gained": self._gained}

    def load(self, state: State) -> None:
        """As in `Stage`."""
        super().load(state)
        for walker, its in zip(self._walkers, state["walkers"], strict=True):
            walker.load(its)
        self._peak, self._gained = state["peak"], state["gained"]


def sweeps_that_paid(result: SearchResult, problem: SampledProblem) -> int:
    """Offers of each flip until what a search handed out; 0 where that may be no better by chance.

    That is, where it is the start, or gains no more on unseen samples than the standard error. For
    flips that are made again without unseen samples, since these would not end them.

    Args:
        result: of the last stage of a search.
        problem: what was searched.
    """
    walked = [row for row in result.rows if "unseen_score" in row]
    if not walked:
        return 0
    best, unseen = max(walked, key=lambda row: row["unseen_score"]), problem.unseen(result.solution)
    assert unseen is not None  # walks have asked for it
    gain = Difference(best["unseen_gain"], best["unseen_error"])
    if best["unseen_score"] != unseen.value or not gain.is_better:
        return 0
    return -int(-best["step"] * best["tried"] // problem.n)


def offers_of(n: int, n_samples: int) -> int:
    """Flips that a walk is offered in a round: `SWEEPS_A_ROUND` of each sign, or some seconds."""
    return max(1, min(SWEEPS_A_ROUND * n, int(SAMPLES_A_ROUND / n_samples)))


def walk_on(problem: SampledProblem, walker: Walker, offers: int) -> Walker:
    """A copy of a walker that has been offered so many flips more, on all samples.

    Args:
        problem: one that is `whole`.
        walker: where it is; not modified.
        offers: how many.
    """
    whole, walker = problem.whole(), copy.deepcopy(walker)
    assert isinstance(whole, IncrementalProblem)
    while offers > 0 and not walker.stop():
        before = walker.evaluations
        walker.walk(whole, offers)
        if walker.evaluations == before:  # the next batch is longer
            break
        offers -= walker.evaluations - before
    walker.improvements.clear()
    return walker


def _changes(
    structure: Structure, before: Solution, after: Solution, sweeps: float
) -> dict[str, int]:
    """Flips tried, and made to come from one best to the next, by layer, in so many sweeps."""
    differ = after != before
    counts = {"tried": round(sweeps * len(after)), "accepted": int(differ.sum())}
    for name, layer in structure.layers.items():
        inside = differ[layer]
        counts[f"tried_{name}"] = round(sweeps * len(inside))
        counts[f"accepted_{name}"] = int(inside.sum())
    return counts
