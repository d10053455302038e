"""What all stages share: the progress they report and the outcome they return."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evobin.evaluation import Solution


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a stage, for whoever watches.

    Attributes:
        stage: "ste", "population" or "flips".
        done: epochs or rounds finished.
        total: epochs or rounds in all.
        figures: what there is to tell, by name; one row of the history.
        best: the best solution so far where this step found it, else None.
    """

    stage: str
    done: int
    total: int
    figures: dict[str, Any] = field(default_factory=dict)
    best: Solution | None = None


Observer = Callable[[Progress], None]
MapTasks = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], list[Any]]
"""Calls a function once a task, anywhere, and returns the results in the order of the tasks."""


def _in_order(function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
    return [function(*task) for task in tasks]


def _ignore(progress: Progress) -> None:
    """Watches nothing."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Host:
    """What a stage runs in: who does its tasks, who watches, and who says when to stop.

    Attributes:
        map_tasks: runs tasks; here and one after the other by default.
        observer: told after every step; nobody by default.
        is_over: asked after every step; where it says yes, a stage ends with what it has.
    """

    map_tasks: MapTasks = _in_order
    observer: Observer = _ignore
    is_over: Callable[[], bool] = _never


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a stage found.

    Attributes:
        solution: [n] int8, the best by the problem's score.
        score: its score.
        history: the figures of every epoch or round, in order.
        latents: [n] float32 each, in file order: what every start was trained to in the end; none
            where nothing was trained.
    """

    solution: Solution
    score: float
    history: tuple[dict[str, Any], ...]
    latents: tuple[NDArray[np.float32], ...] = ()
