"""What a search finds, and what it tells on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evobin.core.problem import Scores, Solution
from evobin.errors import EvobinError


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a search found.

    Attributes:
        solution: [n] int8, the best one.
        score: what the function returned for it.
        evaluations: solutions scored.
        stop: why the search ended: reasons and their values.
        algorithm: its name.
        restarts: how often it began anew.
        history: a row at each new best: evaluations, seconds, score, restart.
        failures: a row for each solution that was skipped: evaluation, error, solution.
    """

    solution: Solution
    score: float
    evaluations: int
    stop: Mapping[str, Any]
    algorithm: str
    restarts: int
    history: pd.DataFrame
    failures: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Where a search is, behind a batch.

    Attributes:
        evaluations: solutions scored.
        score: the best so far.
        solution: [n] int8, the best so far, a copy.
        improved: whether this batch has found it.
        seconds: since the search began.
        restarts: how often it began anew.
    """

    evaluations: int
    score: float
    solution: Solution
    improved: bool
    seconds: float
    restarts: int


class EvaluationError(EvobinError):
    """A function raised, or returned no number.

    Attributes:
        solution: [n] int8, what it was given.
        found: what the search had found before; None where nothing was scored.
        before: of its batch, the scores before it.
    """

    def __init__(self, text: str, solution: Solution) -> None:
        super().__init__(text)
        self.solution = solution
        self.found: Found | None = None
        self.before: Scores = np.empty(0)
