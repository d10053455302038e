"""Progress while a run goes on: a bar in a terminal, lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evobin.core.stage import Progress, Row
from evobin.network.presets import ANY_NETWORK
from evobin.report.live import PLAIN_EVERY, WIDEST, begun_live
from evobin.report.pace import Pace
from evobin.report.text import duration, write_line, write_words

TITLES = {
    "audio": "recordings",
    "data": "data",
    "ste": "straight-through training",
    "population": "population refinement",
    "flips": "bit flips",
    "report": "report",
}


class ProgressDisplay:
    """Shows progress: a bar and a line in a terminal, a plain line every few seconds elsewhere.

    Used with `with`; call it with every progress of a run. It writes to stderr. In a terminal, a
    line of every stage that is done stays.
    """

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        self._quiet = quiet
        self._console = console or Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._pace = Pace()
        self._written_at = 0.0  # seconds, when the last plain line was
        self._shown: Progress | None = None  # the last one
        self._words = ""  # what there is to say about it

    def __enter__(self) -> ProgressDisplay:
        if not self._quiet:
            self._live = begun_live(self._console, self._render)
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._leave_line()

    def __call__(self, progress: Progress) -> None:
        """Shows one step."""
        if self._quiet:
            return
        is_new = progress.stage != self._pace.stage
        if self._live is not None and is_new:
            self._leave_line()
        if "note" in progress.notes:
            write_words(self._console, progress.notes["note"])
        self._pace.update(progress)
        self._shown = progress
        self._words = sizes_in_words(progress.notes) or step_in_words(progress.rows, self._pace)
        if self._live is not None:
            self._live.refresh()
        elif (
            is_new
            or progress.done in (0, progress.total)
            or self._pace.elapsed - self._written_at >= PLAIN_EVERY
        ):
            self._written_at = self._pace.elapsed
            write_line(self._console, self._line(progress))

    def _line(self, progress: Progress) -> str:
        """One step in a line of a log."""
        left = self._left()
        at = f"{progress.done}/{progress.total}" + (f", {left}" if left else "")
        return f"{self._pace.elapsed:6.0f} s  {_title(progress)} {at}  {self._words}".rstrip()

    def _left(self) -> str:
        left = self._pace.left
        return "" if not left else f"{duration(left)} left"

    def _leave_line(self) -> None:
        """What stays of a stage in a terminal."""
        if self._shown is not None:
            words = self._pace.best_in_words or self._words
            line = f"{self._pace.at_last_step:6.0f} s  {_title(self._shown)}  {words}"
            self._console.print(Text(line.rstrip()), no_wrap=True, overflow="ellipsis")

    def _render(self) -> RenderableType:
        if self._shown is None:
            return Text("")
        progress = self._shown
        bar = Table.grid(expand=True, padding=(0, 1))
        bar.width = min(self._console.width, WIDEST)
        for ratio, width in ((None, 1), (1, 1), (None, 5), (None, len("59 min 59 s left"))):
            bar.add_column(no_wrap=True, ratio=ratio, min_width=width, overflow="ellipsis")
        bar.add_row(
            Text(_title(progress)),
            ProgressBar(progress.total, progress.done),
            f"{progress.done}/{progress.total}",
            self._left(),
        )
        return Group(bar, Text(self._words, no_wrap=True, overflow="ellipsis"))


def _title(progress: Progress) -> str:
    return TITLES.get(progress.stage, progress.stage)


def sizes_in_words(notes: Mapping[str, object]) -> str:
    """How many samples each part has, such as "train 80, valid 20 clips"."""
    sizes = notes.get("sizes")
    if not isinstance(sizes, Mapping):
        return ""
    words = ", ".join(f"{name} {size}" for name, size in sizes.items())
    return f"{words} {notes.get('unit', ANY_NETWORK.samples)}"


def step_in_words(rows: Sequence[Row], pace: Pace) -> str:
    """What all starts or islands did in one step, in a few words; the most important ones first."""
    words: list[str] = []
    table = pd.DataFrame(rows)
    if pace.best is not None:
        words.append(pace.best_in_words)
    if "selection_accuracy" in table and not pace.by_folds:
        words.append(f"now {table['selection_accuracy'].max():.3f}")
    if "loss" in table:
        words.append(f"loss {table['loss'].mean():.3f}")
    if pace.flips is not None:
        words.append(f"{pace.flips:.0f} flips/s")
    if "tried" in table:
        words.append(f"{table['accepted'].sum()} of {table['tried'].sum()} accepted")
    if "move" in table:
        moves = "+".join(table["move"])
        words.append(f"{moves}, {100 * table['differ'].mean():.1f}% of the weights differ")
    return ", ".join(words)
