"""Scores what an algorithm asks: here or on workers, by full evaluation or flip by flip."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import dataclass, field

import numpy as np

from evobin.algorithms import Algorithm
from evobin.core.problem import FlipState, IncrementalProblem, Population, Scores, Solution
from evobin.core.stage import MapTasks
from evobin.drive.speculation import Speculation
from evobin.problems.function import Failed, FunctionProblem, Value, travelling
from evobin.results.search import EvaluationError, Failure

NEAR = 8
"""Flips up to which a solution is scored from another one; more are a full evaluation."""

QUICK = 0.001
"""Seconds that sending solutions takes at least: what is scored in less is not sent."""


class NearScorer:
    """Scores solutions of an incremental problem from each other, where they differ in few signs.

    Algorithms that ask for one neighbour after the other get exact increments by this without
    knowing it.
    """

    def __init__(self, problem: IncrementalProblem) -> None:
        self._problem = problem
        self._state: FlipState | None = None
        self._at: Solution = np.empty(0, np.int8)

    def __getstate__(self) -> dict[str, object]:
        return vars(self) | {"_state": None}  # large, and of no use to a worker

    def score(self, population: Population) -> Scores:
        """As the problem's `score`."""
        scores = np.empty(len(population))
        far = []
        for place, solution in enumerate(population):
            flips = np.flatnonzero(solution != self._at) if self._state is not None else None
            if flips is None or len(flips) > NEAR:
                far.append(place)
                continue
            assert self._state is not None
            for index in flips.tolist():
                self._state.flip(index)
            self._at[flips] *= -1
            scores[place] = self._state.score
        if far:
            scores[far] = self._problem.score(population[far])
            if len(population) == 1:  # who asks for one solution goes on from it
                self._state, self._at = self._problem.start(population[0]), population[0].copy()
        return scores


@dataclass(eq=False)
class Scoring:
    """Scores batches, reports what cannot be scored, and guesses ahead on several workers.

    Args:
        function: the function, or the problem as one.
        skip: whether a solution that cannot be scored is the worst, not an error.
        n_jobs: workers of `map_tasks`.

    Attributes:
        failures: solutions that were skipped.
    """

    function: FunctionProblem
    skip: bool = False
    n_jobs: int = 1
    failures: list[Failure] = field(default_factory=list)
    speculation: Speculation = field(init=False)

    def __post_init__(self) -> None:
        self.speculation = Speculation(self.n_jobs)

    def score(
        self,
        algorithm: Algorithm,
        asked: Population,
        done: int,
        map_tasks: MapTasks,
        deadline: float = math.inf,
    ) -> Scores:
        """Scores a batch, or its first solutions, at least one, until the clock says stop.

        Args:
            algorithm: whose batch it is; not changed.
            asked: [k, n] int8.
            done: evaluations before.
            map_tasks: runs tasks on workers.
            deadline: by `time.monotonic`.

        Returns:
            [k] float64 or less, higher is better.

        Raises:
            EvaluationError: if the function raises or returns no number, unless that is skipped.
        """
        if self.n_jobs == 1:
            values = self.function.values(asked, deadline)
        elif not self.speculation.seconds:  # one, to see how long it takes
            values = self._here(asked[:1], deadline)
            if len(asked) > 1:
                values += self._side_by_side(algorithm, asked[1:], map_tasks, deadline)
        else:
            values = self._side_by_side(algorithm, asked, map_tasks, deadline)
        return self._checked(values, asked, done)

    def _checked(self, values: list[Value], asked: Population, done: int) -> Scores:
        sign, numbers, failures = self.function.sign, [], []
        for place, value in enumerate(values):
            if not isinstance(value, Failed):
                numbers.append(value)
                continue
            number, solution = done + place + 1, asked[place].copy()
            if not self.skip:
                error = EvaluationError(
                    f"evaluation {number}: the function {value.text}; fix it, or go on without "
                    "such solutions by on_error='skip'.",
                    solution,
                )
                error.before = sign * np.array(numbers, np.float64)
                raise error from value.error
            failures.append((number, value.text, solution))
            numbers.append(-sign * math.inf)
        self.failures += failures  # only now: an interrupted batch is scored again
        scores: Scores = sign * np.array(numbers, np.float64)
        return scores

    def _side_by_side(
        self, algorithm: Algorithm, asked: Population, map_tasks: MapTasks, deadline: float
    ) -> list[Value]:
        """On several workers, where that pays; of one solution, those that come next as well."""
        ahead = self.speculation
        if len(asked) == 1 and ahead.is_known(asked):
            return [ahead.value(asked)]
        if ahead.seconds * len(asked) < QUICK:
            return self._here(asked, deadline)
        if len(asked) > 1:
            return self._map(asked, map_tasks, deadline)
        guesses = ahead.round(algorithm, asked)
        ahead.keep(guesses, self._map(guesses, map_tasks, deadline))
        return [ahead.value(asked)]

    def _here(self, asked: Population, deadline: float) -> list[Value]:
        begun = time.monotonic()
        values = self.function.values(asked, deadline)
        self.speculation.seconds = (time.monotonic() - begun) / len(values)
        return values

    def _map(self, asked: Population, map_tasks: MapTasks, deadline: float) -> list[Value]:
        """The values of solutions, or of the first ones until the clock says stop."""
        begun, ahead = time.monotonic(), self.speculation
        pieces = self.n_jobs * (4 if ahead.seconds * len(asked) > 4 * self.n_jobs else 1)
        pieces = min(pieces, len(asked))
        tasks = [(self.function, asked[first::pieces], deadline - begun) for first in range(pieces)]
        done: list[tuple[list[Value], float]] = map_tasks(_evaluate, tasks)
        busy = sum(seconds for _, seconds in done)
        ahead.seconds = busy / sum(len(values) for values, _ in done)
        ahead.latency = max(time.monotonic() - begun - busy / min(self.n_jobs, pieces), 0.0)
        in_turn = itertools.zip_longest(*(values for values, _ in done))
        values = [value for some in in_turn for value in some][: len(asked)]
        return [*itertools.takewhile(lambda value: value is not None, values)]


def _evaluate(
    function: FunctionProblem, population: Population, seconds: float
) -> tuple[list[Value], float]:
    """On a worker: the values of some solutions, or of the first ones until time is over.

    Returns:
        The values, and the seconds that they took.
    """
    begun = time.monotonic()
    values = function.values(population, begun + seconds)
    return [travelling(value) for value in values], time.monotonic() - begun
