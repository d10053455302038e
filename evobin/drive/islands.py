"""Independent searches side by side, each with its own restarts and its share of the budget."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from evobin.core.problem import Solution
from evobin.core.stage import MapTasks, Progress, Row, Stage
from evobin.core.state import State
from evobin.drive.interrupts import Interrupts
from evobin.drive.search import AlgorithmSearch, Limits
from evobin.results.search import Kept, SearchResult

SLICES = 16
"""Steps that an island's share of the evaluations is done in."""
SLICE_SECONDS = 0.5
"""The same where the clock alone ends the search."""

Make = Callable[[Limits], AlgorithmSearch]


class Islands(Stage):
    """Several searches that differ in their seeds; the best of all is kept.

    An island does a slice of its evaluations a step, on whatever worker is free. Nothing depends on
    how many there are, unless the clock ends the search.

    Args:
        make: makes one search of its limits.
        limits: of all islands together.
        islands: how many.
        n_jobs: workers of `map_tasks`.
    """

    def __init__(self, make: Make, limits: Limits, islands: int, n_jobs: int = 1) -> None:
        shares = [len(range(place, limits.evaluations, islands)) for place in range(islands)]
        self._limits = [
            replace(limits, evaluations=share, seconds=math.inf, seed=(*limits.seed, place))
            for place, share in enumerate(shares)
            if share
        ]
        self._make, self._whole = make, limits
        self._searches = [make(one) for one in self._limits]
        self._sign = self._searches[0].scoring.function.sign
        self.name, self.total = self._searches[0].name, limits.evaluations
        self.interrupts = Interrupts()
        self.rows: list[Row] = []
        self._share = min(n_jobs / islands, 1.0)  # of the time that an island runs
        self._spent, self._began = 0.0, time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the search began, those before a checkpoint included."""
        return self._spent + time.monotonic() - self._began

    def over(self) -> dict[str, Any]:
        """Why to stop: an island has reached the target, or all of them are over."""
        reached = [search.over() for search in self._searches if search.score >= search.target]
        if reached and "target" in reached[0]:
            return {"target": reached[0]["target"]}
        if self.done and self.seconds >= self._whole.seconds:
            return {"seconds": self._whole.seconds}
        reasons = [search.over() for search in self._searches]
        if not all(reasons):
            return {}
        named = {name: value for some in reasons for name, value in some.items()}
        if "max_evaluations" in named:
            named["max_evaluations"] = self._whole.evaluations
        return named

    def step(self, map_tasks: MapTasks) -> list[Row]:
        """A slice of each island that is not over."""
        places = [place for place, one in enumerate(self._searches) if not one.over()]
        left = self._whole.seconds - self.seconds
        clock = math.inf if left == math.inf else min(SLICE_SECONDS, left) * self._share
        tasks = [
            (self._make, self._limits[place], self._searches[place].state(), clock)
            for place in places
        ]
        with self.interrupts.let_through:
            states: list[State] = map_tasks(_advance, tasks)
        rows: list[Row] = []
        for place, state in zip(places, states, strict=True):
            search = self._searches[place]
            done = search.done
            search.load(state)
            new = (row for row in search.rows if row["evaluations"] > done)
            rows += [row | {"island": place} for row in new]
            if search.score > self.score or self.best is None:
                self.best, self.score = search.best, search.score
        self.done = sum(search.done for search in self._searches)
        better = [row for row in rows if self._is_new(row)]
        self.rows += better
        return better

    def _is_new(self, row: Row) -> bool:
        """Whether no row before it is as good."""
        best = max((self._sign * one["score"] for one in self.rows), default=None)
        return best is None or self._sign * row["score"] > best

    def progress(self, rows: tuple[Row, ...] = (), best: Solution | None = None) -> Progress:
        """As in `Stage`; scores are the function's own."""
        known = None if self.best is None else self.best.copy()
        restarts = sum(search.restarts for search in self._searches)
        score = self._sign * self.score
        return Progress(
            self.name, self.done, self.total, rows, score, best, {}, known, self.seconds, restarts
        )

    def result(self, reasons: Mapping[str, Any]) -> SearchResult:
        """What the best island found, and what all of them spent."""
        best = max(self._searches, key=lambda search: search.score)
        failed = [failure for search in self._searches for failure in search.scoring.failures]
        return replace(
            best.result(reasons),
            rows=tuple(self.rows),
            evaluations=self.done,
            restarts=sum(search.restarts for search in self._searches),
            failed=tuple(failed),
            kept=self._kept(),
        )

    def _kept(self) -> Kept:
        """The best of what the islands have kept."""
        keeper = self._searches[0].keeper()
        for search in self._searches:
            if search.best is not None:
                found = search.kept()
                keeper.offer(found.solutions, self._sign * found.scores)
        kept = keeper.kept()
        return Kept(kept.solutions, self._sign * kept.scores)

    def state(self) -> State:
        """As in `Stage`."""
        states = [search.state() for search in self._searches]
        return super().state() | {
            "rows": list(self.rows),
            "islands": states,
            "seconds": self.seconds,
        }

    def load(self, state: State) -> None:
        """As in `Stage`."""
        super().load(state)
        self.rows = list(state["rows"])
        self._spent, self._began = state["seconds"], time.monotonic()
        for search, one in zip(self._searches, state["islands"], strict=True):
            search.load(one)


def _advance(make: Make, limits: Limits, state: State, seconds: float) -> State:
    """On a worker: one slice of one island, or as much as there is time for."""
    search = make(limits)
    search.load(state)
    begun = time.monotonic()
    end = search.done + max(limits.evaluations // SLICES, search.n)
    while not search.over():
        search.step_until(min(end, limits.evaluations))
        if search.done >= end or time.monotonic() - begun >= seconds:
            break
    return search.state()
