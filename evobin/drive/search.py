"""An algorithm on a problem as a stage: budget, clock, restarts, history."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evobin.algorithms import Algorithm, Walker
from evobin.core.compiled import CompiledProblem
from evobin.core.problem import IncrementalProblem, Population, Problem, Scores, Solution
from evobin.core.stage import MapTasks, Progress, Row, Stage, in_order
from evobin.core.state import State
from evobin.drive.interrupts import Interrupts
from evobin.drive.keeper import Keeper
from evobin.drive.scoring import NearScorer, Scoring
from evobin.problems.function import FunctionProblem
from evobin.results.search import EvaluationError, Kept, SearchResult

WALKED = 0.05
"""Seconds that a walk should take between two looks at the clock."""
LOOKS = 10, 10_000
"""Least and most evaluations of a walk between two looks at where it stands, as multiples of n."""
MORE = 64
"""Between these, the part of the walk so far that passes until the next one, which takes 0.4 ms."""


@dataclass(frozen=True, eq=False)
class Limits:
    """When a search ends, and where it begins.

    Attributes:
        evaluations: solutions to score at most.
        seconds: by the clock; infinite for no limit.
        target: a score that is enough, in terms of a maximum; infinite for none.
        restarts: whether to begin anew where the algorithm sees no sense in going on.
        seed: decides every random number.
        initial: [k, n] int8, where the first search begins; None for anywhere.
        keep: how many of the best different solutions to keep.
    """

    evaluations: int
    seconds: float = math.inf
    target: float = math.inf
    restarts: bool = True
    seed: tuple[int, ...] = (0,)
    initial: Solution | None = None
    keep: int = 1


class AlgorithmSearch(Stage):
    """One algorithm on one problem, from its beginning or its checkpoint to the end of its budget.

    Args:
        algorithm: its settings; not changed.
        problem: what to maximise; a `FunctionProblem` may minimise.
        limits: when it ends.
        skip: whether a solution that cannot be scored is the worst, not an error.
        n_jobs: workers of `map_tasks`.

    Raises:
        SettingError: if a setting of the algorithm is wrong.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        problem: Problem,
        limits: Limits,
        *,
        skip: bool = False,
        n_jobs: int = 1,
    ) -> None:
        self._spent, self._began = 0.0, time.monotonic()
        self.name, self.total = algorithm.name, limits.evaluations
        self._settings, self._problem, self._limits = algorithm, problem, limits
        self._walked = (
            problem
            if isinstance(problem, IncrementalProblem) and isinstance(algorithm, Walker)
            else None
        )
        function = problem if isinstance(problem, FunctionProblem) else _as_function(problem)
        self.scoring = Scoring(function, skip, n_jobs)
        self._n_jobs = n_jobs
        self.interrupts = Interrupts()
        self.rows: list[Row] = []
        self.restarts = self._before = 0  # evaluations of algorithms before the present one
        self._stretch, self._pause = problem.n, 0.0
        self._keeper = self.keeper()
        self._look = self._after(0)  # evaluations of the present restart
        self._algorithm = self._new()
        if isinstance(self._algorithm, Walker) and self._walked is not None:
            begun = time.monotonic()
            self._algorithm.walk(self._walked, 0)  # compiles, once a machine
            self._began += time.monotonic() - begun  # a short search would have no time left

    @property
    def seconds(self) -> float:
        """Since the search began, those before a checkpoint included."""
        return self._spent + time.monotonic() - self._began

    def _new(self) -> Algorithm:
        """The algorithm of the present restart; only the first begins at `initial`."""
        limits = self._limits
        made = copy.deepcopy(self._settings).start(
            self._problem.n,
            (*limits.seed, self.restarts),
            limits.initial if self.restarts == 0 else None,
            structure=self._problem.structure,
            restart=self.restarts,
        )
        if isinstance(made, Walker):
            made.threads = self._n_jobs
        return made

    def over(self) -> dict[str, Any]:
        """Why to stop; before that, a restart where the algorithm asks for one."""
        limits, reasons = self._limits, dict[str, Any]()
        if not self.done:
            return reasons
        if self.score >= limits.target:
            reasons["target"] = self.scoring.function.sign * limits.target
        if self.done >= limits.evaluations:
            reasons["max_evaluations"] = limits.evaluations
        if self.seconds + (self._pause if self._pause > WALKED else 0.0) >= limits.seconds:
            reasons["seconds"] = limits.seconds
        if not reasons and (stale := self._algorithm.stop()):
            if not limits.restarts or "optimum" in stale:
                return stale
            self._keep_best()
            self._before += self._algorithm.evaluations
            self.restarts += 1
            self._look = self._after(0)
            self._algorithm = self._new()
        return reasons

    @property
    def n(self) -> int:
        """Length of a solution."""
        return self._problem.n

    @property
    def target(self) -> float:
        """The score that is enough."""
        return self._limits.target

    def step(self, map_tasks: MapTasks) -> list[Row]:
        """One batch of the algorithm, or a stretch of a walk."""
        return self.step_until(self._limits.evaluations, map_tasks)

    def step_until(self, end: int, map_tasks: MapTasks = in_order) -> list[Row]:
        """The same, cut where so many evaluations are done in all."""
        algorithm, left = self._algorithm, end - self.done
        cut = algorithm.batch()
        if isinstance(algorithm, Walker) and self._walked is not None:
            self._walk(algorithm, self._walked, left)
        else:
            self._ask_and_tell(algorithm, left, map_tasks)
        self.done = self._before + algorithm.evaluations
        return self._note(cut) if algorithm.improvements else []

    def _ask_and_tell(self, algorithm: Algorithm, left: int, map_tasks: MapTasks) -> None:
        begun = time.monotonic()
        asked = algorithm.ask()[:left]
        deadline = self._began - self._spent + self._limits.seconds
        scored = time.monotonic()
        try:
            with self.interrupts.let_through:
                scores = self.scoring.score(algorithm, asked, self.done, map_tasks, deadline)
        except EvaluationError as error:
            algorithm.tell(asked[: len(error.before)], error.before)
            self._keep(asked, error.before)
            self.done = self._before + algorithm.evaluations
            self._note(algorithm.batch())
            raise
        told = time.monotonic()
        algorithm.tell(asked[: len(scores)], scores)
        self._keep(asked, scores)
        self._pause = time.monotonic() - told + scored - begun

    def _walk(self, algorithm: Walker, problem: IncrementalProblem, left: int) -> None:
        """Some more of a walk, about as much as the time between two looks at the clock allows."""
        begun = time.monotonic()
        deadline = self._began - self._spent + self._limits.seconds
        looks = self._limits.keep > 1 and not algorithm.notes_optima
        if looks:
            left = min(left, self._look - algorithm.evaluations)
        # threads want room for all that they may do
        is_cut = isinstance(problem, CompiledProblem) and algorithm.threads == 1
        algorithm.walk(
            problem,
            min(self._stretch, left) if is_cut else left,
            self._limits.target,
            pause=begun + WALKED,
            deadline=deadline,
        )
        if looks and algorithm.evaluations >= self._look:
            self._look_around(algorithm)
        for solution, score in algorithm.optima:
            self._keep(solution[None], np.array([score]))
        algorithm.optima.clear()
        quick = time.monotonic() - begun < WALKED
        # a batch is n at most, and one that is cut would be a row of its own in the history
        self._stretch = max(self._problem.n, self._stretch * 2 if quick else self._stretch // 2)

    def _after(self, evaluations: int) -> int:
        """Evaluations of a restart at the next look at where its walk stands."""
        least, most = (times * self._problem.n for times in LOOKS)
        return evaluations + min(max(evaluations // MORE, least), most)

    def _look_around(self, algorithm: Walker) -> None:
        """Keeps the best of a walk and where it stands."""
        self._look = self._after(self._look)
        self._keep_best()
        if (standing := algorithm.standing()) is not None:
            self._keep(standing[0][None], np.array([standing[1]]))

    def _keep_best(self) -> None:
        """Keeps the best of the present restart."""
        if (best := self._algorithm.best) is not None:
            self._keep(best[None], np.array([self._algorithm.score]))

    def _keep(self, population: Population, scores: Scores) -> None:
        """Keeps what is among the best; one alone is kept anyway."""
        if self._limits.keep > 1:
            self._keeper.offer(population[: len(scores)], scores)

    def keeper(self) -> Keeper:
        """An empty one, that keeps as many solutions as this search does."""
        return Keeper(self._limits.keep, self._problem.n, self._problem.mirrored)

    def kept(self) -> Kept:
        """What was kept, the best first; its scores are the function's own."""
        sign = self.scoring.function.sign
        if self._limits.keep == 1:
            assert self.best is not None  # one solution is always scored
            return Kept(self.best[None].copy(), np.array([sign * self.score]))
        self._keep_best()
        found = self._filled_up()
        if not isinstance(self._problem, FunctionProblem) and len(found.scores):
            exact = self._problem.score(found.solutions)
            if not np.allclose(exact, found.scores, rtol=1e-9, atol=1e-9):
                raise RuntimeError(f"the search says {found.scores}, the problem says {exact}.")
        return Kept(found.solutions, sign * found.scores)

    def _filled_up(self) -> Kept:
        """What was kept; of a walk that has seen too few, with neighbours of these, best first.

        Where a walk keeps coming back to one optimum, nothing else would be left of it.
        """
        keeper, expanded = self.keeper(), set[bytes]()
        keeper.load(self._keeper.state())
        while self._walked is not None and not keeper.is_full:
            rows = keeper.kept().solutions
            row = next((one for one in rows if one.tobytes() not in expanded), None)
            if row is None:
                break
            expanded.add(row.tobytes())
            scores = self._walked.start(row).scores(np.arange(len(row)))
            for place in np.argsort(-scores, kind="stable")[: self._limits.keep].tolist():
                neighbour = row.copy()
                neighbour[place] *= -1
                keeper.offer(neighbour[None], scores[place : place + 1])
        return keeper.kept()

    def _note(self, cut: tuple[int, int]) -> list[Row]:
        """The rows of new bests among what the algorithm has improved.

        A batch has one row at most: that of its first part goes where a budget has `cut` it in two.
        """
        algorithm, rows = self._algorithm, list[Row]()
        sign = self.scoring.function.sign
        for evaluations, score in algorithm.improvements:
            if score > self.score or self.best is None:
                self.score, self.best = score, algorithm.best
                last = self.rows[-1]["evaluations"] - self._before if self.rows else 0
                if cut[0] < last and evaluations <= cut[1]:
                    self.rows.pop()
                rows.append(
                    {
                        "evaluations": self._before + evaluations,
                        "seconds": self.seconds,
                        "score": sign * score,
                        "restart": self.restarts,
                    }
                )
            elif score == self.score and self.rows and self.rows[-1]["restart"] == self.restarts:
                self.best = algorithm.best  # better in a way that no float64 can tell
        algorithm.improvements.clear()
        if rows:
            self.best = algorithm.best
        self.rows += rows
        return rows

    def progress(self, rows: tuple[Row, ...] = (), best: Solution | None = None) -> Progress:
        """As in `Stage`; scores are the function's own."""
        score = self.scoring.function.sign * self.score
        known = None if self.best is None else self.best.copy()
        return Progress(
            self.name, self.done, self.total, rows, score, best, {}, known, self.seconds,
            self.restarts,
        )  # fmt: skip

    def result(self, reasons: Mapping[str, Any]) -> SearchResult:
        """What was found.

        Raises:
            RuntimeError: if a problem's own score differs from the search's; names both.
        """
        assert self.best is not None  # one solution is always scored
        if not isinstance(self._problem, FunctionProblem):
            exact = float(self._problem.score(self.best[None])[0])
            if not math.isclose(exact, self.score, rel_tol=1e-9, abs_tol=1e-9):
                raise RuntimeError(f"the search says {self.score}, the problem says {exact}.")
        return SearchResult(
            self.best,
            self.scoring.function.sign * self.score,
            tuple(self.rows),
            self.done,
            dict(reasons),
            self.name,
            self.restarts,
            tuple(self.scoring.failures),
            kept=self.kept(),
        )

    def state(self) -> State:
        """As in `Stage`."""
        return super().state() | {
            "rows": list(self.rows),
            "failures": [list(failure) for failure in self.scoring.failures],
            "before": self._before,
            "restarts": self.restarts,
            "seconds": self.seconds,
            "kept": self._keeper.state() | {"look": self._look},
            "algorithm": self._algorithm.state(),
        }

    def load(self, state: State) -> None:
        """As in `Stage`."""
        super().load(state)
        self.rows = list(state["rows"])
        self.scoring.failures = [(at, text, signs) for at, text, signs in state["failures"]]
        self._before, self.restarts = state["before"], state["restarts"]
        self._spent, self._began = state["seconds"], time.monotonic()
        if "kept" in state:  # not in checkpoints of old
            self._keeper.load(state["kept"])
            self._look = state["kept"]["look"]
        self._algorithm = self._new()
        self._algorithm.load(state["algorithm"])


def _as_function(problem: Problem) -> FunctionProblem:
    """A problem as the scoring sees it."""
    scorer = NearScorer(problem) if isinstance(problem, IncrementalProblem) else problem
    return FunctionProblem(scorer.score, problem.n, batch=True, cast=False)
