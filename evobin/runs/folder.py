"""The folder of one run: its settings, its history, and the best result so far."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin import files
from evobin.core.state import State
from evobin.errors import EvobinError
from evobin.network import result_file as result
from evobin.results.run import RESULT
from evobin.runs import checkpoint
from evobin.runs.lock import Lock

SUMMARY = "summary.json"  # the final figures' name; a run that has it is finished
LOCK = "lock"
CHECKPOINTS = ("checkpoint", "checkpoint.old")  # the last one, and the one before it


class RunFolder:
    """The folder of one run, each file of which is replaced whole or not at all.

    result.txt      the best result so far, once there is one
    config.json     every setting
    history.csv     a row a step and start or island
    checkpoint      all that `evobin resume` needs; checkpoint.old is the one before it
    lock            which process writes to the folder, while one does
    clips.csv       the part of each sample, and the network's prediction
    channels.csv    how often each hidden channel is on, by part and label
    model.evobin    the model: the best result, with all that it takes to use it
    summary.json    the final figures

    The last four are written at the end, when the checkpoints go. Made by `create` or `open`, used
    with `with`: one process at a time can have it.
    """

    def __init__(self, path: Path, made: Iterable[Path] = ()) -> None:
        self.path, self._made = path, made
        with files.writing(path / LOCK):
            self._lock = Lock(path / LOCK)

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """Makes a new folder, with its parents, or takes an empty one; EvobinError if it cannot."""
        return cls(path, files.make_output_folder(path))

    @classmethod
    def open(cls, path: Path, result: str = RESULT) -> RunFolder:
        """Takes the folder of a run that did not finish; EvobinError if it is none, or in use.

        What a finished one leaves is called `result`.
        """
        if not path.is_dir():
            raise EvobinError(f"{path}: is no folder; name a run folder.")
        if (path / SUMMARY).exists():
            raise EvobinError(f"{path}: the run is finished; its result is {path / result}.")
        if not any((path / name).exists() for name in CHECKPOINTS):
            raise EvobinError(f"{path}: holds no checkpoint; name the folder of a run.")
        return cls(path)

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *error: object) -> None:
        self._lock.release()
        with contextlib.suppress(OSError):  # nothing was written: then there was no run
            for path in self._made:
                path.rmdir()

    def write_checkpoint(self, state: State) -> None:
        """Replaces the checkpoint, and keeps the one before it."""
        last, before = (self.path / name for name in CHECKPOINTS)
        with files.writing(before):
            if last.exists():
                last.replace(before)
        files.write_bytes(last, checkpoint.to_bytes(state))

    def read_checkpoint(self) -> tuple[State, str]:
        """What the newest whole checkpoint holds, and what was wrong with a newer one, or "".

        Raises:
            EvobinError: if there is none.
        """
        problems: list[str] = []
        for name in CHECKPOINTS:
            path = self.path / name
            try:
                return checkpoint.from_bytes(path.read_bytes()), " ".join(problems)
            except EvobinError as error:
                problems.append(f"{path}: {error}")
            except OSError as error:
                problems.append(f"{path}: cannot be read ({error.strerror}).")
        raise EvobinError(f"{' '.join(problems)} Nothing is left to continue from; start anew.")

    def remove_checkpoints(self) -> None:
        """Removes what a finished run no longer needs."""
        for name in CHECKPOINTS:
            (self.path / name).unlink(missing_ok=True)

    @property
    def result(self) -> Path:
        """The result file."""
        return self.path / RESULT

    def write_result(self, signs: NDArray[np.int8]) -> None:
        """Replaces result.txt."""
        result.write_signs(self.result, signs)

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Writes config.json."""
        files.write_json(self.path / "config.json", dict(config))

    def write_history(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replaces history.csv, one row an epoch or round."""
        self.write_table("history.csv", pd.DataFrame(rows))

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Replaces a csv file."""
        files.write_text(self.path / name, table.to_csv(index=False))

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Writes summary.json."""
        files.write_json(self.path / SUMMARY, dict(summary))


def default_path(command: str) -> Path:
    """A folder under runs/, named by the time."""
    return Path("runs") / f"{command}-{datetime.now():%Y%m%d-%H%M%S}"
