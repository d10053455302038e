"""How fast a run goes: what its stage has left, how many flips a second, and the best so far."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from statistics import median

from evobin.core.stage import Progress

RECENT = 7  # steps that the time left is estimated from; few: smooth epochs take longer


@dataclass(slots=True)
class Pace:
    """Watches every progress of a run.

    Attributes:
        stage: the present one; empty before there is one.
        flips: tried a second in the last step; None where it tried none.
        best: accuracy of the best candidate on samples held out; None before there is one.
        by_folds: whether that is the present accuracy of the networks of all folds.
    """

    stage: str = ""
    flips: float | None = None
    best: float | None = None
    by_folds: bool = False
    _began: float = 0.0
    _last: float = 0.0
    _done: int = 0
    _to_do: float = 0.0
    _steps: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))

    def __post_init__(self) -> None:
        self._began = self._last = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    @property
    def at_last_step(self) -> float:
        """Seconds from the beginning to the last step."""
        return self._last - self._began

    @property
    def left(self) -> float | None:
        """Seconds that are left of the stage and of what is known to follow; None before a step.

        By the median of the stage's latest steps.
        """
        if not self._steps:
            return None
        since = time.monotonic() - self._last
        return max(0.0, self._to_do * median(self._steps) - since)

    def update(self, progress: Progress) -> None:
        """Takes note of one step."""
        now = time.monotonic()
        if progress.stage != self.stage:
            self.stage, self._done = progress.stage, 0
            self._steps.clear()
        step, self._last = now - self._last, now
        n_steps, self._done = progress.done - self._done, progress.done
        self._to_do = progress.total - progress.done + progress.later
        if progress.rows and n_steps > 0:
            self._steps.append(step / n_steps)
        tried = sum(row.get("tried", 0) for row in progress.rows)
        self.flips = tried / step if tried and step > 0 else None
        self.by_folds = self.by_folds or any("fold" in row for row in progress.rows)
        scores = [row["best_accuracy"] for row in progress.rows if "best_accuracy" in row]
        self.best = max(scores) if scores else self.best

    @property
    def best_in_words(self) -> str:
        """Such as "best score 0.973"; empty before there is one."""
        if self.best is None:
            return ""
        return f"{'held out' if self.by_folds else 'best score'} {self.best:.3f}"
