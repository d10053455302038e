"""What all stages share: steps that can be stopped after any one, kept, and continued."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Solution
from evobin.core.state import State

Row = dict[str, Any]
"""One step of one start or island: plain values by name, a row of the history."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a stage, or its beginning, for an observer.

    Attributes:
        stage: "ste", "population" or "flips"; other work is reported too, as "data", "audio" or
            "report".
        done: epochs, rounds or recordings finished.
        total: of these in all.
        rows: one for each start or island, none where a stage begins; all have `stage`, `step`,
            `island` (or start) and `score`.
        score: of the best solution so far.
        best: the best solution so far where this step found it, else None.
        notes: what else there is to report, by name.
        solution: [n] int8, the best solution so far; None before there is one.
        seconds: since the search began, those before a checkpoint included.
        restarts: how often the search began anew.
        later: what is to be added to the steps that are left, so that their number times the last
            one's time is the time that is left: what follows the stage, as far as it is known, and
            steps that take more or less time.
    """

    stage: str
    done: int
    total: int
    rows: tuple[Row, ...] = ()
    score: float = -np.inf
    best: Solution | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    solution: Solution | None = None
    seconds: float = 0.0
    restarts: int = 0
    later: float = 0.0

    @property
    def evaluations(self) -> int:
        """Solutions scored by a search with `maximize`, whose steps are these."""
        return self.done

    @property
    def improved(self) -> bool:
        """Whether this step found a new best solution."""
        return self.best is not None


Observer = Callable[[Progress], None]
MapTasks = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], list[Any]]
"""Calls a function once a task, anywhere, and returns the results in the order of the tasks. A task
may be done twice, so its function must leave the arguments as they are."""


def in_order(function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Does tasks in this process, one after the other."""
    return [function(*task) for task in tasks]


class Stage(ABC):
    """One stage of a search, a step at a time.

    A stage of the same problem, settings and seed that loads the `state` of another one continues
    exactly as that one would have.

    Attributes:
        name: as in `Progress.stage`.
        total: steps in all.
        done: steps done.
        best: [n] int8, the best solution so far; None before there is one.
        score: of `best`.
    """

    name: str
    total: int
    done: int = 0
    best: Solution | None = None
    score: float = -np.inf

    @property
    def left(self) -> float:
        """Steps that are left, in the time of such as the last one."""
        return float(self.total - self.done)

    @abstractmethod
    def step(self, map_tasks: MapTasks) -> list[Row]:
        """Does one step.

        Returns:
            A row for each start or island, in their order, or with their `step` and `island`.

        If `map_tasks` raises an exception, the stage stays as it was.
        """

    def state(self) -> State:
        """What `load` needs to continue from here; later steps do not change it."""
        state: State = {"done": self.done, "score": self.score}
        return state if self.best is None else state | {"best": self.best}

    def load(self, state: State) -> None:
        """Continues from the state of another stage of this problem, settings and seed."""
        self.done, self.score, self.best = state["done"], state["score"], state.get("best")

    def latents(self) -> tuple[NDArray[np.float32], ...]:
        """[n] float32 each, in file order: what every start was trained to; none by default."""
        return ()

    def over(self) -> dict[str, Any]:
        """Why there is no further step; empty = go on."""
        return {} if self.done < self.total else {"total": self.total}

    def progress(self, rows: tuple[Row, ...] = (), best: Solution | None = None) -> Progress:
        """Where it is, for an observer."""
        more = self.left - (self.total - self.done)
        return Progress(self.name, self.done, self.total, rows, self.score, best, later=more)


class RoundStage(Stage):
    """A stage whose step is one round of tasks, so that several can share a round.

    Attributes:
        function: what a task calls.
    """

    @property
    @abstractmethod
    def function(self) -> Callable[..., Any]:
        """What a task calls; a function of a module."""

    @abstractmethod
    def tasks(self) -> list[tuple[Any, ...]]:
        """Its arguments in each task of the next step."""

    @abstractmethod
    def take(self, results: list[Any]) -> list[Row]:
        """Does the rest of a step with the results of its tasks; rows as for `step`."""

    def step(self, map_tasks: MapTasks) -> list[Row]:
        """As in `Stage`."""
        return self.take(map_tasks(self.function, self.tasks()))
