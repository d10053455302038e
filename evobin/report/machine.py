"""What a program reads: JSON, an object a line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping

import numpy as np

from evobin.core.stage import Progress
from evobin.report.pace import Pace
from evobin.results.evaluation import Evaluation
from evobin.results.plain import Json, records
from evobin.results.run import RunResult


def to_json(value: object) -> str:
    """One line of JSON; NaN and infinities, which JSON has no notation for, become null."""
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"JSON has no notation for a {type(value).__name__}.")


class JsonLines:
    """Prints every progress of a run, and what it ends with, as a JSON object a line on stdout.

    A step has `stage`, `step` (0 where the stage begins) of `steps`, `elapsed` and `left` seconds
    (of this process, and of the run as far as that is known), `best_accuracy` of the folds on what
    they hold out, `flips_per_second`, and the step's `rows` of the history; what is not known yet
    is null. Once the data is loaded, there are also a `note`, the `sizes` of the parts, and their
    `unit`: what a sample is. A stage that has nothing to do says why in a `note`. `lose` is called
    with the error when stdout cannot be written.
    """

    def __init__(self, lose: Callable[[OSError], None]) -> None:
        self._lose = lose
        self._pace = Pace()

    def __call__(self, progress: Progress) -> None:
        """Prints one step."""
        self._pace.update(progress)
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

    def end(self, run: RunResult) -> None:
        """Prints the final figures and paths."""
        line = {
            "stage": "done",
            "elapsed": round(self._pace.elapsed, 3),
            "folder": str(run.folder),
            "result": str(run.result),
            "model": str(run.model),
            "before": None,
        }
        line |= run.summary()
        print(to_json(line), flush=True)


def evaluation_json(evaluation: Evaluation) -> str:
    """The figures of an evaluation, and under "by" those of every further column."""
    tables = {
        name: records(rows.rename_axis("value").reset_index())
        for name, rows in evaluation.by_columns().items()
    }
    return to_json(evaluation.summary() | {"by": tables})
