"""What a program reads: JSON, an object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from evobin.report.pace import Pace


def to_json(value: Any) -> str:
    """One line of JSON; NaN and infinities, which JSON has no notation for, become null.

    Example:
        >>> to_json({"loss": math.nan, "step": 3})
        '{"loss": null, "step": 3}'
    """
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    value = value.item() if hasattr(value, "item") else value  # numpy's numbers
    return None if isinstance(value, float) and not math.isfinite(value) else value


class JsonLines:
    """Prints every progress of a run, and what it ends with, as a JSON object a line on stdout.

    A step has `stage`, `step` (0 where the stage begins) of `steps`, `elapsed` and `left` seconds
    (of this process and of the stage), `best_accuracy` on the validation clips and varied crops of
    them, `flips_per_second`, and the step's `rows` of the history; what is not known yet is null.
    Once the data is loaded, there are also a `note` and the `sizes` of the parts.

    Args:
        lose: called with the error when stdout cannot be written.
    """

    def __init__(self, lose: Callable[[OSError], None]) -> None:
        self._lose = lose
        self._pace = Pace()

    def __call__(self, progress: Any) -> None:
        """Prints one step; `progress` has `stage`, `done`, `total`, `rows` and `notes`."""
        self._pace.hear(progress)
        left, flips = self._pace.left, self._pace.flips
        line = {
            "stage": progress.stage,
            "step": progress.done,
            "steps": progress.total,
            "elapsed": round(self._pace.elapsed, 3),
            "left": None if left is None else round(left, 3),
            "best_accuracy": self._pace.best,
            "flips_per_second": None if flips is None else round(flips, 1),
            "rows": progress.rows,
        }
        try:
            print(to_json(line | dict(progress.notes)), flush=True)
        except OSError as error:
            self._lose(error)

    def end(self, run: Any, uses: Mapping[str, str]) -> None:
        """Prints the final figures and paths; `uses` tells what each part was for."""
        parts = {name: part.summary() | {"use": uses[name]} for name, part in run.parts.items()}
        line = {
            "stage": "done",
            "elapsed": round(self._pace.elapsed, 3),
            "folder": str(run.folder),
            "result": str(run.result),
            "note": run.note,
            "parts": parts,
            "before": None if run.start is None else run.start.summary(),
        }
        print(to_json(line), flush=True)


def evaluation_json(evaluation: Any) -> str:
    """The figures of an evaluation, and under "by" those of every further column."""
    tables = {
        name: rows.rename_axis("value").reset_index().to_dict("records")
        for name, rows in evaluation.by_columns().items()
    }
    return to_json(evaluation.summary() | {"by": tables})
