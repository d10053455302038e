"""A user's function, scored with care: what it is given, what it returns, what it raises."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Population, Scores, Solution
from evobin.results.search import EvaluationError

SHOWN = 60
"""Characters of a wrong value that a message shows."""
NUMBERS = (int, float, np.floating, np.integer, np.bool_)
"""A tuple: a union would be made anew at every evaluation."""


@dataclass(slots=True)
class Objective:
    """A function of signs to be maximised, or minimised as the maximum of its negative.

    Attributes:
        function: [n] int8 to a number; a population, [k, n], to [k] numbers where `batch` is set.
        batch: see `function`.
        sign: +1 to maximise, -1 to minimise.
        skip: whether a solution that cannot be scored is the worst, not an error.
        failures: of those: evaluation from 1, error, solution.
    """

    function: Callable[[Any], Any]
    batch: bool = False
    sign: float = 1.0
    skip: bool = False
    failures: list[tuple[int, str, Solution]] = field(default_factory=list)

    def score(self, population: Population, done: int = 0, deadline: float = math.inf) -> Scores:
        """Scores solutions, or the first ones, at least one, until the clock says stop.

        Args:
            population: [k, n] int8; the function gets copies.
            done: evaluations before.
            deadline: by `time.monotonic`.

        Returns:
            [k] float64 or less, higher is better.

        Raises:
            EvaluationError: if the function raises or returns no number, unless that is skipped.
        """
        if self.batch:
            values = self._together(population, done)
        else:
            values = self._one_by_one(population, done, deadline)
        scores: Scores = np.array(values)
        return self.sign * scores

    def _one_by_one(self, population: Population, done: int, deadline: float) -> list[float]:
        values: list[float] = []
        failures: list[tuple[int, str, Solution]] = []
        for number, solution in enumerate(population, done + 1):
            try:
                value = _number(self.function(solution.copy()))
            except Exception as error:
                value = self._failed(error, number, solution, values, failures)
            values.append(value)
            if time.monotonic() >= deadline:
                break
        self.failures += failures  # only now: an interrupted batch is scored again
        return values

    def _together(self, population: Population, done: int) -> list[float]:
        failures: list[tuple[int, str, Solution]] = []
        values: list[float]
        try:
            values = list(_numbers(self.function(population.copy()), len(population)))
        except Exception as error:
            values = [
                self._failed(error, number, solution, [], failures)
                for number, solution in enumerate(population, done + 1)
            ]
        for place, value in enumerate(values):
            if math.isnan(value):
                wrong = _Unfit("returned nan where a number was expected")
                solution = population[place]
                before = values[:place]
                values[place] = self._failed(wrong, done + 1 + place, solution, before, failures)
        self.failures += failures
        return values

    def _failed(
        self,
        error: Exception,
        number: int,
        solution: Solution,
        before: list[float],
        failures: list[tuple[int, str, Solution]],
    ) -> float:
        """The worst value, and a row of `failures`, or an error."""
        what = (
            str(error) if isinstance(error, _Unfit) else f"raised {type(error).__name__}: {error}"
        )
        if not self.skip:
            told = EvaluationError(
                f"evaluation {number}: the function {what}; mend it, or go on without such "
                "solutions by on_error='skip'.",
                solution.copy(),
            )
            told.before = self.sign * np.array(before)
            raise told from error
        failures.append((number, what, solution.copy()))
        return -self.sign * math.inf


class _Unfit(Exception):  # noqa: N818  # never leaves this module alone
    """A value that is no score; the text says what was returned."""


def _number(value: Any) -> float:
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value.item()
    if not isinstance(value, NUMBERS):
        raise _Unfit(f"returned {_shown(value)} where a number was expected")
    number = float(value)
    if math.isnan(number):
        raise _Unfit("returned nan where a number was expected")
    return number


def _numbers(values: Any, k: int) -> Sequence[float]:
    array: NDArray[Any] = np.asarray(values)
    if array.shape != (k,) or array.dtype.kind not in "biuf":
        raise _Unfit(f"returned {_shown(values)} where {k} numbers, an array [{k}], were expected")
    numbers: list[float] = array.astype(np.float64).tolist()
    return numbers


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array {list(value.shape)} of {value.dtype}"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
