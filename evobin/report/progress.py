"""Progress while a run goes on: bars in a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from evobin.report.text import write_line

TITLES = {
    "data": "data",
    "ste": "straight-through training",
    "population": "population refinement",
    "flips": "bit flips",
    "report": "report",
}
PLAIN_EVERY = 5.0  # seconds between lines where there is no terminal


class ProgressDisplay:
    """Shows progress: a bar a stage in a terminal, a plain line every few seconds elsewhere.

    Used with `with`; call it with every progress of a run. It writes to stderr.

    Args:
        quiet: show nothing.
        console: where to; by default stderr.
    """

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        self._quiet = quiet
        self._console = console or Console(stderr=True, highlight=False)
        self._bars: Bars | None = None
        self._tasks: dict[str, Any] = {}
        self._started = self._last = time.monotonic()

    def __enter__(self) -> ProgressDisplay:
        if not self._quiet and self._console.is_terminal:
            self._bars = Bars(
                TextColumn("{task.description:26}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[told]}", markup=False),
                console=self._console,
            )
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, progress: Any) -> None:
        """Shows one step; `progress` has `stage`, `done`, `total`, `rows` and `notes`."""
        if self._quiet:
            return
        told = tell_sizes(progress.notes) if progress.notes else tell(progress.rows)
        if "note" in progress.notes:
            write_line(self._console, progress.notes["note"])
        if self._bars is None:
            self._plain(progress, told)
            return
        if progress.stage not in self._tasks:
            title = TITLES.get(progress.stage, progress.stage)
            self._tasks[progress.stage] = self._bars.add_task(title, told="", total=progress.total)
        self._bars.update(self._tasks[progress.stage], completed=progress.done, told=told)

    def _plain(self, progress: Any, told: str) -> None:
        now = time.monotonic()
        ends = progress.done in (0, progress.total) or progress.stage not in self._tasks
        if ends or now - self._last >= PLAIN_EVERY:
            self._tasks[progress.stage] = True
            self._last = now
            title = TITLES.get(progress.stage, progress.stage)
            line = f"{now - self._started:6.0f} s  {title} {progress.done}/{progress.total}  {told}"
            write_line(self._console, line.rstrip())


def tell_sizes(notes: Mapping[str, Any]) -> str:
    """How many clips each part has.

    Example:
        >>> tell_sizes({"sizes": {"train": 80, "valid": 20}})
        'train 80 clips, valid 20 clips'
    """
    return ", ".join(f"{name} {size} clips" for name, size in notes.get("sizes", {}).items())


def tell(rows: Sequence[Mapping[str, Any]]) -> str:
    """What all starts or islands did in one step, in a few words.

    Example:
        >>> row = {"loss": 0.25, "valid_accuracy": 0.9512, "best_accuracy": 0.9612}
        >>> tell([row, row | {"loss": 0.35}])
        'loss 0.300, validation 0.951, best 0.961'
    """
    if not rows:
        return ""
    words, table = [], pd.DataFrame(rows)
    if "loss" in table:
        words.append(f"loss {table['loss'].mean():.3f}")
    if "valid_accuracy" in table:
        best = table["best_accuracy"].max()
        words.append(f"validation {table['valid_accuracy'].max():.3f}, best {best:.3f}")
    if "move" in table:
        moves = "+".join(table["move"])
        words.append(f"{moves}, {100 * table['differ'].mean():.1f}% of the weights differ")
    if "tried" in table:
        words.append(f"{table['accepted'].sum()} of {table['tried'].sum()} flips accepted")
    return ", ".join(words)
