"""What all stages share: steps that can be stopped behind any, kept, and gone on with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evobin.core.problem import Solution

Row = dict[str, Any]
"""What one start or island did in one step: plain values by name, a row of the history."""
State = dict[str, Any]
"""All that a stage needs to go on: arrays, and values that JSON has a notation for, by name."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a stage, or that it begins, for whoever watches.

    Attributes:
        stage: "ste", "population" or "flips"; what is around them is told too, as "data", "audio"
            or "report".
        done: epochs, rounds or recordings finished.
        total: of these in all.
        rows: what each start or island did, none where a stage begins; all have `stage`, `step`,
            `island` (or start) and `score`.
        score: of the best solution so far.
        best: the best solution so far where this step found it, else None.
        notes: what else there is to tell, by name.
    """

    stage: str
    done: int
    total: int
    rows: tuple[Row, ...] = ()
    score: float = -np.inf
    best: Solution | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


Observer = Callable[[Progress], None]
MapTasks = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], list[Any]]
"""Calls a function once a task, anywhere, and returns the results in the order of the tasks. A task
may be done twice, so its function must leave the arguments as they are."""


def in_order(function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Does tasks here, one after the other."""
    return [function(*task) for task in tasks]


def _ignore(_: object) -> None:
    """Watches nothing, keeps nothing."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a stage found.

    Attributes:
        solution: [n] int8, the best by the problem's score.
        score: its score.
        history: a row an island and step, in order.
        latents: [n] float32 each, in file order: what every start was trained to in the end; none
            where nothing was trained.
    """

    solution: Solution
    score: float
    history: tuple[Row, ...]
    latents: tuple[NDArray[np.float32], ...] = ()


class Stage(ABC):
    """One stage of a search, a step at a time.

    Made of the same problem, settings and seed, and given the `state` of another one, it goes on
    as that one would have.

    Attributes:
        name: as in `Progress.stage`.
        total: steps in all.
        done: steps done.
        best: [n] int8, the best solution so far; None before there is one.
        score: of `best`.
    """

    name: ClassVar[str]
    total: int
    done: int = 0
    best: Solution | None = None
    score: float = -np.inf

    @abstractmethod
    def step(self, map_tasks: MapTasks) -> list[Row]:
        """Does one step, and tells what each start or island did.

        Rows come in the order of the islands, or name their `step` and `island`.

        Where `map_tasks` raises an exception, the stage stays as it was.
        """

    def state(self) -> State:
        """What `load` needs to go on from here; later steps do not change it."""
        state: State = {"done": self.done, "score": self.score}
        return state if self.best is None else state | {"best": self.best}

    def load(self, state: State) -> None:
        """Goes on from where another stage of this problem, settings and seed was."""
        self.done, self.score, self.best = state["done"], state["score"], state.get("best")

    def latents(self) -> tuple[NDArray[np.float32], ...]:
        """As in `Outcome`."""
        return ()


@dataclass(frozen=True, slots=True)
class Host:
    """What a stage runs in: who does its tasks, who watches, and who says when to stop.

    Attributes:
        map_tasks: runs tasks; here and one after the other by default.
        observer: told when a stage begins and after every step; nobody by default.
        is_over: asked after every step; where it says yes, a stage ends with what it has.
        keep: given the stage after every step, to keep its state.
    """

    map_tasks: MapTasks = in_order
    observer: Observer = _ignore
    is_over: Callable[[], bool] = _never
    keep: Callable[[Stage], None] = _ignore

    def run(self, stage: Stage) -> Outcome:
        """Does the steps of a stage that are left."""
        history: list[Row] = []
        self.observer(Progress(stage.name, stage.done, stage.total, score=stage.score))
        while stage.done < stage.total:
            known = stage.best
            told = stage.step(self.map_tasks)
            rows = [
                {"stage": stage.name, "step": stage.done, "island": place} | row
                for place, row in enumerate(told)
            ]
            history += rows
            found = stage.best if stage.best is not known else None
            self.observer(
                Progress(stage.name, stage.done, stage.total, tuple(rows), stage.score, found)
            )
            self.keep(stage)
            if self.is_over():
                break
        if stage.best is None:
            raise ValueError(f"the stage {stage.name} had nothing to start from and no step.")
        return Outcome(stage.best, stage.score, tuple(history), stage.latents())
