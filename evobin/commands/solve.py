"""Solves a problem file, or a function of a Python file, as a run that can go on."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evobin.commands.questions import Asked, as_whole, ask
from evobin.config.solving import SolveConfig
from evobin.core.stage import Progress
from evobin.drive.maximize import algorithm_of, maximize
from evobin.errors import EvobinError
from evobin.files import reading, write_text
from evobin.results.search import Kept, SearchResult
from evobin.results.solving import KEPT, SOLUTION, Found, Solved, Step, digits, shown
from evobin.runs import SUMMARY, RunFolder, default_path

Watch = Callable[[Step], None]
"""Called when a search begins, and after each of its steps."""
COMMAND = "solve"
CHECKPOINT = "checkpoint"
CONFIG = "config.json"
WRITTEN_EVERY = 2.0
"""Seconds between two versions of the solution's file, at least."""
SHARE = 0.1
"""Of the time of a search, what counting costs of new bests may take."""


class SolveInterrupted(KeyboardInterrupt):
    """A search was interrupted; it has kept all that it needs to go on.

    Attributes:
        solved: the best so far; None before there is one.
    """

    def __init__(self, text: str, solved: Solved | None) -> None:
        super().__init__(text)
        self.solved = solved


def _ignore(_: Step) -> None:
    """Watches nothing."""


def _never() -> bool:
    return False


def solve(
    file: str | Path,
    config: SolveConfig | None = None,
    watch: Watch = _ignore,
    stop: Callable[[], bool] = _never,
) -> Solved:
    r"""Searches the best solution of a problem file, or of a function of a Python file.

    What it finds is kept in a run folder, from which `resume_solve` goes on after an interruption.

    Args:
        file: a graph, a QUBO or a formula in any of the forms that `load_problem` reads, or a
            Python file and the name of a function or a problem in it, as `problem.py:score`. That
            file is run.
        config: how long, how good, and what else the file does not say; a minute by default.
        watch: called with each step.
        stop: says whether to end with what there is, and keep it.

    Raises:
        EvobinError: if the file or the run folder has problems, or the function raises.
        SettingError: if a setting is unknown, or not for such a file.
        SolveInterrupted: at Ctrl-C, or if `stop` said so; it has the best so far.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "square").write_text("4 4\n1 2 1\n2 3 1\n3 4 1\n4 1 1\n")
        >>> done = solve(folder / "square", SolveConfig(target=4, out=folder / "run"))
        >>> done.value, done.lines()[-1], (folder / "run" / "solution.txt").exists()
        (4, 'value 4', True)
    """
    began = time.monotonic()
    config = config or SolveConfig()
    algorithm_of(config.algorithm)
    asked = ask(str(file), config)
    path = config.out or _free(asked.question.file)
    with RunFolder.create(path) as folder:
        limit = config.limit
        left = None if limit is None else max(limit - (time.monotonic() - began), 0.0)
        about = {"command": COMMAND, "file": str(file), "sha256": asked.digest, "left": left}
        folder.write_config({**about, **config.plain()})
        return _Run(asked, config, folder.path, left, watch, stop).run()


def is_solve_run(path: Path) -> bool:
    """Whether a folder is that of a run of `solve`, finished or not."""
    try:
        about = json.loads((path / CONFIG).read_bytes())
        return isinstance(about, dict) and about.get("command") == COMMAND
    except (OSError, ValueError):
        return False


def resume_solve(
    run: str | Path,
    n_jobs: int | None = None,
    watch: Watch = _ignore,
    stop: Callable[[], bool] = _never,
) -> Solved:
    """Goes on with a run of `solve` that was interrupted or killed.

    Args:
        run: its folder.
        n_jobs: workers; None for as many as before.
        watch: as for `solve`.
        stop: as for `solve`.

    Raises:
        EvobinError: if the folder holds no run that can go on, another process has it, or the
            problem's file is not what it was.
        SolveInterrupted: as for `solve`.
    """
    path = Path(run)
    with RunFolder.open(path, SOLUTION) as folder:
        file, digest, left, config = _began(path / CONFIG)
        config = config if n_jobs is None else replace(config, n_jobs=n_jobs)
        asked = ask(file, config)
        if asked.digest != digest:
            raise EvobinError(
                f"{path}: {file} is not what it was when the run began; restore it, or start anew."
            )
        return _Run(asked, config, folder.path, left, watch, stop).run()


def _began(path: Path) -> tuple[str, str, float | None, SolveConfig]:
    """The file that a run is about, its fingerprint, the seconds it has, and its settings."""
    with reading(path):
        content = path.read_bytes()
    try:
        plain = json.loads(content)
        names = {one.name for one in fields(SolveConfig)} - {"out"}
        config = SolveConfig(**{name: plain[name] for name in names})
        left = plain["left"]
        return (
            str(plain["file"]),
            str(plain["sha256"]),
            left if left is None else left + 0.0,
            config,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EvobinError(f"{path}: is not as evobin writes it ({error}); start anew.") from error


def _free(file: str) -> Path:
    """A run folder that is not there yet, named by the file and the time."""
    stem = re.sub(r"[^\w.-]+", "-", Path(file).name.partition(".py:")[0])[:60]
    path = default_path(f"{COMMAND}-{stem}")
    others = (path.with_name(f"{path.name}-{place}") for place in range(2, 1000))
    return path if not path.exists() else next((one for one in others if not one.exists()), path)


@dataclass
class _Run:
    """One search, from its beginning or its checkpoint."""

    asked: Asked
    config: SolveConfig
    path: Path
    left: float | None
    watch: Watch
    stop: Callable[[], bool]
    best: Found | None = None
    _solution: Any = None  # of `best`
    _counted: float = field(default=-math.inf)  # when costs were counted last
    _took: float = 0.0  # seconds that took
    _written: float = field(default=-math.inf)
    _last: Progress | None = None
    _stopped: bool = False

    def run(self) -> Solved:
        """The whole search."""
        self.watch(Step(self.asked.question, limit=self.left))
        config = self.config
        try:
            found = maximize(
                self.asked.problem,
                algorithm=config.algorithm,
                max_evaluations=config.max_evaluations,
                seconds=self.left,
                target=self.asked.enough,
                n_jobs=config.n_jobs,
                seed=config.seed,
                keep=config.keep,
                callback=self._see,
                checkpoint=self.path / CHECKPOINT,
            )
        except KeyboardInterrupt:
            self._end_early()
        if self._stopped:
            self._end_early()
        return self._finish(found)

    def _see(self, progress: Progress) -> bool:
        """After each step: whether it is enough."""
        self._last = progress
        now = time.monotonic()
        assert progress.solution is not None  # a step has scored one
        is_new = self._solution is None or not np.array_equal(progress.solution, self._solution)
        if is_new and now - self._counted >= self._took / SHARE:
            self._count(progress)
            self._took, self._counted = time.monotonic() - now, time.monotonic()
        else:
            is_new = False
        self.watch(self._step(progress, is_new))
        if self.best is not None and now - self._written >= WRITTEN_EVERY and is_new:
            self._write()
        self._stopped = self.stop()
        return self._stopped or self.asked.reached(self.best)

    def _count(self, progress: Progress) -> None:
        self._solution = progress.solution
        self.best = self.asked.glance(progress.score, self._solution)

    def _step(self, progress: Progress, improved: bool) -> Step:
        return Step(
            self.asked.question,
            self.best,
            improved,
            progress.seconds,
            self.left,
            progress.evaluations,
            self.config.max_evaluations,
            progress.restarts,
        )

    def _write(self) -> None:
        """Keeps the best so far in a file of its own."""
        if self._last is not None and self._solution is not None:
            write_text(self.path / SOLUTION, "\n".join(self._so_far(self._last).lines()) + "\n")
            self._written = time.monotonic()

    def _so_far(self, progress: Progress) -> Solved:
        kept = Kept(self._solution[None], np.array([progress.score]))
        algorithm = progress.stage
        result = SearchResult(
            self._solution, progress.score, (), progress.evaluations, {}, algorithm,
            progress.restarts, kept=kept,
        )  # fmt: skip
        return self._solved(result, progress.seconds)

    def _end_early(self) -> None:
        solved = None
        if self._last is not None:
            self._count(self._last)
            self._write()
            solved = self._so_far(self._last)
        holds = f"{self.path / SOLUTION} holds the best so far, and " if solved else ""
        text = f"{holds}`evobin resume {self.path}` goes on"
        raise SolveInterrupted(text, solved) from None

    def _finish(self, found: SearchResult) -> Solved:
        seconds = 0.0 if self._last is None else self._last.seconds
        if "callback" in found.stop:
            found = replace(found, stop={"target": self.asked.question.target})
        solved = self._solved(found, seconds)
        write_text(self.path / SOLUTION, "\n".join(solved.lines()) + "\n")
        write_text(self.path / "history.csv", self._history(found).to_csv(index=False))
        if self.config.keep > 1:
            write_text(self.path / KEPT, _table(solved))
        summary = {name: value for name, value in solved.summary().items() if name != "kept"}
        write_text(self.path / SUMMARY, json.dumps(summary, allow_nan=False) + "\n")
        (self.path / CHECKPOINT).unlink(missing_ok=True)
        return solved

    def _history(self, found: SearchResult) -> pd.DataFrame:
        """A row at each new best; of a formula with the score, for costs need the solution."""
        history = found.history
        if self.asked.question.kind == "sat" or history.empty:
            return history
        values = [self.asked.glance(score, found.solution).value for score in history["score"]]
        return history.drop(columns="score").assign(value=values)

    def _solved(self, found: SearchResult, seconds: float) -> Solved:
        best = self.asked.measure(found.solution)
        glances = (
            self.asked.glance(float(score), row)
            for row, score in zip(found.kept.solutions, found.kept.scores, strict=True)
        )
        return Solved(
            self.asked.question,
            found.solution,
            best.value,
            best.hard,
            found.kept.solutions,
            tuple(as_whole(one.value) for one in glances),
            seconds,
            found.evaluations,
            found.restarts,
            found.algorithm,
            found.stop,
            self.path,
        )


def _table(solved: Solved) -> str:
    """The kept solutions: value, and the digits of each."""
    sign = " " if solved.question.kind == "function" else ""
    rows = [
        f"{shown(value)}\t{sign.join(map(str, digits(solved.question, row)))}\n"
        for value, row in zip(solved.values, solved.kept, strict=True)
    ]
    return "value\tsolution\n" + "".join(rows)
