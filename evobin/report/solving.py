"""Progress of `evobin solve`, and what it found: as text, and as JSON for a program."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evobin.report.live import PLAIN_EVERY, WIDEST, begun_live
from evobin.report.machine import to_json
from evobin.report.text import duration, percent, write_line, write_words
from evobin.results.solving import KEPT, SOLUTION, Solved, Step, shown

COMPILED = 3.0
"""Seconds before the first evaluation from which they are told."""
LONGEST = 1000
"""Signs of a solution that a terminal shows; of a longer one it is told where it is."""
Lose = Callable[[OSError], None]
"""Called with the error where stdout cannot be written."""


class SolveDisplay:
    """Shows a search on stderr: a bar in a terminal, a plain line every few seconds elsewhere.

    Each lower cost of a formula is an `o` line on stdout, as the MaxSAT evaluation wants it.

    Used with `with`; call it with each step.
    """

    def __init__(self, *, quiet: bool, lose: Lose, console: Console | None = None) -> None:
        self._quiet, self._lose = quiet, lose
        self._console = console or Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._step: Step | None = None
        self._begun = 0.0  # when it was told what is asked
        self._told = -math.inf  # seconds of the last plain line
        self._cost: float = math.inf  # of the last `o` line

    def __enter__(self) -> SolveDisplay:
        if not self._quiet:
            self._live = begun_live(self._console, self._render)
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, step: Step) -> None:
        """Shows one step."""
        if self._step is None and not self._quiet:
            write_words(self._console, f"{step.question.file}: {step.question.about}.")
        self._tell_compiling(step)
        self._step = step
        self._tell_cost(step)
        if self._quiet or self._live is not None:
            return
        if step.found is not None and step.seconds - self._told >= PLAIN_EVERY:
            self._told = step.seconds
            write_line(self._console, f"{step.seconds:6.0f} s  {in_words(step)}")

    def _tell_compiling(self, step: Step) -> None:
        """Says once why the first evaluation came late."""
        if self._step is None:
            self._begun = time.monotonic()
        elif self._step.found is None and not self._quiet:
            took = time.monotonic() - self._begun - step.seconds
            if took > COMPILED:
                told = f"Compiled for {took:.0f} s, which later searches need not do; not counted."
                write_words(self._console, told)

    def _tell_cost(self, step: Step) -> None:
        found = step.found
        if step.question.kind != "sat" or found is None or not found.value < self._cost:
            return
        self._cost = found.value
        try:
            print(f"o {shown(found.value)}", flush=True)
        except OSError as error:
            self._lose(error)

    def _render(self) -> RenderableType:
        step = self._step
        if step is None:
            return Text("")
        bar = Table.grid(expand=True, padding=(0, 1))
        bar.width = min(self._console.width, WIDEST)
        bar.add_column(no_wrap=True, ratio=1)
        bar.add_column(no_wrap=True, min_width=len("59 min 59 s left"))
        if step.limit is None:
            share = step.evaluations / (step.max_evaluations or math.inf)
            left = f"{duration(step.seconds)}"
        else:
            share = step.seconds / step.limit if step.limit else 1.0
            left = f"{duration(max(step.limit - step.seconds, 0.0))} left"
        bar.add_row(ProgressBar(1.0, min(share, 1.0)), left)
        words = Text(in_words(step), no_wrap=True, overflow="ellipsis")
        return Group(bar, words)


def in_words(step: Step) -> str:
    """Where a search is: the best so far, how far from the target that is, and what was done."""
    found, question = step.found, step.question
    if found is None:
        return "starting"
    if found.hard:
        best = f"{found.hard:,} hard clauses broken"
    else:
        best = f"best {question.noun} {shown(found.value)}"
        gap = question.gap(found.value)
        if gap and question.target:
            best += f", {percent(gap)} from the target {shown(question.target)}"
    words = [best, f"{step.evaluations:,} evaluations"]
    if step.restarts:
        words.append(f"{step.restarts} restarts")
    return "; ".join([words[0], ", ".join(words[1:])])


class SolveLines:
    """Prints a search as a JSON object a line on stdout: one at each new best, and one at the end.

    A line of a new best has `stage` ("solve"), `elapsed` seconds, `evaluations`, `restarts`,
    `value`, which is null while hard clauses are broken, `hard_clauses_broken`, `target` and the
    `gap` to it as a share.
    """

    def __init__(self, lose: Lose) -> None:
        self._lose = lose

    def __call__(self, step: Step) -> None:
        """Prints one step, if it found a new best."""
        found, question = step.found, step.question
        if found is None or not step.improved:
            return
        self._print(
            {
                "stage": "solve",
                "elapsed": round(step.seconds, 3),
                "evaluations": step.evaluations,
                "restarts": step.restarts,
                "value": found.value,
                "hard_clauses_broken": found.hard,
                "target": question.target,
                "gap": None if found.hard else question.gap(found.value),
            }
        )

    def end(self, solved: Solved, *, finished: bool = True) -> None:
        """Prints what was found."""
        self._print({"stage": "done" if finished else "interrupted", **solved.summary()})

    def _print(self, line: Mapping[str, Any]) -> None:
        try:
            print(to_json(line), flush=True)
        except OSError as error:
            self._lose(error)


def show_solved(console: Console, solved: Solved) -> None:
    """What was found: how, where its files are, and the solution; the value in the last line."""
    question, folder = solved.question, solved.folder
    write_line(console, f"ended       {_why(solved)}")
    write_line(console, f"run folder  {folder}")
    write_line(console, f"solution    {folder / SOLUTION}")
    if len(solved.values) > 1 and solved.stop:
        write_line(console, f"kept        {len(solved.values):,} solutions in {folder / KEPT}")
    if solved.hard:
        write_line(console, f"broken      {solved.hard:,} hard clauses; no solution was found")
    elif question.target and (gap := question.gap(solved.value)):
        write_line(console, f"gap         {percent(gap)} from {shown(question.target)}")
    *solution, value = solved.lines()
    if not console.is_terminal or question.n <= LONGEST:
        for line in solution:
            write_line(console, line)
    write_line(console, value)


def _why(solved: Solved) -> str:
    done = f"after {solved.seconds:.1f} s, {solved.evaluations:,} evaluations"
    if solved.restarts:
        done += f", {solved.restarts} restarts"
    if not solved.stop:
        return f"interrupted {done}"
    words = {"target": "target reached", "seconds": "time is up"}
    words |= {"max_evaluations": "evaluations are spent"}
    return f"{', '.join(words.get(name, name) for name in solved.stop)} {done}"
