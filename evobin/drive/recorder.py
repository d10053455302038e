"""Keeps a run as it goes: its history, its best result, and all that it needs to go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from evobin.config import SearchConfig
from evobin.core.stage import MapTasks, Observer, Progress, Row, Stage
from evobin.core.state import State
from evobin.drive.driver import Driver
from evobin.errors import Stopped
from evobin.runs import RESULT, SUMMARY, RunFolder

Stop = Callable[[], bool]
"""Says whether a run is to keep what it has and end."""


def stage_state(stage: Stage) -> State:
    """What of a run's checkpoint is the stage's."""
    return {"stage": stage.name, "state": stage.state()}


def what_is_left(path: Path) -> str:
    """What a run that ended early has left behind, for the user."""
    if not path.exists():
        return "nothing was written yet"
    if (path / SUMMARY).exists():
        return f"the run is finished, and `evobin report {path}` shows it"
    kept = "holds the best so far" if (path / RESULT).exists() else "is not there yet"
    return f"{path / RESULT} {kept}, and `evobin resume {path}` goes on"


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What a run is to do, where it is kept, who watches it, and who may stop it."""

    command: str
    config: SearchConfig
    path: Path
    observer: Observer
    stop: Stop | None

    def is_stopped(self) -> bool:
        """Whether the run is to keep what it has and end."""
        return self.stop is not None and self.stop()


class RunRecorder:
    """Watches a run, writes down what it does, and ends it when it is asked to.

    Args:
        job: what the run is to do.
        folder: the run folder.
        kept: the checkpoint that the run goes on from; an empty one, but for the start and the
            model of a polish, if it is new.
        about: versions, and the fingerprint of the samples.
    """

    def __init__(
        self,
        job: Job,
        folder: RunFolder,
        kept: State,
        about: Mapping[str, Any],
    ) -> None:
        self._job, self._folder, self._about = job, folder, about
        self._start, self._model = kept.get("start"), kept.get("model")
        self._history: list[Row] = list(kept.get("history", []))
        self._spent: float = kept.get("elapsed", 0.0)
        self._began = self._kept = self._stepped = time.monotonic()
        self._is_new = "history" not in kept
        self._stage: Stage | None = None

    def begin(self) -> None:
        """Writes what a new run is, and a first checkpoint, so that it can be gone on with."""
        if self._is_new:
            named = {"command": self._job.command} | dict(self._about) | self._classes()
            self._folder.write_config(named | self._job.config.plain())
            if self._start is not None:
                self._folder.write_result(self._start)
            self._write({})
        if self._job.is_stopped():
            raise Stopped(what_is_left(self._job.path))

    def _classes(self) -> dict[str, Any]:
        """The names of the classes, where these are not just numbers from 0."""
        names = [] if self._model is None else self._model["classes"]["values"]
        return {} if names == list(range(len(names))) else {"classes": names}

    def host(self, map_tasks: MapTasks) -> Driver:
        """What the stages of this run run in."""
        minutes = self._job.config.minutes
        end = np.inf if minutes is None else self._began - self._spent + 60.0 * minutes
        return Driver(map_tasks, self._observe, lambda: time.monotonic() >= end, self._keep)

    def _elapsed(self) -> float:
        return self._spent + time.monotonic() - self._began

    def _observe(self, progress: Progress) -> None:
        if progress.best is not None:
            self._folder.write_result(progress.best)
        if not progress.rows:
            self._job.observer(progress)
            return
        told: dict[str, Any] = {"elapsed": round(self._elapsed(), 3)}
        if np.isfinite(progress.score):  # the share of the held-out samples that is right
            told["best_accuracy"] = progress.score
        rows = [row | told for row in progress.rows]
        self._history += rows
        self._folder.write_history(self._history)
        self._job.observer(replace(progress, rows=tuple(rows)))

    def keep_last(self) -> None:
        """Writes a checkpoint of the last step that was done, where there is a newer one."""
        if self._stage is not None:
            self._write(stage_state(self._stage))

    def _keep(self, stage: Stage) -> None:
        """Writes a checkpoint when the next step would end too late for one, or the run is over."""
        self._stage = stage
        now, is_stopped = time.monotonic(), self._job.is_stopped()
        step, self._stepped = now - self._stepped, now
        if is_stopped or now + step - self._kept >= self._job.config.checkpoint_seconds:
            self._write(stage_state(stage))
            self._kept = time.monotonic()
        if is_stopped:
            raise Stopped(what_is_left(self._job.path))

    def _write(self, of_stage: State) -> None:
        run: State = {
            "command": self._job.command,
            "config": self._job.config.plain(),
            "elapsed": self._elapsed(),
            "history": self._history,
            "start": self._start,
            "model": self._model,
        }
        self._folder.write_checkpoint({**run, **self._about, **of_stage})
