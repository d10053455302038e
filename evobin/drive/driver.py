"""The driver of all searches: does the steps of a stage, and sees to all that is around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evobin.core.stage import MapTasks, Observer, Row, Stage, in_order
from evobin.results.search import SearchResult


def ignore(_: object) -> None:
    """Does nothing."""


def _never() -> bool:
    return False


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Driver:
    """What a search runs in: workers, an observer, a recorder, and a reason to stop.

    Stages of a network search and algorithms on a problem are driven alike.

    Attributes:
        map_tasks: runs tasks; in this process, one after the other, by default.
        observer: called when a stage begins and after each step.
        is_over: called after each step; if it returns True, the stage ends with what it has.
        keep: called with the stage after each step, to keep its state.
    """

    map_tasks: MapTasks = in_order
    observer: Observer = ignore
    is_over: Callable[[], bool] = _never
    keep: Callable[[Stage], None] = ignore

    def run(self, stage: Stage, prepare: Callable[[], None] = _nothing) -> SearchResult:
        """Does the steps of a stage that are left.

        Args:
            stage: what to do.
            prepare: called once before the first step, if there is one, after the observer has seen
                that the stage begins: it may take a while.

        Raises:
            ValueError: if the stage has neither a solution to start from nor a step.
        """
        history: list[Row] = []
        self.observer(stage.progress())
        if not stage.over():
            prepare()
        while not (reasons := stage.over()):
            known = stage.best
            reported = stage.step(self.map_tasks)
            rows = tuple(
                {"stage": stage.name, "step": stage.done, "island": place} | row
                for place, row in enumerate(reported)
            )
            history += rows
            if self.observer is not ignore:
                found = stage.best if stage.best is not known else None
                self.observer(stage.progress(rows, found))
            self.keep(stage)
            if self.is_over():
                break
        if stage.best is None:
            raise ValueError(f"the stage {stage.name} had nothing to start from and no step.")
        return SearchResult(
            stage.best,
            stage.score,
            tuple(history),
            stop=reasons,
            algorithm=stage.name,
            latents=stage.latents(),
        )
