"""A user's function as a problem: what it is given, what it returns, what it raises."""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Population, Problem, Scores
from evobin.errors import EvobinError

SHOWN = 60
"""Characters of a wrong value that a message shows."""
NUMBERS = (int, float, np.floating, np.integer, np.bool_)
"""A tuple: a union would be made anew at every evaluation."""
AT_ONCE = 2**22
"""Signs that a function of populations, or a problem, gets between two looks at the clock."""


@dataclass(frozen=True, eq=False)
class Failed:
    """What was wrong with one evaluation; `error` is what was raised, where it can travel."""

    text: str
    error: Exception | None = None


Value = float | Failed


@dataclass(eq=False)
class FunctionProblem(Problem):
    """A function of signs to be maximised, or minimised as the maximum of its negative.

    Attributes:
        function: takes [n] int64, or a population, [k, n] int64, where `batch` is set.
        n: length of a solution.
        batch: see `function`.
        sign: +1 to maximise, -1 to minimise.
        cast: whether it gets int64. A problem's own `score` takes int8; a user's function would
            overflow with that: numpy wraps sums of products of int8 around, silently.
    """

    function: Callable[[Any], Any]
    n: int
    batch: bool = False
    sign: float = 1.0
    cast: bool = True

    def score(self, population: Population) -> Scores:
        """[size] float64, the function's values, negated to minimise.

        Raises:
            EvobinError: if the function raises or returns no number.
        """
        values = self.values(population)
        for place, value in enumerate(values):
            if isinstance(value, Failed):
                raise EvobinError(f"solution {place}: the function {value.text}.") from value.error
        scores: Scores = self.sign * np.array(values, np.float64)
        return scores

    def values(self, population: Population, deadline: float = math.inf) -> list[Value]:
        """The function's own values of solutions, or of the first ones until the clock says stop.

        Args:
            population: [k, n] int8; the function gets copies.
            deadline: by `time.monotonic`; one is always done.
        """
        values: list[Value] = []
        step = max(AT_ONCE // self.n, 1) if self.batch else 1
        if self.batch and self.cast:
            step = len(population)  # the user's function is to see the batch as it was asked
        for first in range(0, len(population), step):
            some = population[first : first + step]
            values += self._together(some) if self.batch else [self._alone(some[0])]
            if time.monotonic() >= deadline:
                break
        return values

    def _alone(self, solution: NDArray[np.int8]) -> Value:
        try:
            return _number(self.function(solution.astype(np.int64)))
        except Exception as error:
            return _raised(error)

    def _together(self, population: Population) -> list[Value]:
        given = population.astype(np.int64) if self.cast else population
        try:
            return _numbers(self.function(given), len(population))
        except Exception as error:
            return [_raised(error)] * len(population)


def _raised(error: Exception) -> Failed:
    return Failed(f"raised {type(error).__name__}: {error}", error)


def _returned(value: Any, expected: str = "a number was") -> Failed:
    return Failed(f"returned {_shown(value)} where {expected} expected")


def travelling(value: Value) -> Value:
    """The same value, without an error that cannot be pickled."""
    if isinstance(value, Failed) and value.error is not None:
        try:
            pickle.loads(pickle.dumps(value.error))  # our own bytes, to see whether it survives
        except Exception:
            return Failed(value.text)
    return value


def _number(value: Any) -> Value:
    if isinstance(value, np.ndarray) and value.shape == ():
        value = value.item()
    if not isinstance(value, NUMBERS):
        return _returned(value)
    number = float(value)
    return _returned(number) if math.isnan(number) else number


def _numbers(values: Any, k: int) -> list[Value]:
    array: NDArray[Any] = np.asarray(values)
    if array.shape != (k,) or array.dtype.kind not in "biuf":
        return [_returned(values, f"{k} numbers, an array [{k}], were")] * k
    numbers = array.astype(np.float64).tolist()
    return [_returned(number) if math.isnan(number) else number for number in numbers]


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array {list(value.shape)} of {value.dtype}"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
