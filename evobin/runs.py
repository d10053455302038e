"""The folder of one run: what it was asked, how it went, and the best result so far."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evobin import files, result

RESULT = "result.txt"
"""The result file's name in its run folder."""


class RunFolder:
    """A new folder, each file of which is replaced whole or not at all.

    result.txt    the best result so far, once there is one
    config.json   every setting
    history.csv   a row an epoch or round
    clips.csv     which clip was in which part, and the network's answer
    summary.json  the final figures

    Args:
        path: the folder, new or empty.

    Raises:
        EvobinError: if it exists and is not empty, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        files.make_output_folder(path)
        self.path = path

    @property
    def result(self) -> Path:
        """The result file."""
        return self.path / RESULT

    def write_result(self, signs: NDArray[np.int8]) -> None:
        """Replaces result.txt."""
        result.write_signs(self.result, signs)

    def write_config(self, command: str, config: Any, versions: Mapping[str, str]) -> None:
        """Writes config.json.

        Args:
            command: the verb.
            config: a dataclass of plain values and paths.
            versions: of what took part, by name.
        """
        plain = {"command": command, "versions": dict(versions)} | dataclasses.asdict(config)
        files.write_json(self.path / "config.json", _without_paths(plain))

    def write_history(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Replaces history.csv, one row an epoch or round."""
        files.write_text(self.path / "history.csv", pd.DataFrame(rows).to_csv(index=False))

    def write_clips(self, table: pd.DataFrame) -> None:
        """Writes clips.csv."""
        files.write_text(self.path / "clips.csv", table.to_csv(index=False))

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Writes summary.json."""
        files.write_json(self.path / "summary.json", dict(summary))


def default_path(command: str) -> Path:
    """A folder under runs/, named by the time."""
    return Path("runs") / f"{command}-{datetime.now():%Y%m%d-%H%M%S}"


def _without_paths(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_paths(item) for key, item in value.items()}
    return str(value) if isinstance(value, Path) else value
