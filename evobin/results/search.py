"""What a search returns, and the error that a function's failure becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Population, Scores, Solution
from evobin.core.stage import Row
from evobin.errors import EvobinError
from evobin.lazy import pd

Failure = tuple[int, str, Solution]
"""Of a solution that was skipped: its evaluation from 1, what was wrong, and the solution."""


class Kept(NamedTuple):
    """The best different solutions that a search has seen, the best first.

    Attributes:
        solutions: [k, n] int8.
        scores: [k] float64, as in `SearchResult`.
    """

    solutions: Population
    scores: Scores


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """What a search found.

    Attributes:
        solution: [n] int8, the best one.
        score: what the function returned for it; of a problem its score.
        rows: the rows of `history`, in order.
        evaluations: solutions scored.
        stop: why the search ended: reasons and their values.
        algorithm: its name; of a network's stage the stage's.
        restarts: how often it began anew.
        failed: the rows of `failures`.
        latents: [n] float32 each, in file order: what every start of a training was trained to.
        kept: of a search with `maximize`, the best different solutions, as many as it was to keep.
    """

    solution: Solution
    score: float
    rows: tuple[Row, ...] = ()
    evaluations: int = 0
    stop: Mapping[str, Any] = field(default_factory=dict)
    algorithm: str = ""
    restarts: int = 0
    failed: tuple[Failure, ...] = ()
    latents: tuple[NDArray[np.float32], ...] = ()
    kept: Kept = field(default_factory=lambda: Kept(np.empty((0, 0), np.int8), np.empty(0)))

    @property
    def history(self) -> pd.DataFrame:
        """A row at each new best: evaluations, seconds, score, restart; of a stage, each step's."""
        return pd.DataFrame(list(self.rows))

    @property
    def failures(self) -> pd.DataFrame:
        """A row for each solution that was skipped: evaluation, error, solution."""
        return pd.DataFrame(list(self.failed), columns=["evaluation", "error", "solution"])


class EvaluationError(EvobinError):
    """A function raised, or returned no number.

    Attributes:
        solution: [n] int8, what it was given.
        found: what the search had found before; None where nothing was scored.
        before: of its batch, the scores before it.
    """

    def __init__(self, text: str, solution: Solution | None = None) -> None:
        super().__init__(text)
        self.solution = np.empty(0, np.int8) if solution is None else solution
        self.found: SearchResult | None = None
        self.before: Scores = np.empty(0)
