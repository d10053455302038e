"""A progress line for searches with `maximize`."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from evobin.core import stage


class SearchDisplay:
    """A line on stderr: how much of the budget is spent, the best score, restarts.

    Used with `with`; call it with each progress.

    Args:
        seconds: where the clock ends the search; None for evaluations.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> SearchDisplay:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def __call__(self, progress: stage.Progress) -> None:
        """Shows one step."""
        if self._task is None:
            self._task = self._bar.add_task(progress.stage, text="")
        total, done = (
            (float(progress.total), float(progress.done))
            if self._seconds is None
            else (self._seconds, progress.seconds)
        )
        text = f"{progress.done:,} evaluations, best {progress.score:g}"
        if progress.restarts:
            text += f", {progress.restarts} restarts"
        self._bar.update(self._task, total=total, completed=min(done, total), text=text)
