"""Scores ahead, on workers that would wait, what an algorithm is likely to ask next."""

from __future__ import annotations

import copy
import heapq
import itertools
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from evobin.algorithms import Algorithm
from evobin.core.problem import Population
from evobin.problems.function import Value

ROUND = 0.1
"""Seconds that a round of guesses should take at most, for the clock is looked at in between."""
UNLIKELY = 0.1
"""Solutions less likely than this are not scored ahead."""
FADING = 0.95
"""What an outcome counts for after one more."""

Outcome = int
"""What the scored solution may be: worse than what the algorithm has, as good, or better."""
OUTCOMES: tuple[Outcome, ...] = (0, 1, 2)


@dataclass(eq=False)
class _Guess:
    """A solution that may be asked, with its probability, and the algorithm that would ask it."""

    solution: Population
    probability: float
    algorithm: Algorithm
    following: dict[Outcome, bytes] = field(default_factory=dict)


@dataclass(eq=False)
class Speculation:
    """Guesses what an algorithm that asks for one solution at a time asks next.

    A copy of the algorithm is told that the solution was worse, as good or better, and shows what
    it would ask then. How likely each of these is follows from what happened lately. A wrong guess
    costs time and changes nothing.

    Attributes:
        n_jobs: workers.
        seconds: of one evaluation.
        latency: seconds that a round takes beside its evaluations.
    """

    n_jobs: int
    seconds: float = 0.0
    latency: float = 0.002
    _values: dict[bytes, Value] = field(default_factory=dict)
    _following: dict[bytes, dict[Outcome, bytes]] = field(default_factory=dict)
    _expected: dict[Outcome, bytes] = field(default_factory=dict)
    _counts: list[float] = field(default_factory=lambda: [4.0, 1.0, 1.0])

    def is_known(self, asked: Population) -> bool:
        """Whether a solution, [1, n], was scored ahead; learns from what is asked."""
        self._learn(asked.tobytes())
        self._expected = {}
        return asked.tobytes() in self._values

    def keep(self, population: Population, values: list[Value]) -> None:
        """Takes the values of a round in place of those of the one before."""
        rows = [row.tobytes() for row in population]
        self._values = dict(zip(rows, values, strict=False))

    def value(self, asked: Population) -> Value:
        """The value of a solution that is known; it is given once."""
        key = asked.tobytes()
        self._expected = self._following.get(key, {})
        return self._values.pop(key)

    def _learn(self, key: bytes) -> None:
        """Counts which outcome has led to what is asked now."""
        expected = self._expected
        if not expected:
            return
        self._counts = [FADING * count for count in self._counts]
        right = [outcome for outcome, following in expected.items() if following == key]
        other = [outcome for outcome in OUTCOMES if outcome not in expected]
        likely = right[:1] or other
        for outcome in likely:
            self._counts[outcome] += 1.0 / len(likely)

    def round(self, algorithm: Algorithm, asked: Population) -> Population:
        """What to score now: the solution that is asked, and those that may come next.

        Args:
            algorithm: has asked, and waits for the score; not changed.
            asked: [1, n] int8.

        Returns:
            [k, n] int8, the solution asked first.
        """
        self._following = {}
        most = self.n_jobs * max(1, int(ROUND / max(self.seconds, 1e-4)))
        guesses, likely = [asked], 1.0
        following = self._likely(_Guess(asked, 1.0, copy.deepcopy(algorithm)))
        while len(guesses) < most:
            room = self.n_jobs - len(guesses) % self.n_jobs
            more = list(itertools.islice(following, room))
            gain = sum(guess.probability for guess in more)
            seconds = self.seconds * len(guesses) / self.n_jobs + self.latency
            # a worker that waits costs nothing; a longer round must be worth more than another one
            if not more or (room == self.n_jobs and gain * seconds < likely * self.seconds):
                break
            guesses += [guess.solution for guess in more]
            likely += gain
        return np.concatenate(guesses)

    def _likely(self, first: _Guess) -> Iterator[_Guess]:
        """What may be asked after a solution, the most likely first."""
        order = itertools.count()
        waiting: list[tuple[float, int, Outcome, _Guess]] = []
        total = sum(self._counts)
        rates = [count / total for count in self._counts]
        guess: _Guess | None = first
        while guess is not None or waiting:
            if guess is not None:
                self._following[guess.solution.tobytes()] = guess.following
                for outcome in OUTCOMES:
                    probability = guess.probability * rates[outcome]
                    if probability >= UNLIKELY:
                        entry = (-probability, next(order), outcome, guess)
                        heapq.heappush(waiting, entry)
            if not waiting:
                return
            probability, _, outcome, parent = heapq.heappop(waiting)
            is_last = all(other[3] is not parent for other in waiting)
            guess = self._after(parent, outcome, -probability, is_last)
            if guess is not None:
                yield guess

    def _after(
        self, parent: _Guess, outcome: Outcome, probability: float, is_last: bool
    ) -> _Guess | None:
        """What is asked after an outcome; None where that is known already, or is not one."""
        algorithm = parent.algorithm if is_last else copy.deepcopy(parent.algorithm)
        best = max(algorithm.score, -sys.float_info.max)
        score = (-math.inf, best, best + abs(best) + 1.0)[outcome]
        try:
            algorithm.tell(parent.solution, [score])
            if algorithm.stop():
                return None
            asked = algorithm.ask()
        except Exception:  # of an algorithm of one's own, by a score that is never given
            return None
        if len(asked) != 1:
            return None
        key = asked.tobytes()
        parent.following[outcome] = key
        return None if key in self._following else _Guess(asked, probability, algorithm)
