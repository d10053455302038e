"""Stages of one kind on several problems at a time: folds, and all samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evobin.core.evidence import Difference, Outcomes
from evobin.core.problem import SampledProblem, Solution
from evobin.core.scores import accuracy_of
from evobin.core.solutions import from_bits, to_bits
from evobin.core.stage import Progress, RoundStage, Row
from evobin.core.state import State
from evobin.training.flip_search import ENOUGH, FlipStage, nothing_to_gain
from evobin.training.walks import FEWEST

ALL = -1
"""In the place of a fold: all labelled samples."""


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One of the stages.

    Attributes:
        fold: which fold its problem holds out, or `ALL`.
        stage: what goes on there.
        n_scored: samples that its scores are of; 0 where it has no score.
    """

    fold: int
    stage: RoundStage
    n_scored: int = 0


class SideBySide(RoundStage):
    """Stages that go forward together: the tasks of all of them share the workers.

    Its score is the share of the held-out samples that the networks of all folds have right, and
    its best solution that of the lane of all samples; without one, that of the first fold.

    Args:
        phase: its name among those of a search.
        lanes: of one kind of stage, at least one.
        carried: what its state has to keep for those that come after it.
        best: what is handed out as long as this goes on; None for what the lanes come to.

    Attributes:
        later: how long what follows will take, in steps, as far as that is known.
    """

    later: float = 0.0

    @property
    def left(self) -> float:
        """As in `Stage`; of what follows too."""
        return max(lane.stage.left for lane in self.lanes) + self.later

    def __init__(
        self,
        phase: str,
        lanes: Sequence[Lane],
        carried: Mapping[str, Any],
        best: Solution | None = None,
    ) -> None:
        self.phase, self.lanes = phase, lanes
        self._carried, self._given = dict(carried), best
        self._shares: list[int] = []
        self.name = lanes[0].stage.name
        self.total = max(lane.stage.total for lane in lanes)
        self._look()

    @property
    def function(self) -> Callable[..., Any]:
        """As in `RoundStage`."""
        return self.lanes[0].stage.function

    @property
    def _open(self) -> list[Lane]:
        """Those that have a step left."""
        return [lane for lane in self.lanes if lane.stage.done < lane.stage.total]

    def tasks(self) -> list[tuple[Any, ...]]:
        """As in `RoundStage`."""
        each = [lane.stage.tasks() for lane in self._open]
        self._shares = [len(tasks) for tasks in each]  # what of the results is whose
        return [task for tasks in each for task in tasks]

    def take(self, results: list[Any]) -> list[Row]:
        """As in `RoundStage`; a row says of which fold it is, from 1, and "all" of all samples."""
        rows: list[Row] = []
        for lane, n in zip(self._open, self._shares, strict=True):
            own, results = results[:n], results[n:]
            for row in lane.stage.take(own):
                row["fold"] = "all" if lane.fold == ALL else lane.fold + 1
                row["island"] = len(rows)
                if lane.n_scored:
                    row["selection_accuracy"] = accuracy_of(row["score"], lane.n_scored)
                rows.append(row)
        self.done = max(lane.stage.done for lane in self.lanes)
        self._look()
        return rows

    def _look(self) -> None:
        """Takes over what the lanes have come to."""
        last = self.lanes[-1]
        handed_out = last if last.fold == ALL else self.lanes[0]
        self.best = handed_out.stage.best if self._given is None else self._given
        folds = [lane for lane in self.lanes if lane.n_scored and np.isfinite(lane.stage.score)]
        n = sum(lane.n_scored for lane in folds)
        right = sum(accuracy_of(lane.stage.score, lane.n_scored) * lane.n_scored for lane in folds)
        self.score = right / n if n else -np.inf

    def state(self) -> State:
        """As in `Stage`."""
        states = [lane.stage.state() for lane in self.lanes]
        known = {"phase": self.phase, "carried": self._carried, "lanes": states}
        return super().state() | known

    def load(self, state: State) -> None:
        """As in `Stage`."""
        for lane, its in zip(self.lanes, state["lanes"], strict=True):
            lane.stage.load(its)
        super().load(state)
        self._look()


class FlipsByFolds(SideBySide):
    """Flips of each fold's network on the samples that it was trained on.

    Nothing in a fold looks at what it holds out. After each step all folds together say what their
    networks are worth on the samples that they hold out, and the search ends where that stops to
    gain for as long as it has gained.

    Args:
        lanes: of a `FlipStage` each, of one fold each, in order.
        phase, carried, best: as for `SideBySide`.
        starts: the problem of each fold, and the solutions that the lanes start from, to which
            others may follow.

    Source:
        Prechelt (1998), Early stopping - but when?
    """

    def __init__(
        self,
        phase: str,
        lanes: Sequence[Lane],
        carried: Mapping[str, Any],
        best: Solution,
        starts: tuple[Sequence[SampledProblem], Sequence[Solution]],
    ) -> None:
        self._problems = starts[0]
        self._course: list[list[bytes]] = []  # of each step, the solution of each fold
        self._seen = [[_unseen(*pair) for pair in zip(*starts, strict=False)]]
        super().__init__(phase, lanes, carried, best)
        rights = [lane.stage.right for lane in lanes if isinstance(lane.stage, FlipStage)]
        self._right = float(np.mean(rights))

    @property
    def is_needless(self) -> bool:
        """Whether nearly all samples to search on are right already."""
        return self._right >= ENOUGH

    def over(self) -> dict[str, Any]:
        """As in `Stage`; also where there is nothing to gain, and where it gains no more."""
        if self.is_needless:
            return {"right": self._right}
        values = [Outcomes.pooled(parts).value for parts in self._seen]
        gained = int(np.argmax(values))
        if self.done - gained >= max(FEWEST, gained):
            return {"unseen": self.done - gained}
        return super().over()

    def take(self, results: list[Any]) -> list[Row]:
        """As in `SideBySide`."""
        rows = super().take(results)
        newest = [lane.stage.newest for lane in self.lanes if isinstance(lane.stage, FlipStage)]
        self._course.append([to_bits(solution) for solution in newest])
        pairs = zip(self._problems, newest, strict=True)
        self._seen.append([_unseen(*pair) for pair in pairs])
        self._look()
        return rows

    def _look(self) -> None:
        self.best = self._given
        self.score = Outcomes.pooled(self._seen[-1]).accuracy

    def paid(self, without: int | None = None) -> int:
        """Steps after which the held-out samples are worth most; 0 where that may be chance.

        Args:
            without: a fold whose samples have no say.
        """
        seen = [Outcomes.pooled(parts, without) for parts in self._seen]
        best = int(np.argmax([outcomes.value for outcomes in seen]))
        return best if seen[best].pays(seen[0]) else 0

    def gain(self) -> Difference:
        """How many more held-out samples are right after the step that they are worth most."""
        before, *after = (Outcomes.pooled(parts) for parts in self._seen)
        return max(after, key=lambda outcomes: outcomes.value).more_right(before)

    def solution(self, fold: int, steps: int) -> Solution:
        """What a fold had come to after so many steps, one at least."""
        return from_bits(self._course[steps - 1][fold], self._problems[fold].n)

    def progress(self, rows: tuple[Row, ...] = (), best: Solution | None = None) -> Progress:
        """As in `Stage`, with a note where it has nothing to do."""
        if not self.is_needless:
            return super().progress(rows, best)
        notes = {"note": nothing_to_gain(self._right)}
        return Progress(self.name, 0, self.total, score=self.score, notes=notes)

    def state(self) -> State:
        """As in `Stage`."""
        return super().state() | {"course": self._course, "right": self._right}

    def load(self, state: State) -> None:
        """As in `Stage`."""
        super().load(state)
        self._course, self._right = state["course"], state["right"]
        self._seen = self._seen[:1] + [
            [
                _unseen(problem, from_bits(bits, problem.n))
                for problem, bits in zip(self._problems, step, strict=True)
            ]
            for step in self._course
        ]
        self._look()


def _unseen(problem: SampledProblem, solution: Solution) -> Outcomes:
    outcomes = problem.unseen(solution)
    assert outcomes is not None  # labelled samples are held out
    return outcomes
