"""Scores what an algorithm asks: here or on workers, by full evaluation or flip by flip."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass, field

import numpy as np

from evobin.algorithms import Algorithm
from evobin.core.problem import FlipState, IncrementalProblem, Population, Scores, Solution
from evobin.core.stage import MapTasks
from evobin.problems.function import Failed, FunctionProblem, Value, travelling
from evobin.results.search import EvaluationError, Failure

NEAR = 8
"""Flips up to which a solution is scored from another one; more are a full evaluation."""
ROUND = 0.2
"""Seconds that a round of guesses should take a worker: it takes about 0.01 to send and collect."""


class NearScorer:
    """Scores solutions of an incremental problem from each other, where they differ in few signs.

    Algorithms that ask for one neighbour after the other get exact increments by this without
    knowing it.
    """

    def __init__(self, problem: IncrementalProblem) -> None:
        self._problem = problem
        self._state: FlipState | None = None
        self._at: Solution = np.empty(0, np.int8)

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
    _guessed: dict[bytes, Value] = field(default_factory=dict)
    _depth: int = 1
    _seconds: float = 0.0  # of one evaluation

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
        if len(asked) == 1:
            return [self._one(algorithm, asked, map_tasks, deadline)]
        pieces = self.n_jobs * (4 if self._seconds * len(asked) > 4 * self.n_jobs else 1)
        parts = [*np.array_split(asked, min(pieces, len(asked)))]
        values = self._map(parts, map_tasks, deadline)
        short = [len(some) < len(part) for some, part in zip(values, parts, strict=True)]
        whole = short.index(True) + 1 if any(short) else len(values)
        return [value for piece in values[:whole] for value in piece]

    def _map(
        self, pieces: list[Population], map_tasks: MapTasks, deadline: float
    ) -> list[list[Value]]:
        begun = time.monotonic()
        left = deadline - begun
        values = map_tasks(_evaluate, [(self.function, piece, left) for piece in pieces])
        took = (time.monotonic() - begun) * min(self.n_jobs, len(pieces))
        self._seconds = took / max(sum(map(len, pieces)), 1)
        found: list[list[Value]] = values
        return found

    def _one(
        self, algorithm: Algorithm, asked: Population, map_tasks: MapTasks, deadline: float
    ) -> Value:
        """One solution; beside it, those that would be asked next if nothing helped.

        An algorithm that asks for one solution at a time mostly gets a worse one. What it would ask
        then is known, from a copy of it, and is scored on the workers that would wait. A guess that
        was wrong costs time, and changes nothing.
        """
        key = asked.tobytes()
        if key not in self._guessed:
            self._depth = max(self._depth // 2, 1)
            self._guessed = {}
            guesses = self._ahead(algorithm, asked)
            pieces = [guesses[first :: self.n_jobs] for first in range(self.n_jobs)]
            pieces = [piece for piece in pieces if len(piece)]
            values = self._map(pieces, map_tasks, deadline)
            for piece, some in zip(pieces, values, strict=True):
                rows = [row.tobytes() for row in piece]
                self._guessed |= dict(zip(rows, some, strict=False))
        value = self._guessed.pop(key)
        if not self._guessed:
            self._depth *= 4  # all guesses were right; the next round halves it
        return value

    def _ahead(self, algorithm: Algorithm, asked: Population) -> Population:
        """[k, n] int8: the solution that is asked, and those that would be next."""
        most = max(2, min(self._depth, int(ROUND / max(self._seconds, 1e-4)))) * self.n_jobs
        guesses, other = [asked], copy.deepcopy(algorithm)
        while len(guesses) < most:
            other.tell(guesses[-1], [-math.inf])
            if other.stop():
                break
            following = other.ask()
            if len(following) != 1:
                break
            guesses.append(following)
        return np.concatenate(guesses)


def _evaluate(function: FunctionProblem, population: Population, seconds: float) -> list[Value]:
    """On a worker: the values of some solutions, or of the first ones until time is over."""
    values = function.values(population, time.monotonic() + seconds)
    return [travelling(value) for value in values]
