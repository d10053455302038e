"""The loop around an algorithm: budget, restarts, history, callback and checkpoint."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evobin.algorithms.base import Algorithm, State, Walker
from evobin.core.problem import AnyProblem, Solution
from evobin.drive.interrupts import Interrupts
from evobin.drive.options import Options
from evobin.drive.saving import identity, restore, save
from evobin.problems.function import Objective
from evobin.results.search import EvaluationError, Found, Progress

SAVED_EVERY = 10.0
"""Seconds between two checkpoints."""
WALKED = 0.05
"""Seconds that a walk along a problem's gains should take between two looks at the clock."""


class Search:
    """One search, from its beginning or its checkpoint to the end of its budget.

    Args:
        objective: scores solutions.
        problem: the same as a problem that knows its gains; None for a function.
        n: length of a solution.
        options: how it is to go.

    Raises:
        SettingError: if an option, or a setting of the algorithm, is wrong.
        EvobinError: if the checkpoint is another search's.
    """

    def __init__(
        self, objective: Objective, problem: AnyProblem | None, n: int, options: Options
    ) -> None:
        options.check()
        self._objective, self._problem, self._n, self._options = objective, problem, n, options
        self._best: Solution = np.ones(n, np.int8)  # until there is one
        self._score = -math.inf
        self._done = self._restarts = 0  # evaluations of algorithms before the present one
        self._history: list[tuple[float, float, float, float]] = []
        self._spent, self._began = 0.0, time.monotonic()
        self._stretch, self._called_off = n, False
        self._algorithm = self._new()
        self._path = None if options.checkpoint is None else Path(options.checkpoint)
        self._interrupts = Interrupts()
        if self._path is not None:
            self._whose = identity(options, n, objective.sign)
            if (kept := restore(self._path, self._whose)) is not None:
                self._load(kept)
            self._save()  # so that a path that cannot be written to is known now

    def run(self) -> Found:
        """Goes on until there is a reason to stop.

        Raises:
            EvaluationError: if the function raises or returns no number, unless that is skipped.
            EvobinError: if the checkpoint cannot be written.
            KeyboardInterrupt: where one comes; says so if the checkpoint keeps all.
        """
        try:
            if self._path is None:
                return self._until_over()
            with self._interrupts:
                return self._until_over()
        except EvaluationError as error:
            if self._evaluations:
                error.found = self._found({"error": str(error)})
            if self._path is not None:
                self._save()
            raise
        except KeyboardInterrupt:
            if self._path is None or self._interrupts.rushed:
                raise
            self._save()
            raise KeyboardInterrupt(
                f"{self._path} keeps the search behind {self._evaluations} evaluations; the same "
                "call goes on from it."
            ) from None

    def _until_over(self) -> Found:
        while not (reasons := self._over()):
            self._step()
            if self._path is not None and time.monotonic() - self._saved >= SAVED_EVERY:
                self._save()
            if self._interrupts.came:
                raise KeyboardInterrupt
        if self._path is not None:
            self._save()
        return self._found(reasons)

    @property
    def _evaluations(self) -> int:
        return self._done + self._algorithm.evaluations

    def _seconds(self) -> float:
        return self._spent + time.monotonic() - self._began

    def _new(self) -> Algorithm:
        """The algorithm of the present restart; only the first begins at `initial`."""
        options = self._options
        initial = options.initial if self._restarts == 0 else None
        seed = (int(options.seed), self._restarts)
        algorithm = options.kind(self._n, seed, initial, **options.settings)
        algorithm.budget = options.budget - self._done
        if self._problem is not None:
            algorithm.structure = self._problem.structure
        return algorithm

    def _over(self) -> dict[str, Any]:
        """Why to stop; before that, a restart where the algorithm asks for one."""
        options, evaluations = self._options, self._evaluations
        reasons: dict[str, Any] = {}
        if not evaluations:
            return reasons
        if options.target is not None and self._score >= self._objective.sign * options.target:
            reasons["target"] = options.target
        if evaluations >= options.budget:
            reasons["max_evaluations"] = options.budget
        if options.seconds is not None and self._seconds() >= options.seconds:
            reasons["seconds"] = options.seconds
        if self._called_off:
            reasons["callback"] = True
        if not reasons and (stale := self._algorithm.stop()):
            if not options.restarts:
                return stale
            self._done += self._algorithm.evaluations
            self._restarts += 1
            self._algorithm = self._new()
        return reasons

    def _step(self) -> None:
        """One batch of the algorithm, or a stretch of a walk."""
        algorithm, before = self._algorithm, self._evaluations
        left = self._options.budget - before
        if self._problem is not None and isinstance(algorithm, Walker):
            self._walk(algorithm, self._problem, left)
        else:
            asked = algorithm.ask()[:left]
            deadline = math.inf
            if self._options.seconds is not None:
                deadline = self._began - self._spent + self._options.seconds
            try:
                with self._interrupts.let_through:
                    scores = self._objective.score(asked, before, deadline)
            except EvaluationError as error:
                algorithm.tell(asked[: len(error.before)], error.before)
                self._note()
                raise
            algorithm.tell(asked[: len(scores)], scores)
        improved = bool(algorithm.improvements) and self._note()
        if self._options.callback is not None:
            self._called_off = self._options.callback(self._progress(improved)) is True

    def _walk(self, algorithm: Walker, problem: AnyProblem, left: int) -> None:
        """Some more of a walk, about as much as the time between two looks at the clock allows."""
        target = self._options.target
        enough = math.inf if target is None else self._objective.sign * target
        begun = time.monotonic()
        algorithm.walk(problem, min(self._stretch, left), enough)
        quick = time.monotonic() - begun < WALKED
        # a batch is n at most, and one that is cut would be a row of its own in the history
        self._stretch = max(self._n, self._stretch * 2 if quick else self._stretch // 2)

    def _note(self) -> bool:
        """Takes over what the algorithm has improved; whether that is a new best."""
        algorithm, improved = self._algorithm, False
        for evaluations, score in algorithm.improvements:
            if score > self._score or not self._history:
                self._score, improved = score, True
                row = (self._done + evaluations, self._seconds(), score, self._restarts)
                self._history.append(row)
        algorithm.improvements.clear()
        if improved and algorithm.best is not None:
            self._best = algorithm.best
        return improved

    def _progress(self, improved: bool) -> Progress:
        score, best = self._objective.sign * self._score, self._best.copy()
        return Progress(self._evaluations, score, best, improved, self._seconds(), self._restarts)

    def _found(self, reasons: dict[str, Any]) -> Found:
        if self._problem is not None:
            exact = float(self._problem.score(self._best[None])[0])
            if not math.isclose(exact, self._score, rel_tol=1e-9, abs_tol=1e-9):
                raise RuntimeError(f"the search says {self._score}, the problem says {exact}.")
        history = pd.DataFrame(
            self._history, columns=["evaluations", "seconds", "score", "restart"]
        )
        history = history.astype({"evaluations": np.int64, "restart": np.int64})
        return Found(
            self._best,
            self._objective.sign * self._score,
            self._evaluations,
            reasons,
            self._options.kind.name,
            self._restarts,
            history.assign(score=self._objective.sign * history["score"]),
            pd.DataFrame(self._objective.failures, columns=["evaluation", "error", "solution"]),
        )

    def _save(self) -> None:
        self._saved = time.monotonic()
        if self._path is None:
            return
        own = self._algorithm.state()
        failures = self._objective.failures
        solutions = [solution for _, _, solution in failures]
        state: State = {
            "history": np.array(self._history).reshape(-1, 4),
            "failures": [[number, text] for number, text, _ in failures],
            "failed": np.array(solutions, np.int8).reshape(-1, self._n),
            "done": self._done,
            "restarts": self._restarts,
            "score": self._score,
            "best": self._best,
            "seconds": self._seconds(),
        }
        save(self._path, self._whose, state | {f"algorithm/{k}": v for k, v in own.items()})

    def _load(self, state: State) -> None:
        self._history = [tuple(row) for row in state["history"].tolist()]
        pairs = zip(state["failures"], state["failed"], strict=True)
        self._objective.failures = [(number, text, signs) for (number, text), signs in pairs]
        self._done, self._restarts = state["done"], state["restarts"]
        self._score, self._best = state["score"], state["best"]
        self._spent = state["seconds"]
        self._algorithm = self._new()
        prefix = "algorithm/"
        own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        self._algorithm.load(own)
